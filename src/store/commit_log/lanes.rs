//! Lanes: asynchronous senders who do not wait for each message encode it into a lane of their own, and merge the lane
//! into the log when it is full.
//!
//! Two processors that append by turns pass the log's state, the end of its buffer and the queues' counters to and fro,
//! which costs more than the append itself. With lanes they meet once in some dozens of messages. A record in a lane has
//! no place yet: address and queue offset are given at the merge. A thread always uses the same lane, and merges it
//! before it appends in any other way, so its messages keep their order.
//!
//! Nothing stays behind in a lane: who puts the first record into an empty one has the log thread come for it. Lock
//! order: lane, then log. With a lane locked nobody waits for the log's leader, who may be calling a sender back.

use super::{CommitLog, State, note};
use crate::protocol::failure::{Failure, Submitted};
use crate::protocol::record;
use crate::protocol::request::{SendAnswer, SendSink};
use crate::store::append::{Append, Appended, Noted};
use crate::store::batch::Pending;
use crate::store::publishing::{Publishing, tell};
use crate::store::queue::{OwnLine, Queue};
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use crate::sys::sync::{Mutex, MutexGuard};
use crate::sys::thread::own_number;
use bytes::BytesMut;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

const LANES: usize = 8;
/// A lane with so many bytes is merged by whoever filled it. In a model a second record is enough.
const LANE_BYTES: usize = if cfg!(feature = "models") { 150 } else { 16 << 10 };
/// A longer record goes straight into the log: copying it twice would cost more than meeting others there.
const RECORD_BYTES_MAX: usize = if cfg!(feature = "models") { 150 } else { 4 << 10 };

#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: [Lane; LANES],
    /// Whether asynchronous senders use them: they send on without waiting, and the log takes records. Follows the
    /// log's state.
    is_open: OwnLine<AtomicBool>,
    /// The log thread was asked to merge and has not begun.
    is_merge_due: OwnLine<AtomicBool>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    has_records: AtomicBool,
    records: Mutex<Records>,
}

/// Encoded records without a place, oldest first.
#[derive(Debug, Default)]
struct Records {
    bytes: BytesMut,
    all: Vec<Unplaced>,
    queues: Vec<Arc<Queue>>,
    sinks: Vec<Arc<dyn SendSink>>,
}

#[derive(Debug)]
struct Unplaced {
    pending: Pending,
    /// Its queue and who hears of it, by their numbers in the lane.
    queue: u32,
    sink: u32,
    token: u64,
}

impl Lanes {
    pub(super) fn is_open(&self) -> bool {
        self.is_open.0.load(Ordering::Relaxed)
    }

    /// Follows the log's state, whose lock the caller holds.
    pub(super) fn follow(&self, state: &State) {
        let is_open = state.is_pipelined && state.refusal.is_none();
        if is_open != self.is_open() {
            self.is_open.0.store(is_open, Ordering::Relaxed);
        }
    }

    /// The log thread begins to merge.
    fn begin_merge(&self) {
        self.is_merge_due.0.swap(false, Ordering::AcqRel);
    }

    fn own(&self) -> &Lane {
        self.lanes.get(own_number() % LANES).unwrap_or(&self.lanes[0])
    }
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn push(
        &mut self,
        append: &Append<'_>,
        noted: Noted,
        body_crc: i32,
        sink: &Arc<dyn SendSink>,
        token: u64,
    ) {
        let head = record::RecordHead { body_crc, queue_id: append.queue.id(), ..append.head };
        let before = self.bytes.len();
        record::encode(&head, append.queue.topic(), append.properties, append.body, &mut self.bytes);
        self.all.push(Unplaced {
            pending: Pending::unplaced(self.bytes.len() - before, append.tag_hash as i32, noted),
            queue: number_in(&mut self.queues, append.queue),
            sink: number_in(&mut self.sinks, sink),
            token,
        });
    }

    /// Forgets the records, keeps the memory.
    fn clear(&mut self) {
        self.bytes.clear();
        self.all.clear();
        self.queues.clear();
        self.sinks.clear();
    }
}

