//! Opening a store: what the files say, and what the log says where they say nothing.
//!
//! Finished segments are known by their index files; one that was lost in front of others is made anew from its own
//! segment, alone. From the first segment behind the last of them, records are read and checked;
//! the first that is torn ends the log, unless intact ones follow it, here or in the next segment, or the metadata says
//! that the log had come further: then it is damaged, is reported with file and offset, and only its own place in its
//! queue is lost. That is looked for behind the end of a clean close, too, until so many zeroes follow that no record can:
//! nothing durable tells that no message was appended since. The first one after an opening is acknowledged before any
//! checkpoint, and may be the one whose place is damaged; a mark that is taken away before it would cost it a sync, which
//! takes longer than the look. Whatever lies behind the end is never read again, because what is appended from now on has a higher
//! generation.

use super::append::Noted;
use super::checkpoint::{STATE_APPLIED, STATE_SYNCED};
use super::config::{Environment, StoreConfig};
use super::envelope::ENVELOPE_BYTES;
use super::error::{corrupt, corrupt_at};
use super::index_file::{self, DirectoryRow, IndexFile, Key};
use super::log_files::open_segments;
use super::metadata::{MetaTable, Metadata};
use super::queue::{Entry, Span};
use super::retention::parse_floor_key;
use super::segment::Segment;
use super::segments::{Held, Segments, remove_files};
use super::shared::Shared;
use super::timers::parse_row_key;
use super::walk::{Step, Tail, Walk};
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::names::TIMER_TOPIC;
use crate::protocol::properties;
use crate::protocol::record::Record;
use crate::protocol::tags::tag_hash;
use crate::sys::disk::Disk;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a segment is written anew at once.
const REWRITE_BYTES: usize = 4 << 20;

/// Where the log goes on.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) shared: Shared,
    pub(crate) segment: Arc<Segment>,
    pub(crate) end: u64,
    pub(crate) generation: u32,
}

/// Indexes by segment base, with their directories.
type Indexes = HashMap<u64, Index>;
type Index = (Arc<IndexFile>, Vec<DirectoryRow>);

pub(crate) fn recover(
    config: &StoreConfig,
    environment: &Environment,
    metadata: &Metadata,
    log_dir: &Path,
) -> Result<Recovered, Failure> {
    let disk = environment.disk.as_ref();
    let (segments, spare) = open_segments(disk, log_dir)?;
    let index = |segment: &Arc<Segment>| Some((segment.base(), open_index(disk, segment)?));
    let indexes: Indexes = segments.iter().filter_map(index).collect();
    let state = State::load(metadata)?;
    let segments_of = |used| {
        let generation = segments.iter().map(|segment| segment.generation()).max().unwrap_or(0);
        Segments::new(environment.disk.clone(), log_dir.to_owned(), config, used, spare.clone(), generation)
    };
    let with = |indexes: Indexes| {
        let shared = |used| Shared::new(segments_of(used), environment.has_threads);
        with_indexes(&environment.disk, shared, segments.clone(), indexes, &state)
    };
    let has_indexes = !indexes.is_empty();
    match with(indexes) {
        // One whose checksums are right can still be wrong. Which one is, only the log knows.
        Err(failure) if has_indexes && failure.kind == FailureKind::Corrupt => {
            log::error!("{failure}: all index files are made anew from the log");
            with(Indexes::new())
        }
        outcome => outcome,
    }
}

/// Recovers, believing the index files as long as they contradict neither each other nor the log.
fn with_indexes(
    disk: &Arc<dyn Disk>,
    shared: impl FnOnce(BTreeMap<u64, Held>) -> Shared,
    mut segments: Vec<Arc<Segment>>,
    mut indexes: Indexes,
    state: &State,
) -> Result<Recovered, Failure> {
    let has_indexes = !indexes.is_empty();
    // A checkpoint goes before each index file. Should the metadata be older than one nevertheless (its last commit was
    // damaged, or it was begun anew), the timers are read from the log again.
    let is_sealed = |indexes: &Indexes, segment: &Segment| {
        indexes.get(&segment.base()).is_some_and(|(index, _)| index.is_complete && index.end <= state.applied)
    };
    let mut sealed = 0;
    for (at, segment) in segments.iter().enumerate() {
        if !is_sealed(&indexes, segment) {
            // The last ones have none as a rule. In front of one that has its own, the log went on behind it for certain.
            let is_alone = segments.iter().skip(at + 1).any(|behind| is_sealed(&indexes, behind));
            match is_alone.then(|| remake_index(disk, segment, state)) {
                Some(Ok(index)) => drop(indexes.insert(segment.base(), index)),
                Some(Err(failure)) => {
                    log::warn!("{failure}: the segments behind it are read into memory, too");
                    break;
                }
                None => break,
            }
        }
        sealed = at + 1;
    }
    let unsealed = segments.split_off(sealed);

    let used = segments.into_iter().map(|segment| (segment.base(), held(segment, &indexes))).collect();
    let shared = shared(used);
    state.restore_timers(&shared);
    for held in shared.segments.used() {
        if let Some((index, rows)) = indexes.remove(&held.segment.base()) {
            adopt_spans(&shared, &index, rows)?;
        }
    }
    finish(disk.as_ref(), shared, unsealed, indexes, state, has_indexes)
}

