//! The append path: one lock, one buffer, and a leader that writes for everybody.
//!
//! A caller takes the lock, copies its record to the end of the buffer and, if nobody is writing, becomes the leader:
//! it takes the whole buffer, releases the lock, writes it with one system call (in SYNC_FLUSH one that syncs), makes
//! the records readable and wakes those it wrote for. Who comes meanwhile fills the next buffer. A blocked caller that
//! finds the log idle therefore pays no thread hop; a hundred share one sync. For asynchronous callers the log thread
//! leads; they do so themselves when the log is idle and nothing has to be synced, or when so much waits that they would
//! have to wait as well.
//!
//! Order of effects for one batch: written, synced, bytes in [`RecentBlocks`], entries in the queues, timers noted,
//! waiters told, arrivals told. So nothing is readable or acknowledged before it is as durable as promised.
//!
//! After a failed sync the kernel may have dropped the pages and marked them clean, so nothing later can be trusted: the
//! log refuses appends until the store is opened again, and recovery writes the tail anew. A write that failed for want of
//! space leaves the log usable: its records are taken back, and the generation rises, so that whatever of them reached
//! the disk is never read as a record behind the ones that take their place.

use super::append::{Append, Appended, Noted, Waiter};
use super::batch::{Batch, Chunks, Pending};
use super::blocks::RecentBlocks;
use super::config::FlushMode;
use super::envelope::{self, ENVELOPE_BYTES};
use super::error::unknown;
use super::publishing::{Publishing, is_publishing};
use super::queue::{Entry, Queue};
use super::refusal::Refusal;
use super::segment::Segment;
use crate::protocol::failure::{Completion, Failure, FailureKind, Submitted};
use crate::protocol::names::TIMER_TOPIC;
use crate::protocol::record;
use crate::protocol::request::SendSink;
use crate::sys::clock::Clock;
use crate::sys::sync::atomic::{AtomicU64, Ordering};
use crate::sys::sync::{Condvar, Instant, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Records that wait to be written may take this much memory; more, and appending waits for the writer. With syncs
/// enough to make up for the time of one; without, little enough for what is written to be still in the processor's
/// cache. In a model a few records are enough.
pub(crate) const PENDING_BYTES_MAX_SYNC: usize = if cfg!(feature = "models") { 400 } else { 2 << 20 };
pub(crate) const PENDING_BYTES_MAX_ASYNC: usize = if cfg!(feature = "models") { 400 } else { 512 << 10 };
/// So long does a copy of a message, made by the broker itself, wait for room; then it is tried again later. In a model
/// nobody gives up: whoever is forgotten waits for ever.
pub(crate) const ROOM_WAIT: Duration =
    if cfg!(feature = "models") { Duration::MAX } else { Duration::from_secs(3) };
/// An asynchronous caller without syncs that finds so much waiting and nobody writing writes it, rather than leave it
/// to a thread on another processor.
const LEAD_BYTES: usize = if cfg!(feature = "models") { 250 } else { 64 << 10 };
/// A leader that was woken for its own record writes at most this many further batches before it hands over.
const EXTRA_BATCHES_MAX: u32 = 4;
/// Every so many inline writes an asynchronous one is left to the log thread, to see whether its caller sends on
/// without waiting; if so, batching serves it better.
const INLINE_PROBE_PERIOD: u32 = 64;

/// What the rest of the store does around the log.
pub(crate) trait LogEvents: Send + Sync + std::fmt::Debug {
    /// The segment to go on in behind `full`. Called with the log's lock held when `full` has no room left.
    fn next_segment(&self, full: &Segment) -> Result<Arc<Segment>, Failure>;
    /// Records became readable, in log order, up to the address `end`. Called by one thread at a time.
    fn published(&self, segment: &Arc<Segment>, records: &[Pending], end: u64);
    /// Queues grew; no lock is held.
    fn arrived(&self, queues: &[Arc<Queue>]);
    /// SYNC_FLUSH: so many bytes are about to be synced.
    fn syncing(&self, bytes: usize);
    /// ASYNC_FLUSH: something was written that is not synced.
    fn dirtied(&self);
    /// Takes back a segment that [`LogEvents::next_segment`] gave, unused.
    fn give_back(&self, segment: Arc<Segment>);
    /// Wakes the thread that leads for asynchronous callers; false: there is none, the caller must lead.
    fn wake_log_thread(&self) -> bool;
    /// The log stopped taking records.
    fn refused(&self, why: &Failure);
}

#[derive(Debug)]
pub(crate) struct CommitLog {
    flush: FlushMode,
    clock: Arc<dyn Clock>,
    events: Arc<dyn LogEvents>,
    state: Mutex<State>,
    /// Notified when a batch was written and when the log falls idle.
    progress: Condvar,
    pub(crate) blocks: RecentBlocks,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) messages: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) syncs: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// Batches of segments that were left, then nothing: oldest first.
    full: VecDeque<Batch>,
    current: Batch,
    chunks: Chunks,
    has_leader: bool,
    refusal: Refusal,
    generation: u32,
    /// Bytes in `full` and `current`.
    pending_bytes: usize,
    /// Asynchronous records not yet completed.
    outstanding: usize,
    /// Whether asynchronous callers send on without waiting for completions.
    is_pipelined: bool,
    inline_writes: u32,
    /// Threads that wait for `progress`: telling nobody would still cost a system call.
    waiting: usize,
    /// The log thread was woken and has not looked yet.
    is_log_thread_woken: bool,
    /// The last store time in the segment in use, and the latest of all: times rise within a segment, whatever the clock
    /// does, so that they can be searched. The next one begins with the clock's: one wrong time does not last for ever.
    stored_ms: i64,
    stored_ms_max: i64,
}

