//! The sends of one producer that have begun and not ended: what a shutdown waits for, and fails in the end.
//!
//! An asynchronous send has a slot here from its beginning until its callback is about to run; the broker only carries
//! the slot's token. Answers go to the callback thread as they come, many in one step. Whoever takes the slot tells the
//! outcome: the callback thread, or the sender itself if the broker was done at once. An answer that comes after a
//! timeout or a shutdown finds the slot empty, so every send is told once.
//!
//! The slots are limited, so that callbacks slower than the sends hold up the senders instead of filling the memory: who
//! finds none free waits for one, at most the send timeout. A send from inside a callback is let past the limit, as its own
//! thread is the one that frees slots.

use super::callbacks::CallbackThread;
use super::callbacks::Deliver;
use super::send_result::SendResult;
use super::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::protocol::request::SendAnswer;
use crate::protocol::request::SendResponse;
use crate::protocol::request::SendSink;
use crate::protocol::unique_id::UniqueId;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::sync::{Condvar, Mutex, MutexGuard, leaf, thread_local};
use log::error;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

pub type SendOutcome = Result<SendResult, Failure>;

/// Is told the outcome of one asynchronous send, exactly once, on the thread `ons-callback` unless it is light.
pub trait SendCallback: Send + 'static {
    fn call(self, outcome: SendOutcome);

    /// Whether it neither waits nor runs the user's code: then it is told on the thread that learned the outcome.
    fn is_light(&self) -> bool {
        false
    }
}

impl<F: FnOnce(SendOutcome) + Send + 'static> SendCallback for F {
    fn call(self, outcome: SendOutcome) {
        self(outcome);
    }
}

/// Asynchronous sends of one producer that may wait for their outcomes at once: 16 384 in each of eight parts, to which
/// threads are dealt in turn. (RocketMQ's Java client, `clientAsyncSemaphoreValue`: 65 535 of a process.)
pub const ASYNC_SENDS_MAX: usize = SHARDS * 16_384;
/// Parts that threads share evenly, so that senders seldom meet.
pub(super) const SHARDS: usize = 8;
/// Bits of a token: generation of the slot, its index within the shard, the shard.
const SHARD_BITS: u32 = SHARDS.trailing_zeros();
const GENERATION_SHIFT: u32 = 32;
/// Of so many sends at most the slots are emptied in one step; of one at a time while somebody waits for a slot, who would
/// else wait for as many callbacks.
const RUN_MAX: usize = 64;

pub struct Outstanding<C> {
    shards: [Shard<C>; SHARDS],
    /// Somebody waits for all sends to end.
    has_waiter: AtomicBool,
    waiter: Mutex<()>,
    all_ended: Condvar,
    callbacks: Arc<CallbackThread>,
    scheduler: Arc<Scheduler>,
    timeout: Duration,
    /// Of a shard.
    slots_max: usize,
    is_sweep_due: AtomicBool,
    /// A callback that was light has been here: while none has, answers need not be looked at where they come in.
    has_light: AtomicBool,
    own: Weak<Outstanding<C>>,
}

/// In cache lines of its own.
#[repr(align(128))]
struct Shard<C> {
    /// Sends of every kind that have begun and not ended, their callbacks included.
    begun: AtomicUsize,
    slots: Mutex<Slots<C>>,
    /// A slot is free again for one of those [`Slots::awaited_by`] counts.
    freed: Condvar,
}

struct Slots<C> {
    all: Vec<Slot<C>>,
    free: Vec<u32>,
    awaited_by: usize,
}

struct Slot<C> {
    /// Counts the sends the slot has had, so that a late answer is not taken for the next one's.
    generation: u32,
    /// Of the last send. A text of the slot's own: sharing one with the message, the sender and the callback thread
    /// would pass its count to and fro.
    topic: Arc<str>,
    waiting: Option<Waiting<C>>,
}

/// An asynchronous send whose outcome nobody was told yet.
struct Waiting<C> {
    message_id: UniqueId,
    age: Age,
    callback: C,
}

/// How a sweep for overdue sends has met this one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    SeenOnce,
    /// Its failure is on the way.
    Failed,
}

