//! Something that happens once and that any number of threads wait for. On Linux all of them are woken by one system
//! call, and none needs a lock to go on; elsewhere it is a lock and a condition variable.

use std::time::Duration;

/// Not set at first; set once.
#[derive(Debug, Default)]
pub struct Event {
    state: imp::State,
}

impl Event {
    /// Lets every waiter go on, now and later. What was written before is seen by them.
    pub fn set(&self) {
        self.state.set();
    }

    /// Waits until the event is set, at most `timeout` (real time); false: it was not.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.state.wait(timeout)
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use crate::sys::sync::atomic::{AtomicU32, Ordering};
    use crate::sys::sync::{Instant, futex};
    use std::time::Duration;

    const UNSET: u32 = 0;
    const SET: u32 = 1;
    const WAITED_FOR: u32 = 2;

    #[derive(Debug, Default)]
    pub(super) struct State(AtomicU32);

    impl State {
        pub(super) fn set(&self) {
            if self.0.swap(SET, Ordering::AcqRel) == WAITED_FOR {
                futex::wake_all(&self.0);
            }
        }

        pub(super) fn wait(&self, timeout: Duration) -> bool {
            // A time too far away to be written down is never reached.
            let deadline = Instant::now().checked_add(timeout);
            loop {
                let seen =
                    match self.0.compare_exchange(UNSET, WAITED_FOR, Ordering::AcqRel, Ordering::Acquire) {
                        Ok(_) => WAITED_FOR,
                        Err(seen) => seen,
                    };
                if seen == SET {
                    return true;
                }
                let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return self.0.load(Ordering::Acquire) == SET;
                }
                futex::wait(&self.0, WAITED_FOR, left);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use crate::sys::sync::{Condvar, Mutex};
    use std::sync::PoisonError;
    use std::time::Duration;

    #[derive(Debug, Default)]
    pub(super) struct State {
        is_set: Mutex<bool>,
        changed: Condvar,
    }

    impl State {
        pub(super) fn set(&self) {
            *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_all();
        }

        pub(super) fn wait(&self, timeout: Duration) -> bool {
            let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
            if timeout == Duration::MAX {
                let waited = self.changed.wait_while(is_set, |is_set| !*is_set);
                return *waited.unwrap_or_else(PoisonError::into_inner);
            }
            let waited = self.changed.wait_timeout_while(is_set, timeout, |is_set| !*is_set);
            *waited.unwrap_or_else(PoisonError::into_inner).0
        }
    }
}

#[cfg(all(test, not(feature = "models")))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn all_who_wait_go_on_and_later_ones_do_not_wait() {
        let event = Arc::new(Event::default());
        let written = Arc::new(AtomicU32::new(0));
        let waiters: Vec<_> = (0..16)
            .map(|_| {
                let (event, written) = (event.clone(), written.clone());
                std::thread::spawn(move || {
                    assert!(event.wait(Duration::MAX));
                    written.load(Ordering::Relaxed)
                })
            })
            .collect();
        written.store(7, Ordering::Relaxed);
        event.set();
        waiters.into_iter().for_each(|waiter| assert_eq!(waiter.join().unwrap(), 7));
        event.set();
        assert!(event.wait(Duration::ZERO));
    }

    #[test]
    fn a_wait_ends_when_its_time_is_over() {
        let event = Event::default();
        assert!(!event.wait(Duration::ZERO));
        assert!(!event.wait(Duration::from_millis(1)));
        event.set();
        assert!(event.wait(Duration::from_millis(1)));
    }
}
