//! The stores that are damaged, each made once: sealed and open segments, a recycled one, timers, keys, rows; killed
//! and cleanly closed.

use super::machine::{Machine, START_MS, append};
use super::{Records, all};
use bytes::Bytes;
use ons::protocol::names::TIMER_TOPIC;
use ons::store::config::FlushMode;
use ons::store::{Store, Table};
use ons::sys::sim_disk::SimDisk;
use std::sync::OnceLock;
use std::time::Duration;

/// Keys that some messages have.
pub(super) const KEYS: [&str; 3] = ["order7", "all", "UNIQ39"];

pub(super) struct Template {
    disk: SimDisk,
    flush: FlushMode,
    pub(super) written: Records,
    /// Every row that was ever put, old values included.
    pub(super) rows: Vec<(String, Vec<u8>)>,
    /// Id and body.
    pub(super) timers: Vec<(u64, Bytes)>,
}

pub(super) fn get(choice: usize) -> &'static Template {
    static ALL: OnceLock<[Template; 4]> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        [
            make(FlushMode::Sync, false, false),
            make(FlushMode::Sync, true, false),
            make(FlushMode::Async, false, false),
            make(FlushMode::Sync, false, true),
        ]
    });
    &all[choice % all.len()]
}

impl Template {
    pub(super) fn machine(&self) -> Machine {
        Machine::on(self.disk.after_process_kill()).with_flush(self.flush)
    }

    /// Positions and their records: some of all, and some that are none.
    pub(super) fn positions(&self) -> impl Iterator<Item = (u64, Option<&Bytes>)> {
        let of = |bytes: &Bytes| u64::from_be_bytes(bytes[28..36].try_into().unwrap());
        let some = self.written.values().step_by(9);
        some.flat_map(move |bytes| [(of(bytes), Some(bytes)), (of(bytes) + 1, None)]).chain([
            (0, None),
            (5, None),
            (u64::MAX, None),
        ])
    }
}

fn make(flush: FlushMode, is_closed: bool, is_recycled: bool) -> Template {
    let machine = Machine::on(SimDisk::new()).with_flush(flush);
    let store = machine.open().unwrap();
    let mut template = Template {
        disk: machine.disk.clone(),
        flush,
        written: Records::new(),
        rows: Vec::new(),
        timers: Vec::new(),
    };
    if is_recycled {
        fill(&store, 0..60);
        // Retention takes all but the segment in use; its file becomes the next one.
        machine.scheduler.advance(Duration::from_secs(100 * 3600));
    }
    work(&machine, &store, &mut template);
    template.written = all(&store);
    assert!(template.written.len() >= 40 && store.statistics().segments >= 3, "{:?}", store.statistics());
    if is_closed {
        store.close().unwrap();
    }
    template.disk = machine.disk.after_process_kill();
    template
}

fn fill(store: &Store, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let keys = format!(
            "KEYS\u{1}order{number} all\u{2}UNIQ_KEY\u{1}UNIQ{number}\u{2}TAGS\u{1}Tag{}\u{2}",
            number % 3
        );
        let body = format!("body {number} ").repeat(2 * (number % 50) + 1);
        let topic = if number % 5 == 4 { "Another" } else { "T" };
        append(store, topic, (number % 2) as i32, &keys, body.as_bytes()).unwrap();
    }
}

fn work(machine: &Machine, store: &Store, template: &mut Template) {
    for round in 0..4u8 {
        let first = usize::from(round) * 30;
        fill(store, first..first + 20);
        for (table, key) in [(Table::Topics, "T"), (Table::Groups, "G"), (Table::Offsets, "G@T@0")] {
            store.put_row(table, key, &[round; 9]);
            template.rows.push((key.to_owned(), vec![round; 9]));
        }
        let due = START_MS + i64::from(round);
        let body = Bytes::from(vec![round; 30]);
        let waiting = format!("TIMER_OUT_MS\u{1}{due}\u{2}");
        let id = append(store, TIMER_TOPIC, 0, &waiting, &body).unwrap().position;
        template.timers.push((id, body));
        if round < 2 {
            store.checkpoint().unwrap();
            machine.scheduler.advance(Duration::from_secs(2));
        }
        if round % 2 == 0 {
            append(store, "T", 0, &format!("TIMER_ORIGIN\u{1}{id}\u{2}"), b"fired").unwrap();
        }
    }
}
