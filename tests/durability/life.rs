//! What one life of the broker does between opening and closing: every kind of request, in a fixed order.

use crate::machine::{GROUP, Machine, QUEUES, RESERVED, RETRY, TIMEOUT, key, pull, request};
use crate::model::{Message, Model, body_of};
use ons::broker::Broker;
use ons::protocol::failure::{Failure, Stored, Submitted};
use ons::protocol::properties::{self, Properties};
use ons::protocol::record::{Record, body_crc};
use ons::protocol::request::{
    ConsumeFrom, ConsumerData, Heartbeat, Notified, PullResponse, QueueOffset, SendAnswer, SendBackRequest,
    SendResponse, SendSink, Subscription,
};
use ons::protocol::tags::TagExpression;
use ons::sys::clock::{Clock, ManualClock};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Bytes of bodies: one, around sectors and blocks, most of a segment.
const SIZES: [usize; 16] = [1, 13, 100, 511, 300, 512, 513, 64, 1500, 800, 2, 4096, 256, 1024, 5000, 700];
const LARGE_SIZES: [usize; 7] = [4 << 20, 1, 1 << 20, 300_000, 2 << 20, 70_000, (4 << 20) - 1];
/// Waits before the first, second and third retry.
const WAITS_MS: [i64; 3] = [10_000, 30_000, 60_000];

/// Drives a broker and writes down what it says. Clones speak to the same one.
#[derive(Clone)]
pub struct Driver {
    broker: Weak<Broker>,
    clock: Arc<ManualClock>,
    model: Arc<Mutex<Model>>,
    failures: Arc<Mutex<Vec<Failure>>>,
    /// How many operations of the disk have failed.
    faults: Arc<AtomicU64>,
}

struct Deaf;

impl Notified for Deaf {
    fn group_changed(&self, _: &str) {}
}

/// Hears the answer to one asynchronous send.
struct Heard {
    own: Driver,
    topic: &'static str,
    message: Message,
    was_refusing: bool,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").field("message", &self.message).finish_non_exhaustive()
    }
}

impl SendSink for Heard {
    fn answered(self: Arc<Self>, answers: Vec<SendAnswer>) {
        for answer in answers {
            self.own.sent(self.topic, self.message.clone(), self.was_refusing, answer.result);
        }
    }
}

impl Driver {
    pub fn new(
        machine: &Machine,
        model: &Arc<Mutex<Model>>,
        failures: &Arc<Mutex<Vec<Failure>>>,
        faults: &Arc<AtomicU64>,
    ) -> Self {
        Self {
            broker: Arc::downgrade(&machine.broker),
            clock: machine.clock.clone(),
            model: model.clone(),
            failures: failures.clone(),
            faults: faults.clone(),
        }
    }

    /// One life: `index` says which of its variants.
    pub fn run(&self, machine: &Machine, index: u64) {
        self.heartbeat(1 + (index % 2) as i32);
        if index.is_multiple_of(3) {
            self.fill_segment(machine, &SIZES);
        }
        for round in 0..3 {
            self.sends(&SIZES, 4 + round);
            self.batch(&SIZES, 3 + round);
            self.consume_all();
            let wait_ms = [1_100, 10_100, 600][((index + round) % 3) as usize];
            self.advance(machine, Duration::from_millis(wait_ms));
        }
        if index % 3 == 2 {
            // First what still waits, or it would come and go unseen.
            self.advance(machine, Duration::from_secs(61));
            self.consume_all();
            self.advance(machine, RESERVED + Duration::from_secs(61));
            self.sends(&SIZES, 3);
            self.consume_all();
            self.advance(machine, Duration::from_millis(1_100));
        }
        self.sends(&SIZES, 2);
        self.consume_all();
        if index % 3 == 2 {
            // Ends with a segment to recycle that the next life will use at once.
            self.advance(machine, Duration::from_secs(61));
            self.consume_all();
            self.advance(machine, RESERVED + Duration::from_secs(61));
        }
    }

