//! A listener thread: takes messages, runs the listener, settles what it said.

use super::Action;
use super::Shared;
use crate::client::message::Message;
use crate::client::prefetch::Grant;
use crate::client::prefetch::Item;
use crate::client::prefetch::Step;
use crate::client::process_queue::ProcessQueue;
use crate::client::slot::BATCH_MAX;
use crate::client::slot::Running;
use crate::client::slot::Slot;
use crate::client::subscriptions::Subscribed;
use crate::client::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::properties::RETRY_TOPIC;
use crate::protocol::properties::TAGS;
use crate::protocol::record::Record;
use crate::protocol::record::RecordError;
use crate::protocol::request::SendBackRequest;
use crate::sys::sync::atomic::Ordering;
use log::{error, warn};
use std::sync::Arc;
use std::time::Duration;

/// A message that could not be given back is tried again here after this time.
pub const CONSUME_AGAIN_DELAY: Duration = Duration::from_secs(5);
/// While a batch takes less than this, the next one may be twice as large; above it, one message at a time is taken.
const BATCH_TIME_MAX: Duration = Duration::from_millis(2);

impl Shared {
    /// The body of one listener thread.
    pub(super) fn listen(&self, index: usize) {
        user_code::mark_thread();
        let Some(slot) = self.slots.get(index) else { return };
        let (mut batch_max, mut has_pulled) = (1, false);
        loop {
            let (finished, freed) = slot.flush();
            if freed.is_some() {
                self.request_balance();
            }
            let mut take =
                |queue: &Arc<ProcessQueue>, items: &mut dyn Iterator<Item = Item>| slot.fill(queue, items);
            let step =
                self.prefetch.next(finished, has_pulled, batch_max, &mut take, &mut || self.steal(slot));
            has_pulled = matches!(step, Step::Pull(..));
            match step {
                Step::Balance => self.balance_begun(),
                Step::Pull(queues, grant) => queues.into_iter().for_each(|queue| self.pull(queue, grant)),
                Step::Consume => batch_max = self.consume_all(slot, batch_max),
                Step::End => break,
            }
        }
        self.prefetch.lock().alive -= 1;
        self.prefetch.tell_ended();
    }

    /// Takes over a message that another thread has in its hands and has not started.
    fn steal(&self, own: &Slot) -> bool {
        // Nothing is begun any more: threads would pass the same messages to and fro.
        if self.is_abandoned.load(Ordering::SeqCst) {
            return false;
        }
        let others = self.slots.iter().filter(|slot| !std::ptr::eq(*slot, own));
        let Some((queue, item)) = others.into_iter().find_map(Slot::steal) else { return false };
        own.fill(&queue, &mut std::iter::once(item));
        true
    }

    /// Consumes what the thread has in its hands; returns how many it should take next.
    fn consume_all(&self, slot: &Slot, batch_max: usize) -> usize {
        let (Some(connection), Some(queue)) = (self.connection.get(), slot.lock().queue()) else { return 1 };
        let clock = connection.scheduler.clock();
        let begun = clock.monotonic();
        let is_retry = *queue.key.topic == *self.settings.retry_topic;
        // Looked up once for all of them; messages to be tried again each name their own topic.
        let subscribed = if is_retry { None } else { self.subscriptions.get(&queue.key.topic) };
        let mut action = Action::Commit;
        while let Some(record) = self.settle_and_take(slot, &queue, action) {
            action = match record {
                Ok(record) if is_retry => {
                    let topic = record.property(RETRY_TOPIC).unwrap_or_default();
                    let subscribed = self.subscriptions.get(topic);
                    self.consume(subscribed.as_deref(), &queue, record)
                }
                Ok(record) => self.consume(subscribed.as_deref(), &queue, record),
                Err(reason) => {
                    let (topic, id) = (&queue.key.topic, queue.key.queue_id);
                    error!(
                        "a message of topic '{topic}' queue {id} cannot be read and is passed over: {reason}"
                    );
                    Action::Commit
                }
            };
        }
        if clock.monotonic().saturating_sub(begun) > BATCH_TIME_MAX {
            1
        } else {
            (2 * batch_max).min(BATCH_MAX)
        }
    }

    /// Does with the message whose listener has returned what the listener said, and begins the next one.
    fn settle_and_take(
        &self,
        slot: &Slot,
        queue: &Arc<ProcessQueue>,
        action: Action,
    ) -> Option<Result<Record, RecordError>> {
        let mut hands = slot.lock();
        // If it is gone the timer has settled it: the listener ran too long, and its word counts no more.
        let returned = match (hands.running.take(), action) {
            (Some(running), Action::Commit) => {
                hands.done(running);
                None
            }
            (running, _) => running,
        };
        // Also behind a shutdown, and of a queue that is given up: another thread may be through with messages behind these,
        // which would come again if the offset stopped here.
        let item = if self.is_abandoned.load(Ordering::Relaxed) { None } else { hands.pop() };
        let record = item.map(|item| {
            let record = Record::decode(&item.record);
            hands.running = Some(Running::new(item, &record, self.tick.load(Ordering::Relaxed)));
            record
        });
        drop(hands);
        match returned {
            Some(returned) if action == Action::Leave => self.leave(queue, &returned),
            Some(returned) => self.give_back(queue, returned),
            None => {}
        }
        record
    }

