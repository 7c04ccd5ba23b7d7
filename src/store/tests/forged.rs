//! Index files that say what is not so, under right checksums: the log is believed, and nothing panics. One that is
//! missing costs its own segment only.

use super::model::{Machine, append, bodies};
use crate::store::config::FlushMode;
use crate::store::verify::verify;
use crate::sys::disk::Disk;
use crate::sys::sim_disk::{Cause, Fault, Operation, OperationKind, SimDisk};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const QUEUES: i32 = 3;
/// Of an index file with the one topic "T": where its header has the directory's length and the checksums, where the
/// directory begins, where the rows of its queues do, and the bytes of each: id, first offset, count.
const DIRECTORY_BYTES_AT: usize = 44;
const DIRECTORY_SUM_AT: usize = 68;
const HEADER_SUM_AT: usize = 76;
const DIRECTORY_AT: usize = 80;
const ROWS_AT: usize = DIRECTORY_AT + 11;
const ROW_BYTES: usize = 20;
const FIRST: usize = 4;
const COUNT: usize = 12;

type Bodies = Vec<BTreeMap<u64, Vec<u8>>>;

/// A store with messages of three queues in each of several segments, closed or killed, and those messages.
fn written(is_closed: bool) -> (Machine, Bodies) {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    for number in 0..600u32 {
        append(&store, "T", number as i32 % QUEUES, &number.to_be_bytes().repeat(20)).unwrap();
    }
    assert!(store.statistics().segments > 3, "the test must roll");
    let expected = (0..QUEUES).map(|queue| bodies(&store, "T", queue)).collect();
    if is_closed {
        store.close().unwrap();
    }
    (machine.on(machine.disk.after_process_kill()), expected)
}

