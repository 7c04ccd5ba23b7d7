//! What a broker tells about itself: statistics, topics and backlogs.

use crate::broker::lifecycle::Broker;
use crate::broker::long_poll::to_i64;
use crate::protocol::failure::Failure;
use crate::protocol::request::QueueKey;
use crate::store::StoreStatistics;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerStatistics {
    pub store: StoreStatistics,
    /// Topics, those of retries and dead letters included.
    pub topics: u64,
    /// Consumer groups that are or were here.
    pub groups: u64,
    /// Pulls that wait for a message.
    pub pulls_waiting: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicReport {
    pub topic: Arc<str>,
    pub queues: Vec<QueueReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueReport {
    pub queue_id: i32,
    pub min_offset: i64,
    /// The offset the next message will have.
    pub max_offset: i64,
}

impl Broker {
    pub fn statistics(&self) -> BrokerStatistics {
        let groups: BTreeSet<_> = self.membership.names().into_iter().chain(self.offsets.groups()).collect();
        BrokerStatistics {
            store: self.store.statistics(),
            topics: self.topics.all().len() as u64,
            groups: groups.len() as u64,
            pulls_waiting: self.long_poll.waiting() as u64,
        }
    }

    /// Every topic in name order, those of retries and dead letters included.
    pub fn topics(&self) -> Vec<TopicReport> {
        let topics = self.topics.all();
        let report = |topic: &Arc<crate::broker::topics::Topic>| TopicReport {
            topic: topic.name().clone(),
            queues: topic
                .queues()
                .iter()
                .map(|queue| QueueReport {
                    queue_id: queue.id(),
                    min_offset: to_i64(queue.min_offset()),
                    max_offset: to_i64(queue.max_offset()),
                })
                .collect(),
        };
        topics.iter().map(report).collect()
    }

    /// Messages of a topic that a group has not committed; everything kept where it never committed.
    pub fn backlog(&self, group: &str, topic: &str) -> Result<i64, Failure> {
        self.check_open()?;
        let topic = self.topics.get(topic)?;
        let of_queue = |queue: &Arc<crate::store::queue::Queue>| {
            let key = QueueKey { topic: topic.name().clone(), queue_id: queue.id() };
            let min = to_i64(queue.min_offset());
            let from = self.offsets.get(group, &key).map_or(min, |committed| committed.max(min));
            (to_i64(queue.max_offset()) - from).max(0)
        };
        Ok(topic.queues().iter().map(of_queue).sum())
    }
}