impl CommitLog {
    /// A log that goes on at `address` in `segment`.
    pub(crate) fn new(
        flush: FlushMode,
        clock: Arc<dyn Clock>,
        events: Arc<dyn LogEvents>,
        segment: Arc<Segment>,
        address: u64,
        generation: u32,
    ) -> Self {
        let state = State {
            full: VecDeque::new(),
            current: Batch::new(segment, address, generation),
            chunks: Chunks::default(),
            has_leader: false,
            refusal: Refusal::default(),
            generation,
            pending_bytes: 0,
            outstanding: 0,
            is_pipelined: false,
            inline_writes: 0,
            waiting: 0,
            is_log_thread_woken: false,
            stored_ms: i64::MIN,
            stored_ms_max: i64::MIN,
        };
        Self {
            flush,
            clock,
            events,
            state: Mutex::new(state),
            progress: Condvar::new(),
            blocks: RecentBlocks::default(),
            counters: Counters::default(),
        }
    }

    /// Appends and returns when the record is as durable as promised. The timeout is for what others do: a caller that
    /// leads returns when its own write and sync do.
    pub(crate) fn append_blocking(
        &self,
        append: &Append<'_>,
        mut timeout: Duration,
    ) -> Result<Appended, Failure> {
        if is_publishing() {
            return Err(Failure::state("a blocking send from inside a completion would wait for itself"));
        }
        let noted = note(append)?;
        let mut state = self.wait_for_room(self.lock(), &mut timeout)?;
        let appended = self.encode(&mut state, append, noted)?;
        if !state.has_leader {
            return self.lead(state, Some(EXTRA_BATCHES_MAX)).map(|()| appended);
        }
        let written = state.current.written();
        drop(state);
        written.wait(timeout).map(|()| appended)
    }

    /// Appends without waiting for the record's durability. Syncs on this thread only to make room, see
    /// [`CommitLog::wait_for_room`].
    pub(crate) fn append(
        &self,
        append: &Append<'_>,
        completion: Completion<Appended>,
    ) -> Submitted<Appended> {
        self.submit(append, ROOM_WAIT, |batch| batch.wait_with(Waiter::Completion(completion)))
    }

    /// As [`CommitLog::append`], for one of many sends: `sink` hears of `token`. Waits for room at most `timeout`.
    pub(crate) fn append_for(
        &self,
        append: &Append<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
        timeout: Duration,
    ) -> Submitted<Appended> {
        self.submit(append, timeout, |batch| batch.answer_to(sink, token))
    }

    /// `wait` says who waits for the record added last.
    fn submit(
        &self,
        append: &Append<'_>,
        mut timeout: Duration,
        wait: impl FnOnce(&mut Batch),
    ) -> Submitted<Appended> {
        let noted = match note(append) {
            Ok(noted) => noted,
            Err(failure) => return Submitted::Done(Err(failure)),
        };
        let room = self.wait_for_room(self.lock(), &mut timeout);
        let (mut state, appended) = match room
            .and_then(|mut state| self.encode(&mut state, append, noted).map(|appended| (state, appended)))
        {
            Ok(taken) => taken,
            Err(failure) => return Submitted::Done(Err(failure)),
        };
        if self.flush == FlushMode::Async && !state.has_leader && state.may_write_inline() {
            return Submitted::Done(self.lead(state, Some(EXTRA_BATCHES_MAX)).map(|()| appended));
        }
        wait(&mut state.current);
        state.outstanding += 1;
        self.leave_to_log_thread(state);
        Submitted::Pending
    }

