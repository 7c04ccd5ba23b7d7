//! Appending, reading, rolling, closing, being killed.

use super::model::{Machine, START_MS, append, append_with, bodies};
use crate::protocol::failure::{FailureKind, Submitted};
use crate::protocol::record::{Record, RecordHead};
use crate::store::config::{Environment, FlushMode};
use crate::store::{Append, Store, Table};
use crate::sys::clock::Clock;
use crate::sys::sim_disk::{OperationKind, SimDisk};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

fn body(number: usize) -> Vec<u8> {
    format!("body {number} ").repeat(number % 50 + 1).into_bytes()
}

#[test]
fn messages_survive_a_close_and_a_kill_in_both_modes() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let machine = Machine::new(flush);
        let store = machine.open().unwrap();
        for number in 0..500 {
            let appended = append(&store, "T", number as i32 % 3, &body(number)).unwrap();
            assert_eq!(appended.queue_offset, number as u64 / 3);
        }
        assert!(store.statistics().segments > 3, "the test must roll");
        let expected: Vec<_> = (0..3).map(|queue| bodies(&store, "T", queue)).collect();
        assert_eq!(expected.iter().map(|queue| queue.len()).sum::<usize>(), 500);
        assert_eq!(expected[1][&7], body(22));

        let killed = machine.on(machine.disk.after_process_kill());
        let reopened = killed.open().unwrap();
        assert_eq!(
            (0..3).map(|queue| bodies(&reopened, "T", queue)).collect::<Vec<_>>(),
            expected,
            "{flush:?} kill"
        );
        append(&reopened, "T", 0, b"next").unwrap();
        assert_eq!(bodies(&reopened, "T", 0)[&167], b"next");

        store.close().unwrap();
        store.close().unwrap();
        assert_eq!(append(&store, "T", 0, b"late").unwrap_err().kind, FailureKind::InvalidState);
        let reopened = machine.on(machine.disk.after_power_cut(1)).open().unwrap();
        assert_eq!(
            (0..3).map(|queue| bodies(&reopened, "T", queue)).collect::<Vec<_>>(),
            expected,
            "{flush:?} close"
        );
        assert_eq!(reopened.queue("T", 2).unwrap().max_offset(), 166);
    }
}

#[test]
fn a_second_open_is_refused_by_name() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let failure = machine.open().unwrap_err();
    assert_eq!(failure.kind, FailureKind::DirectoryInUse);
    assert!(failure.message.contains("/data"), "{failure}");
    drop(store);
    machine.open().unwrap();
}

#[test]
fn an_asynchronous_append_is_completed_once() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let machine = Machine::new(flush);
        let store = machine.open().unwrap();
        let queue = store.open_queue("T", 0);
        let completed = Arc::new(AtomicU32::new(0));
        let mut done = 0;
        for _ in 0..200 {
            let completed = completed.clone();
            let append = Append {
                queue: &queue,
                head: RecordHead::default(),
                properties: "",
                body: b"x",
                tag_hash: 0,
                noted: None,
            };
            let completion = Box::new(move |result: Result<_, _>| {
                result.unwrap();
                completed.fetch_add(1, Ordering::Relaxed);
            });
            match store.append(&append, completion) {
                Submitted::Done(result) => done += u32::from(result.is_ok()),
                Submitted::Pending => {}
            }
        }
        assert_eq!(completed.load(Ordering::Relaxed) + done, 200);
        assert_eq!(bodies(&store, "T", 0).len(), 200);
    }
}

#[test]
fn reads_stop_at_their_limits_and_outside_the_queue() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    for number in 0..10 {
        append(&store, "T", 0, &[number; 100]).unwrap();
    }
    let queue = store.queue("T", 0).unwrap();
    let read = store.read(&queue, 2, 3, usize::MAX, &|_| true).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (3, 5));
    let len = read.records[0].len();
    let read = store.read(&queue, 0, 10, 2 * len, &|_| true).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (2, 2));
    let read = store.read(&queue, 0, 10, 1, &|_| true).unwrap();
    assert_eq!(read.records.len(), 1, "the first message comes however long it is");
    let read = store.read(&queue, 11, 10, usize::MAX, &|_| true).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (0, 10));
    let read = store.read(&queue, 0, 10, usize::MAX, &|_| false).unwrap();
    assert_eq!((read.records.len(), read.next_offset), (0, 10));
}

#[test]
fn a_record_that_lies_alone_does_not_keep_what_is_around_it_in_memory() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    append(&store, "T", 0, &[7; 100]).unwrap();
    let queue = store.queue("T", 0).unwrap();
    let read = || store.read(&queue, 0, 1, usize::MAX, &|_| true).unwrap().records.remove(0);
    let (one, other) = (read(), read());
    assert!(one == other && one.as_ptr() != other.as_ptr(), "each is a copy");
}

#[test]
fn a_message_is_found_by_position_key_and_time() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    let mut times = Vec::new();
    for number in 0..300 {
        let properties = format!("KEYS\u{1}order{number} all\u{2}UNIQ_KEY\u{1}ID{number}\u{2}");
        let appended = append_with(&store, "T", 0, &properties, &body(number)).unwrap();
        let record = Record::decode(&store.record_at(appended.position).unwrap().unwrap()).unwrap();
        assert_eq!(record.body()[..], body(number));
        assert_eq!(record.head.position as u64, appended.position);
        times.push(appended.store_timestamp_ms);
        machine.advance(std::time::Duration::from_millis(10));
    }
    let find = |key: &str| store.find_by_key("T", key, 1000).unwrap().len();
    assert_eq!((find("order7"), find("ID299"), find("all"), find("none")), (1, 1, 300, 0));
    assert!(store.find_by_key("U", "all", 10).unwrap().is_empty());
    assert!(store.record_at(5).unwrap().is_none());
    assert!(store.record_at(u64::MAX).unwrap().is_none());
    let queue = store.queue("T", 0).unwrap();
    for at in [0, 1, 150, 299] {
        assert_eq!(store.search_offset(&queue, times[at]).unwrap(), at as u64);
    }
    assert_eq!(store.search_offset(&queue, i64::MAX).unwrap(), 300);
}