/// One send, counted until this is dropped.
pub struct Begun<'a, C> {
    outstanding: &'a Outstanding<C>,
    shard: usize,
}

impl<C> Begun<'_, C> {
    /// The send goes on: its slot counts it off.
    fn leave_open(self) {
        std::mem::forget(self);
    }
}

impl<C> Drop for Begun<'_, C> {
    fn drop(&mut self) {
        self.outstanding.end(self.shard, 1);
    }
}

impl<C: SendCallback> Outstanding<C> {
    /// `sends_max`: as [`ASYNC_SENDS_MAX`].
    pub fn new(
        callbacks: Arc<CallbackThread>,
        scheduler: Arc<Scheduler>,
        timeout: Duration,
        sends_max: usize,
    ) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            shards: std::array::from_fn(|_| Shard {
                begun: AtomicUsize::new(0),
                slots: Mutex::new(Slots { all: Vec::new(), free: Vec::new(), awaited_by: 0 }),
                freed: Condvar::new(),
            }),
            has_waiter: AtomicBool::new(false),
            waiter: Mutex::new(()),
            all_ended: Condvar::new(),
            callbacks,
            scheduler,
            timeout,
            slots_max: sends_max / SHARDS,
            is_sweep_due: AtomicBool::new(false),
            has_light: AtomicBool::new(false),
            own: own.clone(),
        })
    }

    /// Gives the send a slot until [`Outstanding::answered_at_once`] or an answer to its token. An error: none has become
    /// free in time, and the callback was dropped unused.
    pub fn list(
        &self,
        begun: Begun<'_, C>,
        topic: &str,
        message_id: UniqueId,
        callback: C,
    ) -> Result<u64, Failure> {
        let shard = begun.shard;
        if callback.is_light() && !self.has_light.load(Ordering::Relaxed) {
            self.has_light.store(true, Ordering::Relaxed);
        }
        let waiting = Some(Waiting { message_id, age: Age::New, callback });
        let mut slots = self.slots(shard);
        if slots.is_full(self.slots_max) && !self.callbacks.is_current() {
            slots = self.wait_for_slot(shard, slots, topic)?;
        }
        begun.leave_open();
        let index = slots.free.pop().unwrap_or(slots.all.len() as u32);
        let generation = match slots.all.get_mut(index as usize) {
            Some(slot) => {
                if *slot.topic != *topic {
                    slot.topic = topic.into();
                }
                slot.waiting = waiting;
                slot.generation
            }
            None => {
                slots.all.push(Slot { generation: 0, topic: topic.into(), waiting });
                0
            }
        };
        Ok(u64::from(generation) << GENERATION_SHIFT | u64::from(index) << SHARD_BITS | shard as u64)
    }

    fn wait_for_slot<'a>(
        &self,
        shard: usize,
        mut slots: MutexGuard<'a, Slots<C>>,
        topic: &str,
    ) -> Result<MutexGuard<'a, Slots<C>>, Failure> {
        slots.awaited_by += 1;
        let is_full = |slots: &mut Slots<C>| slots.is_full(self.slots_max);
        let waited = self.shard(shard).freed.wait_timeout_while(slots, self.timeout, is_full);
        let (mut slots, _) = waited.unwrap_or_else(PoisonError::into_inner);
        slots.awaited_by -= 1;
        if !slots.is_full(self.slots_max) {
            return Ok(slots);
        }
        let (sends, timeout_ms) = (self.slots_max, self.timeout.as_millis());
        Err(Failure::new(
            FailureKind::Timeout,
            format!(
                "the message to topic '{topic}' was not sent: {sends} asynchronous sends before it wait for their outcomes, and no place became free within SendMsgTimeoutMillis = {timeout_ms}. Callbacks run one after the other: is one of them stuck, or slower than the sends?"
            ),
        ))
    }

    /// The broker answered before it returned: the outcome, unless it was told meanwhile that the send took too long.
    pub fn answered_at_once(
        &self,
        token: u64,
        answer: Result<SendResponse, Failure>,
    ) -> Option<(C, SendOutcome)> {
        let shard = shard_of(token);
        let taken = {
            let mut slots = self.slots(shard);
            let taken = slots.take(SendAnswer { token, result: answer }, |_| true).ok()?;
            self.shard(shard).tell_freed(&slots);
            taken
        };
        self.end(shard, 1);
        Some((taken.callback, taken.outcome))
    }

    /// The broker answers later. Once every timeout, while something waits, what a sweep finds for the second time is
    /// overdue, after one to two timeouts: no send has to read a clock or to arm a timer of its own. On a manual clock
    /// nothing is overdue: its time is not the disk's.
    pub fn sweep_later(&self) {
        let is_due =
            self.is_sweep_due.load(Ordering::Relaxed) || self.is_sweep_due.swap(true, Ordering::SeqCst);
        if is_due || self.scheduler.clock().as_manual().is_some() {
            return;
        }
        let own = self.own.clone();
        self.scheduler.after(self.timeout, move || {
            if let Some(own) = own.upgrade() {
                own.sweep();
            }
        });
    }

    /// Fails what still waits for the broker; its callbacks are told as ever.
    pub fn fail_all(&self, failure: &Failure) {
        self.fail_those(failure, |_| true);
    }

    fn sweep(&self) {
        self.is_sweep_due.store(false, Ordering::SeqCst);
        let timeout_ms = self.timeout.as_millis();
        let failure = Failure::new(
            FailureKind::Timeout,
            format!(
                "the broker has not stored the message within SendMsgTimeoutMillis = {timeout_ms}: whether it will is unknown"
            ),
        );
        let mut has_more = false;
        self.fail_those(&failure.with_stored(Stored::Unknown), |age| {
            has_more |= *age == Age::New;
            let is_overdue = *age == Age::SeenOnce;
            if *age == Age::New {
                *age = Age::SeenOnce;
            }
            is_overdue
        });
        if has_more {
            self.sweep_later();
        }
    }

    /// Behind answers that are on their way already: of two for one send the first counts.
    fn fail_those(&self, failure: &Failure, mut is_to_fail: impl FnMut(&mut Age) -> bool) {
        let mut answers = Vec::new();
        for shard in 0..SHARDS {
            for (index, slot) in self.slots(shard).all.iter_mut().enumerate() {
                let Some(waiting) = &mut slot.waiting else { continue };
                if is_to_fail(&mut waiting.age) {
                    waiting.age = Age::Failed;
                    let token = u64::from(slot.generation) << GENERATION_SHIFT
                        | (index as u64) << SHARD_BITS
                        | shard as u64;
                    answers.push(SendAnswer { token, result: Err(failure.clone()) });
                }
            }
        }
        if let Some(own) = self.own.upgrade().filter(|_| !answers.is_empty()) {
            self.callbacks.push(own, answers);
        }
    }
}