    /// Appends without anybody to tell. Waits for room at most `timeout`.
    pub(crate) fn append_detached(&self, append: &Append<'_>, mut timeout: Duration) -> Result<(), Failure> {
        let noted = note(append)?;
        let mut state = self.wait_for_room(self.lock(), &mut timeout)?;
        self.encode(&mut state, append, noted)?;
        self.leave_to_log_thread(state);
        Ok(())
    }

    /// Writes whatever waits. For the log thread; other threads may call it too.
    pub(crate) fn lead_if_idle(&self) {
        let mut state = self.lock();
        state.is_log_thread_woken = false;
        if !state.has_leader && state.has_pending() {
            // The outcome was told to those who wait for it.
            let _ = self.lead(state, None);
        }
    }

    /// The segment in use has records, stored up to that time.
    pub(crate) fn raise_stored_ms(&self, stored_ms: i64) {
        let mut state = self.lock();
        state.stored_ms = state.stored_ms.max(stored_ms);
        state.stored_ms_max = state.stored_ms_max.max(stored_ms);
    }

    /// Refuses appends from now on, then waits until everything taken before is written or failed.
    pub(crate) fn close(&self, why: Failure) {
        let mut state = self.lock();
        state.refusal.last(why);
        loop {
            if state.has_leader {
                state = self.wait_for_progress(state);
            } else if state.has_pending() {
                let _ = self.lead(state, None);
                state = self.lock();
            } else {
                return;
            }
        }
    }

    /// Refuses appends until the store is opened again, because of a failed write or sync.
    pub(crate) fn refuse_after(&self, failure: &Failure) {
        if let Some(why) = self.lock().refusal.last_after(failure) {
            self.events.refused(why);
        }
    }

    /// Refuses appends until [`CommitLog::accept_again`], because the disk is nearly full.
    pub(crate) fn refuse_for_space(&self, why: Failure) {
        if let Some(why) = self.lock().refusal.wait_for_space(why) {
            self.events.refused(why);
        }
    }

    pub(crate) fn accept_again(&self) {
        self.lock().refusal.found_space();
    }

    pub(crate) fn refusal(&self) -> Option<Failure> {
        self.lock().refusal.why().cloned()
    }

    /// That of the next record.
    pub(crate) fn generation(&self) -> u32 {
        self.lock().generation
    }

