//! What may become of a store when one byte of it changed.

use crate::stores::{self, Built, DIR, is_segment};
use crate::{Flip, capture};
use ons::FailureKind;
use ons::protocol::properties;
use ons::protocol::record::Record;
use ons::protocol::tags::tag_hash;
use ons::store::config::FlushMode;
use ons::store::verify::{Finding, Opening, Verified, verify};
use ons::store::{Store, Table, Waiting};
use ons::sys::disk::Disk;
use ons::sys::sim_disk::SimDisk;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Place = (String, i32, u64);

const ENVELOPE_BYTES: u64 = 12;
const HEADER_BYTES: u64 = 4096;

/// What can be read out of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    records: BTreeMap<Place, Vec<u8>>,
    /// Those a consumer of the tag `odd` gets.
    odd: Vec<Place>,
    rows: Vec<(Table, String, Vec<u8>)>,
    /// Due time and position of what waits.
    timers: Vec<(i64, u64)>,
}

/// A store before any byte was flipped.
pub struct Known {
    content: Content,
    /// Where each record's envelope begins and its record ends: file, from, to.
    places: Vec<(PathBuf, u64, u64, Place)>,
}

impl Known {
    pub fn of(built: &Built) -> Self {
        let disk = built.disk.after_process_kill();
        capture::take();
        let verified = check(&disk);
        assert_eq!(verified.findings, [], "{}", built.name);
        let store = stores::open(&disk, FlushMode::Sync).unwrap();
        let content = Content::of(&store).unwrap();
        assert_eq!(capture::take(), Vec::<String>::new(), "{}", built.name);
        assert_eq!(verified.records, content.records.len() as u64);
        let bases: Vec<u64> = disk
            .files()
            .iter()
            .filter(|(path, _)| is_segment(path))
            .map(|(path, _)| path.file_stem().unwrap().to_str().unwrap().parse().unwrap())
            .collect();
        let places = content
            .records
            .iter()
            .map(|(place, bytes)| {
                let position = Record::decode(&bytes.clone().into()).unwrap().head.position as u64;
                let address = position - ENVELOPE_BYTES;
                let base = bases.iter().rev().find(|base| **base <= address).unwrap();
                let file = Path::new(DIR).join("log").join(format!("{base:020}.log"));
                let from = HEADER_BYTES + address - base;
                (file, from, from + ENVELOPE_BYTES + bytes.len() as u64, place.clone())
            })
            .collect();
        Self { content, places }
    }

    /// That everything but the rows can be read out of a store.
    pub fn assert_same_without_rows(&self, store: &Store) {
        let content = Content::of(store).unwrap();
        let expected = Content { rows: Vec::new(), ..self.content.clone() };
        assert_eq!(content, expected);
    }

    /// The record that holds a byte of a file.
    fn hit(&self, flip: &Flip) -> Option<&(PathBuf, u64, u64, Place)> {
        self.places
            .iter()
            .find(|(file, from, to, _)| *file == flip.file && (*from..*to).contains(&flip.offset))
    }
}

impl Content {
    fn of(store: &Store) -> Result<Self, String> {
        let mut records = BTreeMap::new();
        let mut odd = Vec::new();
        for queue in store.queues() {
            let (topic, id) = (queue.topic().to_string(), queue.id());
            for bytes in read(store, &queue, &|_| true)? {
                let record = Record::decode(&bytes).map_err(|error| error.to_string())?;
                let place = (topic.clone(), id, record.head.queue_offset as u64);
                if record.topic() != topic || !record.is_body_intact() || record.head.queue_id != id {
                    return Err(format!("a wrong record was handed out at {place:?}"));
                }
                for key in keys(&record) {
                    let found = store.find_by_key(&topic, key, 99).map_err(|failure| failure.message)?;
                    if !found.contains(&bytes) {
                        return Err(format!("{place:?} is not found by its key {key}"));
                    }
                }
                let last = records.last_key_value().map(|(last, _): (&Place, &Vec<u8>)| last.clone());
                if last.is_some_and(|last| last >= place) {
                    return Err(format!("{place:?} is out of order"));
                }
                records.insert(place, bytes.to_vec());
            }
            for bytes in read(store, &queue, &|hash| hash == tag_hash("odd"))? {
                let record = Record::decode(&bytes).map_err(|error| error.to_string())?;
                odd.push((topic.clone(), id, record.head.queue_offset as u64));
            }
        }
        let mut rows = Vec::new();
        for table in [Table::Topics, Table::Groups, Table::Offsets] {
            let found = store.rows(table).map_err(|failure| failure.message)?;
            rows.extend(found.into_iter().map(|(key, value)| (table, key, value)));
        }
        let due = store.due_timers(i64::MAX - 1, 99);
        let timer = |waiting: Waiting| {
            let record = store.waiting_record(waiting).map_err(|failure| failure.message)?;
            let due = record.property(properties::TIMER_OUT_MS).and_then(|due| due.parse().ok());
            Ok((due.unwrap_or(0), waiting.id))
        };
        let timers = due.into_iter().map(timer).collect::<Result<_, String>>()?;
        Ok(Self { records, odd, rows, timers })
    }

