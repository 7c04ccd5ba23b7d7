//! Small stores with something of everything in them.

use ons::protocol::names::TIMER_TOPIC;
use ons::protocol::record::RecordHead;
use ons::protocol::tags::tag_hash;
use ons::store::config::{Environment, FlushMode, StoreConfig};
use ons::store::{Append, Store, Table};
use ons::sys::clock::ManualClock;
use ons::sys::scheduler::Scheduler;
use ons::sys::sim_disk::{Cause, Fault, OperationKind, SimDisk};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const DIR: &str = "/data";
pub const START_MS: i64 = 1_700_000_000_000;

/// A store that nobody has open.
pub struct Built {
    pub name: &'static str,
    pub disk: SimDisk,
    /// The committed offset in each checkpoint.
    pub offsets: Vec<u8>,
}

/// How the life of a store ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Killed,
    /// Killed before any finished segment had an index file.
    KilledUnsealed,
    /// Likewise, and the metadata had not heard of most of them.
    KilledAhead,
    /// Closed, opened again, used and killed: the segment in use has an index file of its beginning.
    ClosedThenKilled,
}

pub fn all() -> Vec<Built> {
    vec![
        build("closed", FlushMode::Sync, End::Closed),
        build("killed", FlushMode::Sync, End::Killed),
        build("killed without index files", FlushMode::Async, End::KilledUnsealed),
        build("killed with old metadata", FlushMode::Sync, End::KilledAhead),
        build("closed, then killed", FlushMode::Async, End::ClosedThenKilled),
    ]
}

pub fn open(disk: &SimDisk, flush: FlushMode) -> Result<Arc<Store>, ons::Failure> {
    let clock = Arc::new(ManualClock::new(START_MS));
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    open_with(disk, flush, clock, scheduler)
}

pub fn open_with(
    disk: &SimDisk,
    flush: FlushMode,
    clock: Arc<ManualClock>,
    scheduler: Arc<Scheduler>,
) -> Result<Arc<Store>, ons::Failure> {
    let mut config = StoreConfig::new(DIR);
    config.flush = flush;
    config.segment_bytes_min = 4 << 10;
    config.segment_bytes_max = 4 << 10;
    let environment = Environment { disk: Arc::new(disk.clone()), clock, scheduler, has_threads: false };
    Store::open(config, environment)
}

/// Appends a message and gives its position.
pub fn append(store: &Store, topic: &str, queue: i32, properties: &str, body: &[u8]) -> u64 {
    let queue = store.open_queue(topic, queue);
    let tag = ons::protocol::properties::get(properties, "TAGS").map_or(0, tag_hash);
    let append =
        Append { queue: &queue, head: RecordHead::default(), properties, body, tag_hash: tag, noted: None };
    store.append_blocking(&append, Duration::from_secs(60)).unwrap().position
}

fn message(store: &Store, number: usize) {
    let (topic, queue) = [("A", 0), ("A", 1), ("B", 0)][number % 3];
    let tag = ["even", "odd"][number % 2];
    let properties = format!("KEYS\u{1}k{number}\u{2}TAGS\u{1}{tag}\u{2}UNIQ_KEY\u{1}u{number}\u{2}");
    append(store, topic, queue, &properties, format!("body {number} ").repeat(number % 7 + 1).as_bytes());
}

fn wait(store: &Store, number: i64) -> u64 {
    let properties = format!("TIMER_OUT_MS\u{1}{}\u{2}", START_MS + number);
    append(store, TIMER_TOPIC, 0, &properties, b"later")
}

fn checkpoint(store: &Store, offsets: &mut Vec<u8>) {
    let offset = offsets.len() as u8 + 1;
    store.put_row(Table::Topics, "A", b"\x01\0\0\0\x02");
    store.put_row(Table::Groups, "CID_a", b"\x01\0\0\0\x10");
    store.put_row(Table::Offsets, "CID_a@A@0", &i64::from(offset).to_be_bytes());
    store.checkpoint().unwrap();
    offsets.push(offset);
}

fn build(name: &'static str, flush: FlushMode, end: End) -> Built {
    let disk = SimDisk::new();
    let is_unsealed = matches!(end, End::KilledUnsealed | End::KilledAhead);
    let is_ahead = Arc::new(AtomicBool::new(false));
    let refuses_metadata = is_ahead.clone();
    disk.set_plan(move |_, operation| {
        let is_of = |extension: &str| operation.path.extension() == Some(extension.as_ref());
        let is_index = operation.kind == OperationKind::Create
            && operation.path.starts_with("/data/log")
            && is_of("tmp");
        let is_metadata = operation.kind.is_change() && is_of("redb");
        let is_refused = is_index && is_unsealed || is_metadata && refuses_metadata.load(Ordering::Relaxed);
        is_refused.then_some(Fault::Error(Cause::Full))
    });
    let mut store = open(&disk, flush).unwrap();
    let mut offsets = Vec::new();
    let (first, _second) = (wait(&store, 1), wait(&store, 2));
    (0..12).for_each(|number| message(&store, number));
    checkpoint(&store, &mut offsets);
    append(&store, "A", 0, &format!("TIMER_ORIGIN\u{1}{first}\u{2}"), b"delivered");
    wait(&store, 3);
    (12..18).for_each(|number| message(&store, number));
    checkpoint(&store, &mut offsets);
    is_ahead.store(end == End::KilledAhead, Ordering::Relaxed);
    (18..60).for_each(|number| message(&store, number));
    if end == End::ClosedThenKilled {
        store.close().unwrap();
        store = open(&disk, flush).unwrap();
    }
    (60..66).for_each(|number| message(&store, number));
    if end != End::KilledAhead {
        checkpoint(&store, &mut offsets);
    }
    wait(&store, 4);
    (66..70).for_each(|number| message(&store, number));
    if end == End::Closed {
        store.close().unwrap();
        return Built { name, disk: disk.after_power_cut(0), offsets };
    }
    let disk = disk.after_process_kill();
    let segments = disk.files().iter().filter(|(path, _)| is_segment(path)).count();
    let indexes = disk.files().iter().filter(|(path, _)| path.extension() == Some("idx".as_ref())).count();
    assert!(segments > 3 && (indexes == 0) == is_unsealed, "{segments} {indexes}");
    Built { name, disk, offsets }
}

pub fn is_segment(path: &Path) -> bool {
    path.extension() == Some("log".as_ref())
}
