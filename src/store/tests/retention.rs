//! Old segments go, offsets stay.

use super::model::{Machine, START_MS, SetClock, append, bodies};
use crate::store::Store;
use crate::store::age::DOUBTED;
use crate::store::config::FlushMode;
use crate::store::queue::Queue;
use crate::store::verify::verify;
use crate::sys::disk::Disk;
use crate::sys::sim_disk::{Cause, Fault, SimDisk};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn segments_go_after_their_time_and_queues_keep_their_offsets() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "old", 0, b"only one").unwrap();
    for _ in 0..200 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    machine.advance(73 * HOUR);
    let queue = store.queue("T", 0).unwrap();
    let (min, max) = (queue.min_offset(), queue.max_offset());
    assert!(min > 100 && max == 200, "{min} {max}");
    assert_eq!(bodies(&store, "T", 0).len() as u64, max - min);
    let old = store.queue("old", 0).unwrap();
    assert_eq!((old.min_offset(), old.max_offset()), (1, 1));
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(append(&reopened, "old", 0, b"second").unwrap().queue_offset, 1);
    assert_eq!(bodies(&reopened, "old", 0).len(), 1);
    assert_eq!(reopened.queue("T", 0).unwrap().min_offset(), min);
}

#[test]
fn offsets_stay_although_the_metadata_could_not_be_written_at_first() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "old", 0, b"only one").unwrap();
    for _ in 0..200 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    store.checkpoint().unwrap();
    machine.disk.set_plan(|_, operation| {
        let is_metadata = operation.path.to_string_lossy().contains("metadata") && operation.kind.is_change();
        is_metadata.then_some(Fault::Error(Cause::Full))
    });
    machine.advance(73 * HOUR);
    assert_eq!(store.queue("old", 0).unwrap().min_offset(), 0, "nothing goes before its offset is kept");
    machine.disk.clear_plan();
    machine.advance(Duration::from_secs(61));
    assert_eq!(store.queue("old", 0).unwrap().min_offset(), 1);
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(append(&reopened, "old", 0, b"second").unwrap().queue_offset, 1);
}

/// Messages that make several segments, in a queue of their own.
fn fill(store: &Store) -> Arc<Queue> {
    for _ in 0..200 {
        append(store, "T", 0, &[1; 500]).unwrap();
    }
    store.queue("T", 0).unwrap()
}

#[test]
fn a_store_that_is_only_open_for_a_moment_deletes_too() {
    let machine = Machine::new(FlushMode::Sync);
    let visit = || {
        let store = machine.open().unwrap();
        let min = store.queue("T", 0).map_or(0, |queue| queue.min_offset());
        append(&store, "T", 0, b"one more").unwrap();
        store.close().unwrap();
        machine.clock.advance(20 * HOUR);
        min
    };
    let store = machine.open().unwrap();
    fill(&store);
    store.close().unwrap();
    let mins: Vec<u64> = (0..7).map(|_| visit()).collect();
    assert_eq!(mins[..5], [0; 5], "{mins:?}");
    assert!(mins[6] > 100, "{mins:?}");
}

#[test]
fn a_store_that_was_not_open_for_long_deletes_once_its_clock_is_believed() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    fill(&store);
    store.close().unwrap();
    machine.clock.advance(7 * 24 * HOUR);
    let store = machine.open().unwrap();
    let queue = store.queue("T", 0).unwrap();
    machine.advance(DOUBTED - Duration::from_secs(1));
    assert_eq!(queue.min_offset(), 0);
    machine.advance(Duration::from_secs(61));
    assert!(queue.min_offset() > 100, "{}", queue.min_offset());
}

#[test]
fn a_clock_that_is_ahead_for_a_moment_takes_nothing() {
    let machine = Machine::new(FlushMode::Sync);
    let clock = SetClock::of(&machine);
    let open = || machine.open_with(Arc::new(machine.disk.clone()), clock.clone()).unwrap();
    let store = open();
    let queue = fill(&store);
    clock.set_ahead(100);
    store.inner.retain().unwrap();
    assert_eq!(queue.min_offset(), 0, "while it runs");
    store.close().unwrap();

    let store = open();
    let queue = store.queue("T", 0).unwrap();
    machine.advance(DOUBTED / 2);
    assert_eq!(queue.min_offset(), 0, "at the opening");
    clock.set_ahead(0);
    machine.advance(HOUR);
    clock.set_ahead(100);
    store.inner.retain().unwrap();
    assert_eq!(queue.min_offset(), 0, "of what was there at the opening");
    clock.set_ahead(0);
    machine.advance(72 * HOUR);
    assert!(queue.min_offset() > 100, "{}", queue.min_offset());
}

#[test]
fn a_clock_that_was_behind_and_is_set_right_takes_nothing_before_its_time() {
    let machine = Machine::new(FlushMode::Sync);
    let clock = SetClock::of(&machine);
    clock.set_ahead(-100);
    let store = machine.open_with(Arc::new(machine.disk.clone()), clock.clone()).unwrap();
    let queue = fill(&store);
    clock.set_ahead(0);
    store.inner.retain().unwrap();
    assert_eq!(queue.min_offset(), 0);
    machine.advance(71 * HOUR);
    assert_eq!(queue.min_offset(), 0);
    machine.advance(2 * HOUR);
    assert!(queue.min_offset() > 100, "{}", queue.min_offset());
}

#[test]
fn a_clock_that_was_ahead_for_a_while_keeps_nothing_for_ever() {
    let machine = Machine::new(FlushMode::Sync);
    machine.clock.advance(1000 * HOUR);
    let store = machine.open().unwrap();
    for _ in 0..200 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    store.close().unwrap();
    let machine = machine.on(machine.disk.clone());
    let store = machine.open().unwrap();
    assert_eq!(store.inner.environment.clock.wall_ms(), START_MS);
    let queue = store.queue("T", 0).unwrap();
    assert_eq!(queue.min_offset(), 0, "nothing tells how old they are");
    for _ in 0..200 {
        append(&store, "T", 0, &[2; 500]).unwrap();
    }
    machine.advance(71 * HOUR);
    assert_eq!(queue.min_offset(), 0);
    machine.advance(2 * HOUR);
    assert!(queue.min_offset() > 250, "{}", queue.min_offset());
}

pub(super) fn spares(disk: &SimDisk) -> usize {
    let is_spare = |path: &Path| path.extension().is_some_and(|own| own == "spare");
    disk.files().iter().filter(|(path, _)| is_spare(path)).count()
}

#[test]
fn a_segment_in_a_recycled_file_is_intact_wherever_it_ends() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let fill = |count| {
        for _ in 0..count {
            append(&store, "T", 0, &[1; 500]).unwrap();
        }
    };
    fill(200);
    machine.advance(73 * HOUR);
    assert_eq!(spares(&machine.disk), 1);
    let mut recycled = 0;
    for _ in 0..40 {
        fill(5);
        let disk: Arc<dyn Disk> = Arc::new(machine.disk.after_process_kill());
        let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
        assert!(verified.is_intact(), "{:?}", verified.findings);
        recycled += 1 - spares(&machine.disk);
    }
    assert!(recycled > 20, "{recycled}");
}
