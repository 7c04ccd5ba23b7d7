//! Records, queues and offsets on a disk: commit log, consume queues, timers, key index, metadata.
//!
//! ```text
//! DIR/format            "ons store 1": the version of everything below
//! DIR/lock              held by the one process that has the store open; its pid
//! DIR/metadata.redb     topics, groups, offsets, timers, next offsets of emptied queues, checkpoint
//! DIR/log/BASE.log      segments of the commit log, see `segment`
//! DIR/log/BASE.idx      the index of a finished segment, see `index_file`
//! ```
//! The log is the truth; everything else is derived from it and made anew where it is missing or damaged.
//!
//! *Architecture Invariant:* `store` does not know groups, the meaning of tags, or requests.

mod age;
mod append;
mod batch;
mod blocks;
mod checkpoint;
mod cold;
mod commit_log;
pub mod config;
mod directory;
mod durable;
mod envelope;
mod error;
mod index_file;
mod inner;
mod log_files;
mod metadata;
#[cfg(all(test, feature = "models"))]
mod models;
mod publishing;
pub mod queue;
mod read;
mod recovery;
mod refusal;
mod remake;
mod retention;
mod seal;
mod segment;
mod segments;
mod shared;
#[cfg(test)]
mod tests;
mod threads;
mod timers;
pub mod verify;
mod view;
mod waiting;
mod walk;

pub use append::{Append, Appended, Noted, topic_hash};
pub use checkpoint::Table;
pub use directory::FORMAT_FILE;
pub use read::Read;
pub use waiting::Waiting;

use crate::protocol::failure::{Completion, Failure, Submitted};
use crate::protocol::record::Record;
use crate::protocol::request::SendSink;
use bytes::Bytes;
use config::{Environment, StoreConfig};
use inner::Inner;
use queue::Queue;
use shared::{Arrival, TimerAdded};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use threads::Threads;

const METADATA_FILE: &str = "metadata.redb";

/// A store, open. Shared by threads; closed by [`Store::close`] or with its last reference.
#[derive(Debug)]
pub struct Store {
    inner: Arc<Inner>,
    threads: Threads,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// Messages appended and readable since the store was opened.
    pub messages_appended: u64,
    pub bytes_appended: u64,
    pub writes: u64,
    pub syncs: u64,
    pub segments: u64,
    /// Bytes of the file system that the log takes.
    pub log_bytes: u64,
    pub timers_waiting: u64,
    /// Why new messages are refused, if they are.
    pub refusing: Option<String>,
}

impl Store {
    /// Opens or creates the store; after a crash this recovers it.
    pub fn open(config: StoreConfig, environment: Environment) -> Result<Arc<Self>, Failure> {
        let inner = directory::open(config, environment)?;
        let threads = Threads::start(&inner)?;
        inner.start();
        Ok(Arc::new(Self { inner, threads }))
    }

    /// Every queue that has or had a record, or was opened since; by topic and id.
    pub fn queues(&self) -> Vec<Arc<Queue>> {
        self.inner.shared.queues()
    }

    /// The queue, if it is known.
    #[cfg(any(test, feature = "testing"))]
    pub fn queue(&self, topic: &str, id: i32) -> Option<Arc<Queue>> {
        self.inner.shared.queue(topic, id)
    }

    /// The queue, made when it is new. Queues are remembered by their records; an empty one is forgotten at close.
    pub fn open_queue(&self, topic: &str, id: i32) -> Arc<Queue> {
        self.inner.shared.open_queue(topic, id)
    }

    /// Appends and returns once the record has the promised durability. Writes and syncs on this thread if the log is
    /// idle, however long the disk takes. While others write, it waits for `timeout` (real time) at most: an error, with
    /// `Stored::Unknown` once the record has its place in the log.
    pub fn append_blocking(&self, append: &Append<'_>, timeout: Duration) -> Result<Appended, Failure> {
        let outcome = self.inner.log.append_blocking(append, timeout);
        self.inner.run_jobs_here();
        outcome
    }

    /// Appends without waiting for the record to be written. Only when as much as may waits already does it wait for
    /// room, at most [`ROOM_WAIT`], or write and sync on this thread. The completion runs on the thread that wrote the
    /// record.
    ///
    /// [`ROOM_WAIT`]: commit_log::ROOM_WAIT
    pub fn append(&self, append: &Append<'_>, completion: Completion<Appended>) -> Submitted<Appended> {
        let submitted = self.inner.log.append(append, completion);
        self.inner.run_jobs_here();
        submitted
    }

    /// As [`Store::append`], for one of many sends: `sink` hears of `token`. Waits for room at most `timeout` (real time).
    pub fn append_for(
        &self,
        append: &Append<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
        timeout: Duration,
    ) -> Submitted<Appended> {
        let submitted = self.inner.log.append_for(append, sink, token, timeout);
        self.inner.run_jobs_here();
        submitted
    }

