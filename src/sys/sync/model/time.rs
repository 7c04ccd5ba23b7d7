//! The model's time: it stands still while a thread can go on, and then jumps to the next alarm. In half of the
//! schedules (see `explore`) it may also jump while others could go on, as on a machine that is busy elsewhere.

use super::thread::{self, Thread};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

std::thread_local! {
    /// All threads of a model run on one thread of the operating system: this is one execution's.
    static TIME: RefCell<Time> = RefCell::default();
}

#[derive(Default)]
struct Time {
    now: Duration,
    alarms: BTreeMap<(Duration, u64), Arc<Bell>>,
    next_id: u64,
    keeper: Option<Thread>,
    is_over: bool,
}

#[derive(Debug)]
struct Bell {
    thread: Thread,
    has_rung: AtomicBool,
}

/// Unparks the thread that set it when its time has come. Taken back when dropped.
#[derive(Debug)]
pub(super) struct Alarm {
    key: (Duration, u64),
    bell: Arc<Bell>,
}

impl Alarm {
    pub(super) fn set(after: Duration) -> Self {
        let bell = Arc::new(Bell { thread: thread::current(), has_rung: AtomicBool::new(false) });
        let (key, keeper) = TIME.with_borrow_mut(|time| {
            let key = (time.now.saturating_add(after), time.next_id);
            time.next_id += 1;
            time.alarms.insert(key, bell.clone());
            (key, time.keeper.take())
        });
        if let Some(keeper) = keeper {
            keeper.unpark();
        }
        Self { key, bell }
    }

    pub(super) fn has_rung(&self) -> bool {
        self.bell.has_rung.load(Ordering::SeqCst)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        TIME.with_borrow_mut(|time| time.alarms.remove(&self.key));
    }
}

pub(super) fn now() -> Duration {
    TIME.with_borrow(|time| time.now)
}

/// Forgets what a former execution left behind.
pub(super) fn begin() {
    // Not zero: as of the real clock, no point of time lies the longest duration ahead.
    TIME.set(Time { now: Duration::from_secs(1), ..Time::default() });
}

/// The body of the thread that moves the time on, until [`end`]; without a limit if the time runs by itself.
pub(super) fn keep(limit: Option<Duration>) {
    loop {
        thread::step();
        let bell = TIME.with_borrow_mut(|time| {
            if time.is_over {
                return Err(());
            }
            let Some(((at, _), bell)) = time.alarms.pop_first() else {
                time.keeper = Some(thread::current());
                return Ok(None);
            };
            time.now = time.now.max(at);
            Ok(Some(bell))
        });
        match bell {
            Err(()) => return,
            Ok(None) => thread::park(),
            Ok(Some(bell)) => {
                let now = now();
                let is_stuck = limit.is_some_and(|limit| now > limit);
                assert!(!is_stuck, "stuck: nothing has ended the model, {now:?} of its time have passed");
                bell.has_rung.store(true, Ordering::SeqCst);
                bell.thread.unpark();
            }
        }
    }
}

pub(super) fn end() {
    let keeper = TIME.with_borrow_mut(|time| {
        time.is_over = true;
        time.keeper.take()
    });
    if let Some(keeper) = keeper {
        keeper.unpark();
    }
}

/// A point of the model's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    pub fn now() -> Self {
        Self(now())
    }

    pub fn elapsed(&self) -> Duration {
        now().saturating_sub(self.0)
    }

    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