    /// Likewise with messages of the largest sizes.
    pub fn run_large(&self, machine: &Machine) {
        self.heartbeat(2);
        for _ in 0..2 {
            self.sends(&LARGE_SIZES, 2);
            self.batch(&LARGE_SIZES, 2);
            self.consume_all();
            self.advance(machine, RESERVED + Duration::from_secs(61));
        }
        self.sends(&LARGE_SIZES, 1);
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heartbeat(&self, retries: i32) {
        {
            let mut model = self.model();
            let is_same = model.retries.0 == retries;
            let lasting = model.retries.1.filter(|_| is_same);
            model.retries = (retries, lasting);
        }
        let all = Arc::new(TagExpression::all());
        let subscription = |topic: &str| Subscription { topic: topic.into(), filter: all.clone() };
        let data = ConsumerData {
            group: GROUP.into(),
            consume_from: ConsumeFrom::First,
            reconsume_times_max: retries,
            subscriptions: vec![subscription("orders"), subscription("events")],
        };
        let heartbeat =
            Heartbeat { client_id: "client".into(), producer_groups: Vec::new(), consumers: vec![data] };
        let Some(broker) = self.broker.upgrade() else { return };
        self.note(broker.heartbeat(&heartbeat, Arc::new(Deaf)));
    }

    /// Twice `count` messages, one after the other: by blocking sends and by asynchronous ones, and one that nobody
    /// waits for.
    fn sends(&self, sizes: &[usize], count: u64) {
        for number in 0..count {
            self.send(sizes, number);
            self.send_async(sizes, number + 1);
        }
        let Some(broker) = self.broker.upgrade() else { return };
        let (id, message, text) = self.new_message(sizes);
        let body = body_of(id, message.len);
        let request = request("events", 0, self.clock.wall_ms(), text.as_text(), &body);
        let sent = broker.send_oneway(&request, TIMEOUT);
        self.note(sent);
    }

    /// Asynchronous sends until the log goes on in another segment: the recycled one, if the life before has left one. Its
    /// first record is acknowledged before anything else brings the names of the log to the device.
    fn fill_segment(&self, machine: &Machine, sizes: &[usize]) {
        let segments = || machine.broker.statistics().store.segments;
        let before = segments();
        for number in 0..2 * sizes.len() as u64 {
            if segments() > before {
                return;
            }
            self.send_async(sizes, number);
        }
    }

    fn send(&self, sizes: &[usize], number: u64) {
        let Some(broker) = self.broker.upgrade() else { return };
        let (topic, queue) = QUEUES[(number % 4) as usize];
        let (id, message, text) = self.new_message(sizes);
        let body = body_of(id, message.len);
        let request = request(topic, queue, self.clock.wall_ms(), text.as_text(), &body);
        let was_refusing = self.model().is_refusing;
        let result = broker.send(&request, TIMEOUT);
        self.sent(topic, message, was_refusing, result);
    }

    fn send_async(&self, sizes: &[usize], number: u64) {
        let Some(broker) = self.broker.upgrade() else { return };
        let (topic, queue) = QUEUES[(number % 4) as usize];
        let (id, message, text) = self.new_message(sizes);
        let body = body_of(id, message.len);
        let request = request(topic, queue, self.clock.wall_ms(), text.as_text(), &body);
        let was_refusing = self.model().is_refusing;
        let own = self.clone();
        let sink: Arc<dyn SendSink> = Arc::new(Heard { own, topic, message: message.clone(), was_refusing });
        if let Submitted::Done(result) = broker.send_async(&request, &sink, id, TIMEOUT) {
            self.sent(topic, message, was_refusing, result);
        }
    }

    /// Several messages in one write: what is sent while the log tells of a written one waits for the next.
    fn batch(&self, sizes: &'static [usize], count: u64) {
        let Some(broker) = self.broker.upgrade() else { return };
        let (topic, queue) = QUEUES[3];
        let Ok(end) = broker.max_offset(&key(topic, queue)) else { return };
        let own = self.clone();
        let arrived = move |result: Result<PullResponse, Failure>| {
            if result.is_ok_and(|response| !response.records.is_empty()) {
                (0..count).for_each(|number| own.send_async(sizes, number));
            }
        };
        broker.pull(pull(topic, queue, end, Duration::from_secs(1)), Box::new(arrived));
        self.send(sizes, 3);
    }

    fn new_message(&self, sizes: &[usize]) -> (u64, Message, Properties) {
        let mut model = self.model();
        model.next_id += 1;
        let id = model.next_id;
        drop(model);
        let len = sizes[(id % sizes.len() as u64) as usize];
        let mut text = Properties::new();
        text.set(properties::UNIQ_KEY, &format!("{id:032X}")).unwrap();
        if id.is_multiple_of(3) {
            text.set(properties::TAGS, "third").unwrap();
        }
        if id.is_multiple_of(4) {
            text.set(properties::KEYS, &format!("key{id}")).unwrap();
        }
        let crc = body_crc(&body_of(id, len));
        let stored_ms = self.clock.wall_ms();
        (id, Message { id, times: 0, crc, len, stored_ms, is_promised: false }, text)
    }

    fn sent(
        &self,
        topic: &'static str,
        message: Message,
        was_refusing: bool,
        result: Result<SendResponse, Failure>,
    ) {
        match result {
            Ok(_) if was_refusing => self.acknowledged_in_vain(message.id),
            Ok(at) => self.model().acknowledged((topic, at.queue_id, at.queue_offset as u64), message),
            Err(failure) => {
                if failure.stored == Stored::No {
                    self.model().refused.insert(message.id);
                }
                self.failed(failure);
            }
        }
    }

    fn acknowledged_in_vain(&self, id: u64) {
        self.model().broken.push(format!("message {id} was sent and acknowledged after a failed flush"));
    }

    fn consume_all(&self) {
        for (topic, queue) in QUEUES.into_iter().take(5) {
            if let Err(failure) = self.consume(topic, queue) {
                self.failed(failure);
            }
        }
    }

    /// Takes what is there, gives some of it back, commits.
    fn consume(&self, topic: &'static str, queue: i32) -> Result<(), Failure> {
        let Some(broker) = self.broker.upgrade() else { return Ok(()) };
        if broker.read_queues(topic)?.is_empty() {
            return Ok(());
        }
        let key = key(topic, queue);
        let mut offset = match broker.query_offset(GROUP, &key)? {
            Some(offset) => offset.max(broker.min_offset(&key)?),
            None => broker.min_offset(&key)?,
        };
        let end = broker.max_offset(&key)?;
        while offset < end {
            let response = self.pull_now(&broker, topic, queue, offset)?;
            for bytes in &response.records {
                let record = Record::decode(bytes).expect("what is delivered can be read");
                let place = (topic, queue, record.head.queue_offset as u64);
                self.model().delivered(place, &record);
                self.listen(&broker, topic, &record);
            }
            if response.next_offset <= offset {
                break;
            }
            offset = response.next_offset;
        }
        self.model().offsets.entry((topic, queue)).or_default().committed = offset;
        broker.commit_offsets(GROUP, &[QueueOffset { queue: key, offset }])
    }

    fn pull_now(
        &self,
        broker: &Broker,
        topic: &str,
        queue: i32,
        offset: i64,
    ) -> Result<PullResponse, Failure> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let done = Box::new(move |result| sender.send(result).unwrap());
        broker.pull(pull(topic, queue, offset, Duration::ZERO), done);
        receiver.try_recv().expect("a pull that does not wait is answered at once")
    }

