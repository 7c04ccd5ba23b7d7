//! Waiting records: which are due. They are in memory until a checkpoint, then in the metadata.

use super::envelope::ENVELOPE_BYTES;
use super::inner::Inner;
use super::metadata::MetaTable;
use super::timers::{parse_row_key, row_key};
use crate::protocol::failure::Failure;
use crate::protocol::record::Record;
use bytes::Bytes;

impl Inner {
    pub(crate) fn next_timer_ms(&self) -> Option<i64> {
        let added = self.shared.timers.first_added_ms();
        let row = self.first_waiting_row().unwrap_or_else(|failure| {
            log::error!("{failure}");
            None
        });
        added.into_iter().chain(row).min()
    }

    fn first_waiting_row(&self) -> Result<Option<i64>, Failure> {
        if self.shared.timers.waiting() == 0 {
            return Ok(None);
        }
        let mut from = Vec::new();
        loop {
            // Rows whose delivery is written already go with the next checkpoint.
            let rows = self.metadata.range(MetaTable::Timers, &from, None, 64)?;
            let Some((last, _)) = rows.last() else { return Ok(None) };
            let waiting = rows.iter().filter_map(|(key, _)| parse_row_key(key));
            if let Some((due, _)) =
                waiting.into_iter().find(|(_, position)| !self.shared.timers.is_fired(*position))
            {
                return Ok(Some(due));
            }
            from.clone_from(last);
            from.push(0);
        }
    }

    pub(crate) fn due_timers(&self, now_ms: i64, max: usize) -> Result<Vec<(u64, Record)>, Failure> {
        // In this order: a record that a checkpoint moves meanwhile is seen twice rather than never.
        let added = self.shared.timers.added_due(now_ms, max);
        let mut due: Vec<((i64, u64), Bytes)> = Vec::new();
        let end = row_key(now_ms.saturating_add(1), 0);
        let mut from = Vec::new();
        while due.len() < max {
            let rows = self.metadata.range(MetaTable::Timers, &from, Some(&end), max)?;
            let Some((last, _)) = rows.last() else { break };
            from.clone_from(last);
            from.push(0);
            due.extend(rows.into_iter().filter_map(|(key, record)| {
                let key = parse_row_key(&key)?;
                (!self.shared.timers.is_fired(key.1)).then(|| (key, Bytes::from(record)))
            }));
        }
        for (key, _) in added {
            if let Some(record) = self.record_at(key.1)? {
                due.push((key, record));
            }
        }
        due.sort_by_key(|(key, _)| *key);
        due.dedup_by_key(|(key, _)| *key);
        due.truncate(max);
        let mut records = Vec::with_capacity(due.len());
        for ((_, position), bytes) in due {
            match Record::decode(&bytes) {
                Ok(record) => records.push((position, record)),
                Err(error) => log::error!(
                    "the waiting message at log address {} cannot be read: {error}",
                    position.saturating_sub(ENVELOPE_BYTES as u64)
                ),
            }
        }
        Ok(records)
    }
}
