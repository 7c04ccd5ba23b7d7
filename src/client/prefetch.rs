//! Messages that were pulled and wait for a listener thread, bounded by count and bytes, and what the threads of a
//! consumer have to do next.

use super::process_queue::ProcessQueue;
use crate::protocol::limits::PULL_MESSAGES_MAX;
use crate::sys::sync::{Condvar, Mutex, MutexGuard};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// Most bytes one pull asks for.
pub const PULL_BYTES_MAX: usize = 4 << 20;

/// Most queues one thread pulls in a row.
const PULLS_MAX: usize = 64;

/// One message, by its number in its queue.
#[derive(Debug)]
pub struct Item {
    pub number: u64,
    pub record: Bytes,
}

/// What one pull may bring; taken off the room for messages until it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub messages: usize,
    pub bytes: usize,
}

/// Receives messages of one queue.
pub type Take<'a> = dyn FnMut(&Arc<ProcessQueue>, &mut dyn Iterator<Item = Item>) + 'a;

/// What a thread does next.
#[derive(Debug)]
pub enum Step {
    Balance,
    /// All these queues, each with the same grant; then [`Prefetch::next`]. Nobody else pulls meanwhile: queues that are
    /// behind stay side by side, and as they lie interleaved in the broker's log, each part of it is read once for all
    /// of them.
    Pull(Vec<Arc<ProcessQueue>>, Grant),
    /// Messages of one queue were put into the thread's hands.
    Consume,
    End,
}

#[derive(Debug)]
pub struct Prefetch {
    ready: Mutex<Ready>,
    /// Something to do for one more thread.
    work: Condvar,
    /// A thread ended, or a message that was given back was settled.
    ended: Condvar,
}

/// Everything the threads of a consumer share.
#[derive(Debug)]
pub struct Ready {
    batches: VecDeque<Batch>,
    /// Messages in `batches`.
    waiting: usize,
    /// Messages that were pulled and are not finished, wherever they are.
    cached: Grant,
    /// What the pulls under way may bring.
    granted: Grant,
    limit: Grant,
    /// Queues with no pull under way.
    to_pull: VecDeque<Arc<ProcessQueue>>,
    /// Those that wait for a message that is not finished, with too many finished behind it.
    far_ahead: Vec<Arc<ProcessQueue>>,
    needs_balance: bool,
    is_balancing: bool,
    is_pulling: bool,
    pub is_closing: bool,
    threads: usize,
    /// Threads that sleep, and those of them that were woken and do not run yet.
    idle: usize,
    woken: usize,
    /// Threads that have not ended.
    pub alive: usize,
    /// Messages given back to the broker, which has not answered yet.
    pub giving_back: usize,
}

/// Consecutive messages of one queue.
#[derive(Debug)]
struct Batch {
    queue: Arc<ProcessQueue>,
    items: VecDeque<Item>,
}

impl Prefetch {
    pub fn new(limit: Grant, threads: usize) -> Self {
        let none = Grant { messages: 0, bytes: 0 };
        let ready = Ready {
            batches: VecDeque::new(),
            waiting: 0,
            cached: none,
            granted: none,
            limit,
            to_pull: VecDeque::new(),
            far_ahead: Vec::new(),
            needs_balance: false,
            is_balancing: false,
            is_pulling: false,
            is_closing: false,
            threads,
            idle: 0,
            woken: 0,
            alive: 0,
            giving_back: 0,
        };
        Self { ready: Mutex::new(ready), work: Condvar::new(), ended: Condvar::new() }
    }

    pub fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is shared and wakes a thread if there is more to do than the running ones know of.
    pub fn update<T>(&self, change: impl FnOnce(&mut Ready) -> T) -> T {
        let mut ready = self.lock();
        let result = change(&mut ready);
        let wakes = ready.wakes_another();
        drop(ready);
        if wakes {
            self.work.notify_one();
        }
        result
    }

    /// A pull ended. Its messages are handed over to the threads; its queue can be pulled again.
    pub fn pulled(&self, queue: &Arc<ProcessQueue>, grant: Grant, records: Vec<Bytes>, next_offset: i64) {
        self.update(|ready| {
            ready.granted.sub(grant);
            if queue.is_dropped() || ready.is_closing {
                return;
            }
            let first = queue.extend(records.len(), next_offset);
            if !records.is_empty() {
                ready.waiting += records.len();
                ready.cached.messages += records.len();
                ready.cached.bytes += records.iter().map(Bytes::len).sum::<usize>();
                let items = (first..).zip(records).map(|(number, record)| Item { number, record }).collect();
                ready.batches.push_back(Batch { queue: queue.clone(), items });
            }
            ready.add(queue.clone());
        });
    }

