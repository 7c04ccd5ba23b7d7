//! Work that is due at a time: one named thread on the system clock, the caller's own thread on a manual clock.

use super::clock::Clock;
use super::thread::NamedThread;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// Runs tasks when their monotonic time has come, in time order. Tasks must be short and must not block for long:
/// they share one thread. A task may schedule further tasks.
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    thread: Mutex<Option<NamedThread>>,
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
        Ok(Self { shared, thread: Mutex::new(thread) })
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Runs `task` once, `delay` from now. After [`Scheduler::stop`] the task is dropped unrun.
    pub fn after(&self, delay: Duration, task: impl FnOnce() + Send + 'static) {
        let at = self.shared.clock.monotonic().saturating_add(delay);
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

    /// Drops what is not due yet, lets a running task finish, ends the thread. From within a task it does not wait.
    pub fn stop(&self) {
        let dropped = {
            let mut state = self.shared.lock();
            state.stopped = true;
            std::mem::take(&mut state.due)
        };
        self.shared.changed.notify_one();
        // Outside the lock: dropping a task may run code that schedules.
        drop(dropped);
        let thread = self.thread.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(mut thread) = thread {
            thread.join();
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
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let now = self.clock.monotonic();
            if let Some(task) = state.take_due(now) {
                drop(state);
                task();
                state = self.lock();
                continue;
            }
            state = match state.due.peek().map(|first| first.at - now) {
                None => self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(wait) => {
                    self.changed.wait_timeout(state, wait).unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
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
mod tests {
    use super::*;
    use crate::sys::clock::{ManualClock, SystemClock};

    #[test]
    fn a_manual_clock_runs_tasks_in_time_order_on_the_callers_thread() {
        let clock = Arc::new(ManualClock::new(1_000));
        let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        for delay in [30, 10, 20] {
            let (seen, clock) = (seen.clone(), clock.clone());
            scheduler.after(Duration::from_millis(delay), move || {
                seen.lock().unwrap().push((delay, clock.wall_ms()));
            });
        }
        scheduler.advance(Duration::from_millis(25));
        assert_eq!(*seen.lock().unwrap(), [(10, 1_010), (20, 1_020)]);
        assert_eq!(clock.wall_ms(), 1_025);
        scheduler.advance(Duration::from_millis(5));
        assert_eq!(seen.lock().unwrap().len(), 3);
    }

    #[test]
    fn a_task_may_schedule_the_next_one() {
        let clock = Arc::new(ManualClock::new(0));
        let scheduler = Arc::new(Scheduler::new("test", clock).unwrap());
        let count = Arc::new(Mutex::new(0));
        fn tick(scheduler: &Arc<Scheduler>, count: Arc<Mutex<u32>>) {
            let again = scheduler.clone();
            scheduler.after(Duration::from_secs(1), move || {
                *count.lock().unwrap() += 1;
                tick(&again, count);
            });
        }
        tick(&scheduler, count.clone());
        scheduler.advance(Duration::from_secs(60));
        assert_eq!(*count.lock().unwrap(), 60);
        scheduler.stop();
    }

    #[test]
    fn the_system_clock_thread_runs_tasks_and_stops() {
        let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        scheduler.after(Duration::from_millis(1), move || sender.send(()).unwrap());
        receiver.recv().unwrap();
        scheduler.after(Duration::from_secs(3600), || panic!("must not run"));
        scheduler.stop();
    }
}
