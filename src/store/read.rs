//! Reading queues: by offset, by position, by time, by key.

use super::append::key_hash;
use super::cold::LastChunk;
use super::envelope::{ENVELOPE_BYTES, claimed_len};
use super::inner::Inner;
use super::queue::{Entry, LOST, Queue};
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::protocol::properties;
use crate::protocol::record::{RECORD_BYTES_MAX, Record, peek_len};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// Most entries of a queue that one read looks at, so that a filter that matches nothing cannot hold a thread for long.
pub(crate) const SCANNED_MAX: usize = 16_384;
const ENTRIES_AT_ONCE: usize = 512;

/// Records that make up less than one in so many bytes of what was read for them are copied out. The others are lent
/// from it, and keep all of it in memory as long as one of them is in use.
const SPARSE: u64 = 8;
/// What is read or written in one piece, as a rule.
const PIECE_BYTES: u64 = 1 << 20;

/// What a read of a queue found.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// Matching records in queue order.
    pub records: Vec<Bytes>,
    /// Where to go on: behind the last entry looked at, matching or not.
    pub next_offset: u64,
    pub min_offset: u64,
    pub max_offset: u64,
}

/// Where the record before was found: the next one of a queue is as a rule close to it.
#[derive(Default)]
struct ReadFrom {
    segment: Option<Arc<Segment>>,
    chunk: LastChunk,
}

impl Inner {
    pub(crate) fn read(
        &self,
        queue: &Queue,
        offset: u64,
        messages_max: usize,
        bytes_max: usize,
        filter: &dyn Fn(i64) -> bool,
    ) -> Result<Read, Failure> {
        let (min_offset, max_offset) = (queue.min_offset(), queue.max_offset());
        let start = offset.max(min_offset).min(max_offset);
        let mut read = Read { records: Vec::new(), next_offset: start, min_offset, max_offset };
        if start != offset {
            return Ok(read);
        }
        let (mut bytes, mut scanned) = (0, 0);
        while scanned < SCANNED_MAX && read.records.len() < messages_max {
            let entries = self.entries(queue, read.next_offset, ENTRIES_AT_ONCE.min(messages_max.max(16)))?;
            if entries.is_empty() {
                let next = queue.behind_hole(read.next_offset);
                if next <= read.next_offset {
                    break;
                }
                read.next_offset = next;
                continue;
            }
            scanned += entries.len();
            let (taken, wanted) =
                choose(&entries, messages_max - read.records.len(), bytes_max, &mut bytes, filter);
            if let Err((address, failure)) = self.fetch(&wanted, &mut read.records) {
                let at = entries.iter().position(|entry| entry.address == address).unwrap_or(0);
                read.next_offset += at as u64;
                // Those in front of it are handed out. Who goes on behind them meets the error.
                return if read.records.is_empty() { Err(failure) } else { Ok(read) };
            }
            read.next_offset += taken as u64;
            if taken < entries.len() {
                break;
            }
        }
        Ok(read)
    }

    /// The records of entries, up to the first that cannot be read, with its address; those whose segment was deleted
    /// meanwhile are left out.
    fn fetch(&self, wanted: &[(u64, usize)], out: &mut Vec<Bytes>) -> Result<(), (u64, Failure)> {
        let mut recent = Vec::with_capacity(wanted.len());
        self.log.blocks.records(wanted, &mut recent);
        let mut from = ReadFrom::default();
        let first = out.len();
        for (&(address, len), recent) in wanted.iter().zip(recent) {
            match recent {
                Some(record) => out.push(record),
                None => {
                    let record = self.cold_record(address, len, &mut from);
                    out.extend(record.map_err(|failure| (address, failure))?);
                }
            }
        }
        if is_sparse(wanted) {
            out.iter_mut().skip(first).for_each(|record| *record = Bytes::copy_from_slice(record));
        }
        Ok(())
    }

    fn cold_record(&self, address: u64, len: usize, from: &mut ReadFrom) -> Result<Option<Bytes>, Failure> {
        let ReadFrom { segment, chunk } = from;
        if !segment.as_ref().is_some_and(|segment| segment.contains(address)) {
            *segment = self.shared.segments.find(address);
        }
        let Some(segment) = segment else { return Ok(None) };
        match self.cold.record(segment, address, len, self.shared.published_end(), chunk) {
            Ok(record) => Ok(Some(record)),
            // Deleted between the look-up and the read.
            Err(_) if self.shared.segments.find(address).is_none() => Ok(None),
            Err(failure) => {
                log::error!("{failure}");
                self.skip_damaged(failure)
            }
        }
    }

    /// A damaged record is reported and passed over, like one that recovery found damaged: it must not stop the queue.
    /// Any other error is the caller's.
    fn skip_damaged(&self, failure: Failure) -> Result<Option<Bytes>, Failure> {
        use crate::protocol::failure::FailureKind;
        if failure.kind == FailureKind::Corrupt { Ok(None) } else { Err(failure) }
    }

