//! A mutex and a condition variable whose timed waits end with the model's time.

use super::thread::{self, Thread};
use super::time::{self, Alarm};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Mutex as Inner, MutexGuard as InnerGuard};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LockResult, Mutex as Leaf, PoisonError};
use std::time::Duration;

/// The checker's mutex; its guard knows it, so that a wait can give it back and take it again.
#[derive(Default)]
pub struct Mutex<T>(Inner<T>);

pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    guard: InnerGuard<'a, T>,
}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self(Inner::new(value))
    }

    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.0.lock() {
            Ok(guard) => Ok(MutexGuard { mutex: self, guard }),
            Err(poison) => Err(PoisonError::new(MutexGuard { mutex: self, guard: poison.into_inner() })),
        }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// Every notification wakes one waiter of the checker's choice, or all; none is remembered, and no waiter wakes
/// without one.
#[derive(Debug, Default)]
pub struct Condvar {
    waiting: Leaf<Vec<Arc<Waiter>>>,
}

#[derive(Debug)]
struct Waiter {
    thread: Thread,
    is_notified: AtomicBool,
}

impl Condvar {
    pub const fn new() -> Self {
        Self { waiting: Leaf::new(Vec::new()) }
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let (waiter, mutex) = (self.enter(), guard.mutex);
        drop(guard);
        while !waiter.is_notified.load(Ordering::SeqCst) {
            thread::park();
        }
        mutex.lock()
    }

    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (waiter, mutex) = (self.enter(), guard.mutex);
        let alarm = Alarm::set(limit);
        drop(guard);
        while !waiter.is_notified.load(Ordering::SeqCst) && !alarm.has_rung() {
            thread::park();
        }
        let is_late = !waiter.is_notified.load(Ordering::SeqCst);
        self.leave(&waiter);
        drop(alarm);
        match mutex.lock() {
            Ok(guard) => Ok((guard, WaitTimeoutResult(is_late))),
            Err(poison) => Err(PoisonError::new((poison.into_inner(), WaitTimeoutResult(is_late)))),
        }
    }

    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let end = time::now().saturating_add(limit);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let left = end.saturating_sub(time::now());
            if left.is_zero() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_timeout(guard, left)?.0;
        }
    }

    pub fn notify_one(&self) {
        thread::step();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = match waiting.len() {
            0 => return,
            1 => 0,
            count => thread_rng().gen_range(0..count),
        };
        let waiter = waiting.swap_remove(chosen);
        drop(waiting);
        waiter.notify();
    }

    pub fn notify_all(&self) {
        thread::step();
        let all = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // All at once, as seen by whoever comes meanwhile; they run in any order.
        all.iter().for_each(|waiter| waiter.is_notified.store(true, Ordering::SeqCst));
        all.iter().for_each(|waiter| waiter.thread.unpark());
    }

    fn enter(&self) -> Arc<Waiter> {
        // Between the caller's look at its condition and its wait anything may happen that needs no lock.
        thread::step();
        let waiter = Arc::new(Waiter { thread: thread::current(), is_notified: AtomicBool::new(false) });
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiter.clone());
        waiter
    }

    fn leave(&self, waiter: &Arc<Waiter>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| !Arc::ptr_eq(other, waiter));
    }
}

impl Waiter {
    fn notify(&self) {
        self.is_notified.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