    /// The segment in use and the address behind the last record taken.
    pub(crate) fn end(&self) -> (Arc<Segment>, u64) {
        let state = self.lock();
        (state.current.segment().clone(), state.current.end())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending_bytes_max(&self) -> usize {
        match self.flush {
            FlushMode::Sync => PENDING_BYTES_MAX_SYNC,
            FlushMode::Async => PENDING_BYTES_MAX_ASYNC,
        }
    }

    fn wait_for_progress<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// Waits while too much waits to be written, or writes it if nobody does. Takes the time waited off `timeout`.
    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        timeout: &mut Duration,
    ) -> Result<MutexGuard<'a, State>, Failure> {
        let bytes_max = self.pending_bytes_max();
        while state.pending_bytes >= bytes_max && !is_publishing() {
            if !state.has_leader {
                let _ = self.lead(state, Some(0));
                state = self.lock();
                continue;
            }
            if *timeout == Duration::MAX {
                state = self.wait_for_progress(state);
                continue;
            }
            let begun = Instant::now();
            state.waiting += 1;
            (state, _) = self.progress.wait_timeout(state, *timeout).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
            *timeout = timeout.saturating_sub(begun.elapsed());
            if timeout.is_zero() && state.pending_bytes >= bytes_max {
                return Err(Failure::new(
                    FailureKind::Timeout,
                    format!("{bytes_max} bytes wait to be written already: the disk is slow or stuck"),
                ));
            }
        }
        Ok(state)
    }

    /// Copies the record to the end of the buffer and takes its place in the log and in its queue.
    fn encode(
        &self,
        state: &mut State,
        append: &Append<'_>,
        (noted, body_crc): (Noted, i32),
    ) -> Result<Appended, Failure> {
        if let Some(refusal) = state.refusal.why() {
            return Err(refusal.clone());
        }
        let mut head = append.head;
        let topic = append.queue.topic();
        let record_len = record::encoded_len(&head, topic, append.properties, append.body);
        if !state.current.segment().has_room(state.current.end(), ENVELOPE_BYTES + record_len) {
            self.roll(state, ENVELOPE_BYTES + record_len)?;
        }
        state.stored_ms = state.stored_ms.max(self.clock.wall_ms());
        state.stored_ms_max = state.stored_ms_max.max(state.stored_ms);
        let address = state.current.end();
        let queue_offset = append.queue.assign();
        head.body_crc = body_crc;
        head.queue_id = append.queue.id();
        head.queue_offset = queue_offset as i64;
        head.position = (address + ENVELOPE_BYTES as u64) as i64;
        head.store_timestamp_ms = state.stored_ms;
        let entry = Entry { address, len: record_len as u32, tag_hash: append.tag_hash as i32 };
        let pending = Pending::new(queue_offset, entry, head.store_timestamp_ms, noted);
        let State { current, chunks, .. } = state;
        current.push(chunks, ENVELOPE_BYTES + record_len, append.queue, pending, |out| {
            record::encode(&head, topic, append.properties, append.body, out);
        });
        state.pending_bytes += ENVELOPE_BYTES + record_len;
        Ok(Appended {
            queue_offset,
            position: address + ENVELOPE_BYTES as u64,
            store_timestamp_ms: head.store_timestamp_ms,
        })
    }

    /// Leaves the segment in use for the next one, whose preparation was finished long ago if the disk keeps up.
    fn roll(&self, state: &mut State, needed: usize) -> Result<(), Failure> {
        let next = self.events.next_segment(state.current.segment())?;
        if !next.has_room(next.base(), needed) {
            let capacity = next.capacity();
            self.events.give_back(next);
            return Err(Failure::new(
                FailureKind::Storage,
                format!("a record of {needed} bytes does not fit a segment of {capacity} bytes"),
            ));
        }
        let mark = envelope::end_of_segment(state.current.end(), state.generation);
        state.current.push_mark(&mark);
        state.pending_bytes += mark.len();
        state.generation = state.generation.max(next.generation());
        state.stored_ms = i64::MIN;
        let base = next.base();
        let left = std::mem::replace(&mut state.current, Batch::new(next, base, state.generation));
        state.full.push_back(left);
        Ok(())
    }

    fn leave_to_log_thread(&self, mut state: MutexGuard<'_, State>) {
        if state.has_leader {
            return;
        }
        if self.flush == FlushMode::Async && state.pending_bytes >= LEAD_BYTES {
            // The outcome was told to those who wait for it.
            let _ = self.lead(state, Some(0));
            return;
        }
        if !std::mem::replace(&mut state.is_log_thread_woken, true) {
            drop(state);
            self.wake_log_thread();
        }
    }

    fn wake_log_thread(&self) {
        if !self.events.wake_log_thread() {
            self.lead_if_idle();
        }
    }

    /// Writes batch after batch: all, or the caller's own (the last one there is now) and at most `extra` more. Returns
    /// the outcome of the caller's own.
    fn lead<'a>(&'a self, mut state: MutexGuard<'a, State>, extra: Option<u32>) -> Result<(), Failure> {
        state.has_leader = true;
        let own_at = state.full.len() as u32;
        let mut own = Ok(());
        let mut written = 0;
        while let Some(batch) = state.take_batch() {
            drop(state);
            let (bytes, records, completions) = (batch.len(), batch.records(), batch.completions());
            let outcome = self.write(batch);
            state = self.lock();
            state.pending_bytes = state.pending_bytes.saturating_sub(bytes);
            state.outstanding = state.outstanding.saturating_sub(completions);
            if completions > 0 {
                // More than one at a time: their callers send on without waiting for each.
                state.is_pipelined = records > 1 || state.outstanding > 0;
            }
            match outcome {
                Ok(list) => state.chunks.put_list(list),
                Err(failed) => {
                    let (batch, failure) = *failed;
                    state = self.take_back(state, batch, &failure);
                    own = match written.cmp(&own_at) {
                        std::cmp::Ordering::Less => Err(failure),
                        std::cmp::Ordering::Equal => Err(unknown(failure)),
                        std::cmp::Ordering::Greater => own,
                    };
                    break;
                }
            }
            if state.waiting > 0 {
                self.progress.notify_all();
            }
            written += 1;
            if extra.is_some_and(|extra| written > own_at + extra) {
                break;
            }
        }
        state.has_leader = false;
        let wakes_log_thread =
            state.has_pending() && !std::mem::replace(&mut state.is_log_thread_woken, true);
        if state.waiting > 0 {
            self.progress.notify_all();
        }
        drop(state);
        if wakes_log_thread {
            self.wake_log_thread();
        }
        own
    }

    /// Writes one batch, makes it readable and tells everybody concerned.
    fn write(&self, mut batch: Batch) -> Result<Vec<Pending>, Box<(Batch, Failure)>> {
        let len = batch.len() as u64;
        let (segment, start) = (batch.segment().clone(), batch.start());
        batch.close_envelopes();
        let bytes = batch.freeze();
        if let Err(failure) = self.write_bytes(&segment, &bytes, start) {
            return Err(Box::new((batch, failure)));
        }
        let _publishing = Publishing::begin();
        self.counters.messages.fetch_add(batch.records() as u64, Ordering::Relaxed);
        self.counters.bytes.fetch_add(len, Ordering::Relaxed);
        self.blocks.push(start, bytes);
        for pending in batch.pending() {
            if let Some(queue) = batch.queue_of(pending) {
                queue.publish(pending.queue_offset, pending.entry);
            }
        }
        self.events.published(&segment, batch.pending(), start + len);
        let (grown, list) = batch.succeed();
        if self.flush == FlushMode::Async {
            self.events.dirtied();
        }
        self.events.arrived(&grown);
        Ok(list)
    }

    fn write_bytes(&self, segment: &Segment, bytes: &[u8], address: u64) -> Result<(), Failure> {
        if self.flush == FlushMode::Async {
            segment.write(bytes, address)?;
        } else {
            self.events.syncing(bytes.len());
            segment.write_durably(bytes, address)?;
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.counters.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// After a failed write: the batch and all that was taken behind it lose their places, and the log goes on where the
    /// failed batch began, under a new generation. Anything but a full disk makes the log refuse.
    fn take_back<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        batch: Batch,
        failure: &Failure,
    ) -> MutexGuard<'a, State> {
        state.generation += 1;
        let restart = Batch::new(batch.segment().clone(), batch.start(), state.generation);
        let mut behind: Vec<Batch> = state.full.drain(..).collect();
        behind.push(std::mem::replace(&mut state.current, restart));
        for lost in behind.iter().rev().chain([&batch]) {
            lost.unassign();
        }
        // The last first: each goes before those given back already.
        for segment in
            behind.iter().rev().map(Batch::segment).filter(|segment| !Arc::ptr_eq(segment, batch.segment()))
        {
            self.events.give_back(segment.clone());
        }
        state.pending_bytes = 0;
        state.outstanding = 0;
        // The segment in use may be one that was left already.
        state.stored_ms = state.stored_ms_max;
        if failure.kind != FailureKind::DiskFull && state.refusal.last_after(failure).is_some() {
            self.events.refused(failure);
        }
        drop(state);
        let _publishing = Publishing::begin();
        batch.fail(&unknown(failure.clone()));
        behind.into_iter().for_each(|lost| lost.fail(failure));
        self.lock()
    }
}

impl State {
    fn has_pending(&self) -> bool {
        !self.full.is_empty() || self.current.len() > 0
    }

    /// The oldest records that wait, all of one segment.
    fn take_batch(&mut self) -> Option<Batch> {
        if let Some(batch) = self.full.pop_front() {
            return Some(batch);
        }
        (self.current.len() > 0).then(|| self.current.take(&mut self.chunks))
    }

    /// Whether an asynchronous append should write by itself: its caller waits for each, so batching would only delay.
    fn may_write_inline(&mut self) -> bool {
        if self.outstanding > 0 || self.is_pipelined {
            return false;
        }
        self.inline_writes = self.inline_writes.wrapping_add(1);
        !self.inline_writes.is_multiple_of(INLINE_PROBE_PERIOD)
    }
}

/// What can be found out before the lock is taken.
fn note(append: &Append<'_>) -> Result<(Noted, i32), Failure> {
    let topic = append.queue.topic().as_ref();
    record::check_lengths(topic, append.properties, append.body)?;
    let noted = append
        .noted
        .clone()
        .unwrap_or_else(|| Noted::read(append.queue.topic_hash(), topic == TIMER_TOPIC, append.properties));
    Ok((noted, record::body_crc(append.body)))
}
