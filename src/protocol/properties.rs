//! Message properties in RocketMQ's own text form: `name \u{1} value \u{2} name \u{1} value \u{2} ...`.

use super::failure::Failure;
use super::limits::PROPERTIES_BYTES_MAX;

pub const KEYS: &str = "KEYS";
pub const TAGS: &str = "TAGS";
pub const WAIT: &str = "WAIT";
pub const DELAY: &str = "DELAY";
pub const UNIQ_KEY: &str = "UNIQ_KEY";
pub const RETRY_TOPIC: &str = "RETRY_TOPIC";
pub const REAL_TOPIC: &str = "REAL_TOPIC";
pub const REAL_QID: &str = "REAL_QID";
pub const TRAN_MSG: &str = "TRAN_MSG";
pub const ORIGIN_MESSAGE_ID: &str = "ORIGIN_MESSAGE_ID";
pub const DLQ_ORIGIN_TOPIC: &str = "DLQ_ORIGIN_TOPIC";
pub const DLQ_ORIGIN_MESSAGE_ID: &str = "DLQ_ORIGIN_MESSAGE_ID";
/// When a waiting message is due, epoch ms (RocketMQ 5's own name).
pub const TIMER_OUT_MS: &str = "TIMER_OUT_MS";
/// On a message that was delivered by a timer: log position of the record that waited. Makes firing idempotent.
pub const TIMER_ORIGIN: &str = "TIMER_ORIGIN";
/// The ONS SDK's property for the absolute delivery time, epoch ms.
pub const START_DELIVER_TIME: &str = "__STARTDELIVERTIME";
pub const SHARDING_KEY: &str = "__SHARDINGKEY";

const NAME_END: char = '\u{1}';
const PAIR_END: char = '\u{2}';

/// Properties of one message. Order is kept; names are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    text: String,
}

impl Properties {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text as it came over the wire or out of a record. Pairs without name or value are dropped when read.
    pub fn from_text(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !text.is_empty() && !text.ends_with(PAIR_END) {
            text.push(PAIR_END);
        }
        Self { text }
    }

    pub fn as_text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        get(&self.text, name)
    }

    /// Adds or replaces one property. A name or value that is empty or contains a separator is refused, and so is a
    /// text that would grow over [`PROPERTIES_BYTES_MAX`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        check_part("name", name, name)?;
        check_part("value", name, value)?;
        let grown = self.text.len() + name.len() + value.len() + 2;
        if grown > PROPERTIES_BYTES_MAX && grown - self.get(name).map_or(0, str::len) > PROPERTIES_BYTES_MAX {
            return Err(Failure::invalid(format!(
                "properties would have {grown} bytes with '{name}', the limit is {PROPERTIES_BYTES_MAX}"
            )));
        }
        self.remove(name);
        self.text.push_str(name);
        self.text.push(NAME_END);
        self.text.push_str(value);
        self.text.push(PAIR_END);
        Ok(())
    }

    pub fn remove(&mut self, name: &str) {
        if self.get(name).is_none() {
            return;
        }
        let mut kept = String::with_capacity(self.text.len());
        for (own, value) in iter(&self.text).filter(|(own, _)| *own != name) {
            kept.push_str(own);
            kept.push(NAME_END);
            kept.push_str(value);
            kept.push(PAIR_END);
        }
        self.text = kept;
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        iter(&self.text)
    }
}

/// The value of `name` in a property text.
pub fn get<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    iter(text).find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The pairs of a property text; pairs without both parts are passed over.
pub fn iter(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(PAIR_END)
        .filter_map(|pair| pair.split_once(NAME_END))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

fn check_part(what: &str, name: &str, part: &str) -> Result<(), Failure> {
    if part.is_empty() {
        return Err(Failure::invalid(format!("property {what} is empty (property '{name}')")));
    }
    if part.contains([NAME_END, PAIR_END]) {
        return Err(Failure::invalid(format!(
            "property '{}' has a {what} with the character U+0001 or U+0002, which separate properties",
            name.escape_debug()
        )));
    }
    Ok(())
}