/// A send on its way from its slot to its callback.
struct Taken<C> {
    callback: C,
    outcome: SendOutcome,
}

impl<C: SendCallback> Taken<C> {
    fn tell(self) {
        if let Err(panic) = user_code::run(|| self.callback.call(self.outcome)) {
            error!("the callback of a send panicked: {panic}");
        }
    }
}

impl<C> Shard<C> {
    fn tell_freed(&self, slots: &Slots<C>) {
        if slots.awaited_by > 0 {
            self.freed.notify_all();
        }
    }
}

impl<C> Slots<C> {
    fn is_full(&self, slots_max: usize) -> bool {
        self.all.len() - self.free.len() >= slots_max
    }

    /// Empties the slot of the answered send, if its callback is wanted. The answer is given back if it is not, or was told before.
    fn take(&mut self, answer: SendAnswer, is_wanted: impl Fn(&C) -> bool) -> Result<Taken<C>, SendAnswer> {
        let index = (answer.token as u32) >> SHARD_BITS;
        let generation = (answer.token >> GENERATION_SHIFT) as u32;
        let slot = self.all.get_mut(index as usize).filter(|slot| slot.generation == generation);
        let Some(slot) = slot else { return Err(answer) };
        let waiting = slot.waiting.take_if(|waiting| is_wanted(&waiting.callback));
        let Some(Waiting { message_id, callback, .. }) = waiting else { return Err(answer) };
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        let outcome = answer.result.map(|response| SendResult {
            message_id,
            topic: slot.topic.clone(),
            queue_id: response.queue_id,
            queue_offset: response.queue_offset,
        });
        Ok(Taken { callback, outcome })
    }
}

