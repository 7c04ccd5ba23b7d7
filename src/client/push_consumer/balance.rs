//! Which queues this instance holds: it takes its share of each topic, locks before it pulls, and lets go of a queue
//! only when the last running listener of it has returned and the offset is committed.

use super::Shared;
use crate::client::connection::Connection;
use crate::client::process_queue::ProcessQueue;
use crate::client::rebalance::allocate_average;
use crate::protocol::failure::Failure;
use crate::protocol::request::ConsumeFrom;
use crate::protocol::request::Notified;
use crate::protocol::request::QueueKey;
use crate::protocol::tags::TagExpression;
use crate::sys::sync::MutexGuard;
use log::{debug, warn};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Balance {
    held: BTreeMap<QueueKey, Arc<ProcessQueue>>,
    /// Given up, but a listener still runs.
    leaving: BTreeMap<QueueKey, Arc<ProcessQueue>>,
    /// Wall time of the first balance; a queue that appears later is new to the group as a whole.
    started_ms: Option<i64>,
}

/// The broker's calls arrive here, on any thread: they are only noted.
pub(super) struct GroupListener {
    pub(super) consumer: Weak<Shared>,
}

impl Notified for GroupListener {
    fn group_changed(&self, _group: &str) {
        if let Some(consumer) = self.consumer.upgrade() {
            consumer.request_balance();
        }
    }
}

impl Shared {
    /// Has a listener thread look through the queues; the timer's thread if all of them run listeners.
    pub(super) fn request_balance(&self) {
        if self.prefetch.request_balance() {
            return;
        }
        let Some(connection) = self.connection.get() else { return };
        let own = self.own.clone();
        connection.scheduler.after(Duration::ZERO, move || {
            if let Some(own) = own.upgrade()
                && own.prefetch.begin_balance()
            {
                own.balance_begun();
            }
        });
    }

    pub(super) fn balance_begun(&self) {
        loop {
            self.balance_now();
            if self.prefetch.end_balance() {
                return;
            }
        }
    }

    pub(super) fn lock_balance(&self) -> MutexGuard<'_, Balance> {
        self.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn balance_now(&self) {
        let Some(connection) = self.connection.get() else { return };
        let mut balance = self.lock_balance();
        if self.prefetch.lock().is_closing {
            return;
        }
        let is_first = balance.started_ms.is_none();
        let started_ms = *balance.started_ms.get_or_insert_with(|| connection.scheduler.clock().wall_ms());
        self.let_go_of_finished(connection, &mut balance);
        let result = self.wanted(connection).and_then(|wanted| {
            self.lose(connection, &mut balance, &wanted);
            self.gain(connection, &mut balance, &wanted, (!is_first).then_some(started_ms))
        });
        if let Err(failure) = result {
            let group = &self.settings.group;
            warn!("group '{group}': the queues could not be balanced, again in 20 s: {failure}");
        }
    }

    /// The queues of this instance's share, each with the filter it is pulled with.
    fn wanted(&self, connection: &Connection) -> Result<BTreeMap<QueueKey, Arc<TagExpression>>, Failure> {
        let transport = &connection.transport;
        let mut members = transport.group_members(&self.settings.group)?;
        if !members.contains(&self.settings.client_id) {
            // The broker has forgotten this instance, as after a restart of its own.
            self.heartbeat()?;
            members = transport.group_members(&self.settings.group)?;
        }
        let mut wanted = BTreeMap::new();
        for subscription in self.all_subscriptions() {
            let queues = transport.read_queues(&subscription.topic)?;
            for &queue_id in allocate_average(&queues, &members, &self.settings.client_id) {
                let key = QueueKey { topic: subscription.topic.clone(), queue_id };
                wanted.insert(key, subscription.filter.clone());
            }
        }
        Ok(wanted)
    }

    /// Gives up what is not wanted any more. What is wanted with another filter, or was left by a listener, is taken anew
    /// from where it stands.
    fn lose(
        &self,
        connection: &Connection,
        balance: &mut Balance,
        wanted: &BTreeMap<QueueKey, Arc<TagExpression>>,
    ) {
        let is_kept = |queue: &ProcessQueue| {
            !queue.is_dropped() && wanted.get(&queue.key).is_some_and(|filter| *filter == queue.filter)
        };
        let lost: Vec<_> = balance.held.values().filter(|queue| !is_kept(queue)).cloned().collect();
        if lost.is_empty() {
            return;
        }
        for queue in lost {
            debug!("group '{}' gives up {:?}", self.settings.group, queue.key);
            self.prefetch.forget(&queue);
            balance.held.remove(&queue.key);
            balance.leaving.insert(queue.key.clone(), queue);
        }
        // A flush only notes the wish for another balance; what became free is let go of right here.
        self.flush_slots();
        self.let_go_of_finished(connection, balance);
    }