    /// Fails for every third message, and for every second of these again.
    fn listen(&self, broker: &Broker, topic: &str, record: &Record) {
        let message = Message::of(record);
        let is_failing = message.id.is_multiple_of(if topic == RETRY { 2 } else { 3 });
        if !is_failing {
            return;
        }
        let (id, times) = (message.id, message.times);
        if !self.model().given_back.insert((id, times)) {
            // Delivered once more after a kill: a second retry of it would be right, and told from a doubled one by nobody.
            return;
        }
        let (now_ms, own) = (self.clock.wall_ms(), self.clone());
        let (is_last, was_refusing) = {
            let model = self.model();
            (times >= model.retries.0, model.is_refusing)
        };
        let request = SendBackRequest {
            group: GROUP.into(),
            position: record.head.position,
            record: None,
            delay_level: 0,
            reconsume_times_max: -1,
        };
        let done = move |result: Result<(), Failure>| match result {
            Ok(()) if was_refusing => own.acknowledged_in_vain(id),
            Ok(()) if is_last => own.model().buried(id, now_ms),
            Ok(()) => own.model().sent_back(id, times + 1, now_ms + WAITS_MS[times as usize]),
            Err(failure) => own.failed(failure),
        };
        broker.send_back(request, Box::new(done));
    }

    /// Lets time pass: what was unsynced or staged before becomes durable if that takes long enough.
    fn advance(&self, machine: &Machine, by: Duration) {
        let flush = self.model().to_flush();
        let faults_before = self.faults.load(Ordering::Relaxed);
        machine.advance(by);
        let faults = self.faults.load(Ordering::Relaxed);
        let is_refusing = machine.broker.statistics().store.refusing.is_some();
        let mut model = self.model();
        if faults == faults_before && !is_refusing {
            model.flushed(&flush);
        }
        if faults == 0 && by >= Duration::from_secs(1) {
            model.checkpointed(&flush);
        }
    }

    fn note(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failed(failure);
        }
    }

    fn failed(&self, failure: Failure) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }
}