/// Makes the lost index of a finished segment anew from this segment's own records, so that those behind it, which have
/// theirs, need not come into memory with it.
fn remake_index(disk: &Arc<dyn Disk>, segment: &Arc<Segment>, state: &State) -> Result<Index, Failure> {
    let own = Shared::scratch(disk.clone());
    let scan = Scan::run(&own, segment, None, state, true, false)?;
    let (mut content, _) = own.content_of(segment, true);
    content.log_generation = scan.generation;
    let index = IndexFile::write(disk.as_ref(), segment.path(), &content)?;
    log::warn!("{} is made anew from the log", index.path().display());
    open_index(disk.as_ref(), segment).ok_or_else(|| corrupt(index.path(), "it cannot be read again"))
}

fn held(segment: Arc<Segment>, indexes: &Indexes) -> Held {
    let index = indexes.get(&segment.base()).map(|(index, _)| index.clone());
    Held { segment, index }
}

/// Reads the unsealed segments up to the end of the log, and removes what lies behind it. `has_indexes`: some index files
/// are believed.
fn finish(
    disk: &dyn Disk,
    shared: Shared,
    unsealed: Vec<Arc<Segment>>,
    mut indexes: Indexes,
    state: &State,
    has_indexes: bool,
) -> Result<Recovered, Failure> {
    let sealed = shared.segments.used().into_iter().filter_map(|held| Some(held.index?.log_generation + 1));
    let mut generation = sealed.fold(shared.segments.raise_generation(), u32::max);
    let mut last = None;
    let mut was_closed = false;
    let mut unsealed = unsealed.into_iter();
    while let Some(segment) = unsealed.next() {
        let index = indexes.remove(&segment.base());
        let index_of = |behind: &Segment| indexes.get(&behind.base()).map(|(index, _)| index.as_ref());
        let is_left = unsealed.as_slice().iter().any(|behind| has_records(behind, index_of(behind)));
        let scan = Scan::run(&shared, &segment, index, state, is_left, has_indexes)?;
        let (end, is_finished) = (scan.end, scan.is_finished);
        was_closed = scan.was_closed;
        generation = generation.max(scan.generation + 1);
        rewrite_tail(&segment, state.synced, end)?;
        shared.segments.adopt(segment.clone());
        shared.set_published_end(end);
        last = Some((segment, end));
        if !is_finished {
            break;
        }
    }
    for behind in unsealed {
        let is_next =
            last.as_ref().is_some_and(|(segment, _): &(Arc<Segment>, u64)| behind.base() == segment.end());
        if was_closed && is_next {
            shared.segments.adopt_prepared(behind);
            continue;
        }
        log::info!("{} lies behind the end of the log and is removed", behind.path().display());
        remove_files(disk, behind.path())?;
    }
    let (segment, end) = match last {
        Some(last) => last,
        None => match shared.segments.used().last() {
            // Every segment is finished: a kill came between the last roll and the first record behind it.
            Some(full) => {
                let next = shared.segments.take_next(&full.segment)?;
                let base = next.base();
                (next, base)
            }
            None => {
                let first = shared.segments.make_first()?;
                (first, 0)
            }
        },
    };
    // A segment just made has a generation of its own.
    generation = generation.max(segment.generation());
    shared.segments.raise_generation_to(generation);
    state.raise_queues(&shared);
    shared.timers.set_applied(end);
    shared.set_published_end(end);
    Ok(Recovered { shared, segment, end, generation })
}

