//! Waiting records that are due: in the log until a checkpoint, then in the metadata.

use super::envelope::ENVELOPE_BYTES;
use super::error::corrupt;
use super::inner::Inner;
use super::metadata::MetaTable;
use super::timers::row_key;
use crate::protocol::failure::Failure;
use crate::protocol::record::Record;
use bytes::Bytes;

/// A waiting record, by when it is due and by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub due_ms: i64,
    pub id: u64,
}

impl Inner {
    pub(crate) fn due_timers(&self, now_ms: i64, max: usize) -> Vec<Waiting> {
        let due = self.shared.timers.due(now_ms, max);
        due.into_iter().map(|(due_ms, id)| Waiting { due_ms, id }).collect()
    }

    pub(crate) fn waiting_record(&self, waiting: Waiting) -> Result<Record, Failure> {
        let Waiting { due_ms, id } = waiting;
        let key = row_key(due_ms, id);
        let bytes = match self.read_metadata(|metadata| metadata.get(MetaTable::Timers, &key))? {
            Some(row) => Some(Bytes::from(row)),
            None => self.record_at(id)?,
        };
        bytes.and_then(|bytes| Record::decode(&bytes).ok()).ok_or_else(|| {
            let address = id.saturating_sub(ENVELOPE_BYTES as u64);
            let what = format!("the waiting message at log address {address} cannot be read");
            corrupt(&self.config.dir, what)
        })
    }
}
