//! Why a store refuses messages: a reason that stays is neither hidden nor lifted by one that may pass.

use super::model::{Machine, append, bodies};
use crate::protocol::failure::{Failure, FailureKind};
use crate::store::Store;
use crate::store::config::FlushMode;
use crate::sys::sim_disk::{Cause, Fault, OperationKind};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// What makes the disk full to 95 % and more.
fn fill(machine: &Machine) {
    let taken: usize = machine.disk.files().iter().map(|(_, content)| content.len()).sum();
    machine.disk.set_capacity(taken as u64);
}

fn fail(machine: &Machine, kind: OperationKind, extension: &'static str, cause: Cause) {
    machine.disk.set_plan(move |_, operation| {
        let is_meant =
            operation.kind == kind && operation.path.extension().is_some_and(|ext| ext == extension);
        is_meant.then_some(Fault::Error(cause))
    });
}

/// That it takes no more messages because of `file`, says so, and goes on reading.
fn refuses_for_good(store: &Store, file: &str, stored: usize) {
    let Failure { kind, message, .. } = append(store, "T", 0, b"refused").unwrap_err();
    assert_eq!(kind, FailureKind::Storage, "{message}");
    assert!(message.contains(file) && message.contains("os error"), "{message}");
    assert_eq!(store.statistics().refusing, Some(message));
    assert_eq!(bodies(store, "T", 0).len(), stored);
}

#[test]
fn a_sync_that_fails_while_the_disk_is_full_is_not_forgotten_when_there_is_room() {
    for cause in [Cause::Io, Cause::Full] {
        let machine = Machine::new(FlushMode::Async);
        let store = machine.open().unwrap();
        machine.advance(MINUTE - Duration::from_millis(100));
        append(&store, "T", 0, b"never synced").unwrap();
        fill(&machine);
        fail(&machine, OperationKind::SyncData, "log", cause);
        machine.advance(Duration::from_millis(100));
        assert_eq!(append(&store, "T", 0, b"no room").unwrap_err().kind, FailureKind::DiskFull);
        machine.advance(Duration::from_secs(1));
        refuses_for_good(&store, "/data/log", 1);
        machine.disk.clear_plan();
        machine.disk.set_capacity(u64::MAX);
        machine.advance(MINUTE);
        refuses_for_good(&store, "/data/log", 1);
        assert_eq!(store.close().unwrap_err().kind, FailureKind::Storage);
    }
}

#[test]
fn a_batch_that_fails_while_the_disk_is_full_is_not_forgotten_when_there_is_room() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"stored").unwrap();
    let own = Arc::downgrade(&store);
    machine.disk.set_plan(move |_, operation| {
        if operation.kind != OperationKind::SyncData {
            return None;
        }
        let full = Failure::new(FailureKind::DiskFull, "the disk is full");
        own.upgrade().unwrap().inner.log.refuse_for_space(full);
        Some(Fault::Error(Cause::Io))
    });
    append(&store, "T", 0, b"in doubt").unwrap_err();
    machine.disk.clear_plan();
    machine.advance(2 * MINUTE);
    refuses_for_good(&store, "/data/log", 1);
}

#[test]
fn room_on_the_disk_does_not_open_a_closed_log() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    fill(&machine);
    machine.advance(MINUTE);
    assert_eq!(append(&store, "T", 0, b"no room").unwrap_err().kind, FailureKind::DiskFull);
    store.inner.log.close(Failure::state("the log in /data is closed"));
    machine.disk.set_capacity(u64::MAX);
    store.inner.retain().unwrap();
    assert_eq!(append(&store, "T", 0, b"too late").unwrap_err().kind, FailureKind::InvalidState);
}