fn index_files(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let is_index = |path: &Path| path.extension().is_some_and(|extension| extension == "idx");
    disk.files().into_iter().filter(|(path, _)| is_index(path)).collect()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Another number at `at` of the directory, and both checksums as they must be then.
fn forge(disk: &SimDisk, path: &Path, mut content: Vec<u8>, at: usize, number: u64) {
    content[at..at + 8].copy_from_slice(&number.to_le_bytes());
    let end = DIRECTORY_AT + u64_at(&content, DIRECTORY_BYTES_AT) as usize;
    let sum = crc32c::crc32c(&content[DIRECTORY_AT..end]);
    content[DIRECTORY_SUM_AT..DIRECTORY_SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    let sum = crc32c::crc32c(&content[..HEADER_SUM_AT]);
    content[HEADER_SUM_AT..HEADER_SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    disk.open(path).unwrap().write_all_at(&content, 0).unwrap();
}

fn check(machine: &Machine, path: &Path, expected: &Bodies, what: &str) {
    let disk: Arc<dyn Disk> = Arc::new(machine.disk.clone());
    let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
    assert!(verified.findings.iter().any(|finding| finding.file == path), "{what}: {:?}", verified.findings);
    let store = machine.open().unwrap_or_else(|failure| panic!("{what}: {failure}"));
    let found: Bodies = (0..QUEUES).map(|queue| bodies(&store, "T", queue)).collect();
    assert_eq!(&found, expected, "{what}");
    for (queue, bodies) in (0..QUEUES).zip(expected) {
        let appended = append(&store, "T", queue, b"next").unwrap();
        assert_eq!(appended.queue_offset, bodies.len() as u64, "{what}");
        // An offset that is far off is answered with the next bound.
        let queue = store.queue("T", queue).unwrap();
        let read = store.read(&queue, u64::MAX, 1, 1, &|_| true).unwrap();
        assert_eq!((read.min_offset, read.next_offset), (0, appended.queue_offset + 1), "{what}");
    }
    store.close().unwrap();
    let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
    assert!(verified.is_intact(), "{what}: {:?}", verified.findings);
}

#[test]
fn an_index_that_begins_or_ends_where_it_cannot_is_made_anew() {
    let mut forged = 0;
    for is_closed in [true, false] {
        let (machine, expected) = written(is_closed);
        let files = index_files(&machine.disk);
        assert!(files.len() > 2);
        for (path, content) in files {
            for row in 0..QUEUES as usize {
                for field in [FIRST, COUNT] {
                    let at = ROWS_AT + row * ROW_BYTES + field;
                    let own = u64_at(&content, at);
                    let numbers = [
                        0,
                        own.wrapping_sub(1),
                        own + 1,
                        1 << 20,
                        1 << 62,
                        i64::MAX as u64 - 1,
                        u64::MAX - own,
                        u64::MAX,
                    ];
                    for number in numbers.into_iter().filter(|number| *number != own) {
                        let what = format!("{path:?} says {number}, not {own}, at {at}, closed: {is_closed}");
                        let machine = machine.on(machine.disk.after_process_kill());
                        forge(&machine.disk, &path, content.clone(), at, number);
                        check(&machine, &path, &expected, &what);
                        forged += 1;
                    }
                }
            }
        }
    }
    assert!(forged > 200, "{forged}");
}

#[test]
fn an_index_that_only_the_log_contradicts_costs_no_memory() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    for number in 0..50u32 {
        append(&store, "T", 0, &number.to_be_bytes()).unwrap();
    }
    store.close().unwrap();
    let (path, content) = index_files(&machine.disk).remove(0);
    forge(&machine.disk, &path, content, ROWS_AT + FIRST, 1 << 62);
    let store = machine.open().unwrap();
    // Nothing else tells that these messages are not behind so many others: they stay readable where the index says.
    let queue = store.queue("T", 0).unwrap();
    assert_eq!((queue.min_offset(), queue.max_offset()), (1 << 62, (1 << 62) + 50));
    assert_eq!(bodies(&store, "T", 0).len(), 50);
    append(&store, "T", 0, b"next").unwrap();
    // Without the index the log tells that the offset of the new message cannot be: it is left out, and nothing else.
    let killed = machine.on(machine.disk.after_process_kill());
    killed.disk.remove(&path).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(killed.disk.clone());
    let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
    assert!(verified.findings.iter().any(|finding| finding.what.contains("too far")), "{verified:?}");
    let store = killed.open().unwrap();
    assert_eq!(bodies(&store, "T", 0).into_keys().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
}

/// How many index files a disk's operations wrote.
fn written_anew(disk: &SimDisk) -> usize {
    let is_rename = |operation: &&Operation| operation.kind == OperationKind::Rename;
    let is_index = |operation: &Operation| operation.path.extension().is_some_and(|own| own == "tmp");
    disk.operations().iter().filter(is_rename).filter(|operation| is_index(operation)).count()
}

#[test]
fn a_lost_index_is_made_anew_alone() {
    for is_closed in [true, false] {
        let (machine, expected) = written(is_closed);
        let files = index_files(&machine.disk);
        let finished = if is_closed { &files[..files.len() - 1] } else { &files[..] };
        assert!(finished.len() > 2);
        for (path, _) in finished {
            for is_removed in [true, false] {
                let machine = machine.on(machine.disk.after_process_kill());
                if is_removed {
                    machine.disk.remove(path).unwrap();
                } else {
                    machine.disk.flip_bit(path, 9, 1).unwrap();
                }
                let store = machine.open().unwrap();
                assert_eq!(written_anew(&machine.disk), 1, "{path:?}");
                assert_eq!(store.inner.shared.unsealed().len(), 1, "{path:?}");
                let found: Bodies = (0..QUEUES).map(|queue| bodies(&store, "T", queue)).collect();
                assert_eq!(found, expected, "{path:?}");
                store.close().unwrap();
                let disk: Arc<dyn Disk> = Arc::new(machine.disk.clone());
                let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
                assert!(verified.is_intact(), "{path:?}: {:?}", verified.findings);
            }
        }
    }
}

/// On a disk that is full, or that may only be read.
#[test]
fn a_damaged_index_that_cannot_be_written_is_made_anew_in_memory() {
    let (machine, expected) = written(true);
    let (path, content) = index_files(&machine.disk).remove(0);
    let store = machine.open().unwrap();
    let first_entry = DIRECTORY_AT as u64 + u64_at(&content, DIRECTORY_BYTES_AT);
    machine.disk.flip_bit(&path, first_entry, 0).unwrap();
    let from = machine.disk.operation_count() as usize;
    machine.disk.set_plan(|_, operation| operation.kind.is_change().then_some(Fault::Error(Cause::Full)));
    for _ in 0..3 {
        let found: Bodies = (0..QUEUES).map(|queue| bodies(&store, "T", queue)).collect();
        assert_eq!(found, expected);
    }
    let attempts = machine.disk.operations().split_off(from);
    let attempts = attempts.iter().filter(|operation| operation.kind == OperationKind::Create).count();
    assert_eq!(attempts, 1, "once is enough");
    machine.disk.clear_plan();
    store.close().unwrap();
    let found = machine.open().unwrap();
    let found: Bodies = (0..QUEUES).map(|queue| bodies(&found, "T", queue)).collect();
    assert_eq!((found, written_anew(&machine.disk) > 0), (expected, true), "where there is room again");
}

#[test]
fn a_kill_while_a_segment_is_deleted_leaves_nothing_that_counts() {
    let (machine, _) = written(true);
    let (index, _) = index_files(&machine.disk).remove(0);
    machine.disk.remove(&index.with_extension("log")).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(machine.disk.clone());
    let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
    assert!(verified.is_intact(), "{:?}", verified.findings);
    machine.open().unwrap().close().unwrap();
    assert!(index_files(&machine.disk).iter().all(|(path, _)| *path != index));
}
