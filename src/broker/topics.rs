//! The topics of a broker and their queues.
//!
//! A row of `Table::Topics`, by the topic's name:
//!
//! ```text
//! 0 version = 1   1 | 1 queues   4 (big-endian)
//! ```
//!
//! A row may be missing after a crash, as rows become durable later than messages: the log's own queues say then
//! which topics there are.

use crate::broker::lifecycle::BrokerConfig;
use crate::broker::membership::Membership;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::names;
use crate::store::Store;
use crate::store::Table;
use crate::store::queue::Queue;
use crate::sys::sync::RwLock;
use crate::sys::sync::atomic::AtomicUsize;
use crate::sys::sync::atomic::Ordering;
use crate::sys::sync::leaf::atomic::AtomicU64;
use crate::sys::sync::thread_local;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;

const ROW_VERSION: u8 = 1;
/// Most queues of one topic.
pub(super) const TOPIC_QUEUES_MAX: i32 = 65_536;

/// A topic and its queues, in order of their ids from 0.
#[derive(Debug)]
pub(super) struct Topic {
    name: Arc<str>,
    queues: Vec<Arc<Queue>>,
    /// Where the turn of the next thread begins.
    turn: AtomicUsize,
}

impl Topic {
    fn open(store: &Store, name: &str, queues: i32) -> Self {
        let queues = (0..queues).map(|id| store.open_queue(name, id)).collect();
        Self { name: name.into(), queues, turn: AtomicUsize::new(0) }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn queues(&self) -> &[Arc<Queue>] {
        &self.queues
    }

    pub(super) fn queue(&self, id: i32) -> Result<&Arc<Queue>, Failure> {
        usize::try_from(id).ok().and_then(|index| self.queues.get(index)).ok_or_else(|| {
            let last = self.queues.len().saturating_sub(1);
            Failure::invalid(format!("topic '{}' has no queue {id}: its queues are 0 to {last}", self.name))
        })
    }
}

thread_local! {
    static LAST_USED: Cell<Option<Used>> = const { Cell::new(None) };
}

/// The topic a thread sent to last.
struct Used {
    topics_id: u64,
    topic: Arc<Topic>,
    /// Counts this thread's sends whose queue the broker chooses.
    turn: usize,
}

/// A topic for one send; stays with the thread for its next one.
pub(super) struct UsedTopic {
    used: Option<Used>,
}

impl UsedTopic {
    /// The queue for the send: the one asked for, or the next in turn if that is negative.
    pub(super) fn queue_for_send(&self, id: i32) -> Result<&Arc<Queue>, Failure> {
        let Some(Used { topic, turn, .. }) = &self.used else {
            return Err(Failure::state("the topic of this send was given back already"));
        };
        if id >= 0 {
            return topic.queue(id);
        }
        match topic.queues.get(turn % topic.queues.len().max(1)) {
            Some(queue) => Ok(queue),
            None => topic.queue(0),
        }
    }
}

impl Drop for UsedTopic {
    fn drop(&mut self) {
        if let Some(used) = self.used.take() {
            let used = Used { turn: used.turn.wrapping_add(1), ..used };
            // A thread that ends has no place for it any more.
            let _ = LAST_USED.try_with(|place| place.set(Some(used)));
        }
    }
}

pub(super) struct Topics {
    /// Tells the topics of one broker from those of another.
    id: u64,
    store: Arc<Store>,
    membership: Arc<Membership>,
    by_name: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
    auto_create: bool,
    default_queues: i32,
}

impl Topics {
    pub(super) fn restore(
        config: &BrokerConfig,
        store: Arc<Store>,
        membership: Arc<Membership>,
    ) -> Result<Self, Failure> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let topics = Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            store,
            membership,
            by_name: RwLock::default(),
            auto_create: config.auto_create_topic,
            default_queues: config.default_queues,
        };
        let mut queues_of: HashMap<String, i32> = HashMap::new();
        for (name, row) in topics.store.rows(Table::Topics)? {
            let queues = decode_row(&name, &row)?;
            queues_of.insert(name, queues);
        }
        for (name, queues) in topics.missing_in_rows(&queues_of) {
            topics.store.put_row(Table::Topics, &name, &encode_row(queues));
            queues_of.insert(name, queues);
        }
        let mut by_name = HashMap::with_capacity(queues_of.len());
        for (name, queues) in queues_of {
            let topic = Topic::open(&topics.store, &name, queues);
            by_name.insert(topic.name.clone(), Arc::new(topic));
        }
        *topics.by_name.write().unwrap_or_else(PoisonError::into_inner) = by_name;
        Ok(topics)
    }

    /// Topics of the log's own queues that have no row, or one that says fewer queues.
    fn missing_in_rows(&self, rows: &HashMap<String, i32>) -> HashMap<String, i32> {
        let mut missing: HashMap<String, i32> = HashMap::new();
        for queue in self.store.queues() {
            let name = queue.topic().as_ref();
            let at_least = queue.id().saturating_add(1);
            let known = rows.get(name).copied();
            if names::is_system_topic(name) || known.is_some_and(|queues| queues >= at_least) {
                continue;
            }
            let queues = known.unwrap_or_else(|| self.queues_at_creation(name)).max(at_least);
            let entry = missing.entry(name.to_owned()).or_insert(queues);
            *entry = queues.max(*entry);
        }
        missing
    }

    /// One read lock and one hash.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Topic>, Failure> {
        self.find(name).ok_or_else(|| not_exist(name, "it is made by the first message sent to it"))
    }

    /// The topic of a send by a user of a producer group; made now if it may be. A thread that sends to the topic it sent
    /// to before takes no lock and changes no count that other threads change.
    pub(super) fn open_for_send(&self, name: &str, group: &str) -> Result<UsedTopic, Failure> {
        if let Some(used) = LAST_USED.try_with(Cell::take).ok().flatten()
            && used.topics_id == self.id
            && *used.topic.name == *name
        {
            return Ok(UsedTopic { used: Some(used) });
        }
        let topic = self.find_or_make(name, group)?;
        let turn = topic.turn.fetch_add(1, Ordering::Relaxed);
        Ok(UsedTopic { used: Some(Used { topics_id: self.id, topic, turn }) })
    }

    fn find_or_make(&self, name: &str, group: &str) -> Result<Arc<Topic>, Failure> {
        if let Some(topic) = self.find(name) {
            return Ok(topic);
        }
        names::check_topic(name)?;
        if !self.auto_create && !is_group_topic(name) {
            let hint = format!("create it before '{group}' sends to it, as autoCreateTopic is off");
            return Err(not_exist(name, &hint));
        }
        Ok(self.make(name))
    }

    /// A topic that the broker itself needs; made whatever the settings say.
    pub(super) fn open_own(&self, name: &str) -> Result<Arc<Topic>, Failure> {
        if let Some(topic) = self.find(name) {
            return Ok(topic);
        }
        names::check_topic(name)?;
        Ok(self.make(name))
    }

    /// In name order.
    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        let mut all: Vec<_> =
            self.by_name.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn make(&self, name: &str) -> Arc<Topic> {
        let topic = {
            let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(topic) = by_name.get(name) {
                return topic.clone();
            }
            let queues = self.queues_at_creation(name);
            let topic = Arc::new(Topic::open(&self.store, name, queues));
            self.store.put_row(Table::Topics, name, &encode_row(queues));
            by_name.insert(topic.name.clone(), topic.clone());
            topic
        };
        log::info!("topic '{name}' made with {} queues", topic.queues.len());
        self.membership.notify_subscribers(name);
        topic
    }

    fn queues_at_creation(&self, name: &str) -> i32 {
        if is_group_topic(name) { 1 } else { self.default_queues }
    }
}

