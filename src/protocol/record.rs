//! The stored message, RocketMQ's own layout (`MessageDecoder`, `CommitLog`): in the log, in pull answers, on the wire.
//!
//! ```text
//!   0 total size      4 | 4 magic          4 |  8 body CRC      4 | 12 queue id        4 | 16 flag          4
//!  20 queue offset    8 | 28 position      8 | 36 sys flag      4 | 40 born timestamp  8 | 48 born host   8|20
//!     store timestamp 8 |    store host 8|20 |    reconsume     4 |    prepared offset 8 |    body len, body
//!     topic len 1 (V1) or 2 (V2), topic      |    properties len 2, properties
//! ```
//! All integers are big-endian and signed. Offsets after the born host move by 12 when a host is IPv6 (sys flag bits).

use super::failure::Failure;
use super::limits::{BODY_BYTES_MAX, PROPERTIES_BYTES_MAX, RECORD_TOPIC_BYTES_MAX, TOPIC_BYTES_MAX};
use super::properties;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

/// Magic of a record whose topic length is one byte.
pub const MAGIC_V1: i32 = 0xDAA3_20A7_u32 as i32;
/// Magic of a record whose topic length has two bytes: for topics over 127 bytes, which only the topics derived from a
/// long group name have (RocketMQ 5).
pub const MAGIC_V2: i32 = 0xDAA3_20AB_u32 as i32;

/// Bytes of a record besides body, topic and properties, with IPv4 hosts.
pub const FIXED_BYTES: usize = 91;
/// Where the position stands in a record.
const POSITION_AT: usize = 28;
/// What an IPv6 host adds to [`FIXED_BYTES`].
const V6_BYTES: usize = 12;
/// Longest record: both hosts IPv6, and a topic with a length of two bytes.
pub const RECORD_BYTES_MAX: usize =
    FIXED_BYTES + 2 * V6_BYTES + BODY_BYTES_MAX + 1 + RECORD_TOPIC_BYTES_MAX + PROPERTIES_BYTES_MAX;

pub const SYS_FLAG_TRANSACTION_MASK: i32 = 0xC;
pub const SYS_FLAG_BORN_HOST_V6: i32 = 0x10;
pub const SYS_FLAG_STORE_HOST_V6: i32 = 0x20;