/// A clock that is set by hand.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_search_by_time_skips_nothing_after_the_clock_was_set_back() {
    const HOUR_MS: i64 = 3_600_000;
    let machine = Machine::new(FlushMode::Sync);
    let clock = Arc::new(SetClock(AtomicI64::new(START_MS)));
    let open = |disk: &SimDisk| {
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: clock.clone(),
            scheduler: machine.scheduler.clone(),
            has_threads: false,
        };
        Store::open(machine.config.clone(), environment).unwrap()
    };
    let mut disk = machine.disk.clone();
    let mut store = open(&disk);
    let mut stored: Vec<i64> = Vec::new();
    for number in 0..600 {
        match number {
            // In the middle of a segment, while it is open, while it is closed, and after a kill.
            100 => drop(clock.0.fetch_sub(HOUR_MS, Ordering::Relaxed)),
            250 | 400 => {
                if number == 250 {
                    store.close().unwrap();
                }
                clock.0.fetch_sub(HOUR_MS, Ordering::Relaxed);
                disk = disk.after_process_kill();
                store = open(&disk);
            }
            _ => drop(clock.0.fetch_add(10, Ordering::Relaxed)),
        }
        let appended = append(&store, "T", 0, &body(number)).unwrap();
        assert_eq!(appended.queue_offset, stored.len() as u64);
        stored.push(appended.store_timestamp_ms);
    }
    assert!(
        stored.iter().any(|time| stored[0] > *time),
        "a segment begins with the time that the clock tells"
    );
    assert_eq!(stored[599], clock.wall_ms(), "and so it becomes right again");
    let queue = store.queue("T", 0).unwrap();
    for time in stored.iter().flat_map(|time| [time - 1, *time, time + 1]) {
        let expected = stored.iter().position(|own| *own >= time).unwrap_or(stored.len());
        assert_eq!(store.search_offset(&queue, time).unwrap(), expected as u64, "{time}");
    }
}

#[test]
fn a_position_that_is_none_costs_nothing_whatever_length_stands_there() {
    let mut machine = Machine::new(FlushMode::Async);
    machine.config.segment_bytes_min = 256 << 20;
    machine.config.segment_bytes_max = 256 << 20;
    let store = machine.open().unwrap();
    let appended = append(&store, "T", 0, &[0x0B; 100]).unwrap();
    let used = allocation_counter::measure(|| {
        for beyond in 0..200 {
            assert_eq!(store.record_at(appended.position + 1 + beyond).unwrap(), None);
        }
    });
    assert!(used.bytes_max < 1 << 20, "{used:?}");
    assert!(store.record_at(appended.position).unwrap().is_some());
}

#[test]
fn rows_are_read_back_staged_checkpointed_and_deleted() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    store.put_row(Table::Topics, "a", b"1");
    store.put_row(Table::Topics, "b", b"2");
    store.put_row(Table::Groups, "a", b"3");
    store.checkpoint().unwrap();
    store.put_row(Table::Topics, "a", b"4");
    store.delete_row(Table::Topics, "b");
    assert_eq!(store.rows(Table::Topics).unwrap(), [("a".to_owned(), b"4".to_vec())]);
    // The checkpoint comes by itself.
    machine.advance(std::time::Duration::from_secs(2));
    let reopened = machine.on(machine.disk.after_power_cut(0)).open().unwrap();
    assert_eq!(reopened.rows(Table::Topics).unwrap(), [("a".to_owned(), b"4".to_vec())]);
    assert_eq!(reopened.rows(Table::Groups).unwrap().len(), 1);
}

#[test]
fn a_segment_made_ready_outlives_a_close_but_not_a_kill() {
    let machine = Machine::new(FlushMode::Sync);
    let made = |disk: &crate::sys::sim_disk::SimDisk| {
        let operations = disk.operations();
        operations
            .iter()
            .filter(|o| o.kind == OperationKind::Allocate && o.path.starts_with("/data/log"))
            .count()
    };
    let store = machine.open().unwrap();
    append(&store, "T", 0, b"one").unwrap();
    assert_eq!(made(&machine.disk), 2, "the first segment and the one behind it");
    let killed = machine.on(machine.disk.after_process_kill());
    killed.open().unwrap();
    assert_eq!(made(&killed.disk), 1);
    store.close().unwrap();
    let closed = machine.on(machine.disk.after_power_cut(0));
    let store = closed.open().unwrap();
    assert_eq!(made(&closed.disk), 0);
    for number in 0..200 {
        append(&store, "T", 0, &body(number)).unwrap();
    }
    assert_eq!(bodies(&store, "T", 0).len(), 201);
}

#[test]
fn a_receiver_that_panics_does_not_stop_the_log() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let machine = Machine::new(flush);
        let store = machine.open().unwrap();
        let queue = store.open_queue("T", 0);
        store.set_arrival(Arc::new(|_: &[_]| panic!("a receiver of arrivals")));
        for _ in 0..70 {
            let head = RecordHead::default();
            let append = Append { queue: &queue, head, properties: "", body: b"x", tag_hash: 0, noted: None };
            let submitted = store.append(&append, Box::new(|_| panic!("a completion")));
            assert!(!matches!(submitted, Submitted::Done(Err(_))));
        }
        append(&store, "T", 0, b"goes on").unwrap();
        assert_eq!(bodies(&store, "T", 0).len(), 71);
    }
}
