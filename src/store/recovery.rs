//! Opening a store: what the files say, and what the log says where they say nothing.
//!
//! Finished segments are known by their index files. From the first segment without one, records are read and checked;
//! the first that is torn ends the log, unless intact ones follow it: then that one is damaged, is reported with file and
//! offset, and only its own place in its queue is lost. Whatever lies behind the end is never read again, because what is
//! appended from now on has a higher generation.

use super::append::Noted;
use super::checkpoint::{STATE_APPLIED, STATE_SYNCED};
use super::config::{Environment, StoreConfig};
use super::envelope::{self, ENVELOPE_BYTES, Envelope};
use super::error::{corrupt, io_failure};
use super::index_file::{self, DirectoryRow, IndexFile, Key};
use super::metadata::{MetaTable, Metadata};
use super::queue::{Entry, Span};
use super::retention::parse_floor_key;
use super::segment::Segment;
use super::segments::{Held, SPARE_EXTENSION, Segments, Spare, remove_files};
use super::shared::Shared;
use super::timers::parse_row_key;
use crate::protocol::failure::Failure;
use crate::protocol::names::TIMER_TOPIC;
use crate::protocol::properties;
use crate::protocol::record::{RECORD_BYTES_MAX, Record};
use crate::protocol::tags::tag_hash;
use crate::sys::disk::Disk;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a segment is read at once.
const SCAN_BYTES: usize = 4 << 20;

/// Where the log goes on.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) shared: Shared,
    pub(crate) segment: Arc<Segment>,
    pub(crate) end: u64,
    pub(crate) generation: u32,
}

/// Indexes by segment base, with their directories.
type Indexes = HashMap<u64, (Arc<IndexFile>, Vec<DirectoryRow>)>;

pub(crate) fn recover(
    config: &StoreConfig,
    environment: &Environment,
    metadata: &Metadata,
    log_dir: &Path,
) -> Result<Recovered, Failure> {
    let disk = environment.disk.as_ref();
    let (mut segments, spare) = open_segments(disk, log_dir)?;
    let mut indexes = Indexes::new();
    let mut generation = 0;
    for segment in &segments {
        generation = generation.max(segment.generation());
        if let Some(index) = open_index(disk, segment) {
            indexes.insert(segment.base(), index);
        }
    }
    let complete =
        |segment: &Arc<Segment>| indexes.get(&segment.base()).is_some_and(|(index, _)| index.is_complete);
    let sealed = segments.iter().take_while(|segment| complete(segment)).count();
    let unsealed = segments.split_off(sealed);

    let used = segments.into_iter().map(|segment| (segment.base(), held(segment, &indexes))).collect();
    let shared = Shared::new(
        Segments::new(environment.disk.clone(), log_dir.to_owned(), config, used, spare, generation),
        environment.has_threads,
    );
    let state = State::load(metadata)?;
    state.restore_timers(&shared);
    for held in shared.segments.used() {
        if let Some((index, rows)) = indexes.remove(&held.segment.base()) {
            adopt_spans(&shared, &index, rows);
        }
    }
    finish(disk, shared, unsealed, indexes, &state)
}

fn held(segment: Arc<Segment>, indexes: &Indexes) -> Held {
    let index = indexes.get(&segment.base()).map(|(index, _)| index.clone());
    Held { segment, index }
}