    fn consume(&self, subscribed: Option<&Subscribed>, queue: &ProcessQueue, record: Record) -> Action {
        let Some(subscribed) = subscribed else {
            if *queue.key.topic != *self.settings.retry_topic {
                return Action::Leave;
            }
            // The retry topic stays subscribed to, with messages of other topics behind this one.
            let topic = record.property(RETRY_TOPIC).unwrap_or_default();
            let group = &self.settings.group;
            warn!("group '{group}': a message of topic '{topic}', which is not subscribed to, is given back");
            return Action::ReconsumeLater;
        };
        // The broker compared hashes only.
        let filter = &subscribed.filter;
        if !filter.is_all() && !filter.matches(record.property(TAGS).unwrap_or_default()) {
            return Action::Commit;
        }
        self.call(subscribed, record)
    }

    fn call(&self, subscribed: &Subscribed, record: Record) -> Action {
        let mut message = Message::from_record(record, subscribed.topic.clone());
        match user_code::run(|| (subscribed.listener)(&mut message)) {
            Ok(action) => action,
            Err(panic) => {
                let (topic, id) = (&subscribed.topic, message.message_id());
                error!(
                    "the listener of topic '{topic}' panicked at message {id}, which is delivered again: {panic}"
                );
                Action::ReconsumeLater
            }
        }
    }

    /// A message nobody has looked at stays unfinished, and its queue is taken anew from there.
    fn leave(&self, queue: &Arc<ProcessQueue>, running: &Running) {
        // What waits behind it comes again then, and is not begun any more.
        self.prefetch.forget(queue);
        queue.abandon(1);
        let left = Grant { messages: 1, bytes: running.item.record.len() };
        self.prefetch.update(|ready| ready.finished(left));
        self.request_balance();
    }

    /// Gives a message back to the broker; it is finished here once the broker has it durably.
    pub(super) fn give_back(&self, queue: &Arc<ProcessQueue>, running: Running) {
        let Some(connection) = self.connection.get() else { return };
        if self.is_abandoned.load(Ordering::SeqCst) {
            return;
        }
        self.prefetch.lock().giving_back += 1;
        let request = SendBackRequest {
            group: self.settings.group.clone(),
            position: running.position,
            record: Some(running.item.record.clone()),
            // The wait is that of the attempt.
            delay_level: 0,
            reconsume_times_max: self.settings.reconsume_times_max,
        };
        let (own, queue) = (self.own.clone(), queue.clone());
        let completion = move |result: Result<(), Failure>| {
            if let Some(own) = own.upgrade() {
                own.given_back(&queue, running, result);
            }
        };
        connection.transport.send_back(request, Box::new(completion));
    }

    /// Runs on whatever thread learned it.
    fn given_back(&self, queue: &Arc<ProcessQueue>, running: Running, result: Result<(), Failure>) {
        match result {
            Ok(()) => self.finish(queue, &running),
            Err(failure) => {
                let (group, topic) = (&self.settings.group, &queue.key.topic);
                warn!(
                    "group '{group}': a message of '{topic}' could not be given back, it is consumed again in 5 s: {failure}"
                );
                self.consume_again_later(queue, running.item);
            }
        }
        self.prefetch.lock().giving_back -= 1;
        self.prefetch.tell_ended();
    }

    fn finish(&self, queue: &Arc<ProcessQueue>, running: &Running) {
        let is_free = queue.finish([(running.item.number, running.offset)]);
        let finished = Grant { messages: 1, bytes: running.item.record.len() };
        self.prefetch.update(|ready| ready.finished(finished));
        if is_free {
            self.request_balance();
        }
    }

    fn consume_again_later(&self, queue: &Arc<ProcessQueue>, item: Item) {
        let Some(connection) = self.connection.get() else { return };
        let (own, queue) = (self.own.clone(), queue.clone());
        connection.scheduler.after(CONSUME_AGAIN_DELAY, move || {
            let Some(own) = own.upgrade() else { return };
            let finished = Grant { messages: 1, bytes: item.record.len() };
            if own.prefetch.consume_again(&queue, item) {
                return;
            }
            own.prefetch.update(|ready| ready.finished(finished));
            if queue.abandon(1) {
                own.request_balance();
            }
        });
    }
}
