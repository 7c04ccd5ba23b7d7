//! What a client needs of a broker, wherever that is.

use crate::protocol::failure::{Completion, Failure, Submitted};
use crate::protocol::request::{
    Heartbeat, Notified, PullRequest, PullResponse, QueueKey, QueueOffset, SendBackRequest, SendRequest,
    SendResponse, SendSink,
};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// A connection to a broker, shared by threads. Calls without a completion block; none may be made from a completion
/// except `pull`, `send_back` and `send_async`.
pub trait Transport: Send + Sync + Debug {
    /// Stores a message and waits for it, at most `timeout`; on the caller's own thread where that is possible.
    fn send(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<SendResponse, Failure>;

    /// Starts to store a message. Waits only while the broker has no room for it, at most `timeout`. `Pending`: `sink`
    /// will hear of `token` exactly once, perhaps before this returns.
    fn send_async(
        &self,
        request: &SendRequest<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
        timeout: Duration,
    ) -> Submitted<SendResponse>;

    /// Hands a message over; an error only for what can be told at once. Waits as [`Transport::send_async`] does.
    fn send_oneway(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<(), Failure>;

    /// Asks for messages. The completion may run at once on the caller's stack, or later on any thread.
    fn pull(&self, request: PullRequest, completion: Completion<PullResponse>);

    /// Gives a message back to be tried again later. The completion runs when that is durable.
    fn send_back(&self, request: SendBackRequest, completion: Completion<()>);

    /// Tells the broker what this client is, replacing what it was; `listener` hears of changes from then on.
    fn heartbeat(&self, heartbeat: &Heartbeat, listener: Arc<dyn Notified>) -> Result<(), Failure>;

    /// Takes the client out of all its groups, releases its queue locks and ends its waiting pulls.
    fn unregister(&self, client_id: &str) -> Result<(), Failure>;

    /// The client ids of a group's members, sorted.
    fn group_members(&self, group: &str) -> Result<Vec<Arc<str>>, Failure>;

    /// The queues of a topic that can be read, in order; empty while the topic does not exist.
    fn read_queues(&self, topic: &str) -> Result<Vec<i32>, Failure>;

    /// Takes queues for one instance of a group; returns those it now holds. A queue that another instance holds
    /// comes free when that one unlocks it or leaves; the group is then notified.
    fn lock_queues(
        &self,
        group: &str,
        client_id: &str,
        queues: &[QueueKey],
    ) -> Result<Vec<QueueKey>, Failure>;

    fn unlock_queues(&self, group: &str, client_id: &str, queues: &[QueueKey]) -> Result<(), Failure>;

    /// The committed offset of a group in a queue, if it ever committed one.
    fn query_offset(&self, group: &str, queue: &QueueKey) -> Result<Option<i64>, Failure>;

    fn commit_offsets(&self, group: &str, offsets: &[QueueOffset]) -> Result<(), Failure>;

    fn min_offset(&self, queue: &QueueKey) -> Result<i64, Failure>;

    /// The offset the next message of the queue will have.
    fn max_offset(&self, queue: &QueueKey) -> Result<i64, Failure>;

    /// The first offset whose message was stored at or after the epoch time.
    fn search_offset(&self, queue: &QueueKey, timestamp_ms: i64) -> Result<i64, Failure>;
}
