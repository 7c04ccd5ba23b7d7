//! Guards against timers that fire twice, never, or hold up the scheduler.

use super::fixture::*;
use crate::protocol::request::SendBackRequest;
use crate::sys::clock::Clock;
use crate::sys::clock::ManualClock;
use crate::sys::sim_disk::Cause;
use crate::sys::sim_disk::Fault;
use crate::sys::sim_disk::OperationKind;
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
    let request =
        SendBackRequest { group: GROUP.into(), position, record: None, delay_level, reconsume_times_max: -1 };
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
fn long_ones_that_come_due_at_once_are_not_in_memory_all_at_once() {
    const BODY_BYTES: usize = 1 << 20;
    let world = World::new();
    for number in 0..40 {
        wait(&world, &number.to_string().repeat(BODY_BYTES), 3);
    }
    // Opened again, so that each is read from the metadata.
    let world = world.reopen();
    let from = world.disk.operation_count();
    world.advance(Duration::from_secs(10));
    let operations = world.disk.operations();
    assert_eq!(world.read_all(RETRY, 0).len(), 40);
    let (mut read, mut read_max) = (0, 0);
    for operation in operations.into_iter().filter(|operation| operation.number >= from) {
        let is_long = operation.len as usize > BODY_BYTES;
        let is_log = operation.path.extension().is_some_and(|own| own == "log");
        read = match operation.kind {
            OperationKind::Read if is_long => read + 1,
            OperationKind::Write if is_long && is_log => 0,
            _ => read,
        };
        read_max = read_max.max(read);
    }
    assert!((2..=16).contains(&read_max), "{read_max} in a row");
}

#[test]
fn one_that_cannot_be_read_holds_up_no_other() {
    let world = World::new();
    for number in 0..3 {
        wait(&world, &number.to_string().repeat(100), 3);
    }
    let world = world.kill();
    let waiting = world.broker.statistics().store.timers_waiting;
    assert_eq!(waiting, 3);
    // The first long enough read after the time has come.
    world.disk.set_plan(|_, operation| {
        let is_log = operation.path.extension().is_some_and(|own| own == "log");
        let is_read = operation.kind == OperationKind::Read;
        (is_log && is_read && operation.offset < 4096 + 700).then_some(Fault::Error(Cause::Io))
    });
    world.advance(Duration::from_secs(10));
    world.disk.clear_plan();
    let first = world.read_all(RETRY, 0).len();
    assert!((1..3).contains(&first), "{first}");
    world.advance(Duration::from_secs(1));
    assert_eq!(world.read_all(RETRY, 0).len(), 3);
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
