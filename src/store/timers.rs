//! Records that wait for their time, ordered by it.
//!
//! A waiting record is appended to the log's timer topic like any other: that is its acknowledgement. From the log it
//! moves, with the next checkpoint, into the metadata's timer table (key: due time, log position; value: the record), so
//! that its segment can be deleted. When it is due, the broker appends its message to the real topic with the property
//! TIMER_ORIGIN = log position; when that append is durable the row goes. Both steps are known from the log itself: the
//! checkpoint carries the address up to which they are done, and recovery reads the log from there.

use super::envelope::ENVELOPE_BYTES;
use super::metadata::{Batch as MetaBatch, MetaTable};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

/// Waiting records that are in the log but not in the metadata yet, and the other way round.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Not known to be in the metadata: (due, position) → length of the record.
    added: BTreeMap<(i64, u64), u32>,
    /// Positions of `added` that a checkpoint has tried to bring there. Should its commit fail, they may be there
    /// nevertheless.
    tried: BTreeSet<u64>,
    /// Fired: positions whose rows go with the next checkpoint.
    fired: BTreeSet<u64>,
    /// Due time by position, of everything that waits: a fired record is known by its position only.
    due_by_position: BTreeMap<u64, i64>,
    /// (due, position) of everything that waits and has not fired: who looks for the next ones need not read the rows,
    /// which hold whole records.
    waiting: BTreeSet<(i64, u64)>,
    /// Everything in the log below this address is in here or in the metadata.
    applied: u64,
}

/// What a checkpoint takes along.
#[derive(Debug, Default)]
pub(crate) struct TimerChanges {
    pub(crate) added: Vec<((i64, u64), u32)>,
    pub(crate) fired: Vec<(i64, u64)>,
    pub(crate) applied: u64,
}

/// Key of a row: due time and position, both ordered as bytes.
pub(crate) fn row_key(due_ms: i64, position: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&due_ms.max(0).to_be_bytes());
    key[8..].copy_from_slice(&position.to_be_bytes());
    key
}

pub(crate) fn parse_row_key(key: &[u8]) -> Option<(i64, u64)> {
    let (due, rest) = key.split_first_chunk::<8>()?;
    let (position, _) = rest.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*due), u64::from_be_bytes(*position)))
}

impl Timers {
    /// Takes over a row of the metadata, at open.
    pub(crate) fn restore(&self, due_ms: i64, position: u64) {
        let mut state = self.lock();
        state.due_by_position.insert(position, due_ms);
        state.waiting.insert((due_ms, position));
    }

    pub(crate) fn set_applied(&self, address: u64) {
        self.lock().applied = address;
    }

    /// A waiting record was written at `address`.
    pub(crate) fn add(&self, due_ms: i64, address: u64, len: u32) {
        let position = address + ENVELOPE_BYTES as u64;
        // As its row says it.
        let due_ms = due_ms.max(0);
        let mut state = self.lock();
        if state.due_by_position.insert(position, due_ms).is_none() {
            state.added.insert((due_ms, position), len);
            state.waiting.insert((due_ms, position));
        }
    }

    /// The delivery of the record at `position` was written.
    pub(crate) fn fire(&self, position: u64) {
        let mut state = self.lock();
        let Some(&due) = state.due_by_position.get(&position) else { return };
        state.waiting.remove(&(due, position));
        let was_added = state.added.remove(&(due, position)).is_some();
        let may_have_row = state.tried.remove(&position) || !was_added;
        if may_have_row {
            state.fired.insert(position);
        } else {
            state.due_by_position.remove(&position);
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// The first `max` that are due at or before `now_ms`.
    pub(crate) fn due(&self, now_ms: i64, max: usize) -> Vec<(i64, u64)> {
        self.lock().waiting.range(..=(now_ms, u64::MAX)).take(max).copied().collect()
    }

    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.lock().waiting.first().map(|(due, _)| *due)
    }

    /// What has changed since the last checkpoint; stays until [`Timers::checkpointed`].
    pub(crate) fn changes(&self) -> TimerChanges {
        let mut state = self.lock();
        let added: Vec<_> = state.added.iter().map(|(key, len)| (*key, *len)).collect();
        state.tried.extend(added.iter().map(|((_, position), _)| *position));
        TimerChanges {
            added,
            fired: state
                .fired
                .iter()
                .filter_map(|position| state.due_by_position.get(position).map(|due| (*due, *position)))
                .collect(),
            applied: state.applied,
        }
    }

    /// The changes are durable in the metadata. A record that fired meanwhile has a row to remove with the next ones.
    pub(crate) fn checkpointed(&self, changes: &TimerChanges) {
        let mut state = self.lock();
        for (key, _) in &changes.added {
            state.added.remove(key);
            state.tried.remove(&key.1);
        }
        for (_, position) in &changes.fired {
            state.fired.remove(position);
            state.due_by_position.remove(position);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimerChanges {
    pub(crate) fn remove_fired(&self, batch: &mut MetaBatch) {
        for (due, position) in &self.fired {
            batch.delete(MetaTable::Timers, &row_key(*due, *position));
        }
    }
}
