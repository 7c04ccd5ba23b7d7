//! How old finished segments are, at the least: what is deleted for its age does not come back, and a wall clock may be
//! wrong for a while.
//!
//! * What was finished since the opening is as old as the monotonic time since then: setting the wall clock changes
//!   nothing about it.
//! * What was there at the opening is as old as the wall clock says; but the clock counts as no further than it was at
//!   the opening, or at any look since, and the monotonic time since then, so that setting it ahead has no effect.
//! * A clock that is ahead at the opening looks like a program that did not run for long. So for the first ten minutes
//!   ([`DOUBTED`]) the newest message counts as stored just before the opening, unless the clock says less.
//!
//! So messages are kept for the reserved time at the least, and longer by the time in which nothing ran or the machine
//! slept, where that is not known for certain.

use super::segments::Held;
use super::shared::Shared;
use crate::sys::clock::Clock;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a wall clock that was ahead at the opening may take to be set right.
pub(crate) const DOUBTED: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct Ages {
    /// The wall time of the opening, by the earliest that any look at the clock made it.
    opened_wall_ms: i64,
    /// Of the monotonic clock, as all that is no wall time.
    opened: Duration,
    /// When the newest message was stored that was there at the opening.
    newest_ms: i64,
    /// When segments were finished since the opening, by base.
    finished: BTreeMap<u64, Duration>,
}

impl Ages {
    /// At an opening that has found `shared`.
    pub(crate) fn at_opening(clock: &dyn Clock, shared: &Shared) -> Self {
        let used = shared.segments.used();
        let indexed = used.iter().filter_map(|held| Some(held.index.as_ref()?.last_stored_ms));
        let newest = indexed.chain(shared.unsealed().values().map(|known| known.last_stored_ms)).max();
        Self {
            opened_wall_ms: clock.wall_ms(),
            opened: clock.monotonic(),
            newest_ms: newest.unwrap_or(0),
            finished: BTreeMap::new(),
        }
    }

    /// The segment takes no more messages.
    pub(crate) fn finish(&mut self, base: u64, clock: &dyn Clock) {
        self.finished.insert(base, clock.monotonic());
    }

    /// The segment is deleted.
    pub(crate) fn forget(&mut self, base: u64) {
        self.finished.remove(&base);
    }

    /// Of each finished segment, oldest first, how old everything in it is at the least.
    pub(crate) fn of(&mut self, segments: &[Held], clock: &dyn Clock) -> Vec<Duration> {
        let running = clock.monotonic().saturating_sub(self.opened);
        let now_ms = self.now_ms(clock.wall_ms(), running);
        let mut behind = Duration::ZERO;
        let mut ages = Vec::with_capacity(segments.len());
        for held in segments.iter().rev() {
            let age = match self.finished.get(&held.segment.base()) {
                Some(finished) => clock.monotonic().saturating_sub(*finished),
                None => {
                    let stored_ms = held.index.as_ref().map_or(i64::MAX, |index| index.last_stored_ms);
                    // A clock that was ahead and was set right leaves times that are still to come: such a segment was
                    // stored before the one behind it.
                    since(stored_ms, now_ms).unwrap_or(behind).max(running)
                }
            };
            behind = age;
            ages.push(age);
        }
        ages.reverse();
        ages
    }

    /// The wall time that is believed.
    fn now_ms(&mut self, wall_ms: i64, running: Duration) -> i64 {
        let running_ms = i64::try_from(running.as_millis()).unwrap_or(i64::MAX);
        self.opened_wall_ms = self.opened_wall_ms.min(wall_ms.saturating_sub(running_ms));
        let is_doubted = running < DOUBTED;
        let opened_ms = self.opened_wall_ms.min(if is_doubted { self.newest_ms } else { i64::MAX });
        opened_ms.saturating_add(running_ms)
    }
}

/// How much later `now_ms` is, unless it is earlier.
fn since(then_ms: i64, now_ms: i64) -> Option<Duration> {
    u64::try_from(now_ms.saturating_sub(then_ms)).ok().map(Duration::from_millis)
}
