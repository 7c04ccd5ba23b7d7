//! One broker on a simulated disk, with a clock that moves when told and no thread of its own.

use ons::broker::{Broker, BrokerConfig};
use ons::protocol::failure::Failure;
use ons::protocol::record::Record;
use ons::protocol::request::{PullRequest, PullResponse, QueueKey, SendRequest};
use ons::protocol::tags::TagExpression;
use ons::store::config::{Environment, FlushMode};
use ons::sys::clock::ManualClock;
use ons::sys::scheduler::Scheduler;
use ons::sys::sim_disk::SimDisk;
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub const GROUP: &str = "CID_one";
pub const RETRY: &str = "%RETRY%CID_one";
pub const DEAD: &str = "%DLQ%CID_one";
pub const QUEUES: [(&str, i32); 6] =
    [("orders", 0), ("orders", 1), ("events", 0), ("events", 1), (RETRY, 0), (DEAD, 0)];
/// How long messages are kept: short, so that segments come and go.
pub const RESERVED: Duration = Duration::from_secs(600);
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// What a machine is set to.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub flush: FlushMode,
    pub segment_bytes_min: u64,
    pub segment_bytes_max: u64,
}

pub struct Machine {
    pub disk: SimDisk,
    pub clock: Arc<ManualClock>,
    pub scheduler: Arc<Scheduler>,
    pub broker: Arc<Broker>,
}

impl Machine {
    pub fn open(disk: SimDisk, clock: Arc<ManualClock>, shape: Shape) -> Result<Self, Failure> {
        let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
        let mut config = BrokerConfig::new("/data");
        config.default_queues = 2;
        config.store.flush = shape.flush;
        config.store.reserved = RESERVED;
        config.store.segment_bytes_min = shape.segment_bytes_min;
        config.store.segment_bytes_max = shape.segment_bytes_max;
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: clock.clone(),
            scheduler: scheduler.clone(),
            has_threads: false,
        };
        let broker = Broker::open(config, environment)?;
        Ok(Self { disk, clock, scheduler, broker })
    }

    pub fn advance(&self, by: Duration) {
        self.scheduler.advance(by);
    }

    pub fn pull(&self, topic: &str, queue_id: i32, offset: i64) -> Result<PullResponse, Failure> {
        let (sender, receiver) = mpsc::channel();
        let done = Box::new(move |result| sender.send(result).unwrap());
        self.broker.pull(pull(topic, queue_id, offset, Duration::ZERO), done);
        receiver.try_recv().expect("a pull that does not wait is answered at once")
    }

    /// Every message of a queue that can be read, in order, with its offset.
    pub fn read_all(&self, topic: &str, queue_id: i32) -> Result<Vec<(u64, Record)>, Failure> {
        let Ok(mut offset) = self.broker.min_offset(&key(topic, queue_id)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        loop {
            let response = self.pull(topic, queue_id, offset)?;
            for bytes in &response.records {
                let record = Record::decode(bytes).expect("what is delivered can be read");
                found.push((record.head.queue_offset as u64, record));
            }
            if response.next_offset == offset {
                if offset == response.max_offset {
                    return Ok(found);
                }
                return Err(Failure::state(format!(
                    "reading of {topic}@{queue_id} sticks at {offset}, the end is {}",
                    response.max_offset
                )));
            }
            offset = response.next_offset;
        }
    }

    /// Goes away as a process does that is killed: nothing more reaches the disk.
    pub fn kill(self) -> SimDisk {
        let disk = self.disk.after_process_kill();
        drop(self);
        disk
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Else the broker would close its store, properly.
        self.disk.cut_power();
        self.scheduler.stop();
    }
}

pub fn key(topic: &str, queue_id: i32) -> QueueKey {
    QueueKey { topic: topic.into(), queue_id }
}

pub fn pull(topic: &str, queue_id: i32, offset: i64, suspend: Duration) -> PullRequest {
    PullRequest {
        group: GROUP.into(),
        client_id: "client".into(),
        topic: topic.into(),
        queue_id,
        offset,
        messages_max: 32,
        bytes_max: 8 << 20,
        filter: Arc::new(TagExpression::all()),
        suspend,
    }
}

pub fn request<'a>(
    topic: &'a str,
    queue_id: i32,
    now_ms: i64,
    properties: &'a str,
    body: &'a [u8],
) -> SendRequest<'a> {
    SendRequest {
        producer_group: "PID_one",
        topic,
        queue_id,
        sys_flag: 0,
        flag: 0,
        born_timestamp_ms: now_ms,
        reconsume_times: 0,
        properties,
        body,
    }
}
