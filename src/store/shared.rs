//! What the append path, the background work and the readers of one store share.

use super::batch::Pending;
use super::commit_log::LogEvents;
use super::config::StoreConfig;
use super::index_file::Key;
use super::publishing::tell;
use super::queue::Queue;
use super::segment::Segment;
use super::segments::Segments;
use super::timers::Timers;
use crate::protocol::failure::Failure;
use crate::sys::disk::Disk;
use crate::sys::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sys::sync::{Condvar, Mutex, MutexGuard, RwLock};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

/// Background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Make the next segment ready.
    Prepare,
    /// Write the index files of finished segments.
    Seal,
    /// Sync what ASYNC_FLUSH has written.
    Sync,
    /// Move staged rows and timers into the metadata.
    Checkpoint,
    /// Delete what is too old, look at the disk's space.
    Retain,
}

/// Hears which queues grew.
pub type Arrival = Arc<dyn Fn(&[Arc<Queue>]) + Send + Sync>;
/// Hears the due time of a record that was added.
pub type TimerAdded = Arc<dyn Fn(i64) + Send + Sync>;

type QueuesById = BTreeMap<i32, Arc<Queue>>;

pub(crate) struct Shared {
    pub(crate) segments: Segments,
    pub(crate) timers: Timers,
    has_threads: bool,
    queues: RwLock<HashMap<Arc<str>, QueuesById>>,
    unsealed: Mutex<BTreeMap<u64, Unsealed>>,
    published_end: AtomicU64,
    arrival: RwLock<Option<Arrival>>,
    timer_added: RwLock<Option<TimerAdded>>,
    jobs: Mutex<Jobs>,
    pub(crate) jobs_changed: Condvar,
    log_thread: Mutex<LogThread>,
    pub(crate) log_thread_woken: Condvar,
    /// Something is written that is not synced (ASYNC_FLUSH).
    pub(crate) is_dirty: AtomicBool,
    /// Set by the store: runs a job after a delay.
    later: RwLock<Option<Later>>,
}

type Later = Arc<dyn Fn(Job) + Send + Sync>;

/// What is known of a segment without an index file.
#[derive(Debug, Default)]
pub(crate) struct Unsealed {
    pub(crate) keys: Vec<Key>,
    pub(crate) last_stored_ms: i64,
    pub(crate) end: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) waiting: VecDeque<Job>,
    pub(crate) is_stopped: bool,
    /// Without threads: jobs are being run further up this very stack.
    pub(crate) is_running: bool,
}

#[derive(Debug, Default)]
pub(crate) struct LogThread {
    pub(crate) is_woken: bool,
    pub(crate) is_stopped: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("segments", &self.segments).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(segments: Segments, has_threads: bool) -> Self {
        Self {
            segments,
            timers: Timers::default(),
            has_threads,
            queues: RwLock::default(),
            unsealed: Mutex::default(),
            published_end: AtomicU64::new(0),
            arrival: RwLock::default(),
            timer_added: RwLock::default(),
            jobs: Mutex::default(),
            jobs_changed: Condvar::new(),
            log_thread: Mutex::default(),
            log_thread_woken: Condvar::new(),
            is_dirty: AtomicBool::new(false),
            later: RwLock::default(),
        }
    }

    /// An empty one, to read a single segment's records into.
    pub(crate) fn scratch(disk: Arc<dyn Disk>) -> Self {
        let nowhere = StoreConfig::new("");
        Self::new(Segments::new(disk, nowhere.dir.clone(), &nowhere, BTreeMap::new(), None, 0), false)
    }