    fn let_go_of_finished(&self, connection: &Connection, balance: &mut Balance) {
        let free: Vec<_> = balance.leaving.values().filter(|queue| !queue.is_busy()).cloned().collect();
        if free.is_empty() {
            return;
        }
        if let Err(failure) = self.commit(&free) {
            // Unlocking now would have the next instance consume again what is finished.
            warn!("group '{}': offsets of queues given up: {failure}", self.settings.group);
            return;
        }
        let keys: Vec<QueueKey> = free.iter().map(|queue| queue.key.clone()).collect();
        let (group, client_id) = (&self.settings.group, &self.settings.client_id);
        if let Err(failure) = connection.transport.unlock_queues(group, client_id, &keys) {
            warn!("group '{group}': queues could not be unlocked: {failure}");
            return;
        }
        for key in &keys {
            balance.leaving.remove(key);
        }
    }

    fn gain(
        &self,
        connection: &Connection,
        balance: &mut Balance,
        wanted: &BTreeMap<QueueKey, Arc<TagExpression>>,
        started_ms: Option<i64>,
    ) -> Result<(), Failure> {
        let is_known = |key: &QueueKey| balance.held.contains_key(key) || balance.leaving.contains_key(key);
        let missing: Vec<QueueKey> = wanted.keys().filter(|key| !is_known(key)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (group, client_id) = (&self.settings.group, &self.settings.client_id);
        let locked = connection.transport.lock_queues(group, client_id, &missing)?;
        for key in locked {
            // Sorted, as the keys of `wanted` are: with thousands of topics looking at each would take seconds.
            let was_asked_for = missing.binary_search(&key).is_ok();
            let Some(filter) = wanted.get(&key).filter(|_| was_asked_for) else { continue };
            let committed = connection.transport.query_offset(group, &key)?;
            let offset = match committed {
                Some(offset) => offset,
                None => self.first_offset(connection, &key, started_ms)?,
            };
            debug!("group '{group}' takes {key:?} from {offset}");
            let queue = Arc::new(ProcessQueue::new(key.clone(), filter.clone(), offset, committed));
            balance.held.insert(key, queue.clone());
            self.prefetch.update(|ready| ready.add(queue));
        }
        Ok(())
    }

    /// Where a group that never committed begins. A queue that appears after the start is read from the start time
    /// on, so that `LAST` does not pass over the messages that made it appear.
    fn first_offset(
        &self,
        connection: &Connection,
        key: &QueueKey,
        started_ms: Option<i64>,
    ) -> Result<i64, Failure> {
        let transport = &connection.transport;
        if key.topic == self.settings.retry_topic {
            return transport.min_offset(key);
        }
        match (self.settings.consume_from, started_ms) {
            (ConsumeFrom::First, _) => transport.min_offset(key),
            (ConsumeFrom::Last, None) => transport.max_offset(key),
            (ConsumeFrom::Last, Some(started_ms)) => transport.search_offset(key, started_ms),
            (ConsumeFrom::TimestampMs(timestamp_ms), _) => transport.search_offset(key, timestamp_ms),
        }
    }

    fn commit(&self, queues: &[Arc<ProcessQueue>]) -> Result<(), Failure> {
        let Some(connection) = self.connection.get() else { return Ok(()) };
        let offsets: Vec<_> = queues.iter().filter_map(|queue| Some((queue, queue.uncommitted()?))).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = offsets.iter().map(|(_, offset)| offset.clone()).collect();
        connection.transport.commit_offsets(&self.settings.group, &list)?;
        for (queue, committed) in offsets {
            queue.set_committed(committed.offset);
        }
        Ok(())
    }

    /// Commits the offsets of all queues, those being given up included.
    pub(super) fn commit_held(&self) {
        let balance = self.lock_balance();
        let queues: Vec<_> = balance.held.values().chain(balance.leaving.values()).cloned().collect();
        if let Err(failure) = self.commit(&queues) {
            let group = &self.settings.group;
            warn!("group '{group}': offsets could not be committed, again in 5 s: {failure}");
        }
    }
}
