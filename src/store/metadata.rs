//! Metadata: small ordered tables in one file, changed by atomic and durable batches.
//!
//! The file is a redb database whose I/O goes through the injected disk (see `backend`). Why redb: see
//! docs/metadata.md.
//!
//! After a failed write or sync nobody knows what is on the device. From then on every commit is refused until the
//! file is opened again; reads go on and show the last state whose commit succeeded. A write that finds the
//! disk full only refuses the commit that met it.
//!
//! *Architecture Invariant:* nothing here knows what the tables mean.

mod backend;
mod opened;

use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::disk::Disk;
use crate::sys::sync::{Mutex, OnceLock, RwLock, RwLockReadGuard};
pub(crate) use opened::{FLAGS_AT, NOT_CLOSED};
use opened::{Opened, Problem};
use redb::{ReadTransaction, TableDefinition};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetaTable {
    Topics,
    Groups,
    Offsets,
    Timers,
    QueueFloors,
    State,
}

impl MetaTable {
    pub const ALL: [MetaTable; 6] =
        [Self::Topics, Self::Groups, Self::Offsets, Self::Timers, Self::QueueFloors, Self::State];

    fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Topics => "topics",
            Self::Groups => "groups",
            Self::Offsets => "offsets",
            Self::Timers => "timers",
            Self::QueueFloors => "queue_floors",
            Self::State => "state",
        })
    }
}

/// Changes that become durable together; a later one of the same key wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<(MetaTable, Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    pub fn put(&mut self, table: MetaTable, key: &[u8], value: &[u8]) {
        self.changes.push((table, key.to_vec(), Some(value.to_vec())));
    }

    pub fn delete(&mut self, table: MetaTable, key: &[u8]) {
        self.changes.push((table, key.to_vec(), None));
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// The tables of one store. Shared by threads; commits are made one after the other and block no reader.
#[derive(Debug)]
pub struct Metadata {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    slot: RwLock<Slot>,
    /// Why the file could not be opened anew: that syncs it, and a failed sync may have lost what was committed before.
    reopening_failed: OnceLock<Failure>,
    committing: Mutex<()>,
}

#[derive(Debug)]
enum Slot {
    /// With the number of this opening, from 0.
    Opened(u64, Box<Opened>),
    /// redb met an error in the opening of that number, one that leaves the file sound: the next call opens it anew.
    Failed(u64),
    Closed,
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

impl Metadata {
    /// Opens the file, or creates it, durably. A damaged file is `Corrupt`: the checksum of every page is verified.
    pub fn open(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self, Failure> {
        let opened = Opened::open(disk, path).map_err(|problem| problem.failure(path, "open"))?;
        let slot = RwLock::new(Slot::Opened(0, Box::new(opened)));
        let (disk, path) = (disk.clone(), path.to_owned());
        Ok(Self { disk, path, slot, reopening_failed: OnceLock::new(), committing: Mutex::default() })
    }

    /// Why the file could once not be opened anew, unless it only found no room.
    pub fn reopening_failed(&self) -> Option<&Failure> {
        self.reopening_failed.get()
    }

    pub fn get(&self, table: MetaTable, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.read(|view| {
            let row = view.open_table(table.definition())?.get(key)?;
            Ok(row.map(|value| value.value().to_vec()))
        })
    }

    /// Up to `max` rows in key order, from `from` on, below `to`.
    pub fn range(
        &self,
        table: MetaTable,
        from: &[u8],
        to: Option<&[u8]>,
        max: usize,
    ) -> Result<Rows, Failure> {
        self.scan(table, from, to, max, |key, value| (key.to_vec(), value.to_vec()))
    }

    /// The keys of [`Metadata::range`] without the values, which may be long.
    pub fn keys(
        &self,
        table: MetaTable,
        from: &[u8],
        to: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        self.scan(table, from, to, max, |key, _| key.to_vec())
    }

    fn scan<T>(
        &self,
        table: MetaTable,
        from: &[u8],
        to: Option<&[u8]>,
        max: usize,
        take: impl Fn(&[u8], &[u8]) -> T,
    ) -> Result<Vec<T>, Failure> {
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        self.read(|view| {
            let table = view.open_table(table.definition())?;
            let rows = match to {
                Some(to) => table.range(from..to)?,
                None => table.range(from..)?,
            };
            let mut found = Vec::new();
            for row in rows.take(max) {
                let (key, value) = row?;
                found.push(take(key.value(), value.value()));
            }
            Ok(found)
        })
    }

    /// Makes all changes of a batch durable, or none. After an error they are not seen; whether they are once the
    /// file was opened again depends on how far the failed commit came.
    pub fn commit(&self, batch: &Batch) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, (problem, before)) = {
            let slot = self.opened()?;
            let Slot::Opened(number, opened) = &*slot else { return Err(self.was_closed()) };
            if let Some(refusal) = opened.refusal() {
                return Err(refusal.clone());
            }
            match opened.commit(batch) {
                Ok(()) => return Ok(()),
                Err(failed) => (*number, *failed),
            }
        };
        let failure = problem.failure(&self.path, "write");
        self.after_failure(number, Some((&failure, before)));
        Err(failure)
    }

    /// Writes what redb keeps for a quick next opening. Afterwards the file is not touched any more and every call is
    /// refused. Idempotent.
    pub fn close(&self) -> Result<(), Failure> {
        let _no_commit = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *slot, Slot::Closed) {
            Slot::Opened(_, opened) => opened.close().map_err(|problem| problem.failure(&self.path, "close")),
            // What was committed is durable; the next opening finds out the rest.
            Slot::Failed(_) | Slot::Closed => Ok(()),
        }
    }

    fn read<T>(&self, action: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, Failure> {
        let (number, problem) = {
            let slot = self.opened()?;
            let Slot::Opened(number, opened) = &*slot else { return Err(self.was_closed()) };
            match opened.read(action) {
                Ok(value) => return Ok(value),
                Err(problem) => (*number, problem),
            }
        };
        self.after_failure(number, None);
        Err(problem.failure(&self.path, "read"))
    }

    /// The file, opened anew if an error closed it; or closed.
    fn opened(&self) -> Result<RwLockReadGuard<'_, Slot>, Failure> {
        loop {
            let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
            if !matches!(*slot, Slot::Failed(_)) {
                return Ok(slot);
            }
            drop(slot);
            // Another call may meet an error before this one has taken the lock again: then once more.
            let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
            if let Slot::Failed(number) = *slot {
                let opened = Opened::open(&self.disk, &self.path);
                let opened = opened.map_err(|problem| self.not_reopened(&problem))?;
                *slot = Slot::Opened(number + 1, Box::new(opened));
            }
        }
    }

    fn not_reopened(&self, problem: &Problem) -> Failure {
        let failure = problem.failure(&self.path, "open again");
        if failure.kind != FailureKind::DiskFull {
            let _ = self.reopening_failed.set(failure.clone());
        }
        failure
    }

    fn was_closed(&self) -> Failure {
        Failure::state(format!("{} was closed", self.path.display()))
    }

    /// redb answers nothing more after an error. If the file may still be written, the next call opens it anew;
    /// if not, commits are refused and reads go on from the state before the failed commit. `number`: the opening that
    /// met the error. Of several calls that met it one acts; the others may come when the file is open again.
    fn after_failure(&self, number: u64, commit: Option<(&Failure, Option<ReadTransaction>)>) {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Slot::Opened(own, opened) if *own == number => {
                if opened.is_writable() {
                    *slot = Slot::Failed(number);
                } else if let Some((failure, before)) = commit {
                    opened.refuse(failure, before);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
