//! Why a store refuses messages: a reason that stays is neither hidden nor lifted by one that may pass.

use super::model::{Machine, append, bodies};
use crate::protocol::failure::{Failure, FailureKind};
use crate::store::config::FlushMode;
use crate::store::{Store, Table};
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
fn metadata_that_cannot_be_written_end_the_taking_of_messages() {
    use OperationKind::{SyncData, Write};
    for flush in [FlushMode::Sync, FlushMode::Async] {
        for (kind, cause) in [(Write, Cause::Io), (SyncData, Cause::Io), (SyncData, Cause::Full)] {
            let machine = Machine::new(flush);
            let store = machine.open().unwrap();
            append(&store, "T", 0, b"stored").unwrap();
            fail(&machine, kind, "redb", cause);
            machine.advance(Duration::from_secs(2));
            machine.disk.clear_plan();
            refuses_for_good(&store, "/data/metadata.redb", 1);
            assert_eq!(store.close().unwrap_err().kind, FailureKind::Storage);
            let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
            append(&reopened, "T", 0, b"again").unwrap();
            assert_eq!(bodies(&reopened, "T", 0).len(), 2);
        }
    }
}

#[test]
fn metadata_that_found_no_room_are_written_later() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    store.put_row(Table::Offsets, "g@T@0", b"7");
    fail(&machine, OperationKind::Write, "redb", Cause::Full);
    assert_eq!(store.checkpoint().unwrap_err().kind, FailureKind::DiskFull);
    append(&store, "T", 0, b"taken").unwrap();
    assert_eq!(store.statistics().refusing, None);
    machine.disk.clear_plan();
    store.checkpoint().unwrap();
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(reopened.rows(Table::Offsets).unwrap(), [("g@T@0".to_owned(), b"7".to_vec())]);
}

/// Whoever opens them anew, for reading too: that syncs what was committed before.
#[test]
fn metadata_that_cannot_be_opened_anew_end_the_taking_of_messages() {
    let machine = Machine::new(FlushMode::Async);
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"stored").unwrap();
    store.put_row(Table::Offsets, "g@T@0", b"7");
    fail(&machine, OperationKind::Write, "redb", Cause::Full);
    assert_eq!(store.checkpoint().unwrap_err().kind, FailureKind::DiskFull);
    fail(&machine, OperationKind::SyncData, "redb", Cause::Io);
    store.rows(Table::Offsets).unwrap_err();
    machine.disk.clear_plan();
    refuses_for_good(&store, "/data/metadata.redb", 1);
    assert_eq!(store.rows(Table::Offsets).unwrap(), [("g@T@0".to_owned(), b"7".to_vec())], "reading goes on");
}

#[test]
fn a_close_syncs_the_log_although_the_metadata_failed() {
    let machine = Machine::new(FlushMode::Async);
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"before").unwrap();
    let own = Arc::downgrade(&store);
    machine.disk.set_plan(move |disk, operation| {
        let is_commit =
            operation.kind == OperationKind::SyncData && operation.path.ends_with("metadata.redb");
        is_commit.then(|| {
            // Behind the sync of the log that goes before each commit.
            disk.clear_plan();
            append(&own.upgrade().unwrap(), "T", 0, b"meanwhile").unwrap();
            Fault::Error(Cause::Io)
        })
    });
    machine.advance(Duration::from_secs(1));
    refuses_for_good(&store, "/data/metadata.redb", 2);
    store.close().unwrap_err();
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(bodies(&reopened, "T", 0).len(), 2);
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
