//! Each operation of the workload fails, once and from then on: nothing is acknowledged after a failed flush, reads go
//! on, nothing panics, every error names its file and cause, and opening again heals what can be healed.

use crate::check::{check, check_again, read};
use crate::is_full;
use crate::machine::{Machine, Shape};
use crate::model::Model;
use crate::workload::{Life, Lived, State, Watch, live, small};
use ons::protocol::failure::{Failure, FailureKind};
use ons::store::config::FlushMode;
use ons::sys::clock::{Clock, ManualClock};
use ons::sys::sim_disk::{Cause, Fault, Operation, OperationKind, STYLES, SimDisk};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// All variants of a life: closed and killed, with and without deleted segments.
const LIVES: u64 = 6;

/// What goes wrong from an operation on.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    number: u64,
    fault: Fault,
    /// Every later operation that could fail in the same way does.
    is_lasting: bool,
    /// Of the operation with that number.
    kind: OperationKind,
}

impl Trouble {
    /// Takes turns through the causes that an operation can fail by.
    fn of(operation: &Operation, is_lasting: bool) -> Self {
        use OperationKind::{Create, List, Lock, Open, SyncDir, Write};
        let turn = operation.number / 2 + u64::from(is_lasting);
        let fault = match operation.kind {
            Open | List | Lock if turn.is_multiple_of(2) => Fault::Error(Cause::TooManyFiles),
            Create | SyncDir if turn % 3 == 2 => Fault::Error(Cause::TooManyFiles),
            Write if turn % 3 == 2 => Fault::Short { bytes: operation.len / 2 + 1, cause: Cause::Full },
            kind if kind.is_change() && turn % 3 == 1 => Fault::Error(Cause::Full),
            _ => Fault::Error(Cause::Io),
        };
        Self { number: operation.number, fault, is_lasting, kind: operation.kind }
    }

    fn strikes(&self, operation: &Operation) -> bool {
        use OperationKind::{Create, List, Lock, Open, SyncDir};
        let is_alike = match self.fault {
            Fault::Error(Cause::TooManyFiles) => {
                matches!(operation.kind, Create | Open | List | Lock | SyncDir)
            }
            _ => operation.kind.is_change() == self.kind.is_change(),
        };
        operation.number == self.number || (self.is_lasting && operation.number > self.number && is_alike)
    }

    /// Whether reading must work all the same.
    fn lets_read(&self) -> bool {
        self.kind.is_change() || !self.is_lasting
    }
}

struct Troubled {
    trouble: Trouble,
    has_struck: AtomicBool,
    /// The test itself reads.
    is_reading: AtomicBool,
    wrong: Mutex<Vec<String>>,
}

impl Watch for Troubled {
    fn operation(&self, _: &SimDisk, operation: &Operation, _: i64, _: &Mutex<Model>) -> Option<Fault> {
        if self.is_reading.load(Ordering::Relaxed) || !self.trouble.strikes(operation) {
            return None;
        }
        self.has_struck.store(true, Ordering::Relaxed);
        Some(self.trouble.fault)
    }

    fn ending(&self, machine: &Machine, model: &Model) {
        self.is_reading.store(!self.trouble.is_lasting, Ordering::Relaxed);
        if self.trouble.lets_read() {
            self.reads_go_on(machine, model);
        } else {
            // It may fail, that is all.
            let _ = read(machine);
        }
        self.is_reading.store(false, Ordering::Relaxed);
    }
}

impl Troubled {
    fn reads_go_on(&self, machine: &Machine, model: &Model) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        match read(machine) {
            Ok(seen) => {
                for (place, message) in &model.messages {
                    let is_there = seen.get(place).is_some_and(|found| found.is_same(message));
                    if !is_there && !Model::is_expired(message.stored_ms, machine.clock.wall_ms()) {
                        wrong.push(format!("reads do not go on: {place:?} {message:?} is missing"));
                    }
                }
            }
            Err(what) => wrong.push(format!("reads do not go on: {what}")),
        }
    }
}