/// Whether the topic belongs to a consumer group: its retries or its dead letters.
fn is_group_topic(name: &str) -> bool {
    name.starts_with(names::RETRY_PREFIX) || name.starts_with(names::DEAD_LETTER_PREFIX)
}

fn not_exist(name: &str, hint: &str) -> Failure {
    Failure::new(FailureKind::TopicNotExist, format!("topic '{name}' does not exist: {hint}"))
}

fn encode_row(queues: i32) -> [u8; 5] {
    let [a, b, c, d] = queues.to_be_bytes();
    [ROW_VERSION, a, b, c, d]
}

pub(super) fn decode_row(name: &str, row: &[u8]) -> Result<i32, Failure> {
    let queues = match *row {
        [ROW_VERSION, a, b, c, d] => i32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    if !(1..=TOPIC_QUEUES_MAX).contains(&queues) {
        return Err(Failure::new(
            FailureKind::Corrupt,
            format!("the stored row of topic '{name}' is damaged or of a newer version: {row:?}"),
        ));
    }
    Ok(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_a_damaged_one_is_named() {
        assert_eq!(decode_row("T", &encode_row(8)), Ok(8));
        assert_eq!(decode_row("T", &encode_row(TOPIC_QUEUES_MAX)), Ok(TOPIC_QUEUES_MAX));
        for damaged in
            [&encode_row(TOPIC_QUEUES_MAX + 1)[..], &encode_row(0), &[2, 0, 0, 0, 8], &[1, 0, 0, 8], &[]]
        {
            let failure = decode_row("T", damaged).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Corrupt);
            assert!(failure.message.contains("topic 'T'"), "{failure}");
        }
    }
}