    /// This without one record.
    fn without(&self, lost: &Place) -> Self {
        let mut content = self.clone();
        if let Some(bytes) = content.records.remove(lost) {
            let position = Record::decode(&bytes.into()).unwrap().head.position as u64;
            content.timers.retain(|(_, id)| *id != position);
        }
        content.odd.retain(|place| place != lost);
        content
    }
}

fn keys(record: &Record) -> impl Iterator<Item = &str> {
    [properties::KEYS, properties::UNIQ_KEY].into_iter().filter_map(|name| record.property(name))
}

fn read(
    store: &Store,
    queue: &ons::store::queue::Queue,
    filter: &dyn Fn(i64) -> bool,
) -> Result<Vec<bytes::Bytes>, String> {
    let (mut records, mut offset) = (Vec::new(), queue.min_offset());
    loop {
        let read = store.read(queue, offset, 32, 1 << 20, filter).map_err(|failure| failure.message)?;
        records.extend(read.records);
        if read.next_offset <= offset {
            return Ok(records);
        }
        offset = read.next_offset;
    }
}

pub fn check(disk: &SimDisk) -> Verified {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    verify(&disk, Path::new(DIR), &mut |_, _| {}).unwrap()
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that can be seen, and nothing was said.
    Harmless,
    /// Said, and made anew: nothing was lost.
    Rebuilt,
    /// One record, said.
    Lost,
    /// The metadata went back one commit, said by the check.
    RolledBack,
    /// Opening refused, and named the file.
    Refused,
}

/// Flips, checks, opens, reads.
pub fn run(built: &Built, known: &Known, flip: &Flip) -> Result<Outcome, String> {
    let disk = built.disk.after_process_kill();
    disk.flip_bit(&flip.file, flip.offset, flip.bit).map_err(|error| error.to_string())?;
    let before = disk.files();
    let verified = check(&disk);
    if disk.files() != before || disk.operations().iter().any(|operation| operation.kind.is_change()) {
        return Err("the check changed the disk".to_owned());
    }
    capture::take();
    let opened = stores::open(&disk, FlushMode::Sync);
    let outcome = match &opened {
        Err(failure) => {
            let is_told = matches!(failure.kind, FailureKind::Corrupt | FailureKind::NotSupported)
                && failure.message.contains(&*flip.file.to_string_lossy());
            let is_same = disk
                .files()
                .iter()
                .filter(|(path, _)| !path.ends_with("lock"))
                .eq(before.iter().filter(|(path, _)| !path.ends_with("lock")));
            if !is_told || !is_same || is_segment(&flip.file) {
                return Err(format!("refused with {failure:?}, files unchanged: {is_same}"));
            }
            Outcome::Refused
        }
        Ok(store) => read_all(built, known, flip, store)?,
    };
    let logged = capture::take();
    let is_logged = logged.iter().any(|line| line.contains(&*flip.file.to_string_lossy()));
    if matches!(outcome, Outcome::Lost) && !is_logged {
        return Err(format!("lost without a word in the log: {logged:?}"));
    }
    check_report(known, flip, &verified, outcome)?;
    let is_back = verified.findings.iter().any(|finding| finding.opening == Opening::GoesBack);
    Ok(match outcome {
        // The commit that was lost had changed nothing that can be seen.
        Outcome::Harmless if is_back => Outcome::RolledBack,
        Outcome::Harmless if is_logged || !verified.is_intact() => Outcome::Rebuilt,
        outcome => outcome,
    })
}

