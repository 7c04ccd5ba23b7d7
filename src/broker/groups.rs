//! Heartbeats, members and queue locks of groups.

use crate::broker::lifecycle::Broker;
use crate::broker::membership::Changes;
use crate::broker::membership::GroupReport;
use crate::protocol::failure::Failure;
use crate::protocol::limits::TOPIC_BYTES_MAX;
use crate::protocol::names;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Notified;
use crate::protocol::request::QueueKey;
use std::sync::Arc;

/// Longest name of a consumer group: its retry topic must fit into a record.
pub(super) const CONSUMER_GROUP_BYTES_MAX: usize = TOPIC_BYTES_MAX - names::RETRY_PREFIX.len();

impl Broker {
    /// Replaces what the client was; `listener` hears of changes from then on. Every consumer group gets its retry
    /// topic.
    pub fn heartbeat(&self, heartbeat: &Heartbeat, listener: Arc<dyn Notified>) -> Result<(), Failure> {
        self.check_open()?;
        if heartbeat.client_id.is_empty() {
            return Err(Failure::invalid("the client id of a heartbeat is empty"));
        }
        for group in &heartbeat.producer_groups {
            names::check_group("producer group", group)?;
        }
        for consumer in &heartbeat.consumers {
            check_consumer_group(&consumer.group)?;
        }
        for consumer in &heartbeat.consumers {
            self.topics.open_own(&names::retry_topic(&consumer.group))?;
        }
        let changes = self.membership.join(heartbeat, listener);
        self.after_changes(&heartbeat.client_id, changes);
        Ok(())
    }

    /// Takes the client out of all its groups, releases its queue locks and ends its waiting pulls.
    pub fn unregister(&self, client_id: &str) -> Result<(), Failure> {
        self.check_open()?;
        let changes = self.membership.leave(client_id);
        self.after_changes(client_id, changes);
        self.long_poll.end_client(client_id);
        Ok(())
    }

    /// The client ids of a group's members, sorted.
    pub fn group_members(&self, group: &str) -> Result<Vec<Arc<str>>, Failure> {
        self.check_open()?;
        Ok(self.membership.members(group))
    }

    /// Takes queues for one instance of a group; returns those it now holds, in the order asked for.
    pub fn lock_queues(
        &self,
        group: &str,
        client_id: &str,
        queues: &[QueueKey],
    ) -> Result<Vec<QueueKey>, Failure> {
        self.check_open()?;
        self.queue_locks.lock(group, client_id, queues, &self.membership)
    }

    pub fn unlock_queues(&self, group: &str, client_id: &str, queues: &[QueueKey]) -> Result<(), Failure> {
        self.check_open()?;
        if self.queue_locks.unlock(group, client_id, queues) {
            self.membership.notify(&[group.into()]);
        }
        Ok(())
    }

    /// Every group that is or was here, in name order.
    pub fn groups(&self) -> Vec<GroupReport> {
        self.membership.reports()
    }

    /// The locks go before the members are told, so that whoever balances finds the queues free.
    fn after_changes(&self, client_id: &str, changes: Changes) {
        for group in &changes.left {
            self.queue_locks.release(group, client_id);
        }
        self.membership.notify(&changes.changed);
        for disagreement in &changes.disagreements {
            log::warn!("{disagreement}");
        }
    }
}

pub(super) fn check_consumer_group(group: &str) -> Result<(), Failure> {
    names::check_group("consumer group", group)?;
    let len = group.len();
    if len > CONSUMER_GROUP_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "consumer group '{group}' has {len} bytes, the limit is {CONSUMER_GROUP_BYTES_MAX}: the name of its \
             retry topic may have {TOPIC_BYTES_MAX}"
        )));
    }
    Ok(())
}