    /// A pull failed: its queue waits for [`Prefetch::pull_again`].
    pub fn pull_failed(&self, grant: Grant) {
        self.update(|ready| ready.granted.sub(grant));
    }

    pub fn pull_again(&self, queue: Arc<ProcessQueue>) {
        self.update(|ready| {
            if !queue.is_dropped() && !ready.is_closing {
                ready.add(queue);
            }
        });
    }

    /// A message is to be tried again here, before all others. False if its queue was given up meanwhile.
    pub fn consume_again(&self, queue: &Arc<ProcessQueue>, item: Item) -> bool {
        self.update(|ready| {
            if queue.is_dropped() || ready.is_closing {
                return false;
            }
            ready.waiting += 1;
            ready.batches.push_front(Batch { queue: queue.clone(), items: VecDeque::from([item]) });
            true
        })
    }

    /// Takes a queue that goes to another instance out of everything that has not been started.
    pub fn forget(&self, queue: &Arc<ProcessQueue>) {
        queue.set_dropped();
        let mut forgotten = VecDeque::new();
        self.update(|ready| {
            ready.to_pull.retain(|own| !Arc::ptr_eq(own, queue));
            ready.far_ahead.retain(|own| !Arc::ptr_eq(own, queue));
            let batches = std::mem::take(&mut ready.batches);
            let (gone, kept) = batches.into_iter().partition(|own| Arc::ptr_eq(&own.queue, queue));
            ready.batches = kept;
            forgotten = gone;
            let items = forgotten.iter().flat_map(|batch: &Batch| &batch.items);
            let (count, bytes) = items.fold((0, 0), |sum, item| (sum.0 + 1, sum.1 + item.record.len()));
            ready.waiting -= count;
            ready.cached.sub(Grant { messages: count, bytes });
        });
        queue.abandon(forgotten.iter().map(|batch| batch.items.len()).sum());
    }

    /// Has the queues of the group looked through soon. False: no thread is free to do it.
    pub fn request_balance(&self) -> bool {
        self.update(|ready| {
            ready.needs_balance = true;
            ready.idle > 0
        })
    }

    /// Takes the task of balancing, if it is still to be done.
    pub fn begin_balance(&self) -> bool {
        self.lock().begin_balance()
    }

    /// Whoever has balanced asks here whether it was the last time. False: another one was wished for meanwhile, and is
    /// the caller's task; perhaps all the threads that were free then run listeners now.
    pub fn end_balance(&self) -> bool {
        let mut ready = self.lock();
        ready.is_balancing = std::mem::take(&mut ready.needs_balance);
        !ready.is_balancing
    }

    /// Waits for the next thing to do. `finished`: what this thread is through with since it last asked; `has_pulled`:
    /// it was told to pull. `take` receives messages of one queue; `steal` looks for messages in the hands of other
    /// threads before this one goes to sleep.
    pub fn next(
        &self,
        finished: Grant,
        has_pulled: bool,
        batch_max: usize,
        take: &mut Take<'_>,
        steal: &mut dyn FnMut() -> bool,
    ) -> Step {
        let mut ready = self.lock();
        ready.finished(finished);
        ready.is_pulling &= !has_pulled;
        loop {
            if ready.is_closing {
                // Nothing is taken any more, but what is in the hands of a slower thread is shared out.
                return if steal() { Step::Consume } else { Step::End };
            }
            if let Some(step) = ready.step(batch_max, take) {
                let wakes = ready.wakes_another();
                drop(ready);
                if wakes {
                    self.work.notify_one();
                }
                return step;
            }
            if steal() {
                return Step::Consume;
            }
            ready.idle += 1;
            ready = self.work.wait(ready).unwrap_or_else(PoisonError::into_inner);
            ready.idle -= 1;
            ready.woken = ready.woken.saturating_sub(1);
        }
    }

