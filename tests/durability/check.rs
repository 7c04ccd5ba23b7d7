//! What must hold on a broker that was opened after a power cut, a kill or a failure, by what the model knows.

use crate::machine::{DEAD, GROUP, Machine, QUEUES, RETRY, TIMEOUT, key, request};
use crate::model::{Fired, Message, Model, Place};
use ons::protocol::properties::{self, Properties};
use ons::sys::clock::Clock;
use ons::sys::sim_disk::OperationKind;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

pub type Seen = BTreeMap<Place, Message>;

/// Longer than any wait for a retry.
const ALL_WAITS: Duration = Duration::from_secs(61);

macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}

/// All of it; returns what can be read and must stay so from now on. A message is sent and all timers are let fire.
pub fn check(machine: &Machine, model: &Model) -> Result<Seen, String> {
    if model.is_closed {
        opened_quickly(machine)?;
    }
    tidy(machine)?;
    let mut seen = read(machine)?;
    once_and_in_order(&seen)?;
    promised(&seen, model, machine.clock.wall_ms())?;
    offsets(machine, &seen, model)?;
    let (place, message) = goes_on(machine, model)?;
    seen.insert(place, message);
    timers(machine, &seen, model)?;
    Ok(seen)
}

/// That everything is still there.
pub fn check_again(machine: &Machine, before: &Seen) -> Result<(), String> {
    let seen = read(machine)?;
    once_and_in_order(&seen)?;
    let now_ms = machine.clock.wall_ms();
    for (place, message) in before.iter().filter(|(_, message)| !Model::is_expired(message.stored_ms, now_ms))
    {
        let found = seen.get(place);
        ensure!(
            found.is_some_and(|found| found.is_same(message)),
            "{place:?} was {message:?}, now {found:?}"
        );
    }
    Ok(())
}

pub fn read(machine: &Machine) -> Result<Seen, String> {
    let mut seen = Seen::new();
    for (topic, queue) in QUEUES {
        for (offset, record) in machine.read_all(topic, queue).map_err(|failure| failure.message)? {
            ensure!(record.is_body_intact(), "the body at {topic}@{queue} {offset} is damaged");
            ensure!(record.topic() == topic, "{topic}@{queue} {offset} is of {}", record.topic());
            let twice = seen.insert((topic, queue, offset), Message::of(&record));
            ensure!(twice.is_none(), "{topic}@{queue} {offset} is read twice");
        }
    }
    Ok(seen)
}

/// Each message once in its topic; those of one queue in the order they were sent in.
fn once_and_in_order(seen: &Seen) -> Result<(), String> {
    let mut known = BTreeSet::new();
    let mut last = BTreeMap::new();
    for (place @ (topic, queue, _), message) in seen {
        ensure!(known.insert((topic, message.id, message.times)), "{place:?}: a second time {message:?}");
        if Model::is_own_topic(topic) {
            continue;
        }
        let before = last.insert((topic, queue), message.id);
        ensure!(before < Some(message.id), "{place:?}: message {} stands behind {before:?}", message.id);
    }
    Ok(())
}

fn promised(seen: &Seen, model: &Model, now_ms: i64) -> Result<(), String> {
    for (place, message) in &model.messages {
        if !message.is_promised || Model::is_expired(message.stored_ms, now_ms) {
            continue;
        }
        let found = seen.get(place);
        ensure!(
            found.is_some_and(|found| found.is_same(message)),
            "lost at {now_ms}: {place:?} {message:?}, found {found:?}"
        );
    }
    for message in seen.values() {
        ensure!(!model.refused.contains(&message.id), "its send failed with 'not stored': {message:?}");
    }
    let buried: BTreeSet<u64> =
        seen.iter().filter(|((topic, ..), _)| *topic == DEAD).map(|(_, message)| message.id).collect();
    for (id, (stored_ms, is_promised)) in &model.dead {
        let must_be = *is_promised && !Model::is_expired(*stored_ms, now_ms);
        ensure!(!must_be || buried.contains(id), "lost: dead letter {id}");
    }
    Ok(())
}

/// Committed offsets are not lost, and what is below them was delivered.
fn offsets(machine: &Machine, seen: &Seen, model: &Model) -> Result<(), String> {
    let now_ms = machine.clock.wall_ms();
    for ((topic, queue), offset) in &model.offsets {
        let key = key(topic, *queue);
        let restored = machine.broker.query_offset(GROUP, &key).map_err(|failure| failure.message)?;
        ensure!(
            restored >= offset.lasting,
            "offset of {topic}@{queue}: {restored:?}, {:?} was checkpointed",
            offset.lasting
        );
        let Some(restored) = restored else { continue };
        let end = machine.broker.max_offset(&key).map_err(|failure| failure.message)?;
        ensure!(restored <= end, "offset of {topic}@{queue}: {restored}, the end is {end}");
        let below = seen.range((*topic, *queue, 0)..(*topic, *queue, restored as u64));
        for (place, message) in below.filter(|(_, message)| !Model::is_expired(message.stored_ms, now_ms)) {
            let delivered = model.delivered.get(place);
            ensure!(
                delivered == Some(&message.id),
                "offset {restored} skips {place:?}: {message:?}, delivered was {delivered:?}"
            );
        }
    }
    let (current, lasting) = model.retries;
    if lasting == Some(current) {
        let groups = machine.broker.groups();
        let group = groups.iter().find(|report| *report.group == *GROUP);
        let restored = group.and_then(|report| report.reconsume_times_max);
        ensure!(restored == lasting, "the group's retries are {restored:?}, {lasting:?} was checkpointed");
    }
    Ok(())
}

