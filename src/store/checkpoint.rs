//! Staged rows, timers and the log's known end go into the metadata together, in one transaction.
//!
//! The transaction carries two addresses: up to `applied` every record's effect on the timers is in the metadata, and up
//! to `synced` the log is on the device. Recovery reads the log from the first and writes it anew from the second. In
//! ASYNC_FLUSH the log is synced first, so that no committed offset runs ahead of it.

use super::config::FlushMode;
use super::error::corrupt;
use super::inner::Inner;
use super::metadata::{Batch, MetaTable, Metadata};
use super::shared::lock;
use super::timers::row_key;
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::sync::atomic::Ordering;
use std::collections::BTreeMap;

/// Tables of the store's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    Topics,
    Groups,
    Offsets,
}

impl Table {
    pub(crate) fn in_metadata(self) -> MetaTable {
        match self {
            Self::Topics => MetaTable::Topics,
            Self::Groups => MetaTable::Groups,
            Self::Offsets => MetaTable::Offsets,
        }
    }
}

/// Rows that wait for the next checkpoint; `None`: deleted.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    rows: BTreeMap<(Table, String), Option<Vec<u8>>>,
}

/// Rows of [`MetaTable::State`].
pub(crate) const STATE_APPLIED: &[u8] = b"applied";
pub(crate) const STATE_SYNCED: &[u8] = b"synced";

impl Inner {
    pub(crate) fn put_row(&self, table: Table, key: &str, value: Option<&[u8]>) {
        lock(&self.staged).rows.insert((table, key.to_owned()), value.map(<[u8]>::to_vec));
        self.shared.submit_later(super::shared::Job::Checkpoint);
    }

    pub(crate) fn rows(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let mut rows = BTreeMap::new();
        let committed =
            self.read_metadata(|metadata| metadata.range(table.in_metadata(), &[], None, usize::MAX))?;
        for (key, value) in committed {
            let key = String::from_utf8(key).map_err(|_| {
                corrupt(&self.config.dir.join(super::METADATA_FILE), "a row's key is not text")
            })?;
            rows.insert(key, value);
        }
        for ((own, key), value) in &lock(&self.staged).rows {
            match value {
                _ if *own != table => {}
                Some(value) => drop(rows.insert(key.clone(), value.clone())),
                None => drop(rows.remove(key)),
            }
        }
        Ok(rows.into_iter().collect())
    }

    pub(crate) fn checkpoint(&self) -> Result<(), Failure> {
        let rows: Vec<_> =
            lock(&self.staged).rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let timers = self.shared.timers.changes();
        self.sync_log()?;
        let synced = *lock(&self.synced_end);
        let mut batch = Batch::default();
        for ((table, key), value) in &rows {
            match value {
                Some(value) => batch.put(table.in_metadata(), key.as_bytes(), value),
                None => batch.delete(table.in_metadata(), key.as_bytes()),
            }
        }
        for ((due, position), _) in &timers.added {
            match self.record_at(*position)? {
                Some(record) => batch.put(MetaTable::Timers, &row_key(*due, *position), &record),
                // One damaged message must not keep all the others' progress from the disk.
                None => log::error!("the waiting message at log position {position} is damaged: it is lost"),
            }
        }
        timers.remove_fired(&mut batch);
        let applied = timers.applied.min(synced);
        batch.put(MetaTable::State, STATE_APPLIED, &applied.to_be_bytes());
        batch.put(MetaTable::State, STATE_SYNCED, &synced.to_be_bytes());
        self.commit(&batch)?;
        self.shared.timers.checkpointed(&timers);
        let mut staged = lock(&self.staged);
        for (key, value) in rows {
            // A row that was changed again meanwhile stays staged.
            if staged.rows.get(&key) == Some(&value) {
                staged.rows.remove(&key);
            }
        }
        Ok(())
    }

    /// Commits to the metadata. Without them no offset becomes durable, no segment is finished and none deleted: after a
    /// failure that stays, the log refuses rather than go on like that. For want of room only this commit failed: the
    /// next one may succeed, and the log itself meets a full disk as well.
    pub(crate) fn commit(&self, batch: &Batch) -> Result<(), Failure> {
        self.metadata.commit(batch).inspect_err(|failure| {
            if failure.kind != FailureKind::DiskFull {
                self.log.refuse_after(failure);
            }
        })
    }

    /// Reads metadata. If the file had to be opened anew for that and could not be, the log refuses as after a failed commit.
    pub(crate) fn read_metadata<T>(
        &self,
        read: impl FnOnce(&Metadata) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        read(&self.metadata).inspect_err(|_| {
            if let Some(failure) = self.metadata.reopening_failed() {
                self.log.refuse_after(failure);
            }
        })
    }

    /// ASYNC_FLUSH: brings everything written to the device. A failure makes the log refuse, as after any failed sync.
    pub(crate) fn sync_log(&self) -> Result<(), Failure> {
        let mut synced_end = lock(&self.synced_end);
        let published = self.shared.published_end();
        if self.config.flush == FlushMode::Sync {
            *synced_end = published;
            return Ok(());
        }
        if let Some(failed) = lock(&self.sync_failure).as_ref() {
            // A sync that succeeds now says nothing about what an earlier one has lost.
            return Err(failed.clone());
        }
        if !self.shared.is_dirty.swap(false, Ordering::AcqRel) && *synced_end >= published {
            return Ok(());
        }
        let published = self.shared.published_end();
        for held in self.shared.segments.used() {
            let segment = held.segment;
            if segment.end() <= *synced_end || segment.base() >= published {
                continue;
            }
            self.log.counters.syncs.fetch_add(1, Ordering::Relaxed);
            segment.sync().map_err(|failure| {
                self.log.refuse_after(&failure);
                let failure = Failure { kind: FailureKind::Storage, ..failure };
                *lock(&self.sync_failure) = Some(failure.clone());
                failure
            })?;
        }
        *synced_end = published;
        Ok(())
    }
}
