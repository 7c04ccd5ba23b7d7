//! Signatures of the store while it is being written.
#![allow(unused_variables, clippy::unimplemented)]

use super::config::{Environment, StoreConfig};
use super::queue::Queue;
use super::read::Read;
use crate::protocol::failure::{Completion, Failure, Submitted};
use crate::protocol::record::{Record, RecordHead};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A message to append. `head.queue_id`, `queue_offset`, `position`, `store_timestamp_ms`, `store_host`, `body_crc`
/// are filled in by the store.
#[derive(Debug)]
pub struct Append<'a> {
    pub queue: &'a Arc<Queue>,
    pub head: RecordHead,
    pub properties: &'a str,
    pub body: &'a [u8],
    /// Kept in the consume queue beside the position; what it means is the caller's matter.
    pub tag_hash: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub queue_offset: u64,
    pub position: u64,
    pub store_timestamp_ms: i64,
}

#[derive(Debug)]
pub struct Store;

impl Store {
    /// Opens or creates the store; after a crash this recovers it.
    pub fn open(config: StoreConfig, environment: Environment) -> Result<Arc<Store>, Failure> {
        unimplemented!()
    }

    /// Every queue that has or had a record (or was opened since).
    pub fn queues(&self) -> Vec<Arc<Queue>> {
        unimplemented!()
    }

    pub fn queue(&self, topic: &str, id: i32) -> Option<Arc<Queue>> {
        unimplemented!()
    }

    /// The queue, made when it is new. Queues are remembered by their records; an empty one is forgotten at close.
    pub fn open_queue(&self, topic: &str, id: i32) -> Arc<Queue> {
        unimplemented!()
    }

    /// Appends and returns once the record has the promised durability. Writes and syncs on this thread if the log is
    /// idle. After `timeout` (real time): an error with `Stored::Unknown`.
    pub fn append_blocking(&self, append: &Append<'_>, timeout: Duration) -> Result<Appended, Failure> {
        unimplemented!()
    }

    /// Appends without waiting; never syncs on this thread. The completion runs on the thread that wrote the record.
    pub fn append(&self, append: &Append<'_>, completion: Completion<Appended>) -> Submitted<Appended> {
        unimplemented!()
    }

    /// Appends without anybody to tell.
    pub fn append_detached(&self, append: &Append<'_>) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Called after records became readable, with the queues that grew; on the thread that wrote, no lock held.
    pub fn set_arrival(&self, arrival: Arc<dyn Fn(&[Arc<Queue>]) + Send + Sync>) {
        unimplemented!()
    }

    /// Up to `messages_max` records of a queue from `offset` on whose tag hash passes `filter`. An offset outside
    /// `min..=max` gives no records and leaves `next_offset` at the nearest bound.
    pub fn read(
        &self,
        queue: &Queue,
        offset: u64,
        messages_max: usize,
        bytes_max: usize,
        filter: &dyn Fn(i64) -> bool,
    ) -> Result<Read, Failure> {
        unimplemented!()
    }

    /// The record at a log position, if it is still kept.
    pub fn record_at(&self, position: u64) -> Result<Option<Bytes>, Failure> {
        unimplemented!()
    }

    /// The first offset whose record was stored at or after the epoch time; the queue's max if none was.
    pub fn search_offset(&self, queue: &Queue, timestamp_ms: i64) -> Result<u64, Failure> {
        unimplemented!()
    }

    /// Records of a topic by KEYS or UNIQ_KEY, newest first.
    pub fn find_by_key(&self, topic: &str, key: &str, max: usize) -> Result<Vec<Bytes>, Failure> {
        unimplemented!()
    }

    /// A small durable table of the broker's own: rows are staged here and become durable together, in order, with
    /// the next checkpoint (at most a second later) or [`Store::checkpoint`].
    pub fn put_row(&self, table: Table, key: &str, value: &[u8]) {
        unimplemented!()
    }

    pub fn delete_row(&self, table: Table, key: &str) {
        unimplemented!()
    }

    /// All rows of a table, staged ones included, in key order.
    pub fn rows(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        unimplemented!()
    }

    /// Makes everything staged durable now. In ASYNC_FLUSH the log is synced first, so that no offset runs ahead of it.
    pub fn checkpoint(&self) -> Result<(), Failure> {
        unimplemented!()
    }

    /// The earliest due time of a waiting record (of TIMER_TOPIC, by its TIMER_OUT_MS), epoch ms.
    pub fn next_timer_ms(&self) -> Option<i64> {
        unimplemented!()
    }

    /// Called when a new waiting record may be due earlier than all before; no lock held.
    pub fn set_timer_added(&self, added: Arc<dyn Fn(i64) + Send + Sync>) {
        unimplemented!()
    }

    /// Waiting records due at or before `now_ms`, in time order, not yet fired. They stay waiting until a record with
    /// the property TIMER_ORIGIN = `id` has been appended and is durable; the store sees to that by itself.
    pub fn due_timers(&self, now_ms: i64, max: usize) -> Result<Vec<(u64, Record)>, Failure> {
        unimplemented!()
    }

    /// Statistics for the ABI and the tool.
    pub fn statistics(&self) -> StoreStatistics {
        unimplemented!()
    }

    /// Refuses appends from now on, writes what is pending, makes all durable, writes the indexes, releases the
    /// directory. Idempotent; the error of the first close is returned again.
    pub fn close(&self) -> Result<(), Failure> {
        unimplemented!()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    Topics,
    Groups,
    Offsets,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// Messages appended and readable since the store was opened.
    pub messages_appended: u64,
    pub bytes_appended: u64,
    pub writes: u64,
    pub syncs: u64,
    pub segments: u64,
    pub log_bytes: u64,
    pub timers_waiting: u64,
    /// Why new messages are refused, if they are.
    pub refusing: Option<String>,
}
