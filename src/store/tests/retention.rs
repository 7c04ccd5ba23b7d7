//! Old segments go, offsets stay.

use super::model::{Machine, START_MS, append, bodies};
use crate::protocol::failure::FailureKind;
use crate::store::config::FlushMode;
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

#[test]
fn a_store_that_is_only_open_for_a_moment_deletes_too() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    for _ in 0..200 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    store.close().unwrap();
    machine.clock.advance(73 * HOUR);
    let store = machine.open().unwrap();
    let min = store.queue("T", 0).unwrap().min_offset();
    assert!(min > 100, "{min}");
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

fn spares(disk: &SimDisk) -> usize {
    let is_spare = |path: &Path| path.extension().is_some_and(|own| own == "spare");
    disk.files().iter().filter(|(path, _)| is_spare(path)).count()
}

#[test]
fn a_filling_disk_takes_no_more_than_is_needed_and_the_spare_one_first() {
    let mut machine = Machine::new(FlushMode::Sync);
    // All are large enough to be kept.
    machine.config.segment_bytes_min = machine.config.segment_bytes_max;
    let store = machine.open().unwrap();
    for _ in 0..1000 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    machine.advance(40 * HOUR);
    for _ in 0..1000 {
        append(&store, "T", 0, &[1; 500]).unwrap();
    }
    let segments = || store.statistics().segments;
    // So full that a little more has to go, at the next look.
    let fill = || {
        machine.disk.set_capacity(1 << 40);
        let used = (1 << 40) - machine.disk.space(Path::new("/data")).unwrap().available_bytes;
        machine.disk.set_capacity((used - 4096) * 100 / 75);
        machine.advance(Duration::from_secs(61));
    };
    let before = segments();
    fill();
    assert_eq!((segments(), spares(&machine.disk)), (before - 1, 0), "nothing of it is kept");

    machine.disk.set_capacity(1 << 40);
    machine.advance(40 * HOUR);
    let before = segments();
    assert_eq!(spares(&machine.disk), 1, "the file of one that went for its age is kept");
    assert!(before > 10);
    fill();
    assert_eq!((segments(), spares(&machine.disk)), (before, 0));
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