/// New messages are taken, at the end of their queue.
fn goes_on(machine: &Machine, model: &Model) -> Result<(Place, Message), String> {
    let (topic, queue) = QUEUES[0];
    let end = machine.broker.max_offset(&key(topic, queue)).unwrap_or(0);
    let id = model.next_id + 1000;
    let mut text = Properties::new();
    text.set(properties::UNIQ_KEY, &format!("{id:032X}")).map_err(|failure| failure.message)?;
    let now_ms = machine.clock.wall_ms();
    let sent = machine
        .broker
        .send(&request(topic, queue, now_ms, text.as_text(), b"goes on"), TIMEOUT)
        .map_err(|failure| format!("a new message is refused: {failure}"))?;
    ensure!(sent.queue_offset == end, "a new message got offset {}, the end was {end}", sent.queue_offset);
    let records = machine.read_all(topic, queue).map_err(|failure| failure.message)?;
    let (offset, record) = records.last().ok_or("a new message cannot be read")?;
    let message = Message::of(record);
    ensure!((*offset as i64, message.id) == (end, id), "a new message is not the last: {message:?}");
    Ok(((topic, queue, *offset), message))
}

/// Every retry that waited comes once, at its time, and none that had come comes again.
fn timers(machine: &Machine, seen: &Seen, model: &Model) -> Result<(), String> {
    let end = machine.broker.max_offset(&key(RETRY, 0)).unwrap_or(0) as u64;
    machine.advance(ALL_WAITS);
    let waiting = machine.broker.statistics().store.timers_waiting;
    ensure!(waiting == 0, "{waiting} timers still wait after the longest wait");
    let mut fired = BTreeMap::new();
    for (offset, record) in machine.read_all(RETRY, 0).map_err(|failure| failure.message)? {
        let message = Message::of(&record);
        let key = (message.id, message.times);
        if let Some(wait) = model.waits.get(&key) {
            let is_early = message.stored_ms < wait.due_ms;
            ensure!(!is_early, "retry {key:?} came at {}, due at {}", message.stored_ms, wait.due_ms);
        }
        ensure!(fired.insert(key, offset).is_none(), "retry {key:?} came twice");
    }
    for (key, wait) in &model.waits {
        let is_new = fired.get(key).is_some_and(|offset| *offset >= end);
        let had_come = seen.iter().any(|((topic, ..), m)| *topic == RETRY && (m.id, m.times) == *key);
        ensure!(!(is_new && had_come), "retry {key:?} came again");
        match wait.fired {
            Fired::Lasting => ensure!(!is_new, "retry {key:?} had come already and came again"),
            _ => {
                // It may have come and have been deleted, all unseen.
                let is_expired = Model::is_expired(wait.due_ms, machine.clock.wall_ms());
                let must_be = wait.is_promised && !is_expired;
                ensure!(!must_be || fired.contains_key(key), "retry {key:?} never came");
            }
        }
    }
    Ok(())
}

/// Nothing is left over: no unfinished file, no index without its segment, one spare at most.
fn tidy(machine: &Machine) -> Result<(), String> {
    let files: BTreeSet<_> = machine.disk.files().into_iter().map(|(path, _)| path).collect();
    let mut spares = 0;
    for path in files.iter().filter(|path| path.parent() == Some(Path::new("/data/log"))) {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("log") => {}
            Some("idx") => {
                ensure!(files.contains(&path.with_extension("log")), "{} has no segment", path.display());
            }
            Some("spare") => spares += 1,
            _ => return Err(format!("{} was left behind", path.display())),
        }
    }
    ensure!(spares < 2, "{spares} spares: {files:?}");
    Ok(())
}

/// After a clean close the log is not read again: only headers, and the end.
fn opened_quickly(machine: &Machine) -> Result<(), String> {
    let files = machine.disk.files();
    let logs: Vec<_> = files
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    let finished = &logs[..logs.len().saturating_sub(2)];
    for operation in machine.disk.operations() {
        let is_finished = finished.iter().any(|path| **path == *operation.path);
        let is_read = operation.kind == OperationKind::Read && operation.offset > 0;
        ensure!(!(is_finished && is_read), "the finished segment {} is read again", operation.path.display());
    }
    Ok(())
}
