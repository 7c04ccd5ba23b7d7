//! A broker on a simulated disk and a manual clock, and short ways to use it.

use crate::broker::Broker;
use crate::broker::BrokerConfig;
use crate::protocol::failure::Failure;
use crate::protocol::failure::Submitted;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use crate::protocol::record::Record;
use crate::protocol::request::ConsumeFrom;
use crate::protocol::request::ConsumerData;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Notified;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::QueueKey;
use crate::protocol::request::SendAnswer;
use crate::protocol::request::SendBackRequest;
use crate::protocol::request::SendRequest;
use crate::protocol::request::SendResponse;
use crate::protocol::request::SendSink;
use crate::protocol::request::Subscription;
use crate::protocol::tags::TagExpression;
use crate::store::config::Environment;
use crate::sys::clock::Clock;
use crate::sys::clock::ManualClock;
use crate::sys::scheduler::Scheduler;
use crate::sys::sim_disk::SimDisk;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

pub(super) const START_MS: i64 = 1_700_000_000_000;
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any test moves the clock while a pull waits.
pub(super) const LONG: Duration = Duration::from_secs(24 * 3600);

pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) broker: Arc<Broker>,
    config: BrokerConfig,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut BrokerConfig)) -> Self {
        Self::on(Arc::new(ManualClock::new(START_MS)), change)
    }

    pub(super) fn on(clock: Arc<dyn Clock>, change: impl FnOnce(&mut BrokerConfig)) -> Self {
        let mut config = BrokerConfig::new("/data");
        config.store.segment_bytes_min = 1 << 20;
        change(&mut config);
        Self::start(SimDisk::new(), clock, config)
    }

    fn start(disk: SimDisk, clock: Arc<dyn Clock>, config: BrokerConfig) -> Self {
        let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: clock.clone(),
            scheduler: scheduler.clone(),
            has_threads: false,
        };
        let broker = Broker::open(config.clone(), environment).unwrap();
        Self { disk, clock, scheduler, broker, config }
    }

    /// Closes and opens again, at the same time of the clock.
    pub(super) fn reopen(self) -> Self {
        self.reopen_with(|_| {})
    }

    pub(super) fn reopen_with(mut self, change: impl FnOnce(&mut BrokerConfig)) -> Self {
        self.broker.close().unwrap();
        self.scheduler.stop();
        change(&mut self.config);
        Self::start(self.disk, self.clock, self.config)
    }

    /// Kills the process: nothing is closed; what it had written is what there is.
    pub(super) fn kill(self) -> Self {
        let disk = self.disk.after_process_kill();
        self.scheduler.stop();
        Self::start(disk, self.clock, self.config)
    }

    /// Moves the time on; whatever is due meanwhile runs here.
    pub(super) fn advance(&self, by: Duration) {
        self.scheduler.advance(by);
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    pub(super) fn send(&self, topic: &str, tag: &str, body: &str) -> SendResponse {
        let text = tagged(tag);
        self.broker
            .send(&SendRequest { properties: text.as_text(), ..request(topic, body) }, TIMEOUT)
            .unwrap()
    }

    pub(super) fn send_to(&self, topic: &str, queue_id: i32, body: &str) -> SendResponse {
        self.broker.send(&SendRequest { queue_id, ..request(topic, body) }, TIMEOUT).unwrap()
    }

    pub(super) fn send_async(&self, request: &SendRequest<'_>) -> Result<SendResponse, Failure> {
        const TOKEN: u64 = 42;
        let (sender, receiver) = mpsc::channel();
        let sink: Arc<dyn SendSink> = Arc::new(Heard(sender));
        match self.broker.send_async(request, &sink, TOKEN, TIMEOUT) {
            Submitted::Done(result) => {
                assert!(receiver.try_recv().is_err(), "an answer came although the result was returned");
                result
            }
            Submitted::Pending => {
                let answer: SendAnswer = receiver.recv_timeout(TIMEOUT).expect("an answer");
                assert_eq!(answer.token, TOKEN);
                answer.result
            }
        }
    }

    /// Starts a pull; its answer comes to the result.
    pub(super) fn pull(&self, request: PullRequest) -> Answer {
        let (sender, receiver) = mpsc::channel();
        self.broker.pull(request, Box::new(move |result| sender.send(result).unwrap()));
        Answer { receiver }
    }

    /// Everything in a queue, without waiting.
    pub(super) fn read_all(&self, topic: &str, queue_id: i32) -> Vec<Record> {
        let mut records = Vec::new();
        loop {
            let offset = records.len() as i64;
            let response = self.pull(PullRequest { queue_id, offset, ..pull(topic) }).now();
            if response.records.is_empty() {
                return records;
            }
            records.extend(response.records.iter().map(|bytes| Record::decode(bytes).unwrap()));
        }
    }

    pub(super) fn send_back(&self, request: SendBackRequest) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel();
        self.broker.send_back(request, Box::new(move |result| sender.send(result).unwrap()));
        receiver.recv_timeout(TIMEOUT).expect("the completion runs")
    }

    pub(super) fn join(&self, client_id: &str, consumers: Vec<ConsumerData>) -> Arc<Ears> {
        let ears = Arc::new(Ears::default());
        let heartbeat = Heartbeat { client_id: client_id.into(), producer_groups: Vec::new(), consumers };
        self.broker.heartbeat(&heartbeat, ears.clone()).unwrap();
        ears
    }
}

