//! The index of one segment, in one file beside it: which records each queue has in it, and which keys.
//!
//! ```text
//!  0 "ONSIDX\0\3"   8 | 8 base 8 | 16 end 8 | 24 generation 4 | 28 log generation 4 | 32 is complete 4
//! 36 last stored ms 8 | 44 directory bytes 8 | 52 entries 8 | 60 keys 8
//! 68 directory checksum 4 | 72 keys checksum 4 | 76 header checksum 4
//! 80 directory: topics 4, then per topic: length 2, name, queues 4, then per queue: id 4, first offset 8, count 8
//!    entries: (address 8, length 4, tag hash 4, checksum 4), queue by queue in directory order
//!    keys:    (hash 4, address within the segment 4), sorted
//! ```
//! Little-endian, checksums CRC-32C. Each entry has its own, because entries are read one piece here, one there, and a
//! wrong one would hide a record from its readers: it covers base and number of the entry as well. A file is written
//! whole, synced and renamed into place. `end` is the address up to which it speaks; a file that is not complete was
//! written at a clean close of the segment in use, and recovery reads the log from `end` on. `generation` is that of the
//! segment's header; the log's own may have risen since, by failed writes, and stands in no other file.

use super::durable::{sync_parent, write_whole};
use super::error::{corrupt_at, io_failure};
use super::queue::Entry;
use super::segment::Segment;
use super::view::Viewed;
use crate::protocol::failure::Failure;
use crate::sys::disk::{Disk, DiskFile};
use bytes::{Buf, BufMut, Bytes};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"ONSIDX\0\x03";
const HEADER_BYTES: u64 = 80;
const ENTRY_BYTES: u64 = 20;
const KEY_BYTES: u64 = 8;

/// A key of a message: hash of topic and key, and where in the segment the record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) hash: u32,
    pub(crate) at: u32,
}

/// What is written.
#[derive(Debug, Default)]
pub(crate) struct IndexContent {
    pub(crate) base: u64,
    pub(crate) end: u64,
    pub(crate) generation: u32,
    /// Of the log when the file is written: no record in front of `end` has a higher one.
    pub(crate) log_generation: u32,
    pub(crate) is_complete: bool,
    pub(crate) last_stored_ms: i64,
    pub(crate) queues: Vec<QueuePart>,
    pub(crate) keys: Vec<Key>,
}

/// The entries of one queue.
#[derive(Debug)]
pub(crate) struct QueuePart {
    pub(crate) topic: Arc<str>,
    pub(crate) queue_id: i32,
    pub(crate) first: u64,
    pub(crate) entries: Vec<Entry>,
}

/// An index file, open for reading.
#[derive(Debug)]
pub(crate) struct IndexFile {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    pub(crate) base: u64,
    pub(crate) end: u64,
    pub(crate) generation: u32,
    pub(crate) log_generation: u32,
    pub(crate) is_complete: bool,
    pub(crate) last_stored_ms: i64,
    entries_at: u64,
    keys_at: u64,
    keys: u64,
    keys_sum: u32,
}

/// A queue of the directory: `at` counts entries from the start of the file's entries.
#[derive(Debug)]
pub(crate) struct DirectoryRow {
    pub(crate) topic: Arc<str>,
    pub(crate) queue_id: i32,
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) at: u64,
}

/// The index beside a segment: `….log` → `….idx`.
pub(crate) fn path_of(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}

impl IndexFile {
    /// Writes the index beside `segment` and makes it durable. `content.queues` is sorted by topic and queue.
    pub(crate) fn write(
        disk: &dyn Disk,
        segment: &Path,
        content: &IndexContent,
    ) -> Result<Arc<Self>, Failure> {
        let path = path_of(segment);
        write_whole(disk, &path, &encode(content))?;
        // Only for the time of the next opening: without its index a segment is read again.
        sync_parent(disk, &path)?;
        let (index, _) = Self::open(disk, &path)?;
        Ok(Arc::new(index))
    }

