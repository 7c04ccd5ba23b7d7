//! Old segments go, offsets stay.

use super::model::{Machine, append, bodies};
use crate::protocol::failure::FailureKind;
use crate::store::config::FlushMode;
use crate::sys::sim_disk::{Cause, Fault};
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
