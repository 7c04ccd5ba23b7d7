//! The workload: lives of the broker, one after the other on the same disk. Every second one is killed instead of
//! closed, so that what it left unsynced is still unsynced in the next one.

use crate::life::Driver;
use crate::machine::{Machine, Shape};
use crate::model::Model;
use ons::protocol::failure::Failure;
use ons::store::config::FlushMode;
use ons::sys::clock::{Clock, ManualClock};
use ons::sys::sim_disk::{Cause, Fault, Operation, OperationKind, SimDisk};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const START_MS: i64 = 1_700_000_000_000;

/// What there is between two lives.
#[derive(Clone)]
pub struct State {
    pub disk: SimDisk,
    pub now_ms: i64,
    pub model: Model,
}

impl State {
    pub fn new(flush: FlushMode) -> Self {
        let model = Model { is_sync: flush == FlushMode::Sync, ..Model::default() };
        Self { disk: SimDisk::new(), now_ms: START_MS, model }
    }

    /// The same state again, for another try.
    pub fn fork(&self) -> Self {
        Self { disk: self.disk.after_process_kill(), ..self.clone() }
    }
}

/// Which life it is.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub shape: Shape,
    pub index: u64,
    pub is_large: bool,
    pub failing: Option<Failing>,
}

/// A flush that fails once, as a part of the workload: what it leaves in the system's memory looks clean and is not on
/// the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Of the metadata.
    Metadata,
    /// Of the log.
    Log,
}

impl Failing {
    /// Somewhere in a life, and before its last checkpoint. Nothing is stored afterwards; that of the metadata comes late,
    /// so that its life stores enough for those behind it.
    fn strikes(self, operation: &Operation, flushes: &AtomicU64) -> bool {
        let (extension, number) = match self {
            Self::Metadata => ("redb", 9),
            Self::Log => ("log", 4),
        };
        operation.kind == OperationKind::SyncData
            && operation.path.extension().is_some_and(|own| own == extension)
            && flushes.fetch_add(1, Ordering::Relaxed) == number
    }
}

/// Many small messages in small segments.
pub fn small(flush: FlushMode, index: u64) -> Life {
    let shape = Shape { flush, segment_bytes_min: 8 << 10, segment_bytes_max: 16 << 10 };
    let failing = match index {
        3 => Some(Failing::Metadata),
        7 => Some(Failing::Log),
        _ => None,
    };
    Life { shape, index, is_large: false, failing }
}

/// A few messages up to the largest.
pub fn large(flush: FlushMode, index: u64) -> Life {
    let shape = Shape { flush, segment_bytes_min: 4500 << 10, segment_bytes_max: 4500 << 10 };
    Life { shape, index, is_large: true, failing: None }
}

/// Watches the disk during a life.
pub trait Watch: Send + Sync {
    /// Before each operation, with the time and the model of that moment.
    fn operation(
        &self,
        disk: &SimDisk,
        operation: &Operation,
        now_ms: i64,
        model: &Mutex<Model>,
    ) -> Option<Fault>;

    /// All was done; a close may follow.
    fn ending(&self, _machine: &Machine, _model: &Model) {}

    /// The store was closed.
    fn closed(&self, _disk: &SimDisk, _now_ms: i64, _model: &Model) {}
}

/// How a life went.
pub struct Lived {
    pub machine: Option<Machine>,
    pub failures: Vec<Failure>,
    pub model: Model,
    pub now_ms: i64,
    pub disk: SimDisk,
}

impl Lived {
    /// Whoever comes next finds what this life has left.
    pub fn into_state(self) -> State {
        let disk = match self.machine {
            Some(machine) => machine.kill(),
            None => self.disk.after_process_kill(),
        };
        State { disk, now_ms: self.now_ms, model: self.model }
    }
}

pub fn live(state: State, life: Life, watch: Arc<dyn Watch>) -> Lived {
    let State { disk, now_ms, mut model } = state;
    model.forget(now_ms);
    model.is_refusing = false;
    let clock = Arc::new(ManualClock::new(now_ms));
    let (model, failures) = (Arc::new(Mutex::new(model)), Arc::new(Mutex::new(Vec::new())));
    let faults = Arc::new(AtomicU64::new(0));
    {
        let (clock, model, watch, faults) = (clock.clone(), model.clone(), watch.clone(), faults.clone());
        let flushes = AtomicU64::new(0);
        disk.set_plan(move |disk, operation| {
            let mut fault = watch.operation(disk, operation, clock.wall_ms(), &model);
            if life.failing.is_some_and(|failing| failing.strikes(operation, &flushes)) {
                fault = Some(Fault::Error(Cause::Io));
            }
            let is_in_doubt = match (operation.path.extension().and_then(|own| own.to_str()), fault) {
                (Some("log"), Some(Fault::Error(_))) => true,
                // While it is opened anew, a full disk leaves nothing in doubt.
                (Some("redb"), Some(Fault::Error(Cause::Io))) => true,
                _ => false,
            };
            if operation.kind == OperationKind::SyncData && is_in_doubt {
                model.lock().unwrap_or_else(PoisonError::into_inner).is_refusing = true;
            }
            let is_failing = fault.is_some_and(|fault| fault != Fault::Skip);
            faults.fetch_add(u64::from(is_failing), Ordering::Relaxed);
            fault
        });
    }
    let machine = match Machine::open(disk.clone(), clock.clone(), life.shape) {
        Ok(machine) => Some(machine),
        Err(failure) => {
            failures.lock().unwrap().push(failure);
            None
        }
    };
    if let Some(machine) = &machine {
        let driver = Driver::new(machine, &model, &failures, &faults);
        // Recovery has brought to the device what it serves.
        let served = driver.model().to_flush();
        driver.model().flushed(&served);
        if life.is_large {
            driver.run_large(machine)
        } else {
            driver.run(machine, life.index)
        }
        let model = driver.model().clone();
        watch.ending(machine, &model);
        if life.index.is_multiple_of(2) {
            close(machine, &driver, &failures, &*watch);
        }
    }
    disk.clear_plan();
    let failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    let model = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Lived { machine, failures, model, now_ms: clock.wall_ms(), disk }
}

fn close(machine: &Machine, driver: &Driver, failures: &Mutex<Vec<Failure>>, watch: &dyn Watch) {
    let flush = driver.model().to_flush();
    match machine.broker.close() {
        Ok(()) => {
            let mut model = driver.model();
            model.flushed(&flush);
            model.checkpointed(&flush);
            model.is_closed = true;
            watch.closed(&machine.disk, machine.clock.wall_ms(), &model);
            model.is_closed = false;
        }
        Err(failure) => failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure),
    }
}