fn read_all(built: &Built, known: &Known, flip: &Flip, store: &Store) -> Result<Outcome, String> {
    let content = Content::of(store)?;
    let mut expected = known.content.clone();
    let mut outcome = Outcome::Harmless;
    if content.records != expected.records
        && let Some((.., place)) = known.hit(flip)
    {
        expected = expected.without(place);
        outcome = Outcome::Lost;
    }
    if content.rows != expected.rows {
        let last = built.offsets[built.offsets.len() - 2];
        for (_, key, value) in &mut expected.rows {
            if key == "CID_a@A@0" {
                *value = i64::from(last).to_be_bytes().to_vec();
            }
        }
        outcome = Outcome::RolledBack;
    }
    // A waiting message is kept in the metadata as well, once a checkpoint has seen it.
    if content.timers == known.content.timers {
        expected.timers.clone_from(&content.timers);
    }
    if content != expected {
        let missing: Vec<_> =
            known.content.records.keys().filter(|place| !content.records.contains_key(*place)).collect();
        return Err(format!(
            "missing {missing:?}, tags {}, timers {:?}, rows {:?}",
            content.odd == expected.odd,
            content.timers,
            content.rows
        ));
    }
    Ok(outcome)
}

/// What the check said, against what happened.
fn check_report(known: &Known, flip: &Flip, verified: &Verified, outcome: Outcome) -> Result<(), String> {
    let told: Vec<&Finding> = verified.findings.iter().filter(|finding| finding.file == flip.file).collect();
    let has = |opening: Opening| told.iter().any(|finding| finding.opening == opening);
    let is_right = match outcome {
        Outcome::Harmless | Outcome::Rebuilt => !has(Opening::Refuses),
        Outcome::Lost => has(Opening::LosesRecord) || has(Opening::EndsLog),
        Outcome::RolledBack => has(Opening::GoesBack),
        Outcome::Refused => has(Opening::Refuses),
    };
    if !is_right {
        return Err(format!("{outcome:?}, but the check says {:?}", verified.findings));
    }
    if told.is_empty() && is_used(known, flip) {
        return Err("the check says nothing of a byte that is used".to_owned());
    }
    // Where a record was hit, its place is named: the byte lies in what is said to be damaged.
    let Some((_, from, to, _)) = known.hit(flip) else { return Ok(()) };
    let is_placed = told.iter().any(|finding| finding.offset == Some(*from));
    if is_placed { Ok(()) } else { Err(format!("the record from {from} to {to} is not named: {told:?}")) }
}

/// Bytes that mean something: of the metadata only redb knows which.
fn is_used(known: &Known, flip: &Flip) -> bool {
    match flip.file.extension().and_then(|extension| extension.to_str()) {
        Some("log") => flip.offset < 36 || known.hit(flip).is_some(),
        Some("idx") => true,
        Some("redb") => false,
        _ => flip.file.ends_with("format"),
    }
}

#[derive(Debug, Default)]
pub struct Count {
    flipped: u64,
    harmless: u64,
    rebuilt: u64,
    lost: u64,
    rolled_back: u64,
    refused: u64,
}

impl Count {
    pub fn add(&mut self, outcome: Outcome) {
        self.flipped += 1;
        *match outcome {
            Outcome::Harmless => &mut self.harmless,
            Outcome::Rebuilt => &mut self.rebuilt,
            Outcome::Lost => &mut self.lost,
            Outcome::RolledBack => &mut self.rolled_back,
            Outcome::Refused => &mut self.refused,
        } += 1;
    }

    /// Whether each outcome was met, so that nothing is proven by a store in which nothing can happen.
    pub fn is_telling(&self) -> bool {
        [self.harmless, self.rebuilt, self.lost, self.rolled_back, self.refused].iter().all(|met| *met > 0)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detected = self.rebuilt + self.lost + self.rolled_back + self.refused;
        write!(
            f,
            "{} bits flipped, {detected} detected ({} rebuilt, {} one record lost, {} metadata one commit back, {} refused), {} harmless",
            self.flipped, self.rebuilt, self.lost, self.rolled_back, self.refused, self.harmless
        )
    }
}
