//! Opening and closing a broker.

use crate::broker::long_poll::LongPoll;
use crate::broker::membership::Membership;
use crate::broker::offsets::Offsets;
use crate::broker::queue_locks::QueueLocks;
use crate::broker::timers::Timers;
use crate::broker::topics::Topics;
use crate::protocol::failure::Failure;
use crate::protocol::names::TIMER_TOPIC;
use crate::store::Store;
use crate::store::config::Environment;
use crate::store::config::StoreConfig;
use crate::store::queue::Queue;
use crate::sys::clock::Clock;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::atomic::AtomicBool;
use crate::sys::sync::atomic::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Queues of a topic that is made at its first send.
pub const TOPIC_QUEUES_DEFAULT: i32 = 8;

#[derive(Debug, Clone)]
pub struct BrokerConfig {
    pub store: StoreConfig,
    /// Whether a send to a topic that does not exist makes it (`autoCreateTopicEnable`).
    pub auto_create_topic: bool,
    /// Queues of a topic made that way (`defaultTopicQueueNums`).
    pub default_queues: i32,
}

impl BrokerConfig {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { store: StoreConfig::new(dir), auto_create_topic: true, default_queues: TOPIC_QUEUES_DEFAULT }
    }
}

/// A broker over one data directory, shared by threads.
pub struct Broker {
    pub(super) dir: PathBuf,
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) membership: Arc<Membership>,
    pub(super) topics: Arc<Topics>,
    /// Queue 0 of the topic in which messages wait for their time.
    pub(super) timer_queue: Arc<Queue>,
    pub(super) queue_locks: QueueLocks,
    pub(super) offsets: Offsets,
    pub(super) long_poll: Arc<LongPoll>,
    timers: Arc<Timers>,
    is_closed: AtomicBool,
}

impl Broker {
    /// Opens or creates the store of the directory and restores topics, groups, offsets and timers from it.
    pub fn open(config: BrokerConfig, environment: Environment) -> Result<Arc<Self>, Failure> {
        if config.default_queues < 1 {
            let queues = config.default_queues;
            return Err(Failure::invalid(format!("default_queues is {queues}, at least 1 is needed")));
        }
        let dir = config.store.dir.clone();
        let clock = environment.clock.clone();
        let scheduler = environment.scheduler.clone();
        let store = Store::open(config.store.clone(), environment)?;
        let restored = Self::restore(&config, &store, dir, clock, scheduler);
        restored.inspect_err(|_| {
            // The first error is the one to tell; closing only has to let go of the directory.
            let _ = store.close();
        })
    }

    fn restore(
        config: &BrokerConfig,
        store: &Arc<Store>,
        dir: PathBuf,
        clock: Arc<dyn Clock>,
        scheduler: Arc<Scheduler>,
    ) -> Result<Arc<Self>, Failure> {
        let membership = Arc::new(Membership::restore(store.clone())?);
        let topics = Arc::new(Topics::restore(config, store.clone(), membership.clone())?);
        let offsets = Offsets::restore(store.clone(), &topics)?;
        let long_poll = Arc::new(LongPoll::new(store.clone(), scheduler.clone()));
        let timers = Arc::new(Timers::new(store.clone(), topics.clone(), scheduler));
        let broker = Self {
            dir,
            store: store.clone(),
            clock,
            membership,
            topics,
            timer_queue: store.open_queue(TIMER_TOPIC, 0),
            queue_locks: QueueLocks::default(),
            offsets,
            long_poll,
            timers,
            is_closed: AtomicBool::new(false),
        };
        broker.long_poll.listen();
        broker.timers.start();
        Ok(Arc::new(broker))
    }

    /// Answers the waiting pulls, stops the timers and closes the store. Idempotent; the error of the first close is
    /// returned again.
    pub fn close(&self) -> Result<(), Failure> {
        let is_first = !self.is_closed.swap(true, Ordering::SeqCst);
        if is_first {
            self.timers.stop();
            self.long_poll.close();
            self.membership.clear();
        }
        self.store.close()
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(super) fn check_open(&self) -> Result<(), Failure> {
        if self.is_closed() {
            return Err(Failure::state(format!("the broker of {} is closed", self.dir.display())));
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(failure) = self.close() {
            log::warn!("closing the broker of {}: {failure}", self.dir.display());
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("dir", &self.dir)
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
