//! Message properties in RocketMQ's own text form: `name \u{1} value \u{2} name \u{1} value \u{2} ...`.

use super::failure::Failure;
use super::limits::PROPERTIES_BYTES_MAX;
use std::ops::Range;

pub const KEYS: &str = "KEYS";
pub const TAGS: &str = "TAGS";
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

/// Room that an empty text takes at its first pair.
const TEXT_BYTES_USUAL: usize = 48;
const NAME_END: char = '\u{1}';
const PAIR_END: char = '\u{2}';
const NAME_END_BYTE: u8 = NAME_END as u8;
const PAIR_END_BYTE: u8 = PAIR_END as u8;

/// Properties of one message. Order is kept; of a name that a received text repeats, the last value counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// As received; the last separator may be missing.
    text: String,
}

impl Properties {
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for `bytes` of text, so that a sender's properties are built with one allocation.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes) }
    }

    /// Takes a text as it came over the wire or out of a record. Pairs without name or value are dropped when read.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    pub fn as_text(&self) -> &str {
        &self.text
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        get(&self.text, name)
    }

    /// Adds a property, or replaces its value in place. A name or value that is empty or contains a separator is
    /// refused, and so is a text that would grow over [`PROPERTIES_BYTES_MAX`]; then nothing is changed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        if self.text.is_empty() {
            return self.push(name, value);
        }
        check_part("value", name, value)?;
        let (first, second) = {
            let mut places = find(&self.text, name);
            (places.next(), places.next())
        };
        let Some(place) = first else { return self.push(name, value) };
        if second.is_some() {
            return self.replace_repeated(name, value);
        }
        check_len(name, self.text.len() - place.len() + value.len())?;
        self.text.replace_range(place, value);
        Ok(())
    }

    /// Appends a property of which the caller knows that it is not there yet: nothing is searched.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        check_part("name", name, name)?;
        self.push_named(name, value)
    }

    /// As [`Properties::push`], with a name of the library's own.
    pub(crate) fn push_named(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        check_part("value", name, value)?;
        let is_ended = self.text.is_empty() || self.text.ends_with(PAIR_END);
        let grown = name.len() + value.len() + 2 + usize::from(!is_ended);
        check_len(name, self.text.len() + grown)?;
        // The first pair of a message makes room for the usual ones: tag, key and a few of the user's.
        self.text.reserve(if self.text.is_empty() { grown.max(TEXT_BYTES_USUAL) } else { grown });
        if !is_ended {
            self.text.push(PAIR_END);
        }
        self.text.push_str(name);
        self.text.push(NAME_END);
        self.text.push_str(value);
        self.text.push(PAIR_END);
        Ok(())
    }

    /// [`Properties::set`], where an empty value takes the property away.
    pub fn set_or_remove(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        if value.is_empty() && !name.is_empty() {
            self.remove(name);
            return Ok(());
        }
        self.set(name, value)
    }

    pub fn remove(&mut self, name: &str) {
        if self.get(name).is_none() {
            return;
        }
        let mut kept = String::with_capacity(self.text.len() + 1);
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

    fn replace_repeated(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let mut replaced = self.clone();
        replaced.remove(name);
        replaced.push(name, value)?;
        *self = replaced;
        Ok(())
    }
}

/// The value of `name` in a property text: the last one, as in Java's map.
pub fn get<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    find(text, name).last().and_then(|place| text.get(place))
}

/// The pairs of a property text; pairs without both parts are passed over.
pub fn iter(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let pair = next_pair(&mut rest);
            if pair.is_some() {
                return pair;
            }
        }
        None
    })
}

/// Takes one pair off the front; none if it lacks name or value. One look at each byte: every send reads its properties.
fn next_pair<'a>(rest: &mut &'a str) -> Option<(&'a str, &'a str)> {
    let text = *rest;
    let mut name_end = None;
    // Bytes: both separators are ASCII, so they are never a part of another character.
    let mut from = 0;
    while let Some((at, byte)) = find_separator(text.as_bytes(), from) {
        if byte == PAIR_END_BYTE {
            *rest = text.get(at + 1..).unwrap_or_default();
            return parts(text.get(..at)?, name_end?);
        }
        name_end.get_or_insert(at);
        from = at + 1;
    }
    *rest = "";
    parts(text, name_end?)
}

/// Where the values of `name` are.
fn find(text: &str, name: &str) -> impl Iterator<Item = Range<usize>> {
    let is_name = !name.is_empty() && !has_separator(name);
    let mut start = if is_name { 0 } else { text.len() };
    std::iter::from_fn(move || {
        // Bytes: both separators are ASCII, so they are never a part of another character.
        while let Some(rest) = text.as_bytes().get(start..).filter(|rest| !rest.is_empty()) {
            let len = rest.iter().position(|byte| *byte == PAIR_END_BYTE).unwrap_or(rest.len());
            let end = start + len;
            start = end + 1;
            let value = rest.get(..len)?.strip_prefix(name.as_bytes()).unwrap_or_default();
            if let [NAME_END_BYTE, value @ ..] = value
                && !value.is_empty()
            {
                return Some(end - value.len()..end);
            }
        }
        None
    })
}

/// Name and value of one pair, unless one of them is missing.
fn parts(pair: &str, name_end: usize) -> Option<(&str, &str)> {
    let (name, value) = (pair.get(..name_end)?, pair.get(name_end + 1..)?);
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

/// The first separator from `from` on. Eight bytes at a time: every send reads its properties, and the parts are too
/// short for a search that has to warm up.
fn find_separator(bytes: &[u8], mut from: usize) -> Option<(usize, u8)> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let is_separator = |byte: &u8| matches!(*byte, NAME_END_BYTE | PAIR_END_BYTE);
    while let Some(eight) = bytes.get(from..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        // The high bit of each byte below 3; above the lowest such byte it may be wrong.
        let below_3 = word.wrapping_sub(3 * EACH) & !word & (0x80 * EACH);
        if below_3 == 0 {
            from += 8;
            continue;
        }
        let at = from + (below_3.trailing_zeros() / 8) as usize;
        match bytes.get(at) {
            Some(byte) if is_separator(byte) => return Some((at, *byte)),
            // A zero.
            _ => from = at + 1,
        }
    }
    let rest = bytes.get(from..)?;
    let at = rest.iter().position(is_separator)?;
    Some((from + at, *rest.get(at)?))
}

fn has_separator(part: &str) -> bool {
    find_separator(part.as_bytes(), 0).is_some()
}

fn check_len(name: &str, bytes: usize) -> Result<(), Failure> {
    if bytes > PROPERTIES_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "properties would have {bytes} bytes with '{name}', the limit is {PROPERTIES_BYTES_MAX}"
        )));
    }
    Ok(())
}

fn check_part(what: &str, name: &str, part: &str) -> Result<(), Failure> {
    if part.is_empty() {
        return Err(Failure::invalid(format!("property {what} is empty (property '{name}')")));
    }
    if has_separator(part) {
        return Err(Failure::invalid(format!(
            "property '{}' has a {what} with the character U+0001 or U+0002, which separate properties",
            name.escape_debug()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
