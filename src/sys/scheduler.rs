//! Work that is due at a time: one named thread on the system clock, the caller's own thread on a manual clock.

use crate::sys::clock::Clock;
use crate::sys::sync::thread::{self, ThreadId};
use crate::sys::sync::{Condvar, Mutex, MutexGuard};
use crate::sys::thread::NamedThread;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// Runs tasks when their monotonic time has come, in time order. Tasks must be short and must not block for long:
/// they share one thread. A task may schedule further tasks. A task that panics on the thread is logged and the next
/// one runs; on a manual clock the panic reaches the caller of [`Scheduler::advance`].
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    thread: Option<Mutex<NamedThread>>,
    thread_id: Option<ThreadId>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    due: BinaryHeap<Entry>,
    next_id: u64,
    stopped: bool,
}

struct Entry {
    at: Duration,
    id: u64,
    task: Task,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("at", &self.at).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Earliest first, and first come first served within one instant.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.id).cmp(&(self.at, self.id))
    }
}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}

impl Scheduler {
    /// On a system clock this starts the thread `name`; on a manual clock nothing runs until [`Scheduler::advance`].
    pub fn new(name: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let is_manual = clock.as_manual().is_some();
        let shared = Arc::new(Shared { clock, state: Mutex::default(), changed: Condvar::new() });
        let thread = if is_manual {
            None
        } else {
            let shared = shared.clone();
            Some(NamedThread::spawn(name, move || shared.run())?)
        };
        let thread_id = thread.as_ref().map(NamedThread::id);
        Ok(Self { shared, thread: thread.map(Mutex::new), thread_id })
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Runs `task` once, `delay` from now. After [`Scheduler::stop`] the task is dropped unrun.
    pub fn after(&self, delay: Duration, task: impl FnOnce() + Send + 'static) {
        self.at(self.shared.clock.monotonic().saturating_add(delay), task);
    }

    /// Runs `task` once, at a monotonic time of the clock; at once if that has passed.
    pub fn at(&self, at: Duration, task: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        if state.stopped {
            return;
        }
        let id = state.next_id;
        state.next_id += 1;
        let is_first = state.due.peek().is_none_or(|first| at < first.at);
        state.due.push(Entry { at, id, task: Box::new(task) });
        drop(state);
        if is_first {
            self.shared.changed.notify_one();
        }
    }

    /// Moves a manual clock on, stopping at every due time on the way and running what is due on this thread.
    /// With a system clock this does nothing.
    pub fn advance(&self, by: Duration) {
        let Some(manual) = self.shared.clock.as_manual() else { return };
        let end = self.shared.clock.monotonic().saturating_add(by);
        loop {
            let now = self.shared.clock.monotonic();
            let task = self.shared.lock().take_due(now);
            if let Some(task) = task {
                task();
                continue;
            }
            let next = self.shared.lock().due.peek().map_or(end, |first| first.at.min(end));
            if next <= now {
                break;
            }
            manual.advance(next - now);
        }
    }

    /// Drops what is not due yet, lets a running task finish, ends the thread. From within a task it does not wait: the
    /// thread ends after that task.
    pub fn stop(&self) {
        let dropped = {
            let mut state = self.shared.lock();
            state.stopped = true;
            std::mem::take(&mut state.due)
        };
        self.shared.changed.notify_one();
        // Outside the lock: dropping a task may run code that schedules.
        drop(dropped);
        if self.thread_id == Some(thread::current().id()) {
            return;
        }
        if let Some(thread) = &self.thread {
            // Under the lock, so that whoever else stops it returns after its end too.
            thread.lock().unwrap_or_else(PoisonError::into_inner).join();
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let now = self.clock.monotonic();
            if let Some(task) = state.take_due(now) {
                drop(state);
                run_guarded(task);
                state = self.lock();
                continue;
            }
            state = match state.due.peek().map(|first| first.at - now) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// Runs a task and keeps the thread alive for those that follow.
fn run_guarded(task: Task) {
    if catch_unwind(AssertUnwindSafe(task)).is_err() {
        // The panic hook has told what and where.
        log::error!("a task of thread {:?} panicked", thread::current().name().unwrap_or_default());
    }
}

impl State {
    fn take_due(&mut self, now: Duration) -> Option<Task> {
        if self.due.peek()?.at > now {
            return None;
        }
        self.due.pop().map(|entry| entry.task)
    }
}

#[cfg(test)]
mod tests;