    /// Appends without anybody to tell. Waits for room at most `timeout` (real time).
    pub fn append_detached(&self, append: &Append<'_>, timeout: Duration) -> Result<(), Failure> {
        let outcome = self.inner.log.append_detached(append, timeout);
        self.inner.run_jobs_here();
        outcome
    }

    /// Called after records became readable, with the queues that grew; on the thread that wrote, no lock held.
    pub fn set_arrival(&self, arrival: Arrival) {
        self.inner.shared.set_arrival(arrival);
    }

    /// Up to `messages_max` records of a queue from `offset` on whose tag hash passes `filter`, and not more than
    /// `bytes_max` of them unless the first alone is longer. An offset outside `min..=max` gives no records and leaves
    /// `next_offset` at the nearest bound.
    pub fn read(
        &self,
        queue: &Queue,
        offset: u64,
        messages_max: usize,
        bytes_max: usize,
        filter: &dyn Fn(i64) -> bool,
    ) -> Result<Read, Failure> {
        self.inner.read(queue, offset, messages_max, bytes_max, filter)
    }

    /// The record that begins at a log position, if it is still kept.
    pub fn record_at(&self, position: u64) -> Result<Option<Bytes>, Failure> {
        self.inner.record_at(position)
    }

    /// The first offset whose record was stored at or after the epoch time; the queue's max if none was.
    pub fn search_offset(&self, queue: &Queue, timestamp_ms: i64) -> Result<u64, Failure> {
        self.inner.search_offset(queue, timestamp_ms)
    }

    /// Records of a topic by one of their KEYS or by UNIQ_KEY, newest first.
    pub fn find_by_key(&self, topic: &str, key: &str, max: usize) -> Result<Vec<Bytes>, Failure> {
        self.inner.find_by_key(topic, key, max)
    }

    /// Stages a row of the user's own small tables. Rows become durable together, in the order they were staged, with
    /// the next checkpoint: at most a second later, or with [`Store::checkpoint`].
    pub fn put_row(&self, table: Table, key: &str, value: &[u8]) {
        self.inner.put_row(table, key, Some(value));
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn delete_row(&self, table: Table, key: &str) {
        self.inner.put_row(table, key, None);
    }

    /// All rows of a table, staged ones included, in key order.
    pub fn rows(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        self.inner.rows(table)
    }

    #[cfg(any(test, feature = "testing"))]
    /// Makes everything staged durable now. In ASYNC_FLUSH the log is synced first, so that no offset runs ahead of it.
    pub fn checkpoint(&self) -> Result<(), Failure> {
        self.inner.checkpoint()
    }

    /// The earliest due time of a waiting record (of TIMER_TOPIC, by its TIMER_OUT_MS), epoch ms.
    pub fn next_timer_ms(&self) -> Option<i64> {
        self.inner.shared.timers.next_ms()
    }

    /// Called with its due time when a waiting record was added; no lock held.
    pub fn set_timer_added(&self, added: TimerAdded) {
        self.inner.shared.set_timer_added(added);
    }

    /// Up to `max` waiting records due at or before `now_ms`, in time order. They stay waiting until a record with the
    /// property TIMER_ORIGIN = id was appended; the store sees to that by itself.
    pub fn due_timers(&self, now_ms: i64, max: usize) -> Vec<Waiting> {
        self.inner.due_timers(now_ms, max)
    }

    /// A record that waits.
    pub fn waiting_record(&self, waiting: Waiting) -> Result<Record, Failure> {
        self.inner.waiting_record(waiting)
    }

    pub fn statistics(&self) -> StoreStatistics {
        let (log, shared) = (&self.inner.log, &self.inner.shared);
        StoreStatistics {
            messages_appended: log.counters.messages.load(Ordering::Relaxed),
            bytes_appended: log.counters.bytes.load(Ordering::Relaxed),
            writes: log.counters.writes.load(Ordering::Relaxed),
            syncs: log.counters.syncs.load(Ordering::Relaxed),
            segments: shared.segments.count() as u64,
            log_bytes: shared.segments.bytes(),
            timers_waiting: shared.timers.waiting() as u64,
            refusing: log.refusal().map(|failure| failure.message),
        }
    }

    /// Refuses appends from now on, writes what is pending, makes all durable, writes the index of the segment in use,
    /// releases the directory. Idempotent: a second close returns what the first did.
    pub fn close(&self) -> Result<(), Failure> {
        self.inner.close(|| self.threads.stop(&self.inner.shared))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(failure) = self.close() {
            log::error!("closing {}: {failure}", self.inner.config.dir.display());
        }
        // A queue may live on with a thread that sent to it; what it knows and the index files it has open need not.
        self.inner.shared.queues().iter().for_each(|queue| queue.forget());
    }
}
