//! Storing messages.
//!
//! A send costs one pass over the properties before the store takes over: no text is made, and nothing is locked or
//! counted where threads meet, unless the thread sends to another topic than the last time.

use crate::broker::lifecycle::Broker;
use crate::broker::topics::UsedTopic;
use crate::protocol::failure::Failure;
use crate::protocol::failure::Submitted;
use crate::protocol::limits::BODY_BYTES_MAX;
use crate::protocol::limits::PROPERTIES_BYTES_MAX;
use crate::protocol::properties;
use crate::protocol::record::RecordHead;
use crate::protocol::record::SYS_FLAG_TRANSACTION_MASK;
use crate::protocol::request::SendRequest;
use crate::protocol::request::SendResponse;
use crate::protocol::request::SendSink;
use crate::protocol::tags::tag_hash;
use crate::store::Append;
use crate::store::Noted;
use crate::store::topic_hash;
use std::sync::Arc;
use std::time::Duration;

/// What a retry or a dead letter adds to a message's properties: two topic names, two message ids, queue, time and
/// the names of these. A message must leave room for it, or it could never be tried again.
pub(super) const PROPERTIES_BYTES_RESERVED: usize = 512;
/// Longest property text of a message that is sent.
pub(super) const SEND_PROPERTIES_BYTES_MAX: usize = PROPERTIES_BYTES_MAX - PROPERTIES_BYTES_RESERVED;

/// Properties that ask for a delivery in the future.
pub(super) const DELIVERY_TIME_PROPERTIES: &[&str] = &[
    properties::START_DELIVER_TIME,
    properties::DELAY,
    "TIMER_DELIVER_MS",
    "TIMER_DELAY_MS",
    "TIMER_DELAY_SEC",
    "TIMER_DELAY_LEVEL",
];
/// Properties that only the broker itself gives to a message.
const OWN_PROPERTIES: &[&str] = &[properties::TIMER_OUT_MS, properties::TIMER_ORIGIN];

impl Broker {
    /// Stores a message and waits for it, at most `timeout`, on this thread where that is possible.
    pub fn send(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<SendResponse, Failure> {
        let (topic, inspected) = self.admit(request)?;
        let append = append_of(&topic, request, inspected)?;
        let appended = self.store.append_blocking(&append, timeout)?;
        Ok(appended.response(append.queue.id()))
    }

    /// Starts to store a message; waits at most `timeout` for room, see [`Store::append_for`]. `Pending`: `sink` hears of
    /// `token` exactly once.
    pub fn send_async(
        &self,
        request: &SendRequest<'_>,
        sink: &Arc<dyn SendSink>,
        token: u64,
        timeout: Duration,
    ) -> Submitted<SendResponse> {
        let (topic, inspected) = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(failure) => return Submitted::Done(Err(failure)),
        };
        let append = match append_of(&topic, request, inspected) {
            Ok(append) => append,
            Err(failure) => return Submitted::Done(Err(failure)),
        };
        match self.store.append_for(&append, sink, token, timeout) {
            Submitted::Done(result) => {
                Submitted::Done(result.map(|appended| appended.response(append.queue.id())))
            }
            Submitted::Pending => Submitted::Pending,
        }
    }

    /// Hands a message over; an error only for what can be told at once. Waits at most `timeout` for room.
    pub fn send_oneway(&self, request: &SendRequest<'_>, timeout: Duration) -> Result<(), Failure> {
        let (topic, inspected) = self.admit(request)?;
        self.store.append_detached(&append_of(&topic, request, inspected)?, timeout)
    }

    /// The topic and what the properties say, if the message may be stored at all. The topic comes last: a message that
    /// is refused makes none.
    pub(super) fn admit(&self, request: &SendRequest<'_>) -> Result<(UsedTopic, Inspected), Failure> {
        self.check_open()?;
        check_sizes(request)?;
        let inspected = inspect(request)?;
        Ok((self.topics.open_for_send(request.topic, request.producer_group)?, inspected))
    }
}

/// What a message's properties say to the broker and to the store.
pub(super) struct Inspected {
    pub(super) tag_hash: i64,
    noted: Noted,
}

pub(super) fn append_of<'a>(
    topic: &'a UsedTopic,
    request: &'a SendRequest<'a>,
    inspected: Inspected,
) -> Result<Append<'a>, Failure> {
    let queue = topic.queue_for_send(request.queue_id)?;
    let head = RecordHead {
        queue_id: queue.id(),
        flag: request.flag,
        sys_flag: request.sys_flag,
        born_timestamp_ms: request.born_timestamp_ms,
        reconsume_times: request.reconsume_times,
        ..RecordHead::default()
    };
    let Inspected { tag_hash, noted } = inspected;
    let (properties, body) = (request.properties, request.body);
    Ok(Append { queue, head, properties, body, tag_hash, noted: Some(noted) })
}

fn check_sizes(request: &SendRequest<'_>) -> Result<(), Failure> {
    let topic = request.topic;
    if request.body.is_empty() {
        return Err(Failure::invalid(format!(
            "the body of the message to topic '{topic}' is empty: 1 to {BODY_BYTES_MAX} bytes are needed"
        )));
    }
    let len = request.body.len();
    if len > BODY_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "the body of the message to topic '{topic}' has {len} bytes, the limit is {BODY_BYTES_MAX}"
        )));
    }
    let len = request.properties.len();
    if len > SEND_PROPERTIES_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "the properties of the message to topic '{topic}' have {len} bytes, the limit is \
             {SEND_PROPERTIES_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// One pass over the properties: what they say, or why the message cannot be stored.
fn inspect(request: &SendRequest<'_>) -> Result<Inspected, Failure> {
    let topic = request.topic;
    let (topic_hash, mut noted) = (topic_hash(topic), Noted::default());
    let mut tag: Option<&str> = None;
    for (name, value) in properties::iter(request.properties) {
        if name == properties::TAGS {
            tag = Some(value);
        } else if name == properties::UNIQ_KEY {
            noted.add_key(topic_hash, value);
        } else if name == properties::KEYS {
            noted.add_keys(topic_hash, value);
        } else if value != "0" && DELIVERY_TIME_PROPERTIES.contains(&name) {
            return Err(Failure::not_supported(format!(
                "the message to topic '{topic}' has a delivery time (property '{name}'): \
                 timed messages are not part of this version"
            )));
        } else if OWN_PROPERTIES.contains(&name) {
            return Err(Failure::invalid(format!(
                "the message to topic '{topic}' has the property '{name}', which only the broker may set"
            )));
        } else if name == properties::TRAN_MSG && value.eq_ignore_ascii_case("true") {
            return Err(transactional(topic, "property 'TRAN_MSG'"));
        }
    }
    if request.sys_flag & SYS_FLAG_TRANSACTION_MASK != 0 {
        return Err(transactional(topic, "sysFlag"));
    }
    Ok(Inspected { tag_hash: tag.map_or(0, tag_hash), noted })
}

fn transactional(topic: &str, by: &str) -> Failure {
    Failure::not_supported(format!(
        "the message to topic '{topic}' is transactional ({by}): transactions are not part of this version"
    ))
}
