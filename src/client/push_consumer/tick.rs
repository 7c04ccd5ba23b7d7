//! The consumer's timer: offsets every 5 s, queues every 20 s, the heartbeat every 30 s, listeners that run too long.

use super::Shared;
use crate::sys::sync::atomic::Ordering;
use log::warn;
use std::sync::Arc;
use std::time::Duration;

pub const TICK: Duration = Duration::from_secs(5);
const TICKS_PER_BALANCE: u64 = 4;
const TICKS_PER_HEARTBEAT: u64 = 6;

impl Shared {
    pub(super) fn tick_later(&self) {
        let Some(connection) = self.connection.get() else { return };
        let own = self.own.clone();
        connection.scheduler.after(TICK, move || {
            if let Some(own) = own.upgrade().filter(|own| own.is_started()) {
                own.tick();
                own.tick_later();
            }
        });
    }

    fn tick(&self) {
        let tick = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        self.give_back_overdue(tick);
        self.flush_slots();
        self.commit_held();
        if tick.is_multiple_of(TICKS_PER_HEARTBEAT)
            && let Err(failure) = self.heartbeat()
        {
            warn!("group '{}': the heartbeat failed: {failure}", self.settings.group);
        }
        if tick.is_multiple_of(TICKS_PER_BALANCE) {
            self.request_balance();
        }
    }

    /// Tells the queues what the threads are through with, without waiting for their batches to end.
    pub(super) fn flush_slots(&self) {
        for slot in &self.slots {
            let (finished, freed) = slot.flush();
            self.prefetch.update(|ready| ready.finished(finished));
            if freed.is_some() {
                self.request_balance();
            }
        }
    }

    /// Takes messages away from listeners that run longer than `ConsumeTimeout`, up to two ticks late.
    fn give_back_overdue(&self, tick: u64) {
        let limit = self.settings.consume_timeout.as_secs().div_ceil(TICK.as_secs());
        for slot in &self.slots {
            let mut hands = slot.lock();
            let is_overdue = hands.running.as_ref().is_some_and(|running| tick > running.since_tick + limit);
            let (queue, running) = (hands.queue(), if is_overdue { hands.running.take() } else { None });
            drop(hands);
            if let (Some(queue), Some(running)) = (queue, running) {
                self.give_back_late(&queue, running);
            }
        }
    }

    fn give_back_late(
        &self,
        queue: &Arc<crate::client::process_queue::ProcessQueue>,
        running: crate::client::slot::Running,
    ) {
        let minutes = self.settings.consume_timeout.as_secs() / 60;
        warn!(
            "group '{}': a listener of topic '{}' has been running for more than ConsumeTimeout = {minutes} minutes: its message is delivered again",
            self.settings.group, queue.key.topic
        );
        self.give_back(queue, running);
    }
}