/// Whether the log had come as far as this segment: if so, none before it was the last one.
pub(crate) fn has_records(segment: &Segment, index: Option<&IndexFile>) -> bool {
    if index.is_some_and(|index| index.end > segment.base()) {
        return true;
    }
    // An error is met again where the segment is read.
    let mut walk = Walk::new(segment, segment.base(), segment.generation());
    matches!(walk.is_record_next(), Ok(true))
}

/// A sync that failed before the kill left pages that look clean and are not on the device: what is not known to be
/// synced is written again, and synced, before it is served.
fn rewrite_tail(segment: &Segment, synced: u64, end: u64) -> Result<(), Failure> {
    let mut at = synced.clamp(segment.base(), end);
    if at == end {
        return Ok(());
    }
    while at < end {
        let bytes = segment.read(at, REWRITE_BYTES.min((end - at) as usize))?;
        if bytes.is_empty() {
            return Err(corrupt_at(segment.path(), segment.file_offset(at), "it ends there"));
        }
        segment.write(&bytes, at)?;
        at += bytes.len() as u64;
    }
    segment.sync()
}

/// What the metadata says of the log.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) applied: u64,
    pub(crate) synced: u64,
    pub(crate) floors: Vec<(Arc<str>, i32, u64)>,
    timers: Vec<(i64, u64)>,
}

impl State {
    /// What there is to say without metadata.
    pub(crate) fn unknown() -> Self {
        Self { applied: 0, synced: 0, floors: Vec::new(), timers: Vec::new() }
    }

    pub(crate) fn load(metadata: &Metadata) -> Result<Self, Failure> {
        let number = |key: &[u8]| -> Result<u64, Failure> {
            let value = metadata.get(MetaTable::State, key)?;
            Ok(value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
        };
        let floors = metadata.range(MetaTable::QueueFloors, &[], None, usize::MAX)?;
        let floor = |(key, value): (Vec<u8>, Vec<u8>)| {
            let (topic, id) = parse_floor_key(&key)?;
            Some((Arc::from(topic), id, u64::from_be_bytes(value.try_into().ok()?)))
        };
        let mut timers = Vec::new();
        let mut from = Vec::new();
        loop {
            let keys = metadata.keys(MetaTable::Timers, &from, None, 1024)?;
            let Some(last) = keys.last() else { break };
            from.clone_from(last);
            from.push(0);
            timers.extend(keys.iter().filter_map(|key| parse_row_key(key)));
        }
        Ok(Self {
            applied: number(STATE_APPLIED)?,
            synced: number(STATE_SYNCED)?,
            floors: floors.into_iter().filter_map(floor).collect(),
            timers,
        })
    }

    /// Before the log is read.
    fn restore_timers(&self, shared: &Shared) {
        for (due, position) in &self.timers {
            shared.timers.restore(*due, *position);
        }
    }

    /// After the log was read: queues that have no record left go on where they were.
    fn raise_queues(&self, shared: &Shared) {
        for (topic, id, next) in &self.floors {
            shared.open_queue(topic, *id).raise(*next);
        }
    }
}

/// What is known of where the log came to in a segment, besides its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The log had come this far for certain.
    pub(crate) end: u64,
    /// The log went on in another segment.
    pub(crate) is_finished: bool,
}

impl Known {
    /// `synced`: the address of the metadata's checkpoint; `is_left`: a segment behind this one has records.
    pub(crate) fn of(segment: &Segment, index: Option<&IndexFile>, synced: u64, is_left: bool) -> Self {
        let base = segment.base();
        let synced_end = if segment.contains(synced) { synced } else { base };
        let end = index.map_or(base, |index| index.end).max(synced_end);
        Self {
            end: end.clamp(base, segment.end() - ENVELOPE_BYTES as u64),
            is_finished: is_left || index.is_some_and(|index| index.is_complete) || synced >= segment.end(),
        }
    }
}

/// The index of a segment, if it has one that can be used. A damaged one is derived anew from the log.
fn open_index(disk: &dyn Disk, segment: &Segment) -> Option<Index> {
    let path = index_file::path_of(segment.path());
    match IndexFile::open(disk, &path) {
        Ok((index, rows)) if index.is_of(segment) => Some((Arc::new(index), rows)),
        Ok(_) => {
            log::warn!("{} belongs to another segment: it is made anew", path.display());
            None
        }
        Err(failure) => {
            if failure.kind == FailureKind::Corrupt {
                log::error!("{failure}: it is made anew from the log");
            }
            None
        }
    }
}