    /// The record that begins at `position`.
    pub(crate) fn record_at(&self, position: u64) -> Result<Option<Bytes>, Failure> {
        let Some(address) = position.checked_sub(ENVELOPE_BYTES as u64) else { return Ok(None) };
        if address >= self.shared.published_end() {
            return Ok(None);
        }
        let Some(segment) = self.shared.segments.find(address) else { return Ok(None) };
        let head = segment.read(address, ENVELOPE_BYTES + 4)?;
        // Anybody may ask for any position: only where an envelope and a record agree about their length is it read.
        let Some((envelope, record)) = head.split_first_chunk::<ENVELOPE_BYTES>() else { return Ok(None) };
        let len = peek_len(record).filter(|len| *len == claimed_len(envelope) as usize);
        let Some(len) = len.filter(|len| *len <= RECORD_BYTES_MAX) else { return Ok(None) };
        if address + (ENVELOPE_BYTES + len) as u64 > segment.end() {
            return Ok(None);
        }
        match segment.read_record(address, len) {
            Ok(record) => Ok(Some(record)),
            // Somebody asked for a position that is none.
            Err(failure) if failure.kind == crate::protocol::failure::FailureKind::Corrupt => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The first offset stored at or after the time. Store times rise within a segment; the next one begins with an
    /// earlier time if the clock was set back.
    pub(crate) fn search_offset(&self, queue: &Queue, timestamp_ms: i64) -> Result<u64, Failure> {
        let used = self.shared.segments.used();
        let unsealed = used.iter().filter(|held| held.index.is_none());
        let ends: Vec<u64> = unsealed.map(|held| held.segment.end()).collect();
        for (part, latest_ms) in queue.parts(&ends) {
            if latest_ms.is_some_and(|latest_ms| latest_ms < timestamp_ms) {
                continue;
            }
            let found = self.search_part(queue, &part, timestamp_ms)?;
            if found < part.end {
                return Ok(found);
            }
        }
        Ok(queue.max_offset())
    }

    /// Likewise among the offsets of one segment, else their end.
    fn search_part(&self, queue: &Queue, part: &Range<u64>, timestamp_ms: i64) -> Result<u64, Failure> {
        let (mut low, mut high) = (part.start, part.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let read = self.read(queue, middle, 1, usize::MAX, &|_| true)?;
            let record = read.records.first().and_then(|bytes| Record::decode(bytes).ok());
            // What is lost has no time: the first one behind it tells.
            let found =
                record.map(|record| (record.head.queue_offset as u64, record.head.store_timestamp_ms));
            match found.filter(|(offset, _)| part.contains(offset)) {
                Some((offset, stored_ms)) if stored_ms < timestamp_ms => low = offset.max(middle) + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Records whose UNIQ_KEY or one of whose KEYS is `key`, newest first.
    pub(crate) fn find_by_key(&self, topic: &str, key: &str, max: usize) -> Result<Vec<Bytes>, Failure> {
        let hash = key_hash(crc32c::crc32c(topic.as_bytes()), key);
        let mut found = Vec::new();
        for held in self.shared.segments.used().iter().rev() {
            let base = held.segment.base();
            let mut places: Vec<u32> = match &held.index {
                Some(index) => self.keys(index)?.iter().filter(|k| k.hash == hash).map(|k| k.at).collect(),
                None => self.shared.recent_keys(base, hash),
            };
            places.sort_unstable();
            places.dedup();
            for at in places.into_iter().rev() {
                let Some(bytes) = self.record_at(base + u64::from(at) + ENVELOPE_BYTES as u64)? else {
                    continue;
                };
                let Ok(record) = Record::decode(&bytes) else { continue };
                if record.topic() == topic && has_key(&record, key) {
                    found.push(bytes);
                }
                if found.len() == max {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

fn is_sparse(wanted: &[(u64, usize)]) -> bool {
    let (Some((first, _)), Some((last, last_len))) = (wanted.first(), wanted.last()) else { return false };
    let records: u64 = wanted.iter().map(|(_, len)| *len as u64).sum();
    let read = (last + *last_len as u64).saturating_sub(*first) + PIECE_BYTES;
    records * SPARSE < read
}

/// Walks entries until a limit: how many were looked at, and which records are wanted.
fn choose(
    entries: &[Entry],
    messages_max: usize,
    bytes_max: usize,
    bytes: &mut usize,
    filter: &dyn Fn(i64) -> bool,
) -> (usize, Vec<(u64, usize)>) {
    let mut wanted = Vec::with_capacity(messages_max.min(entries.len()));
    for (taken, entry) in entries.iter().enumerate() {
        if entry.address == LOST || !filter(i64::from(entry.tag_hash)) {
            continue;
        }
        let len = entry.len as usize;
        let is_first = *bytes == 0;
        if wanted.len() == messages_max || (!is_first && bytes.saturating_add(len) > bytes_max) {
            return (taken, wanted);
        }
        *bytes += len;
        wanted.push((entry.address, len));
    }
    (entries.len(), wanted)
}

fn has_key(record: &Record, key: &str) -> bool {
    record.property(properties::UNIQ_KEY) == Some(key)
        || record.property(properties::KEYS).is_some_and(|keys| keys.split(' ').any(|own| own == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_lent_where_they_make_up_an_eighth_of_what_was_read() {
        let lying = |count: u64, len: usize, every: u64| -> Vec<(u64, usize)> {
            (0..count).map(|number| (number * every, len)).collect()
        };
        assert!(!is_sparse(&[]));
        assert!(is_sparse(&lying(1, 1024, 1024)));
        assert!(is_sparse(&lying(100, 1024, 1024)), "a few records, at most all of a piece is kept for them");
        assert!(!is_sparse(&lying(512, 1024, 1024)));
        assert!(!is_sparse(&lying(512, 4096, 4 * 4096)));
        assert!(is_sparse(&lying(512, 4096, 8 * 4096)));
        assert!(!is_sparse(&lying(1, 4 << 20, 4 << 20)));
    }
}
