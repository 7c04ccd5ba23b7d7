//! The injected clock: wall time for what users see, monotonic time for what the library waits for.

use crate::sys::sync::Instant;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
        let since = if cfg!(feature = "models") {
            // A model's time begins with itself, in some year.
            Duration::from_secs(1_800_000_000) + self.started.elapsed()
        } else {
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
        };
        // In 64 bits: every send asks twice.
        (since.as_secs() * 1000) as i64 + i64::from(since.subsec_millis())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until [`ManualClock::advance`]; wall and monotonic time move together.
#[derive(Debug)]
pub struct ManualClock {
    start_ms: i64,
    elapsed_ns: AtomicU64,
}

impl ManualClock {
    pub fn new(start_wall_ms: i64) -> Self {
        Self { start_ms: start_wall_ms, elapsed_ns: AtomicU64::new(0) }
    }

    /// Moves both times forward. Whatever waits for the new time runs when its scheduler is told to
    /// (see `Scheduler::advance`), not from here.
    pub fn advance(&self, by: Duration) {
        let by_ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let forward = |elapsed: u64| Some(elapsed.saturating_add(by_ns));
        let _ = self.elapsed_ns.fetch_update(Ordering::SeqCst, Ordering::SeqCst, forward);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> i64 {
        let elapsed_ms = self.monotonic().as_millis();
        self.start_ms.saturating_add(i64::try_from(elapsed_ms).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.elapsed_ns.load(Ordering::SeqCst))
    }

    fn as_manual(&self) -> Option<&ManualClock> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_both_times_together_and_only_forward() {
        let clock = ManualClock::new(1_000);
        assert_eq!((clock.wall_ms(), clock.monotonic()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_micros(1_500));
        clock.advance(Duration::from_micros(500));
        assert_eq!((clock.wall_ms(), clock.monotonic()), (1_002, Duration::from_millis(2)));
        let forty_days = Duration::from_secs(40 * 24 * 3600);
        clock.advance(forty_days);
        assert_eq!(clock.wall_ms(), 1_002 + 40 * 24 * 3_600_000);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.monotonic() > forty_days && clock.wall_ms() > 0);
    }

    #[test]
    fn the_system_clock_is_after_this_was_written_and_does_not_go_back() {
        let clock = SystemClock::new();
        let first = clock.monotonic();
        assert!(clock.wall_ms() > 1_700_000_000_000);
        assert!(clock.monotonic() >= first);
    }
}
