//! Every operation of a fixed workload fails once in turn: never a panic, never an acknowledged loss, always an error
//! that names file and cause.

use super::model::{Machine, append, bodies};
use crate::protocol::failure::{Failure, FailureKind, Stored};
use crate::protocol::record::RecordHead;
use crate::store::commit_log::PENDING_BYTES_MAX_SYNC;
use crate::store::config::FlushMode;
use crate::store::{Append, Store};
use crate::sys::sim_disk::{Cause, Fault, Operation, OperationKind};
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Acknowledged = BTreeMap<(i32, u64), Vec<u8>>;

/// Appends through several rolls with checkpoints between; keeps what was acknowledged and what failed.
fn work(machine: &Machine, store: &Store, acknowledged: &mut Acknowledged, failures: &mut Vec<Failure>) {
    for number in 0..120u32 {
        let body = number.to_be_bytes().repeat(100);
        let queue = (number % 2) as i32;
        match append(store, "T", queue, &body) {
            Ok(appended) => {
                let twice = acknowledged.insert((queue, appended.queue_offset), body);
                assert!(twice.is_none(), "offset {} was given twice", appended.queue_offset);
            }
            Err(failure) => failures.push(failure),
        }
        if number % 40 == 39 {
            store.put_row(crate::store::Table::Offsets, "g@T@0", &number.to_be_bytes());
            failures.extend(store.checkpoint().err());
            machine.advance(Duration::from_secs(61));
        }
    }
    failures.extend(store.close().err());
}

fn check(store: &Store, acknowledged: &Acknowledged, what: &str) {
    for queue in 0..2 {
        let found = bodies(store, "T", queue);
        for ((_, offset), body) in acknowledged.iter().filter(|((own, _), _)| *own == queue) {
            assert_eq!(found.get(offset), Some(body), "{what}: queue {queue} offset {offset}");
        }
    }
}

fn names_a_file_and_a_cause(failure: &Failure) -> bool {
    let has_cause =
        ["os error", "No space", "Input/output", "closed", "takes no messages", "refused", "full"]
            .iter()
            .any(|cause| failure.message.contains(cause));
    failure.message.contains("/data") && has_cause
}

fn every_operation_fails_once(flush: FlushMode, fault: Fault) {
    let rehearsal = Machine::new(flush);
    let (mut acknowledged, mut failures) = (Acknowledged::new(), Vec::new());
    let store = rehearsal.open().unwrap();
    work(&rehearsal, &store, &mut acknowledged, &mut failures);
    assert_eq!((acknowledged.len(), failures.len()), (120, 0));
    let operations = rehearsal.disk.operations();
    let mut seen = 0;
    for operation in operations.iter().filter(|operation| operation.kind.is_change()) {
        let what = format!("{flush:?} {fault:?} at {operation:?}");
        let machine = Machine::new(flush);
        machine.disk.fail_once(operation.number, fault);
        let (mut acknowledged, mut failures) = (Acknowledged::new(), Vec::new());
        match machine.open() {
            Ok(store) => {
                work(&machine, &store, &mut acknowledged, &mut failures);
                check(&store, &acknowledged, &format!("{what}, reads go on"));
            }
            Err(failure) => failures.push(failure),
        }
        for failure in &failures {
            assert!(names_a_file_and_a_cause(failure), "{what}: {failure}");
            assert!(
                matches!(
                    failure.kind,
                    FailureKind::Storage | FailureKind::DiskFull | FailureKind::InvalidState
                ),
                "{what}: {failure:?}"
            );
        }
        machine.disk.clear_plan();
        let disk = machine.disk.after_process_kill();
        let reopened = machine.on(disk).open().unwrap_or_else(|failure| panic!("{what}: {failure}"));
        check(&reopened, &acknowledged, &format!("{what}, opened again"));
        append(&reopened, "T", 0, b"healed").unwrap_or_else(|failure| panic!("{what}: {failure}"));
        seen += 1;
    }
    assert!(seen > 200, "the workload is too small: {seen} operations");
}

/// Takes a record that nobody waits for.
pub(super) fn append_detached(store: &Store, body: &[u8]) {
    let queue = store.open_queue("T", 0);
    let head = RecordHead::default();
    let append = Append { queue: &queue, head, properties: "", body, tag_hash: 0, noted: None };
    store.inner.log.append_detached(&append, Duration::from_secs(60)).unwrap();
}

pub(super) fn is_log(operation: &Operation, kind: OperationKind) -> bool {
    operation.kind == kind && operation.path.extension().is_some_and(|extension| extension == "log")
}

