//! What one listener thread has in its hands: a few messages of one queue, the one its listener runs on, and those
//! it is through with. Others look in: a thread without work takes over what has not been started, the timer sees
//! how long the listener has been running.

use super::prefetch::Grant;
use super::prefetch::Item;
use super::process_queue::ProcessQueue;
use crate::protocol::record::Record;
use crate::protocol::record::RecordError;
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// Most messages a thread takes at once.
pub const BATCH_MAX: usize = 32;

#[derive(Debug, Default)]
pub struct Slot {
    hands: Mutex<Hands>,
}

#[derive(Debug, Default)]
pub struct Hands {
    queue: Option<Arc<ProcessQueue>>,
    items: VecDeque<Item>,
    pub running: Option<Running>,
    done: Vec<(u64, Option<i64>)>,
    done_bytes: usize,
}

/// A message whose listener runs.
#[derive(Debug)]
pub struct Running {
    pub item: Item,
    /// None if the record cannot be read.
    pub offset: Option<i64>,
    /// Position in the log, by which it is given back.
    pub position: i64,
    /// Tick of the consumer's timer at which it started.
    pub since_tick: u64,
}

impl Running {
    pub fn new(item: Item, record: &Result<Record, RecordError>, since_tick: u64) -> Self {
        let head = record.as_ref().ok().map(|record| &record.head);
        let offset = head.map(|head| head.queue_offset);
        Self { item, offset, position: head.map_or(-1, |head| head.position), since_tick }
    }
}

impl Slot {
    pub fn lock(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the queue of the messages this thread is through with. Returns how many they were, to be taken off the
    /// cache, and the queue if it is given up and this was the last it waited for.
    pub fn flush(&self) -> (Grant, Option<Arc<ProcessQueue>>) {
        let mut hands = self.lock();
        if hands.done.is_empty() {
            return (Grant::NONE, None);
        }
        let Some(queue) = hands.queue.clone() else { return (Grant::NONE, None) };
        let finished = Grant { messages: hands.done.len(), bytes: std::mem::take(&mut hands.done_bytes) };
        // Told under the lock, so that who looks in meanwhile finds each message here or there.
        let is_free = queue.finish(hands.done.drain(..));
        drop(hands);
        (finished, is_free.then_some(queue))
    }

    /// Fills empty hands. What they were through with must have been told before.
    pub fn fill(&self, queue: &Arc<ProcessQueue>, items: &mut dyn Iterator<Item = Item>) {
        let mut hands = self.lock();
        hands.queue = Some(queue.clone());
        hands.items.extend(items);
    }

    /// Takes over the last of the messages another thread has not started.
    pub fn steal(&self) -> Option<(Arc<ProcessQueue>, Item)> {
        let mut hands = self.lock();
        let item = hands.items.pop_back()?;
        Some((hands.queue.clone()?, item))
    }
}

impl Hands {
    pub fn queue(&self) -> Option<Arc<ProcessQueue>> {
        self.queue.clone()
    }

    pub fn pop(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    pub fn done(&mut self, running: Running) {
        self.done.push((running.item.number, running.offset));
        self.done_bytes += running.item.record.len();
    }
}
