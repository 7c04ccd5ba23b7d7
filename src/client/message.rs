//! A message as a program sees it: topic, tag, key, body and properties, on the way out and on the way in.

mod labels;
mod slice;
mod system_property;
mod text;

use crate::protocol::failure::Failure;
use crate::protocol::limits::KEY_CHARS_MAX;
use crate::protocol::limits::PROPERTIES_BYTES_MAX;
use crate::protocol::limits::TAG_CHARS_MAX;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use crate::protocol::record::Record;
use crate::protocol::unique_id::UniqueId;
use crate::sys::sync::{OnceLock, thread_local};
use bytes::Bytes;
use slice::Slice;
use std::cell::RefCell;
use std::sync::Arc;
use system_property::NumberTexts;
use text::Text;

/// A message. Cloning one that the program made shares topic and body. One that was received lies in the block of up to
/// 4 MiB it was read in, and keeps all of it; a clone of it has its own memory, but for a body over 64 KiB, which it shares
/// with that block.
#[derive(Debug, Clone, Default)]
pub struct Message {
    topic: Arc<str>,
    /// Tag, key and the user's properties, in wire form.
    text: Text,
    body: Slice,
    message_id: MessageId,
    start_deliver_time_ms: i64,
    reconsume_times: i32,
    store_timestamp_ms: i64,
    born_timestamp_ms: i64,
    queue_id: i32,
    queue_offset: i64,
    /// System properties besides those that are fields.
    other_system: Properties,
    number_texts: OnceLock<Box<NumberTexts>>,
    /// Why tag or key given to a constructor were not taken; told by the send.
    refused: Option<Box<Refused>>,
}

/// The unique id besides what the text says.
#[derive(Debug, Clone, Default)]
enum MessageId {
    /// What the text says (a received message), or none.
    #[default]
    OfText,
    /// Given by a send.
    Own(UniqueId),
    /// Empty: taken away, whatever the text says.
    Given(String),
}

#[derive(Debug, Clone, Default)]
struct Refused {
    tag: Option<Failure>,
    key: Option<Failure>,
}

impl Message {
    /// A tag that is not acceptable is told by the send; [`Message::set_tag`] tells it at once.
    pub fn new(topic: &str, tag: &str, body: impl Into<Bytes>) -> Self {
        Self::with_key(topic, tag, "", body)
    }

    /// As [`Message::new`], with a business key to find the message by.
    pub fn with_key(topic: &str, tag: &str, key: &str, body: impl Into<Bytes>) -> Self {
        let mut message = Self { topic: shared(topic), body: Slice::own(body.into()), ..Self::default() };
        let refused = Refused { tag: message.set_tag(tag).err(), key: message.set_key(key).err() };
        if refused.tag.is_some() || refused.key.is_some() {
            message.refused = Some(Box::new(refused));
        }
        message
    }

    /// As [`Message::with_key`], for who can be told at once of a tag or key that is not acceptable.
    pub(crate) fn from_parts(topic: &str, tag: &str, key: &str, body: Bytes) -> Result<Self, Failure> {
        check_chars("tag", tag, TAG_CHARS_MAX)?;
        check_chars("key", key, KEY_CHARS_MAX)?;
        let mut text = Properties::new();
        if !tag.is_empty() {
            text.push_named(properties::TAGS, tag)?;
        }
        if !key.is_empty() {
            text.push_named(properties::KEYS, key)?;
        }
        let (text, body) = (Text::own(text), Slice::own(body));
        Ok(Self { topic: shared(topic), text, body, ..Self::default() })
    }

    /// A message that was pulled. `topic` is the one the program subscribed to, whatever queue it came out of.
    pub(crate) fn from_record(record: Record, topic: Arc<str>) -> Self {
        let head = record.head;
        let start_deliver_time_ms =
            record.property(properties::START_DELIVER_TIME).and_then(|text| text.parse().ok()).unwrap_or(0);
        let (body, properties) = record.into_body_and_properties();
        Self {
            topic,
            body: Slice::of_block(body),
            start_deliver_time_ms,
            reconsume_times: head.reconsume_times,
            store_timestamp_ms: head.store_timestamp_ms,
            born_timestamp_ms: head.born_timestamp_ms,
            queue_id: head.queue_id,
            queue_offset: head.queue_offset,
            text: Text::received(properties),
            ..Self::default()
        }
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn shared_topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub fn set_topic(&mut self, topic: &str) {
        if *self.topic != *topic {
            self.topic = shared(topic);
        }
    }

    pub fn tag(&self) -> &str {
        self.text.get(properties::TAGS).unwrap_or_default()
    }

    /// An empty text takes the tag away.
    pub fn set_tag(&mut self, tag: &str) -> Result<(), Failure> {
        self.set_wire("tag", properties::TAGS, tag, TAG_CHARS_MAX)?;
        if let Some(refused) = &mut self.refused {
            refused.tag = None;
        }
        Ok(())
    }

    pub fn key(&self) -> &str {
        self.text.get(properties::KEYS).unwrap_or_default()
    }

    /// An empty text takes the key away.
    pub fn set_key(&mut self, key: &str) -> Result<(), Failure> {
        self.set_wire("key", properties::KEYS, key, KEY_CHARS_MAX)?;
        if let Some(refused) = &mut self.refused {
            refused.key = None;
        }
        Ok(())
    }

    fn set_wire(&mut self, what: &str, name: &str, value: &str, chars_max: usize) -> Result<(), Failure> {
        check_chars(what, value, chars_max)?;
        if value.is_empty() && self.text.get(name).is_none() {
            return Ok(());
        }
        self.own_text().set_or_remove(name, value)
    }

    /// The unique id: set by the send, carried by a received message; empty before.
    pub fn message_id(&self) -> &str {
        match &self.message_id {
            MessageId::OfText => self.text.get(properties::UNIQ_KEY).unwrap_or_default(),
            MessageId::Own(id) => id.as_str(),
            MessageId::Given(id) => id,
        }
    }

    /// An empty text takes the id away.
    pub fn set_message_id(&mut self, message_id: &str) {
        self.message_id = MessageId::Given(message_id.to_owned());
    }

    pub(crate) fn set_own_id(&mut self, message_id: UniqueId) {
        self.message_id = MessageId::Own(message_id);
    }

    /// Whoever keeps these bytes of a received message, and not a clone of the message, keeps the block they were read in.
    pub fn body(&self) -> &Bytes {
        self.body.bytes()
    }

    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.body = Slice::own(body.into());
    }

