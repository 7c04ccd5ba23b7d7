//! The injected clock: wall time for what users see, monotonic time for what the library waits for.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where every room reads the time from.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the Unix epoch.
    fn wall_ms(&self) -> i64;

    /// Time since some fixed point of this clock; never goes back.
    fn monotonic(&self) -> Duration;

    /// The manual clock, if this is one: its time moves only when told, so nobody may wait for it.
    fn as_manual(&self) -> Option<&ManualClock> {
        None
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until [`ManualClock::advance`]; wall and monotonic time move together.
#[derive(Debug)]
pub struct ManualClock {
    start_ms: i64,
    elapsed_ms: AtomicI64,
}

impl ManualClock {
    pub fn new(start_wall_ms: i64) -> Self {
        Self { start_ms: start_wall_ms, elapsed_ms: AtomicI64::new(0) }
    }

    /// Moves both times forward. Whatever waits for the new time runs when its scheduler is told to
    /// (see `Scheduler::advance`), not from here.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.elapsed_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> i64 {
        self.start_ms + self.elapsed_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    fn as_manual(&self) -> Option<&ManualClock> {
        Some(self)
    }
}
