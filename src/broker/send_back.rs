//! Messages that a consumer gives back: to be tried again later, or to the dead letters.

use crate::broker::groups::check_consumer_group;
use crate::broker::lifecycle::Broker;
use crate::broker::retry;
use crate::broker::retry::Verdict;
use crate::protocol::failure::Completion;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Submitted;
use crate::protocol::names;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use crate::protocol::record::Record;
use crate::protocol::record::RecordHead;
use crate::protocol::request::SendBackRequest;
use crate::protocol::tags::tag_hash;
use crate::store::Append;
use crate::store::Appended;
use crate::store::Store;
use crate::store::queue::Queue;
use crate::sys::sync::Mutex;
use std::sync::Arc;
use std::sync::PoisonError;

impl Broker {
    /// Gives a message back. The completion runs when its next copy is durable.
    pub fn send_back(&self, request: SendBackRequest, completion: Completion<()>) {
        let copy = match self.next_copy(&request) {
            Ok(copy) => copy,
            Err(failure) => return completion(Err(failure)),
        };
        let done = |result: Result<Appended, Failure>| completion(result.map(|_| ()));
        append_copy(&self.store, &copy, Box::new(done));
    }

    fn next_copy(&self, request: &SendBackRequest) -> Result<Copy, Failure> {
        self.check_open()?;
        let group = &request.group;
        check_consumer_group(group)?;
        let held = || Record::decode(request.record.as_ref()?).ok();
        let record = self.record_at(request.position).or_else(|failure| held().ok_or(failure))?;
        let max = self.membership.reconsume_times_max(group).unwrap_or(request.reconsume_times_max);
        let times = record.head.reconsume_times;
        match retry::judge(times, request.delay_level, max) {
            Verdict::RetryAfter(wait) => {
                // Here and not when the wait is over, so that nothing but a full disk can come between then.
                self.topics.open_own(&names::retry_topic(group))?;
                let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                let due_ms = self.clock.wall_ms().saturating_add(wait_ms);
                let properties = retry::waiting_properties(&record, group, due_ms)?;
                let mut copy = Copy::new(record, self.timer_queue.clone(), properties);
                copy.head.reconsume_times = times.saturating_add(1);
                Ok(copy)
            }
            Verdict::DeadLetter => {
                let topic = self.topics.open_own(&names::dead_letter_topic(group))?;
                let id = record.property(properties::UNIQ_KEY).unwrap_or("without an id");
                log::warn!("message {id} goes to topic '{}' after {times} retries", topic.name());
                let properties = retry::dead_letter_properties(&record)?;
                Ok(Copy::new(record, topic.queue(0)?.clone(), properties))
            }
        }
    }

    fn record_at(&self, position: i64) -> Result<Record, Failure> {
        let bytes = match u64::try_from(position) {
            Ok(position) => self.store.record_at(position)?,
            Err(_) => None,
        };
        let bytes = bytes.ok_or_else(|| {
            let dir = self.dir.display();
            Failure::invalid(format!("there is no message at position {position} of the log in {dir}"))
        })?;
        Record::decode(&bytes).map_err(|error| {
            let dir = self.dir.display();
            Failure::new(
                FailureKind::Corrupt,
                format!("the message at position {position} of the log in {dir} is damaged: {error}"),
            )
        })
    }
}

/// A stored message on its way to another queue.
pub(super) struct Copy {
    pub(super) head: RecordHead,
    record: Record,
    queue: Arc<Queue>,
    properties: Properties,
}

impl Copy {
    pub(super) fn new(record: Record, queue: Arc<Queue>, properties: Properties) -> Self {
        Self { head: record.head, record, queue, properties }
    }
}

/// Appends a copy; the completion runs exactly once, at once or when the copy is durable.
pub(super) fn append_copy(store: &Store, copy: &Copy, completion: Completion<Appended>) {
    let append = Append {
        queue: &copy.queue,
        head: copy.head,
        properties: copy.properties.as_text(),
        body: copy.record.body(),
        tag_hash: copy.properties.get(properties::TAGS).map_or(0, tag_hash),
        noted: None,
    };
    // Whoever is told the result takes the completion: the store later, or this call now.
    let slot = Arc::new(Mutex::new(Some(completion)));
    let later = slot.clone();
    let finish = |slot: &Mutex<Option<Completion<Appended>>>, result| {
        let completion = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(completion) = completion {
            completion(result);
        }
    };
    match store.append(&append, Box::new(move |result| finish(&later, result))) {
        Submitted::Done(result) => finish(&slot, result),
        Submitted::Pending => {}
    }
}
