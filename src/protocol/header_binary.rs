//! The binary header of a frame (type 1, `RocketMQSerializable`).
//!
//! ```text
//!  0 code 2 | 2 language 1 | 3 version 2 | 5 opaque 4 | 9 flag 4 | 13 remark length 4, remark |
//!    fields length 4, then for each field: name length 2, name, value length 4, value
//! ```
//! An empty remark or value is an absent one. Texts are UTF-8, integers big-endian and signed.

use super::command::Command;
use super::command::HeaderError;
use super::ext_fields::ExtFields;
use super::language::Language;
use super::limits::EXT_FIELDS_MAX;
use bytes::Buf;
use bytes::BufMut;
use bytes::BytesMut;

pub fn decode(bytes: &[u8]) -> Result<Command, HeaderError> {
    let bad = |_| HeaderError::BadLength("fixed part");
    let mut rest = bytes;
    let mut command = Command {
        code: rest.try_get_i16().map_err(bad)?.into(),
        language: Language::from_code(rest.try_get_u8().map_err(bad)?),
        version: rest.try_get_i16().map_err(bad)?.into(),
        opaque: rest.try_get_i32().map_err(bad)?,
        flag: rest.try_get_i32().map_err(bad)?,
        ..Command::default()
    };
    let remark = take_long(&mut rest, "remark")?;
    command.remark = (!remark.is_empty()).then(|| text(remark, "remark").map(str::to_owned)).transpose()?;
    let fields = take_long(&mut rest, "fields")?;
    command.ext_fields = (!fields.is_empty()).then(|| decode_fields(fields)).transpose()?;
    if rest.is_empty() { Ok(command) } else { Err(HeaderError::BadLength("end")) }
}

fn decode_fields(mut rest: &[u8]) -> Result<ExtFields, HeaderError> {
    let mut fields = ExtFields::new();
    while !rest.is_empty() {
        let bad = |_| HeaderError::BadLength("field name");
        let name_len = rest.try_get_i16().map_err(bad)?;
        let name = text(take(&mut rest, name_len.into(), "field name")?, "field name")?;
        let value = text(take_long(&mut rest, "field value")?, "field value")?;
        if value.is_empty() {
            continue;
        }
        if fields.len() == EXT_FIELDS_MAX {
            return Err(HeaderError::TooLarge("number of fields"));
        }
        fields.set(name.to_owned(), value);
    }
    Ok(fields)
}

/// A part whose length is written in four bytes.
fn take_long<'a>(rest: &mut &'a [u8], part: &'static str) -> Result<&'a [u8], HeaderError> {
    let len = rest.try_get_i32().map_err(|_| HeaderError::BadLength(part))?;
    take(rest, len, part)
}

fn take<'a>(rest: &mut &'a [u8], len: i32, part: &'static str) -> Result<&'a [u8], HeaderError> {
    let len = usize::try_from(len).map_err(|_| HeaderError::BadLength(part))?;
    rest.split_off(..len).ok_or(HeaderError::BadLength(part))
}

fn text<'a>(bytes: &'a [u8], part: &'static str) -> Result<&'a str, HeaderError> {
    std::str::from_utf8(bytes).map_err(|_| HeaderError::BadText(part))
}

/// Appends the header. A code over 16 bits or a part that is too long for its length field is refused and leaves
/// `out` as it was; a version over 16 bits becomes the highest that fits.
pub fn encode(command: &Command, out: &mut BytesMut) -> Result<(), HeaderError> {
    let start = out.len();
    let done = try_encode(command, out);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

fn try_encode(command: &Command, out: &mut BytesMut) -> Result<(), HeaderError> {
    out.put_i16(i16::try_from(command.code).map_err(|_| HeaderError::TooLarge("code"))?);
    out.put_u8(command.language.code());
    out.put_i16(command.version.clamp(i16::MIN.into(), i16::MAX.into()) as i16);
    out.put_i32(command.opaque);
    out.put_i32(command.flag);
    put_long(command.remark.as_deref().unwrap_or_default(), "remark", out)?;
    let fields =
        || command.ext_fields.iter().flat_map(ExtFields::iter).filter(|(_, value)| !value.is_empty());
    let fields_len: usize = fields().map(|(name, value)| 2 + name.len() + 4 + value.len()).sum();
    out.put_i32(i32::try_from(fields_len).map_err(|_| HeaderError::TooLarge("fields"))?);
    for (name, value) in fields() {
        out.put_i16(i16::try_from(name.len()).map_err(|_| HeaderError::TooLarge("field name"))?);
        out.put_slice(name.as_bytes());
        put_long(value, "field value", out)?;
    }
    Ok(())
}

fn put_long(text: &str, part: &'static str, out: &mut BytesMut) -> Result<(), HeaderError> {
    out.put_i32(i32::try_from(text.len()).map_err(|_| HeaderError::TooLarge(part))?);
    out.put_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