    /// Nothing is started any more; what waits is dropped.
    pub fn close(&self) {
        let mut ready = self.lock();
        ready.is_closing = true;
        let batches = std::mem::take(&mut ready.batches);
        ready.waiting = 0;
        ready.to_pull.clear();
        ready.far_ahead.clear();
        drop(ready);
        self.work.notify_all();
        drop(batches);
    }

    /// For whoever waits in [`Prefetch::wait_until_ended`].
    pub fn tell_ended(&self) {
        self.ended.notify_all();
    }

    /// Waits until all threads have ended and all messages given back are settled; false if not within `limit`.
    pub fn wait_until_ended(&self, limit: std::time::Duration) -> bool {
        let is_open = |ready: &mut Ready| ready.alive > 0 || ready.giving_back > 0;
        let waited = self.ended.wait_timeout_while(self.lock(), limit, is_open);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Ready {
    fn step(&mut self, batch_max: usize, take: &mut Take<'_>) -> Option<Step> {
        if self.begin_balance() {
            return Some(Step::Balance);
        }
        if let Some(grant) = self.next_grant() {
            let count = self.to_pull.len().min(PULLS_MAX);
            self.is_pulling = true;
            self.granted.messages += count * grant.messages;
            self.granted.bytes += count * grant.bytes;
            return Some(Step::Pull(self.to_pull.drain(..count).collect(), grant));
        }
        let share = (self.waiting / self.threads.max(1)).max(1);
        let batch = self.batches.front_mut()?;
        let count = share.min(batch_max).min(batch.items.len());
        take(&batch.queue, &mut batch.items.drain(..count));
        self.waiting -= count;
        if batch.items.is_empty() {
            self.batches.pop_front();
        }
        Some(Step::Consume)
    }

    fn begin_balance(&mut self) -> bool {
        let begins = self.needs_balance && !self.is_balancing;
        if begins {
            self.needs_balance = false;
            self.is_balancing = true;
        }
        begins
    }

    /// What the next pulls may bring, each: an even share of the room that is left, so that all pulls under way together
    /// cannot exceed it by more than a message each. Nothing while more than half of the cache waits for a thread, or
    /// little room is left and the threads have enough to do: a few large pulls cost less than many small ones.
    fn next_grant(&self) -> Option<Grant> {
        let Grant { messages: messages_max, bytes: bytes_max } = self.limit;
        let has_room = self.cached.messages < messages_max && self.cached.bytes < bytes_max;
        if self.is_pulling || self.to_pull.is_empty() || !has_room || self.waiting > messages_max / 2 {
            return None;
        }
        let left = |limit: usize, cached: usize, granted: usize| limit.saturating_sub(cached + granted);
        let messages = left(messages_max, self.cached.messages, self.granted.messages);
        let bytes = left(bytes_max, self.cached.bytes, self.granted.bytes);
        if self.waiting > messages_max / 8 && messages < messages_max / 4 {
            return None;
        }
        Some(Grant {
            messages: (messages / self.to_pull.len()).clamp(1, PULL_MESSAGES_MAX),
            bytes: (bytes / self.to_pull.len()).clamp(1, PULL_BYTES_MAX),
        })
    }

    /// One thread is woken at a time; it wakes the next one if there is still something left to do.
    fn wakes_another(&mut self) -> bool {
        let has_work = self.is_closing
            || (self.needs_balance && !self.is_balancing)
            || !self.batches.is_empty()
            || self.next_grant().is_some();
        let wakes = has_work && self.idle > 0 && self.woken == 0;
        if wakes {
            self.woken = 1;
        }
        wakes
    }

    /// Messages are finished, or left.
    pub fn finished(&mut self, finished: Grant) {
        self.cached.sub(finished);
        if !self.far_ahead.is_empty() {
            let waiting = std::mem::take(&mut self.far_ahead);
            waiting.into_iter().for_each(|queue| self.add(queue));
        }
    }

    #[cfg(test)]
    pub fn cached(&self) -> Grant {
        self.cached
    }

    /// Adds a queue that is to be pulled, from now on or once it may be.
    pub fn add(&mut self, queue: Arc<ProcessQueue>) {
        if queue.is_far_ahead() {
            self.far_ahead.push(queue);
        } else {
            self.to_pull.push_back(queue);
        }
    }
}

impl Grant {
    pub const NONE: Grant = Grant { messages: 0, bytes: 0 };

    fn sub(&mut self, other: Grant) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

#[cfg(test)]
mod tests;