/// The number of `one` in the list, which it is put into if it is not there.
fn number_in<T: ?Sized>(list: &mut Vec<Arc<T>>, one: &Arc<T>) -> u32 {
    let known = list.iter().position(|known| Arc::ptr_eq(known, one));
    known.unwrap_or_else(|| {
        list.push(one.clone());
        list.len() - 1
    }) as u32
}

impl CommitLog {
    /// Leaves the record in the caller's lane. None: it has to go straight into the log.
    pub(super) fn append_to_lane(
        &self,
        append: &Append<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
    ) -> Option<Submitted<Appended>> {
        let topic = append.queue.topic();
        if record::encoded_len(&append.head, topic, append.properties, append.body) > RECORD_BYTES_MAX {
            return None;
        }
        let (noted, body_crc) = match note(append) {
            Ok(noted) => noted,
            Err(failure) => return Some(Submitted::Done(Err(failure))),
        };
        let lane = self.lanes.own();
        let mut records = lane.lock();
        records.push(append, noted, body_crc, sink, token);
        let is_first = records.all.len() == 1;
        if is_first {
            lane.has_records.store(true, Ordering::Relaxed);
        }
        if records.bytes.len() >= LANE_BYTES {
            self.merge_and_lead(lane, records);
        } else {
            drop(records);
            if is_first && !self.lanes.is_merge_due.0.swap(true, Ordering::AcqRel) {
                self.wake_log_thread();
            }
        }
        Some(Submitted::Pending)
    }

    /// Merges the caller's full lane; waits if too much waits to be written.
    fn merge_and_lead(&self, lane: &Lane, records: MutexGuard<'_, Records>) {
        let state = self.merge(lane, records);
        let is_too_much = state.pending_bytes >= self.pending_bytes_max();
        self.leave_to_log_thread(state);
        if is_too_much {
            drop(self.wait_for_room(self.lock(), Duration::MAX));
        }
    }

    /// Merges what the caller's thread has left in its lane, before it appends in another way.
    pub(super) fn merge_own_lane(&self) {
        let lane = self.lanes.own();
        if lane.has_records.load(Ordering::Relaxed) {
            drop(self.merge(lane, lane.lock()));
        }
    }

    /// Merges everything left in lanes.
    pub(super) fn merge_lanes(&self) {
        self.lanes.begin_merge();
        for lane in &self.lanes.lanes {
            let records = lane.lock();
            if !records.all.is_empty() {
                drop(self.merge(lane, records));
            }
        }
    }

    /// Gives the records of a lane their places in the log, in their order. Those that get none are told so.
    fn merge<'a>(&'a self, lane: &Lane, mut records: MutexGuard<'_, Records>) -> MutexGuard<'a, State> {
        let mut refused = Vec::new();
        let mut state = self.lock();
        let now_ms = self.clock.wall_ms();
        let Records { bytes, all, queues, sinks } = &mut *records;
        let mut rest = bytes.as_ref();
        for Unplaced { pending, queue, sink, token } in all.drain(..) {
            let Some((record, behind)) = rest.split_at_checked(pending.entry.len as usize) else { break };
            rest = behind;
            let (Some(queue), Some(sink)) = (queues.get(queue as usize), sinks.get(sink as usize)) else {
                break;
            };
            match self.place(&mut state, queue, pending, now_ms, |out| out.extend_from_slice(record)) {
                Ok(_) => {
                    state.current.answer_to(sink, token);
                    state.outstanding += 1;
                }
                Err(failure) => refused.push((sink.clone(), token, failure)),
            }
        }
        records.clear();
        lane.has_records.store(false, Ordering::Relaxed);
        drop(records);
        if refused.is_empty() {
            return state;
        }
        drop(state);
        tell_refused(refused);
        self.lock()
    }
}

fn tell_refused(refused: Vec<(Arc<dyn SendSink>, u64, Failure)>) {
    let _publishing = Publishing::begin();
    for (sink, token, failure) in refused {
        let answers = vec![SendAnswer { token, result: Err(failure) }];
        tell("a receiver of answers", || sink.answered(answers));
    }
}