    /// Opens an index file and reads its directory. A damaged one is an error: the caller makes a new one from the log.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<(Self, Vec<DirectoryRow>), Failure> {
        let file = disk.open_to_read(path).map_err(|e| io_failure("open", path, &e))?;
        Self::of_file(file, path)
    }

    /// The file as it should be, if the disk does not take it: in memory, in front of what is there.
    pub(crate) fn in_memory(&self, content: &IndexContent) -> Result<Arc<Self>, Failure> {
        let in_memory = || -> std::io::Result<Viewed> {
            let viewed = Viewed::of(self.file.clone())?;
            viewed.set_len(0)?;
            viewed.write_all_at(&encode(content), 0)?;
            Ok(viewed)
        };
        let viewed = in_memory().map_err(|e| io_failure("measure", &self.path, &e))?;
        let (index, _) = Self::of_file(Arc::new(viewed), &self.path)?;
        Ok(Arc::new(index))
    }

    fn of_file(file: Arc<dyn DiskFile>, path: &Path) -> Result<(Self, Vec<DirectoryRow>), Failure> {
        let mut header = [0; HEADER_BYTES as usize];
        let read = file.read_at(&mut header, 0).map_err(|e| io_failure("read", path, &e))?;
        let mut rest = &header[8..];
        if read < header.len()
            || header[..8] != MAGIC
            || crc32c::crc32c(&header[..76]) != (&header[76..]).get_u32_le()
        {
            return Err(corrupt_at(path, 0, "its header has a wrong checksum"));
        }
        let (base, end) = (rest.get_u64_le(), rest.get_u64_le());
        let (generation, log_generation) = (rest.get_u32_le(), rest.get_u32_le());
        let (is_complete, last_stored_ms) = (rest.get_u32_le() != 0, rest.get_i64_le());
        let (directory_bytes, entries, keys) = (rest.get_u64_le(), rest.get_u64_le(), rest.get_u64_le());
        let (directory_sum, keys_sum) = (rest.get_u32_le(), rest.get_u32_le());
        let len = file.len().map_err(|e| io_failure("measure", path, &e))?;
        // Saturating: what is too much to count is too much for the file.
        let entries_at = HEADER_BYTES.saturating_add(directory_bytes);
        let keys_at = entries_at.saturating_add(entries.saturating_mul(ENTRY_BYTES));
        if len < keys_at.saturating_add(keys.saturating_mul(KEY_BYTES)) {
            return Err(corrupt_at(path, len, "it ends there, its header speaks of more"));
        }
        let index = Self {
            path: path.to_owned(),
            file,
            base,
            end,
            generation,
            log_generation,
            is_complete,
            last_stored_ms,
            entries_at,
            keys_at,
            keys,
            keys_sum,
        };
        let directory = index.read(HEADER_BYTES, directory_bytes)?;
        if crc32c::crc32c(&directory) != directory_sum {
            return Err(corrupt_at(path, HEADER_BYTES, "its directory has a wrong checksum"));
        }
        let rows = decode_directory(directory)
            .filter(|rows| is_possible(rows, entries))
            .ok_or_else(|| corrupt_at(path, HEADER_BYTES, "its directory is cut short or cannot be right"))?;
        Ok((index, rows))
    }

    /// Whether it speaks of this segment.
    pub(crate) fn is_of(&self, segment: &Segment) -> bool {
        self.base == segment.base()
            && self.generation == segment.generation()
            && (segment.base()..=segment.end()).contains(&self.end)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `count` entries from the `first` of the file on.
    pub(crate) fn entries(&self, first: u64, count: u64) -> Result<Vec<Entry>, Failure> {
        let at = self.entries_at + first * ENTRY_BYTES;
        let mut bytes = self.read(at, count * ENTRY_BYTES)?;
        let mut entries = Vec::with_capacity(count as usize);
        let mut number = first;
        while bytes.remaining() >= ENTRY_BYTES as usize {
            let entry =
                Entry { address: bytes.get_u64_le(), len: bytes.get_u32_le(), tag_hash: bytes.get_i32_le() };
            if bytes.get_u32_le() != entry_sum(self.base, number, &entry) {
                let at = self.entries_at + number * ENTRY_BYTES;
                return Err(corrupt_at(&self.path, at, "an entry has a wrong checksum"));
            }
            entries.push(entry);
            number += 1;
        }
        Ok(entries)
    }

    /// All keys of the segment, sorted.
    pub(crate) fn keys(&self) -> Result<Vec<Key>, Failure> {
        let mut bytes = self.read(self.keys_at, self.keys * KEY_BYTES)?;
        if crc32c::crc32c(&bytes) != self.keys_sum {
            return Err(corrupt_at(&self.path, self.keys_at, "its keys have a wrong checksum"));
        }
        let mut keys = Vec::with_capacity(self.keys as usize);
        while bytes.remaining() >= KEY_BYTES as usize {
            keys.push(Key { hash: bytes.get_u32_le(), at: bytes.get_u32_le() });
        }
        Ok(keys)
    }

    fn read(&self, at: u64, len: u64) -> Result<Bytes, Failure> {
        let mut bytes = vec![0; len as usize];
        let read = self.file.read_at(&mut bytes, at).map_err(|e| io_failure("read", &self.path, &e))?;
        if read < bytes.len() {
            return Err(corrupt_at(&self.path, at + read as u64, "it ends there"));
        }
        Ok(Bytes::from(bytes))
    }
}

