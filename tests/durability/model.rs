//! What the workload knows: what was acknowledged, what was promised, what was delivered.
//!
//! In SYNC_FLUSH an acknowledgement is the promise; in ASYNC_FLUSH the next completed flush makes it one.

use crate::machine::{DEAD, RESERVED, RETRY};
use ons::protocol::properties;
use ons::protocol::record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Topic, queue, offset.
pub type Place = (&'static str, i32, u64);

/// So many of the offsets delivered last are remembered for each queue: more than the log keeps.
const DELIVERED_MAX: u64 = 400;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: u64,
    /// Retries behind it.
    pub times: i32,
    pub crc: i32,
    pub len: usize,
    pub stored_ms: i64,
    pub is_promised: bool,
}

impl Message {
    pub fn of(record: &Record) -> Self {
        Self {
            id: id_of(record),
            times: record.head.reconsume_times,
            crc: record.head.body_crc,
            len: record.body().len(),
            stored_ms: record.head.store_timestamp_ms,
            is_promised: false,
        }
    }

    /// Whether the two are the same message, wherever they were seen.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.id, self.times, self.crc, self.len) == (other.id, other.times, other.crc, other.len)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fired {
    NotYet,
    /// Its delivery was seen; a power cut may take it back.
    Seen,
    /// Its delivery is promised to last.
    Lasting,
}

/// A retry that waits for its time, by message and number of the retry.
#[derive(Debug, Clone)]
pub struct Wait {
    pub due_ms: i64,
    pub is_promised: bool,
    pub fired: Fired,
}

#[derive(Debug, Clone, Default)]
pub struct Offset {
    pub committed: i64,
    /// The last one that a checkpoint has covered.
    pub lasting: Option<i64>,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub is_sync: bool,
    /// Acknowledged, or seen by a consumer.
    pub messages: BTreeMap<Place, Message>,
    pub waits: BTreeMap<(u64, i32), Wait>,
    /// Messages that a consumer gave back, with the retries behind them.
    pub given_back: BTreeSet<(u64, i32)>,
    /// Given to the dead letters: when, and whether that is promised.
    pub dead: BTreeMap<u64, (i64, bool)>,
    /// Their sends failed with *stored: no*.
    pub refused: BTreeSet<u64>,
    /// What the group was given.
    pub delivered: BTreeMap<Place, u64>,
    pub offsets: BTreeMap<(&'static str, i32), Offset>,
    /// The group's own count of retries: set, and covered by a checkpoint.
    pub retries: (i32, Option<i32>),
    /// The store was closed and nothing has happened since.
    pub is_closed: bool,
    pub next_id: u64,
    /// A flush of the log has failed: nothing that is sent from now on may be acknowledged.
    pub is_refusing: bool,
    /// Acknowledged although it was forbidden.
    pub broken: Vec<String>,
}

impl Model {
    pub fn acknowledged(&mut self, place: Place, mut message: Message) {
        message.is_promised = self.is_sync;
        if let Some(other) = self.messages.insert(place, message.clone())
            && !other.is_same(&message)
        {
            self.broken.push(format!("{place:?} was given to {other:?} and to {message:?}"));
        }
    }

    pub fn sent_back(&mut self, id: u64, times: i32, due_ms: i64) {
        let wait = Wait { due_ms, is_promised: self.is_sync, fired: Fired::NotYet };
        self.waits.insert((id, times), wait);
    }

    pub fn buried(&mut self, id: u64, now_ms: i64) {
        self.dead.insert(id, (now_ms, self.is_sync));
    }

