//! The typed requests between a client and a broker. In process they are handed over as they are; a network
//! transport encodes them into RocketMQ's commands (the codes are named at each).

use super::failure::Failure;
use super::tags::TagExpression;
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// SEND_MESSAGE (10 / 310). Everything is borrowed: the body's only copy is the one into the log or the socket.
#[derive(Debug, Clone, Copy)]
pub struct SendRequest<'a> {
    pub producer_group: &'a str,
    pub topic: &'a str,
    /// The queue to write to; negative: the broker chooses, in turn.
    pub queue_id: i32,
    pub sys_flag: i32,
    pub flag: i32,
    pub born_timestamp_ms: i64,
    pub reconsume_times: i32,
    /// Property text with TAGS, KEYS, UNIQ_KEY and the user's own; see [`super::properties`].
    pub properties: &'a str,
    pub body: &'a [u8],
}

/// Where a message was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendResponse {
    pub queue_id: i32,
    pub queue_offset: i64,
    /// Position in the log: with the broker's address the offset message id.
    pub position: i64,
}

/// PULL_MESSAGE (11).
#[derive(Debug, Clone)]
pub struct PullRequest {
    pub group: Arc<str>,
    /// Who pulls, to let a pull that waits end when its client leaves.
    pub client_id: Arc<str>,
    pub topic: Arc<str>,
    pub queue_id: i32,
    pub offset: i64,
    pub messages_max: usize,
    /// The answer stops before it would exceed this, but holds at least one message if there is one.
    pub bytes_max: usize,
    pub filter: Arc<TagExpression>,
    /// How long the broker may hold the request when there is nothing new; zero: answer at once.
    pub suspend: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullStatus {
    Found,
    /// Nothing new until now; pull again at `next_offset`.
    NoNewMessage,
    /// Messages were passed over by the filter; go on at `next_offset`.
    NoMatchedMessage,
    /// The offset asked for is outside the queue; `next_offset` is the nearest one inside.
    OffsetMoved,
}

#[derive(Debug, Clone)]
pub struct PullResponse {
    pub status: PullStatus,
    pub next_offset: i64,
    pub min_offset: i64,
    pub max_offset: i64,
    /// One record each, in queue order: slices of the log ([`super::record::Record::decode`]).
    pub records: Vec<Bytes>,
}

/// CONSUMER_SEND_MSG_BACK (36): a message its listener could not consume.
#[derive(Debug, Clone)]
pub struct SendBackRequest {
    pub group: Arc<str>,
    /// Position of the failed message in the log.
    pub position: i64,
    /// The message as the consumer has it, if it does: stands in for one that the log has deleted meanwhile, or cannot read
    /// any more. On the wire there is none.
    pub record: Option<Bytes>,
    /// 0: the documented wait for its count of attempts; negative: to the dead letters at once; else a delay level.
    pub delay_level: i32,
    /// Retries before the dead letters.
    pub reconsume_times_max: i32,
}

/// Where a group without a committed offset begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsumeFrom {
    /// The oldest message kept.
    #[default]
    First,
    /// Only what comes after the start.
    Last,
    /// The first message stored at or after this epoch time, ms.
    TimestampMs(i64),
}

/// HEART_BEAT (34): what one client instance is, as a whole; a later one replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub client_id: Arc<str>,
    pub producer_groups: Vec<Arc<str>>,
    pub consumers: Vec<ConsumerData>,
}

/// One consumer group of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerData {
    pub group: Arc<str>,
    pub consume_from: ConsumeFrom,
    /// Retries before the dead letters that this instance wants for the whole group; the instance started last wins.
    pub reconsume_times_max: i32,
    pub subscriptions: Vec<Subscription>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub topic: Arc<str>,
    pub filter: Arc<TagExpression>,
}

/// A queue of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey {
    pub topic: Arc<str>,
    pub queue_id: i32,
}

/// A consumer's progress in one queue: the offset of the next message it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueOffset {
    pub queue: QueueKey,
    pub offset: i64,
}

/// What a broker tells a connected client without being asked.
pub trait Notified: Send + Sync {
    /// NOTIFY_CONSUMER_IDS_CHANGED (40): members, topics or queue locks of the group changed; balance again.
    /// Called on any thread, never with a lock of the broker held.
    fn group_changed(&self, group: &str);
}

/// The answer to one of a sender's asynchronous sends.
#[derive(Debug)]
pub struct SendAnswer {
    /// What the sender called the send.
    pub token: u64,
    pub result: Result<SendResponse, Failure>,
}

/// Hears the answers to asynchronous sends: one object for many sends, told apart by their tokens.
pub trait SendSink: Send + Sync + Debug {
    /// Answers that came together. Runs on the thread that learned of them, so it must neither block nor run user code.
    fn answered(self: Arc<Self>, answers: Vec<SendAnswer>);
}