/// The answer to a pull, once there is one.
pub(super) struct Answer {
    receiver: mpsc::Receiver<Result<PullResponse, Failure>>,
}

impl Answer {
    /// It must be here already.
    pub(super) fn now(&self) -> PullResponse {
        self.result_now().unwrap()
    }

    pub(super) fn result_now(&self) -> Result<PullResponse, Failure> {
        self.receiver.try_recv().expect("the pull is answered")
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.receiver.try_recv(), Err(mpsc::TryRecvError::Empty))
    }
}

/// Remembers which groups it was told of.
#[derive(Default)]
pub(super) struct Ears {
    heard: Mutex<Vec<String>>,
}

impl Ears {
    /// What was heard since the last time.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl Notified for Ears {
    fn group_changed(&self, group: &str) {
        self.heard.lock().unwrap().push(group.to_owned());
    }
}

pub(super) fn request<'a>(topic: &'a str, body: &'a str) -> SendRequest<'a> {
    SendRequest {
        producer_group: "GID_test",
        topic,
        queue_id: -1,
        sys_flag: 0,
        flag: 0,
        born_timestamp_ms: START_MS,
        reconsume_times: 0,
        properties: "",
        body: body.as_bytes(),
    }
}

/// A pull of queue 0 from its beginning that does not wait.
pub(super) fn pull(topic: &str) -> PullRequest {
    PullRequest {
        group: "GID_test".into(),
        client_id: "client".into(),
        topic: topic.into(),
        queue_id: 0,
        offset: 0,
        messages_max: 32,
        bytes_max: 1 << 20,
        filter: Arc::new(TagExpression::all()),
        suspend: Duration::ZERO,
    }
}

pub(super) fn consumer(group: &str, subscriptions: &[(&str, &str)]) -> ConsumerData {
    let subscriptions = subscriptions
        .iter()
        .map(|(topic, expression)| Subscription { topic: (*topic).into(), filter: filter(expression) })
        .collect();
    ConsumerData {
        group: group.into(),
        consume_from: ConsumeFrom::First,
        reconsume_times_max: -1,
        subscriptions,
    }
}

pub(super) fn filter(expression: &str) -> Arc<TagExpression> {
    Arc::new(TagExpression::parse(expression).unwrap())
}

pub(super) fn tagged(tag: &str) -> Properties {
    let mut text = Properties::new();
    if !tag.is_empty() {
        text.set(properties::TAGS, tag).unwrap();
    }
    text
}

pub(super) fn key(topic: &str, queue_id: i32) -> QueueKey {
    QueueKey { topic: topic.into(), queue_id }
}

pub(super) fn bodies(response: &PullResponse) -> Vec<String> {
    let decoded = response.records.iter().map(|bytes| Record::decode(bytes).unwrap());
    decoded.map(|record| body_of(&record)).collect()
}

pub(super) fn body_of(record: &Record) -> String {
    String::from_utf8(record.body().to_vec()).unwrap()
}

/// Passes the answers to asynchronous sends on.
#[derive(Debug)]
struct Heard(mpsc::Sender<SendAnswer>);
impl SendSink for Heard {
    fn answered(self: Arc<Self>, answers: Vec<SendAnswer>) {
        answers.into_iter().for_each(|answer| self.0.send(answer).unwrap());
    }
}