    /// A consumer was given a message.
    pub fn delivered(&mut self, place: Place, record: &Record) {
        let message = Message::of(record);
        let (topic, queue, offset) = place;
        self.delivered.insert(place, message.id);
        let oldest = (topic, queue, offset.saturating_sub(DELIVERED_MAX));
        while let Some((&first, _)) = self.delivered.range((topic, queue, 0)..oldest).next() {
            self.delivered.remove(&first);
        }
        if topic == RETRY {
            let fired = if self.is_sync { Fired::Lasting } else { Fired::Seen };
            if let Some(wait) = self.waits.get_mut(&(message.id, message.times)) {
                wait.fired = wait.fired.max(fired);
            }
        }
        let is_promised = self.is_sync || self.messages.get(&place).is_some_and(|known| known.is_promised);
        self.messages.insert(place, Message { is_promised, ..message });
    }

    /// What a flush and a checkpoint that begin now will make last.
    pub fn to_flush(&self) -> Flush {
        Flush {
            messages: self.messages.keys().copied().collect(),
            waits: self.waits.iter().map(|(key, wait)| (*key, wait.fired)).collect(),
            dead: self.dead.keys().copied().collect(),
            offsets: self.offsets.iter().map(|(key, offset)| (*key, offset.committed)).collect(),
            retries: self.retries.0,
        }
    }

    /// The log was flushed.
    pub fn flushed(&mut self, flush: &Flush) {
        for place in &flush.messages {
            self.messages.entry(*place).and_modify(|message| message.is_promised = true);
        }
        for (key, fired) in &flush.waits {
            let Some(wait) = self.waits.get_mut(key) else { continue };
            wait.is_promised = true;
            if *fired > Fired::NotYet {
                wait.fired = Fired::Lasting;
            }
        }
        for id in &flush.dead {
            self.dead.entry(*id).and_modify(|(_, is_promised)| *is_promised = true);
        }
    }

    /// The metadata were committed.
    pub fn checkpointed(&mut self, flush: &Flush) {
        for (key, committed) in &flush.offsets {
            self.offsets.entry(*key).and_modify(|offset| offset.lasting = Some(*committed));
        }
        self.retries.1 = Some(flush.retries);
    }

    /// As it is after a kill: what the operating system was given is not lost.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let mut model = self.clone();
        let all = model.to_flush();
        model.flushed(&all);
        model
    }

    /// Whether a message stored then may have been deleted by now.
    pub fn is_expired(stored_ms: i64, now_ms: i64) -> bool {
        stored_ms + (RESERVED.as_millis() as i64) < now_ms
    }

    /// Forgets what no check can ask for any more.
    pub fn forget(&mut self, now_ms: i64) {
        let is_old = |ms: i64| ms + 3 * (RESERVED.as_millis() as i64) < now_ms;
        self.messages.retain(|_, message| !Self::is_expired(message.stored_ms, now_ms));
        self.waits.retain(|_, wait| wait.fired < Fired::Lasting || !is_old(wait.due_ms));
        self.dead.retain(|_, (stored_ms, _)| !Self::is_expired(*stored_ms, now_ms));
        let recent = self.next_id.saturating_sub(1000);
        self.given_back.retain(|(id, _)| *id > recent);
    }

    /// Messages of the topics that users send to are sent in the order of their ids.
    pub fn is_own_topic(topic: &str) -> bool {
        topic == RETRY || topic == DEAD
    }
}

/// See [`Model::to_flush`].
#[derive(Debug)]
pub struct Flush {
    messages: Vec<Place>,
    waits: Vec<((u64, i32), Fired)>,
    dead: Vec<u64>,
    offsets: Vec<((&'static str, i32), i64)>,
    retries: i32,
}

pub fn id_of(record: &Record) -> u64 {
    record
        .property(properties::UNIQ_KEY)
        .and_then(|id| u64::from_str_radix(id, 16).ok())
        .expect("every message of the workload has an id")
}

pub fn body_of(id: u64, len: usize) -> Vec<u8> {
    let mut body: Vec<u8> = (0..len as u64).map(|at| (id.wrapping_mul(31) + at) as u8).collect();
    let name = id.to_be_bytes();
    let named = name.len().min(len);
    body[..named].copy_from_slice(&name[name.len() - named..]);
    body
}