#[test]
fn segments_taken_behind_a_failed_write_are_used_later_in_their_order() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"first").unwrap();
    let own = Arc::downgrade(&store);
    machine.disk.set_plan(move |disk, operation| {
        is_log(operation, OperationKind::Write).then(|| {
            disk.clear_plan();
            let store = own.upgrade().unwrap();
            (0..20).for_each(|_| append_detached(&store, &[1; 9_000]));
            Fault::Error(Cause::Full)
        })
    });
    assert_eq!(append(&store, "T", 0, b"no room").unwrap_err().kind, FailureKind::DiskFull);
    for _ in 0..20 {
        append(&store, "T", 0, &[2; 9_000]).unwrap();
    }
    let used = store.inner.shared.segments.used();
    assert!(used.len() > 4, "{}", used.len());
    assert!(used.windows(2).all(|two| two[0].segment.end() == two[1].segment.base()), "{used:?}");
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(bodies(&reopened, "T", 0).len(), 21);
}

/// Who waits for room is woken by each batch that is written, and has to wait on.
#[test]
fn a_wait_for_room_ends_in_time_although_others_are_written() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let mut machine = Machine::new(FlushMode::Sync);
    (machine.config.segment_bytes_min, machine.config.segment_bytes_max) = (8 << 20, 8 << 20);
    let store = machine.open().unwrap();
    let (arrived, arrivals) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    machine.disk.set_plan(move |_, operation| {
        if is_log(operation, OperationKind::SyncData) {
            let _ = arrived.send(());
            let _ = released.lock().unwrap().recv();
        }
        None
    });
    std::thread::scope(|scope| {
        scope.spawn(|| append(&store, "T", 0, b"leads").unwrap());
        arrivals.recv().unwrap();
        let start = store.inner.log.end().1;
        while store.inner.log.end().1 - start < PENDING_BYTES_MAX_SYNC as u64 {
            append_detached(&store, &[1; 9_000]);
        }
        scope.spawn(move || {
            std::thread::sleep(TIMEOUT * 4 / 5);
            release.send(()).unwrap();
            arrivals.recv().unwrap();
            std::thread::sleep(TIMEOUT);
        });
        let queue = store.open_queue("T", 0);
        let head = RecordHead::default();
        let late = Append { queue: &queue, head, properties: "", body: b"", tag_hash: 0, noted: None };
        let begun = Instant::now();
        let failure = store.append_detached(&late, Duration::from_millis(1)).unwrap_err();
        assert_eq!((failure.kind, failure.stored), (FailureKind::Timeout, Stored::No), "nobody waits for it");
        let failure = store.append_blocking(&late, TIMEOUT).unwrap_err();
        assert_eq!((failure.kind, failure.stored), (FailureKind::Timeout, Stored::No));
        assert!(begun.elapsed() < TIMEOUT * 8 / 5, "{:?}", begun.elapsed());
    });
}

#[test]
fn io_errors_in_sync_flush() {
    every_operation_fails_once(FlushMode::Sync, Fault::Error(Cause::Io));
}

#[test]
fn io_errors_in_async_flush() {
    every_operation_fails_once(FlushMode::Async, Fault::Error(Cause::Io));
}

#[test]
fn a_full_disk_in_sync_flush() {
    every_operation_fails_once(FlushMode::Sync, Fault::Error(Cause::Full));
}

#[test]
fn short_writes_in_both_modes() {
    every_operation_fails_once(FlushMode::Sync, Fault::Short { bytes: 7, cause: Cause::Full });
    every_operation_fails_once(FlushMode::Async, Fault::Short { bytes: 300, cause: Cause::Full });
}

#[test]
fn a_record_that_cannot_be_read_keeps_its_place_and_no_other_back() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let body = |number: u32| number.to_be_bytes().repeat(60);
    let written: Vec<_> =
        (0..80).map(|number| append(&store, "T", (number % 2) as i32, &body(number)).unwrap()).collect();
    store.close().unwrap();
    let store = machine.open().unwrap();
    // Of queue 0, offset 10. Both queues lie in the one chunk around it.
    let bad = 4096 + written[20].position;
    machine.disk.set_plan(move |_, operation| {
        let is_first = operation.path.ends_with("00000000000000000000.log");
        let is_hit = is_first && operation.offset <= bad && operation.offset + operation.len > bad;
        (is_hit && operation.kind == OperationKind::Read).then_some(Fault::Error(Cause::Io))
    });
    assert_eq!(bodies(&store, "T", 1).len(), 40);
    let queue = store.queue("T", 0).unwrap();
    let read = store.read(&queue, 0, 32, usize::MAX, &|_| true).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (10, 10));
    let failure = store.read(&queue, 10, 32, usize::MAX, &|_| true).unwrap_err();
    assert!(failure.kind == FailureKind::Storage && names_a_file_and_a_cause(&failure), "{failure}");
    let read = store.read(&queue, 11, 32, usize::MAX, &|_| true).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (29, 40));
    machine.disk.clear_plan();
    assert_eq!(bodies(&store, "T", 0).len(), 40);
}
