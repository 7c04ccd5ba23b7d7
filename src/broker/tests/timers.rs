//! Guards against timers that fire twice, never, or hold up the scheduler.

use super::fixture::*;
use crate::protocol::request::SendBackRequest;
use crate::sys::clock::Clock;
use crate::sys::clock::ManualClock;
use crate::sys::sim_disk::Cause;
use crate::sys::sim_disk::Fault;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

const GROUP: &str = "CID_timer";
const RETRY: &str = "%RETRY%CID_timer";

fn wait(world: &World, body: &str, delay_level: i32) {
    let sent = world.send("T", "", body);
    let position = sent.position;
    let request = SendBackRequest { group: GROUP.into(), position, delay_level, reconsume_times_max: -1 };
    world.send_back(request).unwrap();
}

#[test]
fn more_than_a_batch_comes_due_at_once_and_each_comes_once() {
    const MESSAGES: usize = 1200;
    let world = World::new();
    for number in 0..MESSAGES {
        wait(&world, &number.to_string(), 3);
    }
    world.advance(Duration::from_secs(10));
    let stored = world.read_all(RETRY, 0);
    assert_eq!(stored.len(), MESSAGES);
    let bodies: BTreeSet<String> = stored.iter().map(body_of).collect();
    assert_eq!(bodies.len(), MESSAGES);
    world.advance(Duration::from_secs(10));
    assert_eq!(world.read_all(RETRY, 0).len(), MESSAGES);
    assert_eq!(world.broker.statistics().store.timers_waiting, 0);
}

#[test]
fn an_earlier_one_that_comes_later_is_still_in_time() {
    let world = World::new();
    wait(&world, "two hours", 18);
    world.advance(Duration::from_secs(5));
    wait(&world, "one second", 1);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
    world.advance(Duration::from_secs(7200 - 7));
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
    world.advance(Duration::from_secs(1));
    let stored: Vec<String> = world.read_all(RETRY, 0).iter().map(body_of).collect();
    assert_eq!(stored, ["one second", "two hours"]);
}

#[test]
fn a_delivery_that_failed_is_tried_again_after_a_second() {
    let world = World::new();
    wait(&world, "body", 3);
    world.advance(Duration::from_secs(9));
    world.disk.set_plan(|_, operation| operation.kind.is_change().then_some(Fault::Error(Cause::Full)));
    world.advance(Duration::from_secs(1));
    assert!(world.read_all(RETRY, 0).is_empty());
    world.disk.clear_plan();
    world.advance(Duration::from_millis(999));
    assert!(world.read_all(RETRY, 0).is_empty());
    world.advance(Duration::from_millis(1));
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
    world.advance(Duration::from_secs(3600));
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
}

/// A manual clock whose wall time can be set apart from its monotonic time.
#[derive(Debug)]
struct WallClock {
    manual: ManualClock,
    set_by_ms: AtomicI64,
}

impl Clock for WallClock {
    fn wall_ms(&self) -> i64 {
        self.manual.wall_ms() + self.set_by_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.manual.monotonic()
    }

    fn as_manual(&self) -> Option<&ManualClock> {
        Some(&self.manual)
    }
}

#[test]
fn a_wall_clock_that_is_set_is_noticed_within_a_minute() {
    let clock = Arc::new(WallClock { manual: ManualClock::new(START_MS), set_by_ms: AtomicI64::new(0) });
    let world = World::on(clock.clone(), |_| {});
    wait(&world, "body", 18);
    clock.set_by_ms.store(7_200_000, Ordering::SeqCst);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
    wait(&world, "body", 3);
    clock.set_by_ms.store(0, Ordering::SeqCst);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.read_all(RETRY, 0).len(), 1, "it came before its wall time");
    world.advance(Duration::from_secs(7200));
    assert_eq!(world.read_all(RETRY, 0).len(), 2);
}

#[test]
fn a_closed_broker_delivers_nothing_more() {
    let world = World::new();
    wait(&world, "body", 3);
    world.broker.close().unwrap();
    world.advance(Duration::from_secs(3600));
    let world = world.reopen();
    assert!(world.read_all(RETRY, 0).is_empty());
    world.advance(Duration::ZERO);
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
}
