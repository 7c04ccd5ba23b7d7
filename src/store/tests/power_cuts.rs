//! The power goes at every operation of a workload, with several kinds of damage: the store opens, and what it promised
//! is there.

use super::model::{Machine, append, bodies};
use crate::store::config::FlushMode;
use crate::store::{Store, Table};
use crate::sys::sim_disk::SimDisk;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What had been promised at some moment.
#[derive(Debug, Clone, Default)]
struct Promised {
    /// In SYNC_FLUSH everything acknowledged, in ASYNC_FLUSH what a completed checkpoint has covered.
    messages: BTreeMap<(i32, u64), Vec<u8>>,
    row: Option<Vec<u8>>,
}

fn work(machine: &Machine, store: &Store, promised: &Mutex<Promised>) {
    let is_sync = machine.config.flush == FlushMode::Sync;
    let mut unsynced = BTreeMap::new();
    for number in 0..60u32 {
        let body = number.to_be_bytes().repeat(1 + 37 * (number as usize % 20));
        let queue = (number % 2) as i32;
        let appended = append(store, "T", queue, &body).unwrap();
        unsynced.insert((queue, appended.queue_offset), body);
        if is_sync {
            promised.lock().unwrap().messages.append(&mut unsynced);
        }
        if number % 20 == 19 {
            let row = number.to_be_bytes().to_vec();
            store.put_row(Table::Offsets, "g@T@0", &row);
            store.checkpoint().unwrap();
            let mut promised = promised.lock().unwrap();
            promised.messages.append(&mut unsynced);
            promised.row = Some(row);
        }
    }
}

fn check(store: &Store, promised: &Promised, what: &str) {
    for queue in 0..2 {
        // In order and once each: `bodies` sees to that.
        let found = bodies(store, "T", queue);
        for ((_, offset), body) in promised.messages.iter().filter(|((own, _), _)| *own == queue) {
            assert_eq!(found.get(offset), Some(body), "{what}: queue {queue} offset {offset}");
        }
    }
    let row = store.rows(Table::Offsets).unwrap().pop().map(|(_, value)| value);
    assert!(row >= promised.row, "{what}: row {row:?} is older than {:?}", promised.row);
}

fn cut_everywhere(flush: FlushMode, seeds: u64) {
    let mut machine = Machine::new(flush);
    machine.config.segment_bytes_min = 8 << 10;
    machine.config.segment_bytes_max = 16 << 10;
    let promised = Arc::new(Mutex::new(Promised::default()));
    let cuts: Arc<Mutex<Vec<(u64, SimDisk, Promised)>>> = Arc::default();
    {
        let (promised, cuts) = (promised.clone(), cuts.clone());
        machine.disk.set_plan(move |disk, operation| {
            if operation.kind.is_change() {
                for seed in 0..seeds {
                    let image = disk.after_power_cut(seed);
                    cuts.lock().unwrap().push((operation.number, image, promised.lock().unwrap().clone()));
                }
            }
            None
        });
    }
    let store = machine.open().unwrap();
    work(&machine, &store, &promised);
    machine.disk.clear_plan();
    let cuts = std::mem::take(&mut *cuts.lock().unwrap());
    assert!(cuts.len() as u64 > 150 * seeds, "only {} cuts", cuts.len());
    for (number, disk, promised) in cuts {
        let what = format!("{flush:?}, power cut at operation {number}");
        let store = machine.on(disk).open().unwrap_or_else(|failure| panic!("{what}: {failure}"));
        check(&store, &promised, &what);
        append(&store, "T", 0, b"goes on").unwrap();
    }
}

#[test]
fn sync_flush_keeps_every_acknowledged_message() {
    cut_everywhere(FlushMode::Sync, 10);
}

#[test]
fn async_flush_keeps_what_was_flushed() {
    cut_everywhere(FlushMode::Async, 10);
}

#[test]
fn a_header_that_was_mended_and_lost_again_is_mended_again() {
    let machine = Machine::new(FlushMode::Sync);
    let store = machine.open().unwrap();
    for number in 0..300u32 {
        append(&store, "T", 0, &number.to_be_bytes().repeat(30)).unwrap();
    }
    let killed = machine.on(machine.disk.after_process_kill());
    let segments: Vec<_> = killed.disk.files().into_iter().map(|(path, _)| path).collect();
    for segment in segments.iter().filter(|path| path.extension().is_some_and(|end| end == "log")) {
        killed.disk.flip_bit(segment, 16, 3).unwrap();
    }
    let store = killed.open().unwrap();
    append(&store, "T", 0, b"next").unwrap();
    let expected = bodies(&store, "T", 0);
    assert_eq!(expected.len(), 301);
    for seed in 0..50 {
        let store = killed.on(killed.disk.after_power_cut(seed)).open().unwrap();
        assert_eq!(bodies(&store, "T", 0), expected, "seed {seed}");
    }
}
