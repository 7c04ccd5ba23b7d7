//! The transport within one process: every call goes straight to the broker.

use crate::broker::Broker;
use crate::client::transport::Transport;
use crate::protocol::failure::Completion;
use crate::protocol::failure::Failure;
use crate::protocol::failure::Submitted;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Notified;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::QueueKey;
use crate::protocol::request::QueueOffset;
use crate::protocol::request::SendBackRequest;
use crate::protocol::request::SendRequest;
use crate::protocol::request::SendResponse;
use crate::protocol::request::SendSink;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Lets go of the broker when that is closed: a client that was shut down but not freed would hold on to its files and
/// memory.
pub(super) struct InProcess {
    broker: ArcSwapOption<Broker>,
}

impl InProcess {
    pub(super) fn new(broker: Arc<Broker>) -> Self {
        Self { broker: ArcSwapOption::new(Some(broker)) }
    }

    /// The broker is closed: calls are refused from now on.
    pub(super) fn let_go(&self) {
        self.broker.store(None);
    }

    fn broker(&self) -> Result<Arc<Broker>, Failure> {
        self.broker.load_full().ok_or_else(closed)
    }
}

fn closed() -> Failure {
    Failure::state("the embedded broker of this client is closed")
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl Transport for InProcess {
    fn send(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<SendResponse, Failure> {
        // For sends without a count that other threads' sends would change too.
        self.broker.load().as_ref().ok_or_else(closed)?.send(request, timeout)
    }

    fn send_async(
        &self,
        request: &SendRequest<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
        timeout: Duration,
    ) -> Submitted<SendResponse> {
        match self.broker.load().as_ref() {
            Some(broker) => broker.send_async(request, sink, token, timeout),
            None => Submitted::Done(Err(closed())),
        }
    }

    fn send_oneway(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<(), Failure> {
        self.broker.load().as_ref().ok_or_else(closed)?.send_oneway(request, timeout)
    }

    fn pull(&self, request: PullRequest, completion: Completion<PullResponse>) {
        match self.broker() {
            Ok(broker) => broker.pull(request, completion),
            Err(failure) => completion(Err(failure)),
        }
    }

    fn send_back(&self, request: SendBackRequest, completion: Completion<()>) {
        match self.broker() {
            Ok(broker) => broker.send_back(request, completion),
            Err(failure) => completion(Err(failure)),
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat, listener: Arc<dyn Notified>) -> Result<(), Failure> {
        self.broker()?.heartbeat(heartbeat, listener)
    }

    fn unregister(&self, client_id: &str) -> Result<(), Failure> {
        // A broker that is gone knows no client.
        self.broker.load_full().map_or(Ok(()), |broker| broker.unregister(client_id))
    }

    fn group_members(&self, group: &str) -> Result<Vec<Arc<str>>, Failure> {
        self.broker()?.group_members(group)
    }

    fn read_queues(&self, topic: &str) -> Result<Vec<i32>, Failure> {
        self.broker()?.read_queues(topic)
    }

    fn lock_queues(
        &self,
        group: &str,
        client_id: &str,
        queues: &[QueueKey],
    ) -> Result<Vec<QueueKey>, Failure> {
        self.broker()?.lock_queues(group, client_id, queues)
    }

    fn unlock_queues(&self, group: &str, client_id: &str, queues: &[QueueKey]) -> Result<(), Failure> {
        self.broker()?.unlock_queues(group, client_id, queues)
    }

    fn query_offset(&self, group: &str, queue: &QueueKey) -> Result<Option<i64>, Failure> {
        self.broker()?.query_offset(group, queue)
    }

    fn commit_offsets(&self, group: &str, offsets: &[QueueOffset]) -> Result<(), Failure> {
        self.broker()?.commit_offsets(group, offsets)
    }

    fn min_offset(&self, queue: &QueueKey) -> Result<i64, Failure> {
        self.broker()?.min_offset(queue)
    }

    fn max_offset(&self, queue: &QueueKey) -> Result<i64, Failure> {
        self.broker()?.max_offset(queue)
    }

    fn search_offset(&self, queue: &QueueKey, timestamp_ms: i64) -> Result<i64, Failure> {
        self.broker()?.search_offset(queue, timestamp_ms)
    }
}