fn adopt_spans(shared: &Shared, index: &Arc<IndexFile>, rows: Vec<DirectoryRow>) -> Result<(), Failure> {
    for row in rows {
        let queue = shared.open_queue(&row.topic, row.queue_id);
        let span = Span { first: row.first, count: row.count, at: row.at, file: index.clone() };
        queue.add_span(span).map_err(|before| {
            let (topic, id, first) = (&row.topic, row.queue_id, row.first);
            let what = format!(
                "queue {id} of topic '{topic}' begins at offset {first} in it, {} has it end behind that",
                before.display()
            );
            corrupt(index.path(), what)
        })?;
    }
    Ok(())
}

/// Reading one segment without a complete index.
struct Scan<'a> {
    shared: &'a Shared,
    segment: &'a Segment,
    applied: u64,
    /// Index files are believed: a record that has no place beside what they say is not the one that is wrong.
    has_indexes: bool,
    /// The log had come this far for certain.
    known_end: u64,
    generation: u32,
    /// Behind the last intact record.
    end: u64,
    /// The log went on in another segment.
    is_finished: bool,
    /// The store was closed when the segment was in use, and nothing was written since.
    was_closed: bool,
}

impl<'a> Scan<'a> {
    /// `is_left`: the log went on in a segment behind this one.
    fn run(
        shared: &'a Shared,
        segment: &'a Segment,
        index: Option<Index>,
        state: &State,
        is_left: bool,
        has_indexes: bool,
    ) -> Result<Self, Failure> {
        let base = segment.base();
        let known =
            Known::of(segment, index.as_ref().map(|(index, _)| index.as_ref()), state.synced, is_left);
        let mut scan = Self {
            shared,
            segment,
            applied: state.applied,
            has_indexes,
            known_end: known.end,
            generation: segment.generation(),
            end: base,
            is_finished: known.is_finished,
            was_closed: false,
        };
        let mut is_whole = false;
        // A clean close has brought all timers into the metadata; else they must be read from the log again.
        if let Some((index, rows)) = index.filter(|(index, _)| state.applied >= index.end) {
            match scan.adopt_recent(&index, rows) {
                Ok(()) => {
                    // Not the known end: behind the index, records are still to be read.
                    scan.end = index.end.clamp(base, scan.known_end);
                    // What a failed write left behind the end is of a lower one, what was appended since of a higher one.
                    scan.generation = scan.generation.max(index.log_generation);
                    is_whole = index.is_complete;
                }
                Err(failure) => log::error!("{failure}: it is made anew from the log"),
            }
        }
        let closed_at = scan.end;
        if !is_whole {
            scan.read_on()?;
        }
        scan.was_closed = closed_at > base && scan.end == closed_at;
        shared.unsealed().entry(base).or_default().end = scan.end;
        Ok(scan)
    }

    /// Takes the entries of a clean close's index into memory, as if they had been read from the log.
    fn adopt_recent(&self, index: &IndexFile, rows: Vec<DirectoryRow>) -> Result<(), Failure> {
        // Else records in front of it were lost, or it says what is not so: the records themselves tell.
        let goes_on = |row: &DirectoryRow| {
            self.shared.queue(&row.topic, row.queue_id).is_none_or(|queue| queue.goes_on_at(row.first))
        };
        if let Some(row) = rows.iter().find(|row| !goes_on(row)) {
            let (topic, id, first) = (&row.topic, row.queue_id, row.first);
            let what = format!("queue {id} of topic '{topic}' does not go on at offset {first} as it says");
            return Err(corrupt(index.path(), what));
        }
        let keys = index.keys()?;
        let parts: Vec<Vec<Entry>> =
            rows.iter().map(|row| index.entries(row.at, row.count)).collect::<Result<_, _>>()?;
        for (row, entries) in rows.iter().zip(parts) {
            let queue = self.shared.open_queue(&row.topic, row.queue_id);
            for (offset, entry) in (row.first..).zip(entries) {
                queue.publish(offset, entry);
            }
        }
        let mut unsealed = self.shared.unsealed();
        let known = unsealed.entry(self.segment.base()).or_default();
        known.keys = keys;
        known.last_stored_ms = index.last_stored_ms;
        Ok(())
    }

