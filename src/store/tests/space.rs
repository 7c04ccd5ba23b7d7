//! A disk that fills, and one that is full: what gives way, and what does not.

use super::measured::Measured;
use super::model::{Machine, append, bodies};
use super::retention::spares;
use crate::protocol::failure::FailureKind;
use crate::store::Store;
use crate::store::config::FlushMode;
use crate::store::segment::HEADER_BYTES;
use crate::sys::disk::{Disk, DiskSpace};
use crate::sys::sim_disk::{Cause, Fault};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// All of whose segments are large enough to be kept as a spare one.
fn machine() -> Machine {
    let mut machine = Machine::new(FlushMode::Sync);
    machine.config.segment_bytes_min = machine.config.segment_bytes_max;
    machine
}

fn append_many(store: &Store, count: usize) {
    for _ in 0..count {
        append(store, "T", 0, &[1; 500]).unwrap();
    }
}

/// Bytes of the disk that are in use.
fn used(machine: &Machine) -> u64 {
    machine.disk.set_capacity(1 << 40);
    (1 << 40) - machine.disk.space(Path::new("/data")).unwrap().available_bytes
}

/// So full that a little more has to go, at the next look.
fn fill(machine: &Machine) {
    machine.disk.set_capacity((used(machine) - 4096) * 100 / 75);
}

#[test]
fn a_filling_disk_takes_the_oldest_first_and_a_full_one_refuses() {
    let machine = Machine::new(FlushMode::Sync);
    machine.disk.set_capacity(2 << 20);
    let store = machine.open().unwrap();
    let mut failure = None;
    for _ in 0..4000 {
        if let Err(error) = append(&store, "T", 0, &[1; 500]) {
            failure = Some(error);
            break;
        }
    }
    let failure = failure.expect("a disk of 2 MiB cannot hold 2 MB of bodies");
    assert_eq!(failure.kind, FailureKind::DiskFull, "{failure}");
    assert!(failure.message.contains("/data"), "{failure}");
    let kept = bodies(&store, "T", 0).len();
    assert!(kept > 1000, "reads go on");
    machine.advance(Duration::from_secs(61));
    let after = bodies(&store, "T", 0).len();
    assert!(after < kept, "the oldest segments were deleted: {after} of {kept}");
    append(&store, "T", 0, b"room again").unwrap();
}

#[test]
fn a_filling_disk_takes_no_more_than_is_needed_and_the_spare_one_first() {
    let machine = machine();
    let store = machine.open().unwrap();
    append_many(&store, 1000);
    machine.advance(40 * HOUR);
    append_many(&store, 1000);
    let segments = || store.statistics().segments;
    let before = segments();
    fill(&machine);
    machine.advance(Duration::from_secs(61));
    assert_eq!((segments(), spares(&machine.disk)), (before - 1, 0), "nothing of it is kept");

    machine.disk.set_capacity(1 << 40);
    machine.advance(40 * HOUR);
    let before = segments();
    assert_eq!(spares(&machine.disk), 1, "the file of one that went for its age is kept");
    assert!(before > 10);
    fill(&machine);
    machine.advance(Duration::from_secs(61));
    assert_eq!((segments(), spares(&machine.disk)), (before, 0));
}

/// Some file systems show only after a while what a deleted file has given back, and a snapshot keeps all of it.
#[test]
fn where_nothing_comes_back_no_more_is_deleted_than_would_have_been_enough() {
    let machine = machine();
    let (least, is_kept) = (AtomicU64::new(u64::MAX), Arc::new(AtomicBool::new(true)));
    let is_keeping = is_kept.clone();
    let disk = Measured::new(&machine.disk, move |_, space| {
        let kept = least.fetch_min(space.available_bytes, Ordering::Relaxed).min(space.available_bytes);
        let available_bytes = if is_keeping.load(Ordering::Relaxed) { kept } else { space.available_bytes };
        DiskSpace { available_bytes, ..space }
    });
    let store = machine.open_with(disk, machine.clock.clone()).unwrap();
    append_many(&store, 1000);
    let segments = || store.statistics().segments;
    fill(&machine);
    let before = segments();
    assert!(before > 15, "{before}");
    machine.advance(MINUTE);
    assert_eq!(segments(), before - 1, "as much as is needed");
    machine.advance(MINUTE);
    assert_eq!(segments(), before - 1, "it has not come back");
    machine.advance(MINUTE);
    assert_eq!(segments(), before - 2, "once more");
    machine.advance(HOUR);
    assert_eq!(segments(), before - 6, "less and less often");
    is_kept.store(false, Ordering::Relaxed);
    machine.advance(2 * HOUR);
    assert_eq!(segments(), before - 6);
    // Now that it comes back, there is nothing to wait for.
    for look in 7..10 {
        fill(&machine);
        machine.advance(MINUTE);
        assert_eq!(segments(), before - look);
    }
}

