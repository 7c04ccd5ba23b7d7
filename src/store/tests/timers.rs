//! Waiting records: never lost, never early, never twice.

use super::model::{Machine, START_MS, append_with};
use crate::protocol::names::TIMER_TOPIC;
use crate::store::Store;
use crate::store::config::FlushMode;
use std::time::Duration;

fn wait(store: &Store, due_ms: i64, body: &[u8]) -> u64 {
    append_with(store, TIMER_TOPIC, 0, &format!("TIMER_OUT_MS\u{1}{due_ms}\u{2}"), body).unwrap().position
}

fn fire(store: &Store, id: u64) {
    append_with(store, "T", 0, &format!("TIMER_ORIGIN\u{1}{id}\u{2}"), b"fired").unwrap();
}

fn due(store: &Store, now: i64) -> Vec<u64> {
    store.due_timers(now, 100).into_iter().map(|waiting| waiting.id).collect()
}

#[test]
fn due_records_come_in_time_order_and_go_when_fired() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let late = wait(&store, START_MS + 300, b"late");
    let early = wait(&store, START_MS + 100, b"early");
    assert_eq!(store.next_timer_ms(), Some(START_MS + 100));
    assert!(due(&store, START_MS + 99).is_empty());
    for is_checkpointed in [false, true] {
        if is_checkpointed {
            store.checkpoint().unwrap();
        }
        assert_eq!(due(&store, START_MS + 300), [early, late]);
    }
    fire(&store, early);
    assert_eq!(due(&store, START_MS + 300), [late]);
    assert_eq!((store.next_timer_ms(), store.statistics().timers_waiting), (Some(START_MS + 300), 1));
    store.checkpoint().unwrap();
    fire(&store, late);
    assert_eq!(store.next_timer_ms(), None);
    store.checkpoint().unwrap();
    assert!(due(&store, i64::MAX).is_empty());
}

#[test]
fn waiting_records_survive_kills_between_all_their_steps() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let (first, second) = (wait(&store, START_MS + 1, b"1"), wait(&store, START_MS + 2, b"2"));
    let killed = |expected: &[u64], step: &str| {
        let again = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
        assert_eq!(due(&again, i64::MAX - 1), expected, "{step}");
    };
    killed(&[first, second], "only in the log");
    store.checkpoint().unwrap();
    killed(&[first, second], "in the metadata");
    fire(&store, first);
    killed(&[second], "fired, row still there");
    let third = wait(&store, START_MS + 3, b"3");
    fire(&store, third);
    killed(&[second], "fired before it was ever checkpointed");
    store.checkpoint().unwrap();
    killed(&[second], "fired, row gone");
}

#[test]
fn a_waiting_record_outlives_its_segment() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let id = wait(&store, START_MS + 10 * 24 * 3_600_000, b"far");
    for _ in 0..200 {
        append_with(&store, "T", 0, "", &[0; 500]).unwrap();
    }
    machine.advance(Duration::from_secs(80 * 3600));
    assert!(store.record_at(id).unwrap().is_none(), "its segment is gone");
    let waiting = store.due_timers(START_MS + 10 * 24 * 3_600_000, 10);
    assert_eq!(waiting.len(), 1);
    assert_eq!(store.waiting_record(waiting[0]).unwrap().body()[..], b"far"[..]);
}