/// One run; what is wrong with it.
fn suffer(start: &State, life: Life, trouble: Trouble) -> Result<(), String> {
    let watch = Arc::new(Troubled {
        trouble,
        has_struck: false.into(),
        is_reading: false.into(),
        wrong: Mutex::default(),
    });
    let lived = live(start.fork(), life, watch.clone());
    if !watch.has_struck.load(Ordering::Relaxed) {
        return Err("the operation was never reached: the workload does not repeat".to_owned());
    }
    let wrong = std::mem::take(&mut *watch.wrong.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(what) = wrong.into_iter().chain(lived.model.broken.iter().cloned()).next() {
        return Err(what);
    }
    if let Some(failure) = lived.failures.iter().find(|failure| !is_clear(failure)) {
        return Err(format!("an error that does not say enough: {failure:?}"));
    }
    heals(&lived, life.shape, trouble.number)
}

/// After the cause is gone: killed and opened again, all is there, and stays; and so it is if the power goes first.
fn heals(lived: &Lived, shape: Shape, seed: u64) -> Result<(), String> {
    let open = |disk: SimDisk, now_ms: i64| {
        let clock = Arc::new(ManualClock::new(now_ms));
        Machine::open(disk, clock, shape).map_err(|failure| format!("it does not open: {failure}"))
    };
    lived.disk.clear_plan();
    // With this seed nothing unsynced is left.
    let nothing = lived.disk.after_power_cut(STYLES * seed);
    let cut = lived.disk.after_power_cut(seed);
    let machine =
        open(lived.disk.after_process_kill(), lived.now_ms).map_err(|what| format!("killed: {what}"))?;
    let seen = check(&machine, &lived.model.after_kill()).map_err(|what| format!("killed: {what}"))?;
    let again = open(machine.disk.after_power_cut(seed), machine.clock.wall_ms());
    again.and_then(|again| check_again(&again, &seen)).map_err(|what| format!("healed, then cut: {what}"))?;
    for image in [nothing, cut] {
        let machine = open(image, lived.now_ms).map_err(|what| format!("cut: {what}"))?;
        check(&machine, &lived.model).map_err(|what| format!("cut: {what}"))?;
    }
    Ok(())
}

fn is_clear(failure: &Failure) -> bool {
    let has_cause = ["os error", "closed", "takes no messages", "refused", "until the store is opened again"]
        .iter()
        .any(|cause| failure.message.contains(cause));
    let is_known =
        matches!(failure.kind, FailureKind::Storage | FailureKind::DiskFull | FailureKind::InvalidState);
    failure.message.contains("/data") && has_cause && is_known
}

#[derive(Default)]
struct Rehearsal {
    operations: Mutex<Vec<Operation>>,
    is_reading: AtomicBool,
}

impl Watch for Rehearsal {
    fn operation(&self, _: &SimDisk, operation: &Operation, _: i64, _: &Mutex<Model>) -> Option<Fault> {
        if !self.is_reading.load(Ordering::Relaxed) {
            self.operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation.clone());
        }
        None
    }

    fn ending(&self, machine: &Machine, _: &Model) {
        self.is_reading.store(true, Ordering::Relaxed);
        read(machine).unwrap();
        self.is_reading.store(false, Ordering::Relaxed);
    }
}

/// What a sample must not leave out: failures after which nobody knows what is on the device.
fn is_always_tried(life: Life, operation: &Operation) -> bool {
    let extension = operation.path.extension().and_then(|extension| extension.to_str());
    let is_flush = operation.kind == OperationKind::SyncData;
    let is_in_doubt = match extension {
        Some("redb") => is_flush || operation.kind == OperationKind::Len,
        Some("log") => is_flush && life.shape.flush == FlushMode::Async,
        _ => false,
    };
    life.index == 1 && is_in_doubt
}

fn every_operation_fails(flush: FlushMode, name: &str) {
    let mut state = State::new(flush);
    let mut jobs = Vec::new();
    for index in 0..LIVES {
        let life = small(flush, index);
        let start = Arc::new(state.fork());
        let rehearsal = Arc::new(Rehearsal::default());
        state = live(state, life, rehearsal.clone()).into_state();
        let operations =
            std::mem::take(&mut *rehearsal.operations.lock().unwrap_or_else(PoisonError::into_inner));
        let sampled = |number: u64| is_full() || number % 97 == index;
        for operation in operations.iter().filter(|op| sampled(op.number) || is_always_tried(life, op)) {
            for is_lasting in [false, true] {
                jobs.push((start.clone(), life, Trouble::of(operation, is_lasting)));
            }
        }
    }
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((start, life, trouble)) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    if let Err(what) = suffer(start, *life, *trouble) {
                        println!("{flush:?}, life {}, {trouble:?}: {what}", life.index);
                        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "{} of {} runs went wrong, see above", wrong.len(), jobs.len());
    println!(
        "prove: failing I/O, {name}: {} operations, each failing once and for ever: {} runs, 0 acknowledged after a \
         failed flush, 0 panics, 0 errors without file and cause, all healed by opening again",
        jobs.len() / 2,
        jobs.len()
    );
}

#[test]
fn failing_operations_in_sync_flush() {
    every_operation_fails(FlushMode::Sync, "SYNC_FLUSH");
}

#[test]
fn failing_operations_in_async_flush() {
    every_operation_fails(FlushMode::Async, "ASYNC_FLUSH");
}
