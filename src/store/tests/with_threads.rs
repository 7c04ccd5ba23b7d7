//! Many callers at once on real files: every record once, in each caller's order.

use super::model::WAIT;
use crate::protocol::failure::Submitted;
use crate::protocol::record::{Record, RecordHead};
use crate::store::config::{Environment, FlushMode, StoreConfig};
use crate::store::threads::Threads;
use crate::store::{Append, Store, directory};
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::real_disk::RealDisk;
use crate::sys::scheduler::Scheduler;
use crate::sys::thread::NamedThread;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

fn open(dir: &Path, flush: FlushMode) -> Arc<Store> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let mut config = StoreConfig::new(dir);
    config.flush = flush;
    config.segment_bytes_min = 1 << 20;
    config.segment_bytes_max = 2 << 20;
    Store::open(config, Environment { disk: Arc::new(RealDisk), clock, scheduler, has_threads: true })
        .unwrap()
}

#[test]
fn a_store_that_gets_only_one_of_its_threads_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let environment = Environment { disk: Arc::new(RealDisk), clock, scheduler, has_threads: true };
    let inner = directory::open(StoreConfig::new(dir.path()), environment).unwrap();
    let failure = Threads::start_with(&inner, |name, body| match name {
        "ons-log" => NamedThread::spawn(name, body),
        _ => Err(ErrorKind::WouldBlock.into()),
    });
    let failure = failure.unwrap_err();
    assert!(failure.message.contains("ons-store"), "{failure}");
    assert_eq!(Arc::strong_count(&inner), 1, "a thread goes on");
    open(dir.path(), FlushMode::Sync).close().unwrap();
}

/// Per queue the numbers each sender wrote, in the order they are read.
fn read_all(store: &Store) -> HashMap<u32, Vec<u32>> {
    let mut by_sender: HashMap<u32, Vec<u32>> = HashMap::new();
    for queue in store.queues() {
        let mut offset = queue.min_offset();
        while offset < queue.max_offset() {
            let read = store.read(&queue, offset, 64, 1 << 20, &|_| true).unwrap();
            assert!(read.next_offset > offset);
            offset = read.next_offset;
            for bytes in &read.records {
                let record = Record::decode(bytes).unwrap();
                let number = u32::from_be_bytes(record.body()[4..8].try_into().unwrap());
                by_sender
                    .entry(u32::from_be_bytes(record.body()[..4].try_into().unwrap()))
                    .or_default()
                    .push(number);
            }
        }
    }
    by_sender
}

fn body(sender: u32, number: u32) -> Vec<u8> {
    let mut body = [sender.to_be_bytes(), number.to_be_bytes()].concat();
    body.resize(1000, 7);
    body
}

#[test]
fn blocked_callers_of_eight_threads() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), flush);
        std::thread::scope(|scope| {
            for sender in 0..8 {
                let queue = store.open_queue("T", (sender % 4) as i32);
                let store = &store;
                scope.spawn(move || {
                    for number in 0..1000 {
                        let body = body(sender, number);
                        let head = RecordHead::default();
                        let append = Append {
                            queue: &queue,
                            head,
                            properties: "",
                            body: &body,
                            tag_hash: 0,
                            noted: None,
                        };
                        store.append_blocking(&append, WAIT).unwrap();
                    }
                });
            }
        });
        let expected: Vec<u32> = (0..1000).collect();
        for (sender, numbers) in read_all(&store) {
            assert_eq!(numbers, expected, "{flush:?}, sender {sender}");
        }
        store.close().unwrap();
        let reopened = open(dir.path(), flush);
        assert_eq!(read_all(&reopened).values().map(Vec::len).sum::<usize>(), 8000);
    }
}

#[test]
fn asynchronous_callers_hear_once_of_each() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), flush);
        let (told, heard) = channel();
        std::thread::scope(|scope| {
            for sender in 0..8u32 {
                let queue = store.open_queue("T", (sender % 4) as i32);
                let (store, told) = (&store, told.clone());
                scope.spawn(move || {
                    for number in 0..2000 {
                        let body = body(sender, number);
                        let head = RecordHead::default();
                        let append = Append {
                            queue: &queue,
                            head,
                            properties: "",
                            body: &body,
                            tag_hash: 0,
                            noted: None,
                        };
                        let later = told.clone();
                        let completion = Box::new(move |result: Result<_, _>| {
                            result.unwrap();
                            later.send((sender, number)).unwrap();
                        });
                        if let Submitted::Done(result) = store.append(&append, completion) {
                            result.unwrap();
                            told.send((sender, number)).unwrap();
                        }
                    }
                });
            }
        });
        drop(told);
        store.close().unwrap();
        let mut all: Vec<_> = heard.iter().collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!((before, all.len()), (16_000, 16_000), "{flush:?}");
        let reopened = open(dir.path(), flush);
        let expected: Vec<u32> = (0..2000).collect();
        for (sender, numbers) in read_all(&reopened) {
            assert_eq!(numbers, expected, "{flush:?}, sender {sender}");
        }
    }
}