    fn read_on(&mut self) -> Result<(), Failure> {
        let path = self.segment.path().display();
        let mut walk = Walk::new(self.segment, self.end, self.generation);
        loop {
            match walk.step()? {
                Step::Record { address, generation, record } => {
                    self.generation = generation;
                    self.adopt(address, record)?;
                    self.end = walk.at();
                }
                Step::Damaged { from, to } => {
                    self.end = to;
                    log::error!(
                        "{path} is damaged between offsets {} and {}: what stood there is lost, the records behind it are kept",
                        self.segment.file_offset(from),
                        self.segment.file_offset(to)
                    );
                }
                Step::EndOfSegment => {
                    self.is_finished = true;
                    return Ok(());
                }
                Step::End { at, tail } => {
                    self.stop(at, tail);
                    return Ok(());
                }
            }
        }
    }

    /// Nothing intact follows: is that the end of the log, or was there more?
    fn stop(&mut self, at: u64, tail: Tail) {
        let (path, offset) = (self.segment.path().display(), self.segment.file_offset(at));
        if at < self.known_end {
            self.end = self.known_end;
            log::error!(
                "{path} is damaged between offsets {offset} and {}: what stood there is lost",
                self.segment.file_offset(self.known_end)
            );
        } else if self.is_finished {
            if at + ENVELOPE_BYTES as u64 <= self.segment.end() {
                log::error!(
                    "{path} is damaged at offset {offset}: the mark that ends it is missing, and records in front of it may be"
                );
            }
        } else if tail == Tail::Record {
            log::warn!(
                "{path} holds no whole record at offset {offset}: an append was cut off, or the last record was damaged. The log ends there"
            );
        }
    }

    fn adopt(&self, address: u64, bytes: Bytes) -> Result<(), Failure> {
        let found = match self.shared.adopt_record(self.segment, address, &bytes) {
            Ok(found) => found,
            // Its checksum is right, so this is what was appended: a bug of the writer, not damage.
            Err(Unfit::Unreadable) => {
                log::error!("the record at log address {address} cannot be read");
                return Ok(());
            }
            Err(Unfit::Misplaced { index }) => {
                let beside =
                    index.map_or_else(String::new, |index| format!(" behind those of {}", index.display()));
                let what = format!("the record there has no place in its queue{beside}");
                let failure = corrupt_at(self.segment.path(), self.segment.file_offset(address), what);
                if self.has_indexes {
                    return Err(failure);
                }
                log::error!("{failure}: it is left out");
                return Ok(());
            }
        };
        if address >= self.applied {
            if let Some(due) = found.due_ms() {
                self.shared.timers.add(due, address, bytes.len() as u32);
            }
            if let Some(origin) = found.timer_origin() {
                self.shared.timers.fire(origin);
            }
        }
        Ok(())
    }
}

/// Why a record has no place in its queue.
#[derive(Debug)]
pub(crate) enum Unfit {
    Unreadable,
    /// Another record has its offset, or none can; with the youngest index file that the queue has.
    Misplaced {
        index: Option<PathBuf>,
    },
}

impl Shared {
    /// Takes a record of the log into its queue, and its keys. What else is to be noted of it.
    pub(crate) fn adopt_record(
        &self,
        segment: &Segment,
        address: u64,
        bytes: &Bytes,
    ) -> Result<Noted, Unfit> {
        let record = Record::decode(bytes).map_err(|_| Unfit::Unreadable)?;
        let queue = self.open_queue(record.topic(), record.head.queue_id);
        let hash = record.property(properties::TAGS).map_or(0, tag_hash);
        let entry = Entry { address, len: bytes.len() as u32, tag_hash: hash as i32 };
        if !queue.publish(record.head.queue_offset as u64, entry) {
            return Err(Unfit::Misplaced { index: queue.last_index() });
        }
        let is_timer = record.topic() == TIMER_TOPIC;
        let noted = Noted::read(queue.topic_hash(), is_timer, record.properties());
        let mut unsealed = self.unsealed();
        let known = unsealed.entry(segment.base()).or_default();
        let at = (address - segment.base()) as u32;
        known.keys.extend(noted.keys().map(|hash| Key { hash, at }));
        known.last_stored_ms = known.last_stored_ms.max(record.head.store_timestamp_ms);
        drop(unsealed);
        Ok(noted)
    }
}