fn entry_sum(base: u64, number: u64, entry: &Entry) -> u32 {
    let mut bytes = [0; 32];
    let mut out = &mut bytes[..];
    out.put_u64_le(base);
    out.put_u64_le(number);
    out.put_u64_le(entry.address);
    out.put_u32_le(entry.len);
    out.put_i32_le(entry.tag_hash);
    crc32c::crc32c(&bytes)
}

fn encode(content: &IndexContent) -> Vec<u8> {
    let directory = encode_directory(&content.queues);
    let mut keys = Vec::with_capacity(content.keys.len() * KEY_BYTES as usize);
    for key in &content.keys {
        keys.put_u32_le(key.hash);
        keys.put_u32_le(key.at);
    }
    let entries: usize = content.queues.iter().map(|part| part.entries.len()).sum();
    let entry_bytes = entries * ENTRY_BYTES as usize;
    let mut out = Vec::with_capacity(HEADER_BYTES as usize + directory.len() + entry_bytes + keys.len());
    out.put_slice(&MAGIC);
    out.put_u64_le(content.base);
    out.put_u64_le(content.end);
    out.put_u32_le(content.generation);
    out.put_u32_le(content.log_generation);
    out.put_u32_le(u32::from(content.is_complete));
    out.put_i64_le(content.last_stored_ms);
    out.put_u64_le(directory.len() as u64);
    out.put_u64_le(entries as u64);
    out.put_u64_le(content.keys.len() as u64);
    out.put_u32_le(crc32c::crc32c(&directory));
    out.put_u32_le(crc32c::crc32c(&keys));
    let sum = crc32c::crc32c(&out);
    out.put_u32_le(sum);
    out.put_slice(&directory);
    for (number, entry) in (0..).zip(content.queues.iter().flat_map(|part| &part.entries)) {
        out.put_u64_le(entry.address);
        out.put_u32_le(entry.len);
        out.put_i32_le(entry.tag_hash);
        out.put_u32_le(entry_sum(content.base, number, entry));
    }
    out.put_slice(&keys);
    out
}

fn encode_directory(queues: &[QueuePart]) -> Vec<u8> {
    let topics: Vec<&[QueuePart]> = queues.chunk_by(|a, b| a.topic == b.topic).collect();
    let mut out = Vec::new();
    out.put_u32_le(topics.len() as u32);
    for parts in topics {
        let topic = parts.first().map_or("", |part| &part.topic);
        out.put_u16_le(topic.len() as u16);
        out.put_slice(topic.as_bytes());
        out.put_u32_le(parts.len() as u32);
        for part in parts {
            out.put_i32_le(part.queue_id);
            out.put_u64_le(part.first);
            out.put_u64_le(part.entries.len() as u64);
        }
    }
    out
}

fn decode_directory(mut bytes: Bytes) -> Option<Vec<DirectoryRow>> {
    let mut rows = Vec::new();
    let mut at = 0;
    for _ in 0..bytes.try_get_u32_le().ok()? {
        let len = usize::from(bytes.try_get_u16_le().ok()?);
        if bytes.len() < len {
            return None;
        }
        let topic: Arc<str> = std::str::from_utf8(&bytes.split_to(len)).ok()?.into();
        for _ in 0..bytes.try_get_u32_le().ok()? {
            let queue_id = bytes.try_get_i32_le().ok()?;
            let first = bytes.try_get_u64_le().ok()?;
            let count = bytes.try_get_u64_le().ok()?;
            rows.push(DirectoryRow { topic: topic.clone(), queue_id, first, count, at });
            at = count.checked_add(at)?;
        }
    }
    Some(rows)
}

/// Each queue is named once, in order, its offsets are ones that records may have, and together they have all entries
/// of the file.
fn is_possible(rows: &[DirectoryRow], entries: u64) -> bool {
    let name = |row: &DirectoryRow| (row.topic.clone(), row.queue_id);
    rows.is_sorted_by(|a, b| name(a) < name(b))
        && rows.iter().all(|row| row.first.checked_add(row.count).is_some_and(|next| next <= i64::MAX as u64))
        && rows.last().map_or(0, |last| last.at + last.count) == entries
}
