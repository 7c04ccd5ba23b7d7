//! The generation of the log never falls: what a failed write left behind never comes back, and nothing that was written
//! later is taken for such a remainder.

use super::faults::{append_detached, is_log};
use super::model::{Machine, append, bodies};
use crate::protocol::failure::FailureKind;
use crate::store::config::FlushMode;
use crate::store::verify::verify;
use crate::sys::disk::Disk;
use crate::sys::sim_disk::{Cause, Fault, OperationKind};
use std::path::Path;
use std::sync::Arc;

const FIRST_INDEX: &str = "/data/log/00000000000000000000.idx";

/// The next write to the log finds no room.
fn fail_one_write(machine: &Machine) {
    machine.disk.set_plan(|disk, operation| {
        is_log(operation, OperationKind::Write).then(|| {
            disk.clear_plan();
            Fault::Error(Cause::Full)
        })
    });
}

#[test]
fn what_is_stored_behind_a_failed_write_and_a_clean_close_is_found_without_the_index() {
    let machine = Machine::new(FlushMode::Sync);
    machine.open().unwrap().close().unwrap();
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"first").unwrap();
    for _ in 0..3 {
        fail_one_write(&machine);
        assert_eq!(append(&store, "T", 0, b"no room").unwrap_err().kind, FailureKind::DiskFull);
    }
    append(&store, "T", 0, b"second").unwrap();
    store.close().unwrap();
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"third").unwrap();
    drop(store);
    let disk = machine.disk.after_process_kill();
    disk.remove(Path::new(FIRST_INDEX)).unwrap();
    let reopened = machine.on(disk).open().unwrap();
    let expected = [&b"first"[..], b"second", b"third"].map(<[u8]>::to_vec);
    assert_eq!(bodies(&reopened, "T", 0).into_values().collect::<Vec<_>>(), expected);
}

#[test]
fn a_remainder_of_a_failed_write_stays_away_over_a_clean_close() {
    const RECORD: usize = 2_000;
    /// Of the envelope and the record's head, in a topic of one letter.
    const HEAD: usize = 104;
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"first").unwrap();
    let own = Arc::downgrade(&store);
    // While one is written, three more come and are one write, of which two arrive.
    machine.disk.set_plan(move |disk, operation| {
        if !is_log(operation, OperationKind::Write) {
            return None;
        }
        let store = own.upgrade()?;
        (0..3).for_each(|_| append_detached(&store, &[7; RECORD]));
        disk.set_plan(|disk, operation| {
            is_log(operation, OperationKind::Write).then(|| {
                disk.clear_plan();
                Fault::Short { bytes: 2 * (HEAD + RECORD) as u64, cause: Cause::Full }
            })
        });
        None
    });
    append(&store, "T", 0, b"second").unwrap();
    assert_eq!(bodies(&store, "T", 0).len(), 2);
    // As long as one of those, so that the next begins where another of them did.
    append(&store, "T", 0, &[8; RECORD]).unwrap();
    store.close().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(machine.disk.clone());
    let verified = verify(&disk, Path::new("/data"), &mut |_, _| {}).unwrap();
    assert!(verified.is_intact() && verified.records == 3, "{verified:?}");
    for _ in 0..2 {
        let store = machine.open().unwrap();
        let lens: Vec<usize> = bodies(&store, "T", 0).into_values().map(|body| body.len()).collect();
        assert_eq!(lens, [5, 6, RECORD]);
        store.close().unwrap();
    }
}