/// The address written where a message was born or is stored in this process.
pub const LOCAL_HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a record says besides its texts; the log fills in `queue_offset`, `position` and `store_timestamp_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHead {
    pub queue_id: i32,
    pub flag: i32,
    pub queue_offset: i64,
    /// Where the record lies in the log.
    pub position: i64,
    pub sys_flag: i32,
    pub born_timestamp_ms: i64,
    pub born_host: SocketAddr,
    pub store_timestamp_ms: i64,
    pub store_host: SocketAddr,
    pub reconsume_times: i32,
    pub prepared_transaction_offset: i64,
    /// CRC-32 (IEEE) of the body, 31 bits.
    pub body_crc: i32,
}

impl Default for RecordHead {
    fn default() -> Self {
        Self {
            queue_id: 0,
            flag: 0,
            queue_offset: 0,
            position: 0,
            sys_flag: 0,
            born_timestamp_ms: 0,
            born_host: LOCAL_HOST,
            store_timestamp_ms: 0,
            store_host: LOCAL_HOST,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            body_crc: 0,
        }
    }
}

/// The checksum RocketMQ keeps of a body.
pub fn body_crc(body: &[u8]) -> i32 {
    (crc32fast::hash(body) & 0x7FFF_FFFF) as i32
}

/// Whether a record can hold these: what a log asks before it appends what it was given.
pub fn check_lengths(topic: &str, properties: &str, body: &[u8]) -> Result<(), Failure> {
    for (what, bytes, bytes_max) in [
        ("body", body.len(), BODY_BYTES_MAX),
        ("property text", properties.len(), PROPERTIES_BYTES_MAX),
        ("topic name", topic.len(), RECORD_TOPIC_BYTES_MAX),
    ] {
        if bytes > bytes_max {
            return Err(Failure::invalid(format!(
                "the {what} of a message for topic '{topic}' has {bytes} bytes, the limit is {bytes_max}"
            )));
        }
    }
    Ok(())
}

/// Length of the record that [`encode`] writes for these texts.
pub fn encoded_len(head: &RecordHead, topic: &str, properties: &str, body: &[u8]) -> usize {
    let hosts = usize::from(head.born_host.is_ipv6()) + usize::from(head.store_host.is_ipv6());
    let is_v2 = usize::from(topic.len() > TOPIC_BYTES_MAX);
    FIXED_BYTES + V6_BYTES * hosts + body.len() + is_v2 + topic.len() + properties.len()
}

/// Appends a record, V1 unless its topic needs V2. The parts must be within the limits ([`check_lengths`], asked by
/// whoever accepted the message); the length of a longer one would not fit its field.
pub fn encode(head: &RecordHead, topic: &str, properties: &str, body: &[u8], out: &mut BytesMut) {
    let total = encoded_len(head, topic, properties, body);
    out.reserve(total);
    // The fixed part goes to the buffer in one piece: asking it for room at each field would cost more than the copy.
    let mut fixed = [0; FIXED_BYTES + 2 * V6_BYTES];
    let mut left = fixed.as_mut_slice();
    let is_v2 = topic.len() > TOPIC_BYTES_MAX;
    let mut sys_flag = head.sys_flag & !(SYS_FLAG_BORN_HOST_V6 | SYS_FLAG_STORE_HOST_V6);
    sys_flag |= if head.born_host.is_ipv6() { SYS_FLAG_BORN_HOST_V6 } else { 0 };
    sys_flag |= if head.store_host.is_ipv6() { SYS_FLAG_STORE_HOST_V6 } else { 0 };
    left.put_i32(total as i32);
    left.put_i32(if is_v2 { MAGIC_V2 } else { MAGIC_V1 });
    left.put_i32(head.body_crc);
    left.put_i32(head.queue_id);
    left.put_i32(head.flag);
    left.put_i64(head.queue_offset);
    left.put_i64(head.position);
    left.put_i32(sys_flag);
    left.put_i64(head.born_timestamp_ms);
    put_host(head.born_host, &mut left);
    left.put_i64(head.store_timestamp_ms);
    put_host(head.store_host, &mut left);
    left.put_i32(head.reconsume_times);
    left.put_i64(head.prepared_transaction_offset);
    left.put_i32(body.len() as i32);
    let used = FIXED_BYTES + 2 * V6_BYTES - left.len();
    out.put_slice(fixed.get(..used).unwrap_or_default());
    out.put_slice(body);
    if is_v2 {
        out.put_u16(topic.len() as u16);
    } else {
        out.put_u8(topic.len() as u8);
    }
    out.put_slice(topic.as_bytes());
    out.put_u16(properties.len() as u16);
    out.put_slice(properties.as_bytes());
}

fn put_host(host: SocketAddr, out: &mut impl BufMut) {
    match host.ip() {
        IpAddr::V4(ip) => out.put_slice(&ip.octets()),
        IpAddr::V6(ip) => out.put_slice(&ip.octets()),
    }
    out.put_i32(i32::from(host.port()));
}

/// A decoded record; texts and body are slices of the bytes it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub head: RecordHead,
    bytes: Bytes,
    /// Where the topic is in `bytes`.
    topic: Range<usize>,
    /// Where the properties are in `bytes`.
    properties: Range<usize>,
    body: Bytes,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// Fewer bytes than the fixed part or than the record's own length.
    Truncated,
    BadMagic(i32),
    /// A length field is negative or does not fit the record, or the parts do not fill it.
    BadLength,
    BadText,
    BadPort,
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => write!(f, "the record is cut short"),
            Self::BadMagic(magic) => write!(f, "0x{magic:08X} is not the magic of a record"),
            Self::BadLength => write!(f, "a length field does not fit the record"),
            Self::BadText => write!(f, "topic or properties are not UTF-8"),
            Self::BadPort => write!(f, "a host's port is not between 0 and 65535"),
        }
    }
}

impl std::error::Error for RecordError {}

impl Record {
    /// Decodes the record at the start of `bytes` (V1 or V2); what follows it is ignored. The body's checksum is
    /// carried, not verified.
    pub fn decode(bytes: &Bytes) -> Result<Self, RecordError> {
        let total = peek_len(bytes).ok_or(RecordError::Truncated)?;
        if total < FIXED_BYTES {
            return Err(RecordError::BadLength);
        }
        let record = bytes.get(..total).ok_or(RecordError::Truncated)?;
        let mut fields = Fields { record, rest: record };
        let _total = fields.int()?;
        let magic = fields.int()?;
        if magic != MAGIC_V1 && magic != MAGIC_V2 {
            return Err(RecordError::BadMagic(magic));
        }
        let mut head = RecordHead {
            body_crc: fields.int()?,
            queue_id: fields.int()?,
            flag: fields.int()?,
            queue_offset: fields.long()?,
            position: fields.long()?,
            sys_flag: fields.int()?,
            born_timestamp_ms: fields.long()?,
            ..RecordHead::default()
        };
        head.born_host = fields.host(head.sys_flag & SYS_FLAG_BORN_HOST_V6 != 0)?;
        head.store_timestamp_ms = fields.long()?;
        head.store_host = fields.host(head.sys_flag & SYS_FLAG_STORE_HOST_V6 != 0)?;
        head.reconsume_times = fields.int()?;
        head.prepared_transaction_offset = fields.long()?;
        let body_len = fields.int()?;
        let body = fields.part(body_len)?;
        let topic_len = if magic == MAGIC_V1 { fields.byte()? } else { fields.short()? };
        let topic = fields.text(topic_len)?;
        let properties_len = fields.short()?;
        let properties = fields.text(properties_len)?;
        if !fields.rest.is_empty() {
            return Err(RecordError::BadLength);
        }
        Ok(Self { head, topic, properties, body: bytes.slice(body), bytes: bytes.slice(..total) })
    }

    pub fn topic(&self) -> &str {
        self.checked_text(&self.topic)
    }

    /// The property text; see [`properties`].
    pub fn properties(&self) -> &str {
        self.checked_text(&self.properties)
    }

    /// Body and property text, as slices of the record's memory.
    pub fn into_body_and_properties(self) -> (Bytes, Bytes) {
        let Self { mut bytes, properties, body, .. } = self;
        // Cut down and not sliced: that would count one more user of the memory, and then one less.
        bytes.truncate(properties.end);
        bytes.advance(properties.start);
        (body, bytes)
    }

    fn checked_text(&self, place: &Range<usize>) -> &str {
        self.bytes.get(place.clone()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    pub fn property(&self, name: &str) -> Option<&str> {
        properties::get(self.properties(), name)
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the body is the one the record was made with.
    pub fn is_body_intact(&self) -> bool {
        body_crc(&self.body) == self.head.body_crc
    }
}

/// The record's own length field, unless it is negative or not there.
pub fn peek_len(bytes: &[u8]) -> Option<usize> {
    let len = bytes.first_chunk::<4>()?;
    usize::try_from(i32::from_be_bytes(*len)).ok()
}

/// Where the record says it begins in the log, if that is there and not negative.
pub fn peek_position(bytes: &[u8]) -> Option<u64> {
    let position = bytes.get(POSITION_AT..)?.first_chunk::<8>()?;
    u64::try_from(i64::from_be_bytes(*position)).ok()
}

/// Takes a record apart from front to back.
struct Fields<'a> {
    record: &'a [u8],
    rest: &'a [u8],
}

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(RecordError::BadLength)?;
        self.rest = rest;
        Ok(*array)
    }

    fn byte(&mut self) -> Result<i32, RecordError> {
        self.array().map(|array| u8::from_be_bytes(array).into())
    }

    fn short(&mut self) -> Result<i32, RecordError> {
        self.array().map(|array| i16::from_be_bytes(array).into())
    }

    fn int(&mut self) -> Result<i32, RecordError> {
        self.array().map(i32::from_be_bytes)
    }

    fn long(&mut self) -> Result<i64, RecordError> {
        self.array().map(i64::from_be_bytes)
    }

    fn host(&mut self, is_v6: bool) -> Result<SocketAddr, RecordError> {
        let ip = if is_v6 { IpAddr::from(self.array::<16>()?) } else { IpAddr::from(self.array::<4>()?) };
        let port = u16::try_from(self.int()?).map_err(|_| RecordError::BadPort)?;
        Ok(SocketAddr::new(ip, port))
    }

    /// The place of the next `len` bytes.
    fn part(&mut self, len: i32) -> Result<Range<usize>, RecordError> {
        let len = usize::try_from(len).map_err(|_| RecordError::BadLength)?;
        let start = self.record.len() - self.rest.len();
        self.rest = self.rest.get(len..).ok_or(RecordError::BadLength)?;
        Ok(start..start + len)
    }

    fn text(&mut self, len: i32) -> Result<Range<usize>, RecordError> {
        let place = self.part(len)?;
        let text = self.record.get(place.clone()).unwrap_or_default();
        std::str::from_utf8(text).map(|_| place).map_err(|_| RecordError::BadText)
    }
}

#[cfg(test)]
mod tests;
