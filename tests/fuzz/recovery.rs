//! Opening a store whose files were changed behind its back: it opens or says why not, never panics, holds a bounded
//! amount of memory, and hands out no record but those that were written, each at its own place.

mod damage;
mod machine;
mod template;

use super::input::Input;
use super::log_sink;
use allocation_counter::measure;
use bytes::Bytes;
use machine::Machine;
use ons::protocol::failure::{Failure, FailureKind};
use ons::protocol::record::Record;
use ons::store::{Store, Table};
use std::collections::BTreeMap;
use template::{KEYS, Template};

/// Topic, queue id, queue offset.
pub(super) type Place = (String, i32, u64);
pub(super) type Records = BTreeMap<Place, Bytes>;

/// Most bytes that opening and reading a store of a few segments of at most 16 KiB may hold at once. A scan reads up to
/// 4 MiB at once, and redb's page cache has 2.
const BYTES_MAX: u64 = 48 << 20;

pub fn run(data: &[u8]) {
    log_sink::install();
    let mut input = Input::new(data);
    let choice = input.byte();
    let template = template::get(usize::from(choice >> 1));
    // Noise never has a right checksum. What the input itself wrote may have one: then it is not known to be damage.
    let is_forged = choice & 1 != 0;
    let machine = template.machine();
    damage::apply(&machine.disk, &mut input, is_forged);
    let used = measure(|| check(&machine, template, is_forged)).bytes_max;
    assert!(used <= BYTES_MAX, "{used} bytes allocated");
}

fn check(machine: &Machine, template: &Template, is_forged: bool) {
    let Some(store) = opened(machine.open()) else { return };
    let found = records(&store, template, is_forged);
    look_around(&store, template, is_forged);
    let (place, bytes) = append(&store, is_forged);
    if let Some(place) = &place {
        assert!(!found.contains_key(place), "{place:?} is given twice");
    }
    // A close may fail, as an append may: a file that is needed was taken away. What was read stays readable.
    let _ = store.close();
    drop(store);
    let again = Machine::on(machine.disk.after_process_kill());
    let Some(store) = opened(again.open()) else { return };
    if is_forged {
        return;
    }
    let mut expected = found;
    expected.extend(place.zip(bytes));
    for (place, bytes) in all(&store) {
        assert_eq!(expected.get(&place), Some(&bytes), "{place:?} was not there before");
    }
}

fn opened<T>(outcome: Result<T, Failure>) -> Option<T> {
    outcome.inspect_err(assert_explained).ok()
}

/// Damage is called damage, with the file's name.
fn assert_explained(failure: &Failure) {
    let kinds = [FailureKind::Corrupt, FailureKind::Storage, FailureKind::NotSupported];
    assert!(kinds.contains(&failure.kind), "{failure:?}");
    assert!(failure.message.contains("/data"), "{failure:?} names no file");
}

/// Everything the store hands out, proven to be what was written.
fn records(store: &Store, template: &Template, is_forged: bool) -> Records {
    let found = all(store);
    for (place, bytes) in found.iter().filter(|_| !is_forged) {
        assert_eq!(template.written.get(place), Some(bytes), "{place:?} is no record that was written there");
    }
    found
}

fn all(store: &Store) -> Records {
    let mut found = Records::new();
    for queue in store.queues() {
        let mut offset = queue.min_offset();
        while let Some(read) = opened(store.read(&queue, offset, 100, 64 << 10, &|_| true)) {
            assert!(read.next_offset >= offset);
            for bytes in read.records {
                let record = Record::decode(&bytes).ok();
                let own = record.map_or(u64::MAX, |record| record.head.queue_offset as u64);
                found.insert((queue.topic().to_string(), queue.id(), own), bytes);
            }
            if read.next_offset == offset {
                break;
            }
            offset = read.next_offset;
        }
    }
    found
}

/// The other ways to a record, and the tables.
fn look_around(store: &Store, template: &Template, is_forged: bool) {
    for (position, written) in template.positions() {
        if let Some(Some(bytes)) = opened(store.record_at(position)) {
            assert!(is_forged || written == Some(&bytes), "another record at {position}");
        }
    }
    for key in KEYS {
        for bytes in opened(store.find_by_key("T", key, 50)).unwrap_or_default() {
            let is_written = template.written.values().any(|written| *written == bytes);
            assert!(is_forged || is_written, "another record by the key {key}");
        }
    }
    for queue in store.queues() {
        opened(store.search_offset(&queue, machine::START_MS + 5));
    }
    for table in [Table::Topics, Table::Groups, Table::Offsets] {
        for row in opened(store.rows(table)).unwrap_or_default() {
            assert!(template.rows.contains(&row), "{row:?} was never put");
        }
    }
    for waiting in store.due_timers(i64::MAX, 100) {
        let Some(record) = opened(store.waiting_record(waiting)) else { continue };
        let id = waiting.id;
        let is_own = template.timers.iter().any(|timer| *timer == (id, record.body().clone()));
        assert!(is_own || is_forged, "no timer {id} was set");
    }
    let _ = store.statistics();
}

/// One more message, if the store still takes any.
fn append(store: &Store, is_forged: bool) -> (Option<Place>, Option<Bytes>) {
    let Some(appended) = opened(machine::append(store, "T", 1, "KEYS\u{1}one-more\u{2}", b"one more")) else {
        return (None, None);
    };
    let bytes = opened(store.record_at(appended.position)).flatten();
    assert!(bytes.is_some() || is_forged, "what was appended is not there");
    (Some(("T".to_owned(), 1, appended.queue_offset)), bytes)
}
