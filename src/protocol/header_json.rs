//! The JSON header of a frame (type 0), written as RocketMQ's Java writes it and read as its many clients write it.
//!
//! Read: keys in any order, unknown keys, numbers and booleans where texts belong, digits in quotes where numbers
//! belong, missing or null fields, white space around the object.
//! Written: keys in alphabetical order, no white space, field values always texts, absent fields left out.

use super::command::Command;
use super::command::HeaderError;
use super::ext_fields::ExtFields;
use super::language::Language;
use super::limits::EXT_FIELDS_MAX;
use bytes::BufMut;
use bytes::BytesMut;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use std::fmt;

pub fn decode(bytes: &[u8]) -> Result<Command, HeaderError> {
    serde_json::from_slice(bytes)
        .map(|JsonCommand(command)| command)
        .map_err(|error| HeaderError::Json(error.to_string()))
}

/// Appends the header.
pub fn encode(command: &Command, out: &mut BytesMut) {
    put_number("{\"code\":", command.code, out);
    if let Some(fields) = &command.ext_fields {
        out.put_slice(b",\"extFields\":{");
        for (n, (name, value)) in fields.iter().enumerate() {
            if n > 0 {
                out.put_u8(b',');
            }
            put_text(name, out);
            out.put_u8(b':');
            put_text(value, out);
        }
        out.put_u8(b'}');
    }
    put_number(",\"flag\":", command.flag, out);
    out.put_slice(b",\"language\":\"");
    out.put_slice(command.language.name().as_bytes());
    put_number("\",\"opaque\":", command.opaque, out);
    if let Some(remark) = &command.remark {
        out.put_slice(b",\"remark\":");
        put_text(remark, out);
    }
    put_number(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":", command.version, out);
    out.put_u8(b'}');
}

fn put_number(before: &str, number: i32, out: &mut BytesMut) {
    use fmt::Write;
    // Writing into memory does not fail.
    let _ = write!(out, "{before}{number}");
}

fn put_text(text: &str, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.put_u8(b'"');
    let mut rest = text.as_bytes();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    while let Some(at) = rest.iter().position(is_special) {
        let (plain, special) = rest.split_at(at);
        out.put_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        let short = match byte {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0C => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            _ => 0,
        };
        if short == 0 {
            let low = DIGITS.get(usize::from(byte & 0xF)).copied().unwrap_or_default();
            out.put_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
        } else {
            out.put_slice(&[b'\\', short]);
        }
        rest = after;
    }
    out.put_slice(rest);
    out.put_u8(b'"');
}

struct JsonCommand(Command);

impl<'de> Deserialize<'de> for JsonCommand {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(CommandVisitor).map(Self)
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a code")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Command, A::Error> {
        let mut command = Command::default();
        let mut code = None;
        while let Some(Key(key)) = map.next_key()? {
            match key {
                "" => drop(map.next_value::<IgnoredAny>()?),
                "extFields" => command.ext_fields = map.next_value::<Fields>()?.0,
                "language" => {
                    let name = map.next_value::<Text>()?.0.unwrap_or_default();
                    command.language = Language::from_name(&name);
                }
                "remark" => command.remark = map.next_value::<Text>()?.0,
                number => {
                    let value = map.next_value::<Text>()?.into_number(number)?;
                    match number {
                        "code" => code = value,
                        "flag" => command.flag = value.unwrap_or_default(),
                        "opaque" => command.opaque = value.unwrap_or_default(),
                        _ => command.version = value.unwrap_or_default(),
                    }
                }
            }
        }
        command.code = code.ok_or_else(|| A::Error::missing_field("code"))?;
        Ok(command)
    }
}

/// The keys that are read.
const KEYS: &[&str] = &["code", "extFields", "flag", "language", "opaque", "remark", "version"];

/// One of [`KEYS`], or empty for every other.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(Key(KEYS.iter().find(|known| **known == key).copied().unwrap_or_default()))
    }
}

/// A text, number or boolean as text; `None` for null and for what can be none of them.
struct Text(Option<String>);

impl Text {
    fn into_number<E: Error>(self, key: &str) -> Result<Option<i32>, E> {
        let parse = |text: String| {
            text.parse().map_err(|_| E::custom(format_args!("{key} is '{text}', not a 32-bit integer")))
        };
        self.0.map(parse).transpose()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a boolean")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // A very large or small one with its exponent: it would be hundreds of zeroes.
        let is_short = number.trunc() == number && number.abs() < 1e15;
        Ok(Some(if is_short { number.to_string() } else { format!("{number:?}") }))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(truth.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// The map of fields, or null.
struct Fields(Option<ExtFields>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldsVisitor).map(Self)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Option<ExtFields>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the fields of the command")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = ExtFields::new();
        while let Some((name, Text(value))) = map.next_entry::<String, Text>()? {
            let Some(value) = value else { continue };
            if fields.len() == EXT_FIELDS_MAX {
                return Err(A::Error::custom(format_args!("more than {EXT_FIELDS_MAX} fields")));
            }
            fields.set(name, value);
        }
        Ok(Some(fields))
    }
}

#[cfg(test)]
mod tests;