    pub(crate) fn queue(&self, topic: &str, id: i32) -> Option<Arc<Queue>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.get(topic)?.get(&id).cloned()
    }

    pub(crate) fn open_queue(&self, topic: &str, id: i32) -> Arc<Queue> {
        if let Some(queue) = self.queue(topic, id) {
            return queue;
        }
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        let topic = queues.get_key_value(topic).map_or_else(|| Arc::from(topic), |(name, _)| name.clone());
        let of_topic = queues.entry(topic.clone()).or_default();
        of_topic.entry(id).or_insert_with(|| Arc::new(Queue::new(topic, id))).clone()
    }

    pub(crate) fn queues(&self) -> Vec<Arc<Queue>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = queues.values().flat_map(BTreeMap::values).cloned().collect();
        all.sort_by(|a, b| (a.topic(), a.id()).cmp(&(b.topic(), b.id())));
        all
    }

    pub(crate) fn published_end(&self) -> u64 {
        self.published_end.load(Ordering::Acquire)
    }

    pub(crate) fn set_published_end(&self, address: u64) {
        self.published_end.store(address, Ordering::Release);
    }

    pub(crate) fn unsealed(&self) -> MutexGuard<'_, BTreeMap<u64, Unsealed>> {
        lock(&self.unsealed)
    }

    /// Places of a key hash in a segment without an index file.
    pub(crate) fn recent_keys(&self, base: u64, hash: u32) -> Vec<u32> {
        let unsealed = self.unsealed();
        let keys = unsealed.get(&base).map_or(&[][..], |segment| &segment.keys);
        keys.iter().filter(|key| key.hash == hash).map(|key| key.at).collect()
    }

    pub(crate) fn set_arrival(&self, arrival: Arrival) {
        *self.arrival.write().unwrap_or_else(PoisonError::into_inner) = Some(arrival);
    }

    pub(crate) fn set_timer_added(&self, added: TimerAdded) {
        *self.timer_added.write().unwrap_or_else(PoisonError::into_inner) = Some(added);
    }

    pub(crate) fn set_later(&self, later: Later) {
        *self.later.write().unwrap_or_else(PoisonError::into_inner) = Some(later);
    }

    /// Lets go of what calls back into broker and store, so that nothing keeps them alive in a circle.
    pub(crate) fn forget_callbacks(&self) {
        *self.arrival.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.timer_added.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.later.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        lock(&self.jobs)
    }

    /// Asks for background work; asked twice before it runs, it runs once.
    pub(crate) fn submit(&self, job: Job) {
        let mut jobs = self.jobs();
        if !jobs.is_stopped && !jobs.waiting.contains(&job) {
            jobs.waiting.push_back(job);
            self.jobs_changed.notify_one();
        }
    }

    /// Asks for background work after its usual delay.
    pub(crate) fn submit_later(&self, job: Job) {
        let later = self.later.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(later) = later {
            later(job);
        }
    }

    pub(crate) fn log_thread(&self) -> MutexGuard<'_, LogThread> {
        lock(&self.log_thread)
    }

    fn note_timers(&self, records: &[Pending], end: u64) -> Option<i64> {
        let mut earliest = None;
        for record in records {
            if let Some(due) = record.noted.due_ms() {
                self.timers.add(due, record.entry.address, record.entry.len);
                earliest = Some(earliest.map_or(due, |other: i64| other.min(due)));
            }
            if let Some(origin) = record.noted.timer_origin() {
                self.timers.fire(origin);
            }
        }
        self.timers.set_applied(end);
        earliest
    }
}

impl LogEvents for Shared {
    fn next_segment(&self, full: &Segment) -> Result<Arc<Segment>, Failure> {
        let next = self.segments.take_next(full)?;
        self.submit(Job::Prepare);
        Ok(next)
    }

    fn give_back(&self, segment: Arc<Segment>) {
        self.segments.give_back(segment);
    }

    fn published(&self, segment: &Arc<Segment>, records: &[Pending], end: u64) {
        self.set_published_end(end);
        let is_first = {
            let mut unsealed = self.unsealed();
            let is_first = !unsealed.contains_key(&segment.base());
            let current = unsealed.entry(segment.base()).or_default();
            current.end = end;
            for record in records {
                let at = (record.entry.address - segment.base()) as u32;
                current.keys.extend(record.noted.keys().map(|hash| Key { hash, at }));
                current.last_stored_ms = current.last_stored_ms.max(record.store_timestamp_ms);
            }
            is_first
        };
        let earliest = self.note_timers(records, end);
        if is_first {
            self.submit(Job::Seal);
        }
        self.submit_later(Job::Checkpoint);
        if let Some(due) = earliest {
            let added = self.timer_added.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(added) = added {
                tell("a receiver of timers", || added(due));
            }
        }
    }

    fn arrived(&self, queues: &[Arc<Queue>]) {
        let arrival = self.arrival.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(arrival) = arrival {
            tell("a receiver of arrivals", || arrival(queues));
        }
    }

    fn syncing(&self, bytes: usize) {
        self.segments.note_sync(bytes);
    }

    fn dirtied(&self) {
        if !self.is_dirty.swap(true, Ordering::AcqRel) {
            self.submit_later(Job::Sync);
        }
    }

    fn wake_log_thread(&self) -> bool {
        if !self.has_threads {
            return false;
        }
        let mut thread = self.log_thread();
        if thread.is_stopped {
            return false;
        }
        if !thread.is_woken {
            thread.is_woken = true;
            self.log_thread_woken.notify_one();
        }
        true
    }

    fn refused(&self, why: &Failure) {
        tell("the program's logger", || log::error!("{why}"));
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
