//! How far a consumer has come in one queue: messages finish in any order, the offset moves over the finished ones.

use crate::protocol::request::QueueKey;
use crate::protocol::request::QueueOffset;
use crate::protocol::tags::TagExpression;
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// So many messages may be finished behind one that is not: then the queue is not pulled until that one is. They would
/// come again if the program were killed. (RocketMQ's Java client, `consumeConcurrentlyMaxSpan`.)
pub const FINISHED_AHEAD_MAX: usize = 2000;

/// A queue this consumer holds.
#[derive(Debug)]
pub struct ProcessQueue {
    pub key: QueueKey,
    pub filter: Arc<TagExpression>,
    is_dropped: AtomicBool,
    progress: Mutex<Progress>,
}

/// Messages are numbered as they come; a ring holds what is known of those behind the first unfinished one.
#[derive(Debug)]
struct Progress {
    /// Number of the ring's first message.
    first: u64,
    /// [`UNFINISHED`], or the offset of a finished message, or [`FINISHED_SOMEWHERE`].
    ring: VecDeque<i64>,
    /// Messages somebody still works on or will.
    unfinished: usize,
    /// The smallest offset that is not finished.
    finished_to: i64,
    /// Where the next pull begins.
    pulled_to: i64,
    /// What the broker knows of `finished_to`.
    committed: Option<i64>,
}

const UNFINISHED: i64 = -1;
/// A finished message whose record could not be read, so that its offset is not known.
const FINISHED_SOMEWHERE: i64 = -2;

impl ProcessQueue {
    /// `committed`: the offset the broker has, if it has one; it need not be told again.
    pub fn new(key: QueueKey, filter: Arc<TagExpression>, offset: i64, committed: Option<i64>) -> Self {
        let progress = Progress {
            first: 0,
            ring: VecDeque::new(),
            unfinished: 0,
            finished_to: offset,
            pulled_to: offset,
            committed,
        };
        Self { key, filter, is_dropped: AtomicBool::new(false), progress: Mutex::new(progress) }
    }

    /// The queue goes to another instance: no thread is given more of it.
    pub fn set_dropped(&self) {
        self.is_dropped.store(true, Ordering::SeqCst);
    }

    pub fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::SeqCst)
    }

    pub fn pulled_to(&self) -> i64 {
        self.lock().pulled_to
    }

    /// Messages came in; the next pull begins at `next_offset`. Returns the number of the first of them.
    pub fn extend(&self, count: usize, next_offset: i64) -> u64 {
        let mut progress = self.lock();
        let number = progress.first + progress.ring.len() as u64;
        let len = progress.ring.len() + count;
        progress.ring.resize(len, UNFINISHED);
        progress.unfinished += count;
        progress.pulled_to = next_offset;
        progress.advance();
        number
    }

    /// Marks messages as finished, each by its number and, if known, its offset. Returns whether that was the last
    /// thing a queue that is given up was waiting for.
    pub fn finish(&self, messages: impl IntoIterator<Item = (u64, Option<i64>)>) -> bool {
        let mut progress = self.lock();
        for (number, offset) in messages {
            let Some(index) = number.checked_sub(progress.first) else { continue };
            let Some(entry) = progress.ring.get_mut(index as usize) else { continue };
            if *entry == UNFINISHED {
                *entry = offset.unwrap_or(FINISHED_SOMEWHERE);
                progress.unfinished = progress.unfinished.saturating_sub(1);
            }
        }
        progress.advance();
        progress.unfinished == 0 && self.is_dropped()
    }

    /// Messages that nobody will work on: they stay unfinished, so that the offset does not pass them. Returns as
    /// [`ProcessQueue::finish`].
    pub fn abandon(&self, count: usize) -> bool {
        let mut progress = self.lock();
        progress.unfinished = progress.unfinished.saturating_sub(count);
        progress.unfinished == 0 && self.is_dropped()
    }

    /// Whether as much as may is finished behind a message that is not.
    pub fn is_far_ahead(&self) -> bool {
        let progress = self.lock();
        progress.ring.len().saturating_sub(progress.unfinished) >= FINISHED_AHEAD_MAX
    }

    /// Whether somebody still works on a message.
    pub fn is_busy(&self) -> bool {
        self.lock().unfinished > 0
    }

    /// The offset to commit, unless the broker has it.
    pub fn uncommitted(&self) -> Option<QueueOffset> {
        let progress = self.lock();
        (progress.committed != Some(progress.finished_to))
            .then(|| QueueOffset { queue: self.key.clone(), offset: progress.finished_to })
    }

    pub fn set_committed(&self, offset: i64) {
        self.lock().committed = Some(offset);
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn advance(&mut self) {
        while let Some(&entry) = self.ring.front().filter(|&&entry| entry != UNFINISHED) {
            self.ring.pop_front();
            self.first += 1;
            if entry != FINISHED_SOMEWHERE {
                self.finished_to = entry + 1;
            }
        }
        if self.ring.is_empty() {
            // Everything pulled is finished, and what the filter passed over lies behind.
            self.finished_to = self.pulled_to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(offset: i64, committed: Option<i64>) -> ProcessQueue {
        let key = QueueKey { topic: "T".into(), queue_id: 0 };
        ProcessQueue::new(key, Arc::new(TagExpression::all()), offset, committed)
    }

    fn to_commit(queue: &ProcessQueue) -> Option<i64> {
        queue.uncommitted().map(|own| own.offset)
    }

    #[test]
    fn the_offset_moves_over_finished_messages_only() {
        let queue = queue(10, Some(10));
        assert_eq!(to_commit(&queue), None);
        // Offsets 10, 12 and 15 matched; the pull looked up to 20.
        assert_eq!(queue.extend(3, 20), 0);
        queue.finish([(2, Some(15))]);
        assert_eq!(to_commit(&queue), None);
        queue.finish([(0, Some(10))]);
        assert_eq!(to_commit(&queue), Some(11));
        queue.finish([(1, Some(12))]);
        assert_eq!((to_commit(&queue), queue.pulled_to()), (Some(20), 20));
        queue.set_committed(20);
        assert_eq!(to_commit(&queue), None);
    }

    #[test]
    fn numbers_go_on_over_pulls_and_a_second_finish_changes_nothing() {
        let queue = queue(0, Some(0));
        assert_eq!((queue.extend(2, 2), queue.extend(2, 4)), (0, 2));
        queue.finish([(0, Some(0)), (0, Some(0)), (1, Some(1))]);
        assert!(queue.is_busy());
        queue.finish([(0, Some(0)), (99, Some(99))]);
        assert_eq!(to_commit(&queue), Some(2));
        queue.finish([(3, Some(3)), (2, None)]);
        assert_eq!((to_commit(&queue), queue.is_busy()), (Some(4), false));
    }

    #[test]
    fn an_answer_without_messages_moves_the_offset_when_nothing_is_open() {
        let queue = queue(0, None);
        assert_eq!(to_commit(&queue), Some(0), "a first offset is told even if nothing was consumed");
        queue.extend(0, 7);
        assert_eq!(to_commit(&queue), Some(7));
        queue.extend(1, 8);
        queue.extend(0, 12);
        assert_eq!(to_commit(&queue), Some(7));
    }

    #[test]
    fn a_dropped_queue_is_free_when_the_last_running_message_ends() {
        let queue = queue(0, Some(0));
        queue.extend(4, 4);
        queue.set_dropped();
        assert!(!queue.abandon(2));
        assert!(!queue.finish([(1, Some(1))]));
        assert!(queue.finish([(0, Some(0))]));
        assert_eq!((to_commit(&queue), queue.is_busy()), (Some(2), false));
    }
}