#[test]
fn what_did_not_come_back_once_is_tried_again_after_a_time_of_plenty() {
    let machine = machine();
    // Of 100 bytes: what is left of them, whatever is deleted.
    let left = Arc::new(AtomicU64::new(50));
    let told = left.clone();
    let disk = Measured::new(&machine.disk, move |_, _| DiskSpace {
        total_bytes: 100 << 20,
        available_bytes: told.load(Ordering::Relaxed) << 20,
    });
    let store = machine.open_with(disk, machine.clock.clone()).unwrap();
    append_many(&store, 3000);
    machine.advance(MINUTE);
    let segments = || store.statistics().segments;
    let deleted_at_the_next_look = || {
        let before = segments();
        machine.advance(MINUTE);
        before - segments()
    };
    left.store(25, Ordering::Relaxed);
    assert!(deleted_at_the_next_look() > 0);
    assert_eq!(deleted_at_the_next_look(), 0, "nothing has come back");
    assert!(deleted_at_the_next_look() > 0, "once more");
    assert_eq!(deleted_at_the_next_look(), 0, "less and less often");
    left.store(50, Ordering::Relaxed);
    assert_eq!(deleted_at_the_next_look(), 0);
    left.store(25, Ordering::Relaxed);
    assert!(deleted_at_the_next_look() > 0);
}

#[test]
fn the_disk_of_the_log_counts_not_that_of_the_directory_around_it() {
    let machine = machine();
    let disk = Measured::new(&machine.disk, |dir, _| {
        let available_bytes = if dir == Path::new("/data/log") { 4 } else { 100 };
        DiskSpace { total_bytes: 100, available_bytes }
    });
    let store = machine.open_with(disk, machine.clock.clone()).unwrap();
    let failure = append(&store, "T", 0, b"refused").unwrap_err();
    assert_eq!(failure.kind, FailureKind::DiskFull, "{failure}");
    assert!(failure.message.contains("/data/log is 96 % full"), "{failure}");
}

/// Deleting begins with the metadata. If these find no room, what needs none must go all the same.
#[test]
fn a_full_disk_gets_the_spare_segment_back_although_nothing_can_be_deleted() {
    for is_told in [true, false] {
        let machine = machine();
        let store = machine.open().unwrap();
        append_many(&store, 200);
        machine.advance(40 * HOUR);
        append_many(&store, 200);
        machine.advance(33 * HOUR);
        let queue = store.queue("T", 0).unwrap();
        let min = queue.min_offset();
        assert_eq!((spares(&machine.disk), min > 100), (1, true));
        if is_told {
            // Also without the spare one.
            machine.disk.set_capacity(used(&machine) - machine.config.segment_bytes_max - 2 * HEADER_BYTES);
        }
        machine.disk.set_plan(|_, operation| {
            let is_metadata = operation.path.extension().is_some_and(|extension| extension == "redb");
            (is_metadata && operation.kind.is_change()).then_some(Fault::Error(Cause::Full))
        });
        machine.clock.advance(40 * HOUR);
        assert_eq!(store.inner.retain().unwrap_err().kind, FailureKind::DiskFull);
        assert_eq!((spares(&machine.disk), queue.min_offset()), (0, min));
        assert_eq!(store.statistics().refusing.is_some(), is_told, "a quota does not tell how full it is");
        machine.disk.clear_plan();
        machine.disk.set_capacity(u64::MAX);
        store.inner.retain().unwrap();
        assert!(queue.min_offset() > min);
        append(&store, "T", 0, b"taken").unwrap();
    }
}
