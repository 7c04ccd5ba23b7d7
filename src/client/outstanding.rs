//! The sends of one producer that have begun and not ended: what a shutdown waits for, and fails in the end.

use super::callbacks::CallbackThread;
use super::pending_send::Undecided;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::sync::{Condvar, Mutex, MutexGuard, thread_local};
use std::cell::Cell;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// Lists that threads share evenly, so that senders seldom meet.
const SHARDS: usize = 8;

/// Where a send is listed.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    shard: usize,
    index: usize,
}

pub struct Outstanding {
    /// Sends of every kind that have begun and not ended, their callbacks included.
    begun: AtomicUsize,
    /// Somebody waits for `begun` to become zero.
    has_waiter: AtomicBool,
    waiter: Mutex<()>,
    all_ended: Condvar,
    /// Asynchronous sends that wait for the broker.
    shards: [Mutex<Shard>; SHARDS],
    callbacks: Arc<CallbackThread>,
    scheduler: Arc<Scheduler>,
    timeout: Duration,
    is_sweep_due: AtomicBool,
    own: Weak<Outstanding>,
}

#[derive(Default)]
struct Shard {
    sends: Vec<Option<Listed>>,
    free: Vec<usize>,
}

struct Listed {
    send: Arc<dyn Undecided>,
    /// Was already here when the last sweep came by.
    is_old: bool,
}

impl Outstanding {
    pub fn new(callbacks: Arc<CallbackThread>, scheduler: Arc<Scheduler>, timeout: Duration) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            begun: AtomicUsize::new(0),
            has_waiter: AtomicBool::new(false),
            waiter: Mutex::new(()),
            all_ended: Condvar::new(),
            shards: Default::default(),
            callbacks,
            scheduler,
            timeout,
            is_sweep_due: AtomicBool::new(false),
            own: own.clone(),
        })
    }

    pub fn callbacks(&self) -> &CallbackThread {
        &self.callbacks
    }

    /// A send begins. Ordered before the caller's look at the producer's state, so that either a shutdown sees the
    /// send or the send sees the shutdown.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    pub fn end(&self) {
        if self.begun.fetch_sub(1, Ordering::SeqCst) == 1 && self.has_waiter.load(Ordering::SeqCst) {
            drop(self.waiter.lock().unwrap_or_else(PoisonError::into_inner));
            self.all_ended.notify_all();
        }
    }

    /// Waits until every send has ended; false if some have not after `limit`.
    pub fn wait_for_all(&self, limit: Duration) -> bool {
        let waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_waiter.store(true, Ordering::SeqCst);
        let waited =
            self.all_ended.wait_timeout_while(waiter, limit, |()| self.begun.load(Ordering::SeqCst) > 0);
        let result = waited.unwrap_or_else(PoisonError::into_inner).1;
        !result.timed_out()
    }

    pub fn list(&self, send: Arc<dyn Undecided>) -> Key {
        let shard = own_shard();
        let mut sends = self.lock(shard);
        let listed = Some(Listed { send, is_old: false });
        let index = match sends.free.pop() {
            Some(index) => {
                if let Some(place) = sends.sends.get_mut(index) {
                    *place = listed;
                }
                index
            }
            None => {
                sends.sends.push(listed);
                sends.sends.len() - 1
            }
        };
        drop(sends);
        self.sweep_later();
        Key { shard, index }
    }

    pub fn unlist(&self, key: Key) {
        let mut shard = self.lock(key.shard);
        let listed = shard.sends.get_mut(key.index).and_then(Option::take);
        if listed.is_some() {
            shard.free.push(key.index);
        }
        drop(shard);
        drop(listed);
    }

    /// Fails what still waits for the broker; its callbacks are told as ever.
    pub fn fail_all(&self, failure: &Failure) {
        for shard in 0..SHARDS {
            let sends: Vec<_> =
                self.lock(shard).sends.iter().flatten().map(|listed| listed.send.clone()).collect();
            sends.into_iter().for_each(|send| send.fail(failure.clone()));
        }
    }

    /// Once every timeout, while something waits: what a sweep finds for the second time is overdue, after one to two
    /// timeouts. No send has to read a clock or to arm a timer of its own. On a manual clock nothing is overdue: its
    /// time is not the disk's.
    fn sweep_later(&self) {
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

    fn sweep(&self) {
        self.is_sweep_due.store(false, Ordering::SeqCst);
        let mut overdue = Vec::new();
        let mut has_more = false;
        for shard in 0..SHARDS {
            for listed in self.lock(shard).sends.iter_mut().flatten() {
                if listed.is_old {
                    overdue.push(listed.send.clone());
                } else {
                    listed.is_old = true;
                    has_more = true;
                }
            }
        }
        let timeout_ms = self.timeout.as_millis();
        let failure = Failure::new(
            FailureKind::Timeout,
            format!(
                "the broker has not stored the message within SendMsgTimeoutMillis = {timeout_ms}: whether it will is unknown"
            ),
        );
        let failure = failure.with_stored(Stored::Unknown);
        overdue.into_iter().for_each(|send| send.fail(failure.clone()));
        if has_more {
            self.sweep_later();
        }
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        // `shard` is a number below SHARDS wherever it is made.
        let shard = self.shards.get(shard).unwrap_or(&self.shards[0]);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    OWN.try_with(Cell::get).unwrap_or(0)
}
