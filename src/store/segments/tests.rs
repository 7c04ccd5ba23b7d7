//! Who rolls into a segment that is not ready waits for what is needed, not for zeroes.

use super::*;
use crate::store::segment::HEADER_BYTES;
use crate::sys::sim_disk::{Operation, OperationKind, SimDisk};
use std::sync::OnceLock;
use std::thread;

const CAPACITY: u64 = 32 << 20;

/// SYNC_FLUSH with small syncs: segments are zeroed ahead. With the first one, in use.
fn segments(disk: &SimDisk) -> (Arc<Segments>, Arc<Segment>) {
    let log_dir = PathBuf::from("/log");
    disk.create_dir_all(&log_dir).unwrap();
    let mut config = StoreConfig::new("/");
    (config.segment_bytes_min, config.segment_bytes_max) = (1 << 20, CAPACITY);
    let segments = Segments::new(Arc::new(disk.clone()), log_dir, &config, BTreeMap::new(), None, 0);
    let mut first = segments.make_first().unwrap();
    // The next is as large as segments become.
    for _ in 0..4 {
        first = segments.take_next(&first).unwrap();
    }
    assert_eq!(first.capacity() * 2, CAPACITY);
    (Arc::new(segments), first)
}

/// How many bytes were written from an operation on.
fn written(disk: &SimDisk, from: u64) -> u64 {
    let writes = disk.operations().into_iter().filter(|operation| operation.number >= from);
    writes.filter(|operation| operation.kind == OperationKind::Write).map(|operation| operation.len).sum()
}

#[test]
fn a_segment_made_ahead_is_zeroed_and_one_made_at_once_is_not() {
    let disk = SimDisk::new();
    let (segments, first) = segments(&disk);
    let from = disk.operation_count();
    let next = segments.take_next(&first).unwrap();
    assert_eq!((next.capacity(), written(&disk, from)), (CAPACITY, HEADER_BYTES));
    let from = disk.operation_count();
    segments.prepare_next().unwrap();
    assert_eq!(written(&disk, from), HEADER_BYTES + CAPACITY);
    let from = disk.operation_count();
    segments.take_next(&next).unwrap();
    assert_eq!(disk.operation_count(), from);
}

#[test]
fn a_segment_that_is_needed_is_not_zeroed_to_its_end() {
    let disk = SimDisk::new();
    let (segments, first) = segments(&disk);
    let from = disk.operation_count();
    let roll = Arc::new(OnceLock::new());
    let (rolling, own) = (roll.clone(), segments.clone());
    disk.set_plan(move |_, operation: &Operation| {
        if operation.kind == OperationKind::Write && operation.offset == HEADER_BYTES {
            let (segments, first) = (own.clone(), first.clone());
            rolling.get_or_init(|| Mutex::new(Some(thread::spawn(move || segments.take_next(&first)))));
            while !own.is_needed.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        }
        None
    });
    segments.prepare_next().unwrap();
    let roll = roll.get().and_then(|roll| roll.lock().unwrap().take()).unwrap();
    let next = roll.join().unwrap().unwrap();
    disk.clear_plan();
    assert_eq!(next.capacity(), CAPACITY);
    assert!(written(&disk, from) <= CAPACITY / 2, "{}", written(&disk, from));
    // Zeroed or not, it is the one that is found again.
    let found = Segment::open(&disk, next.path()).unwrap().unwrap();
    assert_eq!((found.base(), found.capacity()), (next.base(), CAPACITY));
}
