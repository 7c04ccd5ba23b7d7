//! What the tests drive the store with, and what they remember of it.

use crate::protocol::failure::Failure;
use crate::protocol::record::{Record, RecordHead};
use crate::store::config::{Environment, FlushMode, StoreConfig};
use crate::store::{Append, Appended, Store};
use crate::sys::clock::{Clock, ManualClock};
use crate::sys::disk::Disk;
use crate::sys::scheduler::Scheduler;
use crate::sys::sim_disk::SimDisk;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub(super) const START_MS: i64 = 1_700_000_000_000;
pub(super) const WAIT: Duration = Duration::from_secs(60);

/// A machine: one disk, one clock; stores are opened and lost on it.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<ManualClock>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) config: StoreConfig,
}

impl Machine {
    pub(super) fn new(flush: FlushMode) -> Self {
        Self::with_disk(SimDisk::new(), flush)
    }

    pub(super) fn with_disk(disk: SimDisk, flush: FlushMode) -> Self {
        let clock = Arc::new(ManualClock::new(START_MS));
        let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
        let mut config = StoreConfig::new("/data");
        config.flush = flush;
        config.segment_bytes_min = 16 << 10;
        config.segment_bytes_max = 32 << 10;
        Self { disk, clock, scheduler, config }
    }

    /// The same machine after its disk became another one.
    pub(super) fn on(&self, disk: SimDisk) -> Self {
        Self::with_disk(disk, self.config.flush)
    }

    pub(super) fn open(&self) -> Result<Arc<Store>, Failure> {
        self.open_with(Arc::new(self.disk.clone()), self.clock.clone())
    }

    /// On another view of the disk and the clock.
    pub(super) fn open_with(
        &self,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Store>, Failure> {
        let environment = Environment { disk, clock, scheduler: self.scheduler.clone(), has_threads: false };
        Store::open(self.config.clone(), environment)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.scheduler.advance(by);
    }
}

/// A machine's clock whose wall time somebody sets.
#[derive(Debug)]
pub(super) struct SetClock {
    manual: Arc<ManualClock>,
    ahead_ms: AtomicI64,
}

impl SetClock {
    pub(super) fn of(machine: &Machine) -> Arc<Self> {
        Arc::new(Self { manual: machine.clock.clone(), ahead_ms: AtomicI64::new(0) })
    }

    /// So many hours ahead of the time that is right.
    pub(super) fn set_ahead(&self, hours: i64) {
        self.ahead_ms.store(hours * 3_600_000, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn wall_ms(&self) -> i64 {
        self.manual.wall_ms() + self.ahead_ms.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        self.manual.monotonic()
    }
}

/// Appends `body` and waits for it.
pub(super) fn append(store: &Store, topic: &str, queue: i32, body: &[u8]) -> Result<Appended, Failure> {
    append_with(store, topic, queue, "", body)
}

pub(super) fn append_with(
    store: &Store,
    topic: &str,
    queue: i32,
    properties: &str,
    body: &[u8],
) -> Result<Appended, Failure> {
    let queue = store.open_queue(topic, queue);
    let append =
        Append { queue: &queue, head: RecordHead::default(), properties, body, tag_hash: 0, noted: None };
    store.append_blocking(&append, WAIT)
}

/// The bodies of a queue, each with its offset.
pub(super) fn bodies(store: &Store, topic: &str, queue: i32) -> BTreeMap<u64, Vec<u8>> {
    let Some(queue) = store.queue(topic, queue) else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    let mut offset = queue.min_offset();
    loop {
        let read = store.read(&queue, offset, 100, 64 << 10, &|_| true).unwrap();
        for bytes in &read.records {
            let record = Record::decode(bytes).unwrap();
            assert_eq!(record.topic(), queue.topic().as_ref());
            assert!(record.is_body_intact());
            let offset = u64::try_from(record.head.queue_offset).unwrap();
            let twice = found.insert(offset, record.body().to_vec());
            assert!(twice.is_none(), "offset {offset} was read twice");
        }
        if read.next_offset == offset {
            return found;
        }
        offset = read.next_offset;
    }
}
