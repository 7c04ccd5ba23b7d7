//! Files that a clean-up which was interrupted or failed has left, or taken: they cost nothing but themselves.

use crate::check::{check, check_again, read};
use crate::machine::{Machine, QUEUES, key};
use crate::workload::{Life, State, Watch, live, small};
use ons::store::config::FlushMode;
use ons::sys::clock::ManualClock;
use ons::sys::disk::Disk;
use ons::sys::sim_disk::{Fault, Operation, SimDisk};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

struct Nothing;

impl Watch for Nothing {
    fn operation(&self, _: &SimDisk, _: &Operation, _: i64, _: &Mutex<crate::model::Model>) -> Option<Fault> {
        None
    }
}

/// Two lives behind it: some segments with their indexes, oldest first.
fn used() -> (State, Life) {
    let mut state = State::new(FlushMode::Sync);
    for index in 0..2 {
        state = live(state, small(FlushMode::Sync, index), Arc::new(Nothing)).into_state();
    }
    (state, small(FlushMode::Sync, 2))
}

fn open(state: &State, life: Life) -> Machine {
    let clock = Arc::new(ManualClock::new(state.now_ms));
    Machine::open(state.fork().disk, clock, life.shape).unwrap()
}

fn indexes(disk: &SimDisk) -> Vec<PathBuf> {
    let paths = disk.files().into_iter().map(|(path, _)| path);
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "idx")).collect()
}

#[test]
fn a_lost_index_of_any_segment_loses_no_message() {
    let (state, life) = used();
    let before = read(&open(&state, life)).unwrap();
    let indexes = indexes(&state.disk);
    assert!(indexes.len() > 3, "{indexes:?}");
    for index in indexes {
        let damaged = state.fork();
        damaged.disk.remove(&index).unwrap();
        let machine = open(&damaged, life);
        check_again(&machine, &before).unwrap_or_else(|what| panic!("without {}: {what}", index.display()));
        check(&machine, &state.model).unwrap_or_else(|what| panic!("without {}: {what}", index.display()));
    }
}

#[test]
fn an_index_without_its_segment_goes() {
    let (state, life) = used();
    let orphan = Path::new("/data/log/00000000000000000099.idx");
    state.disk.create(orphan).unwrap().write_all_at(b"of a segment that was deleted", 0).unwrap();
    let machine = open(&state, life);
    assert!(!indexes(&machine.disk).iter().any(|path| path == orphan));
}

#[test]
fn queues_are_read_over_a_segment_that_is_gone() {
    let (state, life) = used();
    let before = read(&open(&state, life)).unwrap();
    for index in indexes(&state.disk).into_iter().skip(1) {
        let damaged = state.fork();
        damaged.disk.remove(&index).unwrap();
        damaged.disk.remove(&index.with_extension("log")).unwrap();
        let machine = open(&damaged, life);
        let seen = read(&machine).unwrap_or_else(|what| panic!("without {}: {what}", index.display()));
        assert!(!seen.is_empty() && seen.len() < before.len(), "without {}", index.display());
        assert!(seen.iter().all(|(place, message)| before.get(place) == Some(message)));
        for (topic, queue) in QUEUES {
            let last = seen.range((topic, queue, 0)..(topic, queue, u64::MAX)).next_back();
            let end = machine.broker.max_offset(&key(topic, queue)).unwrap_or(0) as u64;
            assert!(last.is_none_or(|((.., offset), _)| *offset < end), "{topic}@{queue}");
        }
    }
}
