//! Reading queues: pulls, bounds and the search by time.

use crate::broker::lifecycle::Broker;
use crate::broker::long_poll::to_i64;
use crate::protocol::failure::Completion;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::QueueKey;
use crate::store::queue::Queue;
use bytes::Bytes;
use std::sync::Arc;

impl Broker {
    /// Asks for messages; the completion may run at once on this stack, or later on any thread.
    pub fn pull(&self, request: PullRequest, completion: Completion<PullResponse>) {
        if let Err(closed) = self.check_open() {
            return completion(Err(closed));
        }
        match self.queue_of(&request.topic, request.queue_id) {
            Ok(queue) => self.long_poll.pull(queue, request, completion),
            Err(failure) if failure.kind == FailureKind::TopicNotExist => {
                let message = format!("{} (asked by group '{}')", failure.message, request.group);
                completion(Err(Failure { message, ..failure }));
            }
            Err(failure) => completion(Err(failure)),
        }
    }

    /// The queues of a topic that can be read, in order; empty while the topic does not exist.
    pub fn read_queues(&self, topic: &str) -> Result<Vec<i32>, Failure> {
        self.check_open()?;
        let topic = self.topics.find(topic);
        Ok(topic.map(|topic| topic.queues().iter().map(|queue| queue.id()).collect()).unwrap_or_default())
    }

    pub fn min_offset(&self, queue: &QueueKey) -> Result<i64, Failure> {
        Ok(to_i64(self.queue_of(&queue.topic, queue.queue_id)?.min_offset()))
    }

    /// The offset the next message of the queue will have.
    pub fn max_offset(&self, queue: &QueueKey) -> Result<i64, Failure> {
        Ok(to_i64(self.queue_of(&queue.topic, queue.queue_id)?.max_offset()))
    }

    /// The first offset whose message was stored at or after the epoch time; the queue's max if none was.
    pub fn search_offset(&self, queue: &QueueKey, timestamp_ms: i64) -> Result<i64, Failure> {
        let queue = self.queue_of(&queue.topic, queue.queue_id)?;
        self.store.search_offset(&queue, timestamp_ms).map(to_i64)
    }

    /// Messages of a topic by one of their KEYS or by their message id, newest first; at most `max`.
    pub fn find_by_key(&self, topic: &str, key: &str, max: usize) -> Result<Vec<Bytes>, Failure> {
        self.check_open()?;
        self.topics.get(topic)?;
        self.store.find_by_key(topic, key, max)
    }

    fn queue_of(&self, topic: &str, queue_id: i32) -> Result<Arc<Queue>, Failure> {
        self.check_open()?;
        Ok(self.topics.get(topic)?.queue(queue_id)?.clone())
    }
}
