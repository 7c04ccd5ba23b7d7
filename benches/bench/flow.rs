//! One sender and one consumer in the same process: how many messages a second go from the one to the other.

use crate::abi::Consumer;
use crate::abi::Flush;
use crate::abi::Producer;
use crate::abi::TOPIC;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Sends under way at once.
const WINDOW: u64 = 1024;
/// Messages of 1 KiB of one measurement.
const MESSAGES: u64 = 200_000;
/// A flow that makes no progress for so long ends the bench.
const STUCK: Duration = Duration::from_secs(60);

pub struct Flow {
    producer: Producer,
    _consumer: Consumer,
    topics: Vec<String>,
    sent: u64,
    completed: &'static AtomicU64,
    consumed: Arc<AtomicU64>,
}

impl Flow {
    /// In ASYNC_FLUSH; of what is in the directory nothing is consumed. When this returns a message has gone through
    /// each topic.
    pub fn open(dir: &Path, topics: usize) -> Self {
        static GROUPS: AtomicUsize = AtomicUsize::new(0);
        let name = |number| if number == 0 { TOPIC.to_owned() } else { format!("{TOPIC}_{number}") };
        let topics: Vec<String> = (0..topics).map(name).collect();
        let producer = Producer::start(dir, Flush::Async);
        let first = || topics.iter().for_each(|topic| producer.send_to(topic, b"the first makes the topic"));
        first();
        let consumed = Arc::new(AtomicU64::new(0));
        let count = consumed.clone();
        let group = format!("CID_flow_{}", GROUPS.fetch_add(1, Ordering::Relaxed));
        let settings = [("ConsumerId", &*group), ("ConsumeFromWhere", "LAST")];
        let consumer = Consumer::start_on(dir, Flush::Async, &settings, &topics, move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        first();
        let sent = topics.len() as u64;
        let completed = Box::leak(Box::new(AtomicU64::new(sent)));
        let flow = Self { producer, _consumer: consumer, topics, sent, completed, consumed };
        flow.wait_until_consumed();
        flow
    }

    /// Messages a second from the first send until the last message is both acknowledged and consumed; the topics take
    /// turns.
    pub fn per_second(&mut self) -> f64 {
        let body = [7; 1024];
        let began = Instant::now();
        for topic in self.topics.iter().cycle().take(MESSAGES as usize) {
            while self.sent - self.completed.load(Ordering::Relaxed) >= WINDOW {
                std::thread::sleep(Duration::from_micros(20));
            }
            self.producer.send_async_to(topic, &body, self.completed);
            self.sent += 1;
        }
        self.wait_until_consumed();
        MESSAGES as f64 / began.elapsed().as_secs_f64()
    }

    fn wait_until_consumed(&self) {
        let both = || (self.completed.load(Ordering::Relaxed), self.consumed.load(Ordering::Relaxed));
        let (mut last, mut since) = (both(), Instant::now());
        while last != (self.sent, self.sent) {
            std::thread::sleep(Duration::from_micros(200));
            let now = both();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            assert!(
                since.elapsed() < STUCK,
                "{last:?} of {} messages were acknowledged and consumed",
                self.sent
            );
        }
    }
}