/// Reads the unsealed segments up to the end of the log, and removes what lies behind it.
fn finish(
    disk: &dyn Disk,
    shared: Shared,
    unsealed: Vec<Arc<Segment>>,
    mut indexes: Indexes,
    state: &State,
) -> Result<Recovered, Failure> {
    let mut generation = shared.segments.raise_generation();
    let mut last = None;
    let mut was_closed = false;
    let mut unsealed = unsealed.into_iter();
    for segment in unsealed.by_ref() {
        let index = indexes.remove(&segment.base());
        let scan = Scan::run(&shared, &segment, index, state)?;
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
        // After a kill it may hold records whose predecessors did not reach the disk (ASYNC_FLUSH).
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

/// A sync that failed before the kill left pages that look clean and are not on the device: what is not known to be
/// synced is written again, and synced, before it is served.
fn rewrite_tail(segment: &Segment, synced: u64, end: u64) -> Result<(), Failure> {
    let mut at = synced.clamp(segment.base(), end);
    if at == end {
        return Ok(());
    }
    while at < end {
        let bytes = segment.read(at, SCAN_BYTES.min((end - at) as usize))?;
        if bytes.is_empty() {
            return Err(corrupt(segment.path(), format!("it ends at offset {}", segment.file_offset(at))));
        }
        segment.write(&bytes, at)?;
        at += bytes.len() as u64;
    }
    segment.sync()
}

/// What the metadata says of the log.
#[derive(Debug)]
struct State {
    applied: u64,
    synced: u64,
    floors: Vec<(Arc<str>, i32, u64)>,
    timers: Vec<(i64, u64)>,
}

impl State {
    fn load(metadata: &Metadata) -> Result<Self, Failure> {
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
            let rows = metadata.range(MetaTable::Timers, &from, None, 1024)?;
            let Some((last, _)) = rows.last() else { break };
            from.clone_from(last);
            from.push(0);
            timers.extend(rows.iter().filter_map(|(key, _)| parse_row_key(key)));
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

/// The segments of the directory by base, and a spare one. What was never finished is removed, and what is left of a
/// segment that was.
fn open_segments(disk: &dyn Disk, log_dir: &Path) -> Result<(Vec<Arc<Segment>>, Option<Spare>), Failure> {
    let mut segments: BTreeMap<u64, Arc<Segment>> = BTreeMap::new();
    let mut spare = None;
    let (mut indexes, mut left_over) = (Vec::new(), Vec::new());
    for entry in disk.list(log_dir).map_err(|e| io_failure("list", log_dir, &e))? {
        let extension = entry.path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        match extension {
            "log" => match Segment::open(disk, &entry.path)? {
                Some(segment) => drop(segments.insert(segment.base(), Arc::new(segment))),
                None => {
                    return Err(corrupt(
                        &entry.path,
                        "its header has a wrong checksum, or its name is not its own",
                    ));
                }
            },
            SPARE_EXTENSION if spare.is_none() => {
                let capacity = entry.len.saturating_sub(super::segment::HEADER_BYTES);
                spare = Some(Spare { path: entry.path.clone(), capacity });
            }
            "new" | "tmp" | SPARE_EXTENSION => left_over.push(entry.path),
            "idx" => indexes.push(entry.path),
            _ => {}
        }
    }
    let has_segment =
        |index: &PathBuf| segments.values().any(|own| index_file::path_of(own.path()) == *index);
    left_over.extend(indexes.into_iter().filter(|index| !has_segment(index)));
    for path in left_over {
        disk.remove(&path).map_err(|e| io_failure("remove", &path, &e))?;
    }
    Ok((segments.into_values().collect(), spare))
}

/// The index of a segment, if it has one that can be used. A damaged one is derived anew from the log.
fn open_index(disk: &dyn Disk, segment: &Segment) -> Option<(Arc<IndexFile>, Vec<DirectoryRow>)> {
    let path = index_file::path_of(segment.path());
    match IndexFile::open(disk, &path) {
        Ok((index, rows)) if index.base == segment.base() && index.generation == segment.generation() => {
            Some((Arc::new(index), rows))
        }
        Ok(_) => {
            log::warn!("{} belongs to another segment: it is made anew", path.display());
            None
        }
        Err(failure) => {
            if failure.kind == crate::protocol::failure::FailureKind::Corrupt {
                log::error!("{failure}: it is made anew from the log");
            }
            None
        }
    }
}

fn adopt_spans(shared: &Shared, index: &Arc<IndexFile>, rows: Vec<DirectoryRow>) {
    for row in rows {
        let queue = shared.open_queue(&row.topic, row.queue_id);
        queue.add_span(Span { first: row.first, count: row.count, at: row.at, file: index.clone() });
    }
}

/// Reading one segment without a complete index.
struct Scan<'a> {
    shared: &'a Shared,
    segment: &'a Segment,
    applied: u64,
    generation: u32,
    /// Behind the last intact record.
    end: u64,
    /// The end-of-segment mark was found.
    is_finished: bool,
    /// The store was closed when the segment was in use, and nothing was written since.
    was_closed: bool,
}

impl<'a> Scan<'a> {
    fn run(
        shared: &'a Shared,
        segment: &'a Segment,
        index: Option<(Arc<IndexFile>, Vec<DirectoryRow>)>,
        state: &State,
    ) -> Result<Self, Failure> {
        let (base, generation) = (segment.base(), segment.generation());
        let mut scan = Self {
            shared,
            segment,
            applied: state.applied,
            generation,
            end: base,
            is_finished: false,
            was_closed: false,
        };
        if let Some((index, rows)) = index {
            scan.adopt_recent(&index, rows)?;
            // A clean close has brought all timers into the metadata; else they must be read from the log again.
            if state.applied >= index.end && index.end <= segment.end() {
                scan.end = index.end;
                // The end-of-segment mark lies before the end of a complete index.
                scan.is_finished = index.is_complete;
            }
        }
        let closed_at = scan.end;
        if !scan.is_finished {
            scan.read_on()?;
        }
        scan.was_closed = closed_at > base && scan.end == closed_at;
        shared.unsealed().entry(base).or_default().end = scan.end;
        Ok(scan)
    }

    /// Takes the entries of a clean close's index into memory, as if they had been read from the log.
    fn adopt_recent(&self, index: &IndexFile, rows: Vec<DirectoryRow>) -> Result<(), Failure> {
        for row in rows {
            let queue = self.shared.open_queue(&row.topic, row.queue_id);
            for (offset, entry) in (row.first..).zip(index.entries(row.at, row.count)?) {
                queue.publish(offset, entry);
            }
        }
        let mut unsealed = self.shared.unsealed();
        let known = unsealed.entry(self.segment.base()).or_default();
        known.keys = index.keys()?;
        known.last_stored_ms = index.last_stored_ms;
        Ok(())
    }

    fn read_on(&mut self) -> Result<(), Failure> {
        let mut window = Window { start: self.end, bytes: Bytes::new() };
        let mut at = self.end;
        while at + ENVELOPE_BYTES as u64 <= self.segment.end() {
            let bytes = window.at(self.segment, at)?;
            match envelope::open(&bytes, at, self.generation) {
                Envelope::Record { len, generation } => {
                    self.generation = generation;
                    self.adopt(at, bytes.slice(ENVELOPE_BYTES..ENVELOPE_BYTES + len));
                    at += (ENVELOPE_BYTES + len) as u64;
                    self.end = at;
                }
                Envelope::EndOfSegment => {
                    self.is_finished = true;
                    return Ok(());
                }
                Envelope::Nothing | Envelope::Damaged { .. } => match self.find_next(at)? {
                    Some(next) => {
                        log::error!(
                            "{} is damaged between offsets {} and {}: what stood there is lost, the records behind it are kept",
                            self.segment.path().display(),
                            self.segment.file_offset(at),
                            self.segment.file_offset(next)
                        );
                        at = next;
                    }
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }

    fn adopt(&self, address: u64, bytes: Bytes) {
        let Ok(record) = Record::decode(&bytes) else {
            // Its checksum is right, so this is what was appended: a bug of the writer, not damage.
            log::error!("the record at log address {address} cannot be read");
            return;
        };
        let queue = self.shared.open_queue(record.topic(), record.head.queue_id);
        let hash = record.property(properties::TAGS).map_or(0, tag_hash);
        let entry = Entry { address, len: bytes.len() as u32, tag_hash: hash as i32 };
        queue.publish(record.head.queue_offset as u64, entry);
        let is_timer = record.topic() == TIMER_TOPIC;
        let noted = Noted::read(queue.topic_hash(), is_timer, record.properties());
        let mut unsealed = self.shared.unsealed();
        let known = unsealed.entry(self.segment.base()).or_default();
        let at = (address - self.segment.base()) as u32;
        known.keys.extend(noted.keys().map(|hash| Key { hash, at }));
        known.last_stored_ms = known.last_stored_ms.max(record.head.store_timestamp_ms);
        drop(unsealed);
        if address >= self.applied {
            if let Some(due) = noted.due_ms() {
                self.shared.timers.add(due, address, bytes.len() as u32);
            }
            if let Some(origin) = noted.timer_origin() {
                self.shared.timers.fire(origin);
            }
        }
    }

    /// The next intact envelope behind a damaged place, unless only zeroes follow.
    fn find_next(&self, damaged: u64) -> Result<Option<u64>, Failure> {
        let mut window = Window { start: damaged, bytes: Bytes::new() };
        let mut at = damaged + 1;
        let mut zeroes = 0;
        while at + ENVELOPE_BYTES as u64 <= self.segment.end() && zeroes < ZEROES_END {
            let bytes = window.at(self.segment, at)?;
            let Some(skipped) = bytes.iter().position(|&byte| byte != 0) else {
                zeroes += bytes.len().max(1) as u64;
                at += bytes.len().max(1) as u64;
                continue;
            };
            // The length of an envelope may begin with zeroes itself.
            let first = at + skipped.saturating_sub(3) as u64;
            for candidate in first..=at + skipped as u64 {
                let bytes = window.at(self.segment, candidate)?;
                if matches!(envelope::open(&bytes, candidate, self.generation), Envelope::Record { .. }) {
                    return Ok(Some(candidate));
                }
            }
            zeroes = 0;
            at += skipped as u64 + 1;
        }
        Ok(None)
    }
}

/// So many zero bytes in a row are taken for the part of a segment that was never written. Longer than any record.
const ZEROES_END: u64 = RECORD_BYTES_MAX as u64 + (4 << 10);

/// A piece of the segment in memory, moved along.
struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    /// Everything in memory from `at` on: at least one whole record if there is one.
    fn at(&mut self, segment: &Segment, at: u64) -> Result<Bytes, Failure> {
        let needed = ENVELOPE_BYTES + self.claimed(at);
        if self.rest(at).len() < needed && self.start + (self.bytes.len() as u64) < segment.end()
            || at < self.start
        {
            self.bytes = segment.read(at, SCAN_BYTES.max(ENVELOPE_BYTES))?;
            self.start = at;
            let needed = ENVELOPE_BYTES + self.claimed(at);
            if needed > self.bytes.len() {
                self.bytes = segment.read(at, needed)?;
            }
        }
        Ok(self.rest(at))
    }

    fn rest(&self, at: u64) -> Bytes {
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        if from >= self.bytes.len() { Bytes::new() } else { self.bytes.slice(from..) }
    }

    /// The record length at `at`, if it is one that may be.
    fn claimed(&self, at: u64) -> usize {
        let rest = self.rest(at);
        let len = rest.first_chunk::<ENVELOPE_BYTES>().map_or(0, envelope::claimed_len) as usize;
        if len <= RECORD_BYTES_MAX { len } else { 0 }
    }
}