impl<C> fmt::Debug for Outstanding<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outstanding").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<C> Outstanding<C> {
    /// A send begins. Ordered before the caller's look at the producer's state, so that either a shutdown sees the
    /// send or the send sees the shutdown.
    pub fn begin(&self) -> Begun<'_, C> {
        let shard = own_shard();
        self.shard(shard).begun.fetch_add(1, Ordering::SeqCst);
        Begun { outstanding: self, shard }
    }

    fn end(&self, shard: usize, sends: usize) {
        if self.shard(shard).begun.fetch_sub(sends, Ordering::SeqCst) == sends
            && self.has_waiter.load(Ordering::SeqCst)
        {
            drop(self.waiter.lock().unwrap_or_else(PoisonError::into_inner));
            self.all_ended.notify_all();
        }
    }

    /// Sends that have begun and not ended.
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.begun.load(Ordering::SeqCst)).sum()
    }

    /// Waits until every send has ended; false if some have not after `limit`.
    pub fn wait_for_all(&self, limit: Duration) -> bool {
        let waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_waiter.store(true, Ordering::SeqCst);
        let is_any_open = |(): &mut ()| self.count() > 0;
        let waited = self.all_ended.wait_timeout_while(waiter, limit, is_any_open);
        let result = waited.unwrap_or_else(PoisonError::into_inner).1;
        !result.timed_out()
    }

    fn shard(&self, shard: usize) -> &Shard<C> {
        // `shard` is a number below SHARDS wherever it is made.
        self.shards.get(shard).unwrap_or(&self.shards[0])
    }

    fn slots(&self, shard: usize) -> MutexGuard<'_, Slots<C>> {
        self.shard(shard).slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: SendCallback> SendSink for Outstanding<C> {
    fn answered(self: Arc<Self>, answers: Vec<SendAnswer>) {
        let answers = if self.has_light.load(Ordering::Relaxed) {
            self.tell_those(answers, C::is_light)
        } else {
            answers
        };
        if !answers.is_empty() {
            let callbacks = self.callbacks.clone();
            callbacks.push(self, answers);
        }
    }
}

impl<C: SendCallback> Deliver for Outstanding<C> {
    fn deliver(&self, answers: Vec<SendAnswer>) {
        // What is left was told before.
        drop(self.tell_those(answers, |_| true));
    }
}

impl<C: SendCallback> Outstanding<C> {
    /// Tells the callbacks that are wanted, and returns the answers to the others. A thread's sends come in runs: their
    /// slots are emptied under one lock, and counted off in one step.
    fn tell_those(&self, answers: Vec<SendAnswer>, is_wanted: impl Fn(&C) -> bool) -> Vec<SendAnswer> {
        let mut answers = answers.into_iter().peekable();
        let mut others = Vec::new();
        let mut taken = Vec::with_capacity(RUN_MAX);
        while let Some(shard) = answers.peek().map(|answer| shard_of(answer.token)) {
            {
                let mut slots = self.slots(shard);
                let is_of_run = |answer: &SendAnswer| shard_of(answer.token) == shard;
                let run_max = if slots.awaited_by > 0 { 1 } else { RUN_MAX };
                for _ in 0..run_max {
                    let Some(answer) = answers.next_if(is_of_run) else { break };
                    match slots.take(answer, &is_wanted) {
                        Ok(send) => taken.push(send),
                        Err(answer) => others.push(answer),
                    }
                }
                self.shard(shard).tell_freed(&slots);
            }
            let mut told = 0;
            for send in taken.drain(..) {
                send.tell();
                told += 1;
                if self.has_waiter.load(Ordering::Relaxed) {
                    self.end(shard, std::mem::take(&mut told));
                }
            }
            self.end(shard, told);
        }
        others
    }
}

fn shard_of(token: u64) -> usize {
    token as usize % SHARDS
}

fn own_shard() -> usize {
    static NEXT: leaf::atomic::AtomicUsize = leaf::atomic::AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    OWN.try_with(Cell::get).unwrap_or(0)
}

#[cfg(test)]
mod tests;