    /// Epoch time in ms before which the message is not delivered; 0: none.
    pub fn start_deliver_time_ms(&self) -> i64 {
        self.start_deliver_time_ms
    }

    pub fn set_start_deliver_time_ms(&mut self, epoch_ms: i64) {
        self.start_deliver_time_ms = epoch_ms;
        self.number_texts.take();
    }

    /// How many times a consumer has given the message back before.
    pub fn reconsume_times(&self) -> i32 {
        self.reconsume_times
    }

    pub fn set_reconsume_times(&mut self, times: i32) {
        self.reconsume_times = times;
        self.number_texts.take();
    }

    pub fn store_timestamp_ms(&self) -> i64 {
        self.store_timestamp_ms
    }

    pub fn set_store_timestamp_ms(&mut self, epoch_ms: i64) {
        self.store_timestamp_ms = epoch_ms;
    }

    /// When the message was sent, epoch ms; 0 before.
    pub fn born_timestamp_ms(&self) -> i64 {
        self.born_timestamp_ms
    }

    pub(crate) fn set_born_timestamp_ms(&mut self, epoch_ms: i64) {
        self.born_timestamp_ms = epoch_ms;
    }

    pub fn queue_id(&self) -> i32 {
        self.queue_id
    }

    pub fn queue_offset(&self) -> i64 {
        self.queue_offset
    }

    pub fn set_queue_offset(&mut self, offset: i64) {
        self.queue_offset = offset;
    }

    /// A property the user gave the message.
    pub fn property(&self, name: &str) -> Option<&str> {
        if text::is_reserved(name) {
            return None;
        }
        self.text.get(name)
    }

    /// Adds or replaces a user property. Names of system properties are refused, and so are an empty name or value,
    /// the characters U+0001 and U+0002, and a sum over 32 767 bytes.
    pub fn set_property(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        if text::is_reserved(name) {
            return Err(Failure::invalid(format!(
                "property name '{name}' is reserved for the system: use another name, or the setter of its own"
            )));
        }
        self.own_text().set_or_remove(name, value)
    }

    /// The user's properties, in the order they were set.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        properties::iter(self.text.as_text()).filter(|(name, _)| !text::is_reserved(name))
    }

    /// Takes all user properties away; tag, key and the system properties stay.
    pub fn clear_properties(&mut self) {
        let names: Vec<String> = self.properties().map(|(name, _)| name.to_owned()).collect();
        let own = self.own_text();
        for name in names {
            own.remove(&name);
        }
    }

    /// Why the message cannot be sent, as far as it is known without the producer.
    pub(crate) fn check_constructed(&self) -> Result<(), Failure> {
        let refused = self.refused.as_deref();
        match refused.and_then(|refused| refused.tag.as_ref().or(refused.key.as_ref())) {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Appends the property text that goes with the message, its id included.
    pub(crate) fn write_properties(&self, out: &mut String) -> Result<(), Failure> {
        self.text.write_wire(out);
        out.push_str(self.other_system.as_text());
        text::push(out, properties::UNIQ_KEY, self.message_id());
        if out.len() > PROPERTIES_BYTES_MAX {
            let len = out.len();
            return Err(Failure::invalid(format!(
                "the properties of the message to topic '{}' have {len} bytes with its id, the limit is {PROPERTIES_BYTES_MAX}",
                self.topic
            )));
        }
        Ok(())
    }

    /// The text, made changeable: what only the broker may say about a received message is left behind.
    fn own_text(&mut self) -> &mut Properties {
        if matches!(self.message_id, MessageId::OfText)
            && let Some(id) = self.text.get(properties::UNIQ_KEY)
        {
            self.message_id = MessageId::Given(id.to_owned());
        }
        self.text.make_own()
    }
}

fn check_chars(what: &str, value: &str, chars_max: usize) -> Result<(), Failure> {
    // Counting characters is only needed where the bytes alone could be too many.
    if value.len() <= chars_max || value.chars().count() <= chars_max {
        return Ok(());
    }
    let count = value.chars().count();
    Err(Failure::invalid(format!(
        "{what} '{}...' has {count} characters, the limit is {chars_max}",
        value.chars().take(16).collect::<String>()
    )))
}

/// The text of a topic. A thread sends to the same topic again as a rule: those messages share it.
fn shared(topic: &str) -> Arc<str> {
    thread_local! {
        static LAST: RefCell<Arc<str>> = RefCell::default();
    }
    let known = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        if **last != *topic {
            *last = topic.into();
        }
        last.clone()
    });
    // A thread that ends has no place for it any more.
    known.unwrap_or_else(|_| topic.into())
}

#[cfg(test)]
mod tests;
