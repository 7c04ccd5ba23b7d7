//! How far each group has come in each queue.
//!
//! A row of `Table::Offsets`: `group@topic@queue` (`@` is in no name), the offset as a big-endian signed 64-bit number.

use crate::broker::groups::check_consumer_group;
use crate::broker::lifecycle::Broker;
use crate::broker::long_poll::to_i64;
use crate::broker::topics::Topics;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::QueueKey;
use crate::protocol::request::QueueOffset;
use crate::store::Store;
use crate::store::Table;
use crate::sys::sync::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;

pub(super) struct Offsets {
    store: Arc<Store>,
    by_group: RwLock<HashMap<Arc<str>, HashMap<QueueKey, i64>>>,
}

impl Offsets {
    /// Reads the rows. An offset ahead of its queue (the queue's tail did not survive a crash) is taken back to the
    /// queue's end, so that no later message is skipped.
    pub(super) fn restore(store: Arc<Store>, topics: &Topics) -> Result<Self, Failure> {
        let mut by_group: HashMap<Arc<str>, HashMap<QueueKey, i64>> = HashMap::new();
        for (key, row) in store.rows(Table::Offsets)? {
            let (group, queue, offset) = decode_row(&key, &row)?;
            let max = max_offset(topics, &queue).unwrap_or(0);
            if offset > max {
                log::warn!("offset {offset} of '{key}' is ahead of the queue's end: taken back to {max}");
                store.put_row(Table::Offsets, &key, &max.to_be_bytes());
            }
            by_group.entry(group.into()).or_default().insert(queue, offset.min(max));
        }
        Ok(Self { store, by_group: RwLock::new(by_group) })
    }

    pub(super) fn get(&self, group: &str, queue: &QueueKey) -> Option<i64> {
        self.by_group.read().unwrap_or_else(PoisonError::into_inner).get(group)?.get(queue).copied()
    }

    pub(super) fn groups(&self) -> Vec<Arc<str>> {
        self.by_group.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn put(&self, group: &str, queue: &QueueKey, offset: i64) {
        let mut by_group = self.by_group.write().unwrap_or_else(PoisonError::into_inner);
        if !by_group.contains_key(group) {
            by_group.insert(group.into(), HashMap::new());
        }
        let Some(offsets) = by_group.get_mut(group) else { return };
        if offsets.get(queue) == Some(&offset) {
            return;
        }
        offsets.insert(queue.clone(), offset);
        // Staged under the lock, so that rows become durable in the order of the commits.
        let key = format!("{group}@{}@{}", queue.topic, queue.queue_id);
        self.store.put_row(Table::Offsets, &key, &offset.to_be_bytes());
    }
}

impl Broker {
    /// The committed offset of a group in a queue, if it ever committed one.
    pub fn query_offset(&self, group: &str, queue: &QueueKey) -> Result<Option<i64>, Failure> {
        self.check_open()?;
        Ok(self.offsets.get(group, queue))
    }

    /// Commits what can be committed; the error tells the first that cannot.
    pub fn commit_offsets(&self, group: &str, offsets: &[QueueOffset]) -> Result<(), Failure> {
        self.check_open()?;
        check_consumer_group(group)?;
        let mut first = Ok(());
        for QueueOffset { queue, offset } in offsets {
            let checked = self.check_offset(group, queue, *offset);
            if checked.is_ok() {
                self.offsets.put(group, queue, *offset);
            }
            first = first.and(checked);
        }
        first
    }

    fn check_offset(&self, group: &str, queue: &QueueKey, offset: i64) -> Result<(), Failure> {
        let max = max_offset(&self.topics, queue)?;
        if (0..=max).contains(&offset) {
            return Ok(());
        }
        let QueueKey { topic, queue_id } = queue;
        Err(Failure::invalid(format!(
            "group '{group}' cannot commit offset {offset} of queue {queue_id} of topic '{topic}': \
             0 to {max} are possible"
        )))
    }
}

fn max_offset(topics: &Topics, queue: &QueueKey) -> Result<i64, Failure> {
    Ok(to_i64(topics.get(&queue.topic)?.queue(queue.queue_id)?.max_offset()))
}

pub(super) fn decode_row(key: &str, row: &[u8]) -> Result<(String, QueueKey, i64), Failure> {
    let decode = || {
        let mut parts = key.split('@');
        let (group, topic, queue_id) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        let offset = i64::from_be_bytes(row.try_into().ok()?);
        let is_whole = parts.next().is_none() && offset >= 0;
        is_whole.then(|| (group.to_owned(), QueueKey { topic: topic.into(), queue_id }, offset))
    };
    decode().ok_or_else(|| {
        Failure::new(FailureKind::Corrupt, format!("the stored offset '{key}' is damaged: {row:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_a_damaged_one_is_named() {
        let (group, queue, offset) = decode_row("CID_a@%RETRY%CID_a@7", &9_i64.to_be_bytes()).unwrap();
        assert_eq!((group.as_str(), &*queue.topic, queue.queue_id, offset), ("CID_a", "%RETRY%CID_a", 7, 9));
        let whole = 9_i64.to_be_bytes();
        for (key, row) in [
            ("g@t", &whole[..]),
            ("g@t@x", &whole),
            ("g@t@1@2", &whole),
            ("g@t@1", &whole[1..]),
            ("g@t@1", &(-1_i64).to_be_bytes()),
        ] {
            let failure = decode_row(key, row).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Corrupt);
            assert!(failure.message.contains(key), "{failure}");
        }
    }
}
