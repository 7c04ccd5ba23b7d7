//! What a directory holds after a kill, against everything its writers said since it was made.

use super::GROUP;
use super::Name;
use super::TOPIC;
use super::Told;
use super::proof;
use super::property;
use ons::Action;
use ons::ClockKind;
use ons::EmbeddedBroker;
use ons::Factory;
use ons::FactoryProperty;
use ons::FailureKind;
use ons::Message;
use ons::keys;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

const CONSUME_MAX: Duration = Duration::from_secs(120);

/// Queue and queue offset.
type Place = (i32, i64);

/// Everything said about one directory.
#[derive(Default)]
pub struct History {
    acknowledged: Vec<Name>,
    delivered: HashSet<Name>,
    checks: u32,
}

impl History {
    /// Consumes everything with a new group, and what is left for the writer's own group with that. True: of that some
    /// offset had been committed by the writer.
    pub fn check(&mut self, dir: &Path, flush: &str, place: &str, told: Told) -> bool {
        let told_before = self.delivered.len();
        self.acknowledged.extend(told.acknowledged);
        self.delivered.extend(told.delivered);
        self.checks += 1;
        let own_group = format!("CID_check_{}", self.checks);
        // A writer that died before it made the directory left nothing to open.
        let property = property(dir, flush);
        let broker = EmbeddedBroker::open(dir, &property, ClockKind::System)
            .unwrap_or_else(|failure| panic!("{place}: {failure}"));
        let log = consume_all(&broker, &property, &own_group, place);
        let left = consume_all(&broker, &property, GROUP, place);
        broker.close().unwrap();
        // At the last check everything was consumed.
        let is_committed = log.len() - left.len() > told_before;
        self.delivered.extend(left.into_values());
        self.compare(&log, place);
        is_committed
    }

    fn compare(&self, log: &BTreeMap<Place, Name>, place: &str) {
        let mut places: HashMap<Name, Place> = HashMap::new();
        let mut last: HashMap<(i32, u64), u64> = HashMap::new();
        for (&at, &(thread, number)) in log {
            if let Some(other) = places.insert((thread, number), at) {
                panic!("{place}: message {thread} {number} is stored at {other:?} and {at:?}");
            }
            // In the order of queue and offset, the numbers of one thread ascend.
            if let Some(before) = last.insert((at.0, thread), number) {
                assert!(before < number, "{place}: {thread} {before} stands before {thread} {number}");
            }
        }
        let is_stored = |name: &&Name| places.contains_key(name);
        none(place, "acknowledged and lost", self.acknowledged.iter().filter(|name| !is_stored(name)));
        none(place, "delivered and lost", self.delivered.iter().filter(|name| !is_stored(name)));
        let is_delivered = |name: &&Name| self.delivered.contains(name);
        none(place, "passed over by the offset", log.values().filter(|name| !is_delivered(name)));
    }
}

fn none<'a>(place: &str, what: &str, names: impl Iterator<Item = &'a Name>) {
    let names: Vec<_> = names.collect();
    assert!(names.is_empty(), "{place}: {} messages are {what}, the first is {:?}", names.len(), names[0]);
}

/// Place -> message of all that a group has not consumed. A place may be delivered twice, that is allowed.
fn consume_all(
    broker: &EmbeddedBroker,
    property: &FactoryProperty,
    group: &str,
    place: &str,
) -> BTreeMap<Place, Name> {
    let count = match broker.backlog(group, TOPIC) {
        Ok(messages) => usize::try_from(messages).unwrap(),
        // The first message makes the topic; a kill may come before it.
        Err(failure) if failure.kind == FailureKind::TopicNotExist => 0,
        Err(failure) => panic!("{place}: {failure}"),
    };
    if count == 0 {
        return BTreeMap::new();
    }
    let mut property = property.clone();
    property.set(keys::CONSUMER_ID, group).unwrap();
    let consumer = Factory::create_push_consumer(&property).unwrap();
    let log = Arc::new(Mutex::new(BTreeMap::new()));
    let (complete, is_complete) = mpsc::channel();
    let seen = log.clone();
    consumer
        .subscribe(TOPIC, "*", move |message| {
            let mut seen = seen.lock().unwrap();
            seen.insert((message.queue_id(), message.queue_offset()), name(message));
            if seen.len() == count {
                let _ = complete.send(());
            }
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    if is_complete.recv_timeout(CONSUME_MAX).is_err() {
        let (consumed, stacks) = (log.lock().unwrap().len(), proof::stacks_of(std::process::id()));
        panic!("{place}: group {group} consumed {consumed} of {count} stored messages\n{stacks}");
    }
    consumer.shutdown().unwrap();
    std::mem::take(&mut log.lock().unwrap())
}

pub fn name(message: &Message) -> Name {
    let text = std::str::from_utf8(message.body()).unwrap();
    let mut words = text.split(' ');
    let mut number = || words.next().unwrap().parse().unwrap();
    (number(), number())
}
