//! One simulated disk, one clock; a store without threads is opened on it.

use ons::protocol::failure::Failure;
use ons::protocol::record::RecordHead;
use ons::store::config::{Environment, FlushMode, StoreConfig};
use ons::store::{Append, Appended, Store};
use ons::sys::clock::ManualClock;
use ons::sys::scheduler::Scheduler;
use ons::sys::sim_disk::SimDisk;
use std::sync::Arc;
use std::time::Duration;

pub(super) const START_MS: i64 = 1_700_000_000_000;

pub(super) struct Machine {
    pub(super) disk: SimDisk,
    pub(super) scheduler: Arc<Scheduler>,
    clock: Arc<ManualClock>,
    config: StoreConfig,
}

impl Machine {
    pub(super) fn on(disk: SimDisk) -> Self {
        let clock = Arc::new(ManualClock::new(START_MS));
        let scheduler = Arc::new(Scheduler::new("fuzz", clock.clone()).unwrap());
        let mut config = StoreConfig::new("/data");
        config.segment_bytes_min = 8 << 10;
        config.segment_bytes_max = 16 << 10;
        Self { disk, scheduler, clock, config }
    }

    pub(super) fn with_flush(mut self, flush: FlushMode) -> Self {
        self.config.flush = flush;
        self
    }

    pub(super) fn open(&self) -> Result<Arc<Store>, Failure> {
        let environment = Environment {
            disk: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            scheduler: self.scheduler.clone(),
            has_threads: false,
        };
        Store::open(self.config.clone(), environment)
    }
}

pub(super) fn append(
    store: &Store,
    topic: &str,
    queue: i32,
    properties: &str,
    body: &[u8],
) -> Result<Appended, Failure> {
    let queue = store.open_queue(topic, queue);
    let append =
        Append { queue: &queue, head: RecordHead::default(), properties, body, tag_hash: 0, noted: None };
    store.append_blocking(&append, Duration::from_secs(60))
}
