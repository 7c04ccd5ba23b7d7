//! What is appended, and what is known of it afterwards.

use super::publishing::tell;
use super::queue::Queue;
use crate::protocol::failure::{Completion, Failure, Stored};
use crate::protocol::properties;
use crate::protocol::record::RecordHead;
use crate::protocol::request::SendResponse;
use crate::sys::event::Event;
use crate::sys::sync::OnceLock;
use std::sync::Arc;
use std::time::Duration;

/// A message to append. Of the head the store fills in queue id, queue offset, position, store timestamp and host, and
/// the body's checksum.
#[derive(Debug)]
pub struct Append<'a> {
    pub queue: &'a Arc<Queue>,
    pub head: RecordHead,
    /// Property text, at most `limits::PROPERTIES_BYTES_MAX`.
    pub properties: &'a str,
    /// At most `limits::BODY_BYTES_MAX`.
    pub body: &'a [u8],
    /// Java's hash of the tag, kept in the consume queue beside the position; what it means is the caller's matter.
    pub tag_hash: i64,
    /// From a caller who has read the properties; else the store reads them.
    pub noted: Option<Noted>,
}

/// Where a message was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub queue_offset: u64,
    /// Where the record begins in the log.
    pub position: u64,
    pub store_timestamp_ms: i64,
}

impl Appended {
    /// What a sender is answered.
    pub fn response(&self, queue_id: i32) -> SendResponse {
        SendResponse {
            queue_id,
            queue_offset: i64::try_from(self.queue_offset).unwrap_or(i64::MAX),
            position: i64::try_from(self.position).unwrap_or(i64::MAX),
        }
    }
}

/// What the store itself reads out of a message's properties, in one pass over the text.
#[derive(Debug, Default, Clone)]
pub struct Noted {
    /// Hashes of the keys that find the message again: UNIQ_KEY and each of KEYS. Almost every message has one or two.
    keys: [u32; 2],
    keys_count: u8,
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default, Clone)]
struct Rare {
    more_keys: Vec<u32>,
    due_ms: Option<i64>,
    timer_origin: Option<u64>,
}

/// Where the hashes of a topic's keys start from.
pub fn topic_hash(topic: &str) -> u32 {
    crc32c::crc32c(topic.as_bytes())
}

/// Hash of a key within a topic, as the key index keeps it.
pub(crate) fn key_hash(topic_hash: u32, key: &str) -> u32 {
    crc32c::crc32c_append(topic_hash, key.as_bytes())
}

impl Noted {
    pub(crate) fn read(topic_hash: u32, is_timer: bool, text: &str) -> Self {
        let mut noted = Self::default();
        for (name, value) in properties::iter(text) {
            match name {
                properties::UNIQ_KEY => noted.add_key(topic_hash, value),
                properties::KEYS => noted.add_keys(topic_hash, value),
                properties::TIMER_OUT_MS if is_timer => noted.rare().due_ms = value.parse().ok(),
                properties::TIMER_ORIGIN => noted.rare().timer_origin = value.parse().ok(),
                _ => {}
            }
        }
        noted
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = u32> {
        let more = self.rare.as_ref().map_or(&[][..], |rare| &rare.more_keys);
        self.keys.iter().take(usize::from(self.keys_count)).chain(more).copied()
    }

    /// TIMER_OUT_MS of a record in the timer topic.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        self.rare.as_ref()?.due_ms
    }

    /// TIMER_ORIGIN: the waiting record that this one is the delivery of.
    pub(crate) fn timer_origin(&self) -> Option<u64> {
        self.rare.as_ref()?.timer_origin
    }

    /// Of KEYS: keys with a blank between two.
    pub fn add_keys(&mut self, topic_hash: u32, keys: &str) {
        keys.split(' ').filter(|key| !key.is_empty()).for_each(|key| self.add_key(topic_hash, key));
    }

    /// UNIQ_KEY, or one of KEYS.
    pub fn add_key(&mut self, topic_hash: u32, key: &str) {
        let hash = key_hash(topic_hash, key);
        match self.keys.get_mut(usize::from(self.keys_count)) {
            Some(slot) => {
                *slot = hash;
                self.keys_count += 1;
            }
            None => self.rare().more_keys.push(hash),
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// Who waits for a record.
pub(crate) enum Waiter {
    /// Nobody, the leader itself, or a caller blocked until the whole batch is written.
    None,
    Completion(Completion<Appended>),
    /// An asynchronous send: which of the batch's sinks hears of it, and under which token.
    Sink {
        index: u32,
        token: u64,
    },
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Completion(_) => "Completion",
            Self::Sink { .. } => "Sink",
        })
    }
}

impl Waiter {
    pub(crate) fn finish(self, result: Result<Appended, Failure>) {
        match self {
            // Those of sinks are told together, by the batch.
            Self::None | Self::Sink { .. } => {}
            Self::Completion(completion) => tell("a completion of an append", || completion(result)),
        }
    }
}

/// What the blocked callers of one batch wait for.
#[derive(Debug, Default)]
pub(crate) struct Written {
    is_over: Event,
    /// Set before `is_over`, if the batch was not written.
    failure: OnceLock<Failure>,
}

impl Written {
    pub(super) fn finish(&self, failure: Option<Failure>) {
        if let Some(failure) = failure {
            let _ = self.failure.set(failure);
        }
        self.is_over.set();
    }

    pub(crate) fn wait(&self, timeout: Duration) -> Result<(), Failure> {
        if !self.is_over.wait(timeout) {
            return Err(timed_out(timeout));
        }
        self.failure.get().cloned().map_or(Ok(()), Err)
    }
}

fn timed_out(timeout: Duration) -> Failure {
    Failure::new(
        crate::protocol::failure::FailureKind::Timeout,
        format!("the message was not written within {} ms: the disk is slow or stuck", timeout.as_millis()),
    )
    .with_stored(Stored::Unknown)
}
