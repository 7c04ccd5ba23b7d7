//! One file of the commit log.
//!
//! ```text
//!    0  "ONSLOG\0\1"  8   magic and format version
//!    8  generation    4
//!   12  (zero)        4
//!   16  base          8   log address of the first byte behind the header
//!   24  capacity      8   bytes behind the header
//!   32  checksum      4   CRC-32C of the 32 bytes before
//!   36  (zero)            up to 4096
//! 4096  envelopes with records, then zeroes
//! ```
//! Little-endian. The header has a block of its own, so that no later write can tear it. A segment's base is the base of
//! the one before it plus its capacity: addresses of the log have gaps where a segment was not filled, and a new
//! segment can be made ready, name and header included, long before it is needed.

use super::durable::sync_parent;
use super::envelope::{ENVELOPE_BYTES, Envelope};
use super::error::{corrupt, corrupt_at, io_failure};
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::disk::{Disk, DiskFile, NotDurable};
use bytes::{Bytes, BytesMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const HEADER_BYTES: u64 = 4096;
/// No log grows so long that its addresses reach this.
const ADDRESS_MAX: u64 = 1 << 60;
const MAGIC: [u8; 8] = *b"ONSLOG\0\x01";
/// So much is zeroed before it is synced: who needs the segment at once waits for that sync.
const ZEROED_AT_ONCE: u64 = 8 << 20;
static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    base: u64,
    capacity: u64,
    generation: u32,
}

/// `DIR/log/00000000000000004096.log`.
pub(crate) fn path_of(log_dir: &Path, base: u64) -> PathBuf {
    log_dir.join(format!("{base:020}.log"))
}

impl Segment {
    /// Makes a segment ready for use: space reserved (and zeroed, which makes later syncs cheaper, as far as
    /// `is_zeroing` says so before each piece), header written, everything durable, name included.
    pub(crate) fn prepare(
        disk: &dyn Disk,
        log_dir: &Path,
        base: u64,
        capacity: u64,
        generation: u32,
        is_zeroing: &dyn Fn() -> bool,
    ) -> Result<Self, Failure> {
        let path = path_of(log_dir, base);
        let unfinished = path.with_extension("new");
        let attempt = Self::prepare_file(disk, &path, &unfinished, base, capacity, generation, is_zeroing);
        if attempt.is_err() {
            // Gives the space back; what is left behind is removed at the next open.
            let _ = disk.remove(&unfinished);
        }
        attempt
    }

    fn prepare_file(
        disk: &dyn Disk,
        path: &Path,
        unfinished: &Path,
        base: u64,
        capacity: u64,
        generation: u32,
        is_zeroing: &dyn Fn() -> bool,
    ) -> Result<Self, Failure> {
        let _ = disk.remove(unfinished);
        let file = disk.create(unfinished).map_err(|e| io_failure("create", unfinished, &e))?;
        let total = HEADER_BYTES + capacity;
        file.allocate(total).map_err(|e| io_failure("reserve space in", unfinished, &e))?;
        let mut at = HEADER_BYTES;
        let mut is_written = false;
        while !is_written {
            let piece_end = if is_zeroing() { total.min(at + ZEROED_AT_ONCE) } else { at };
            is_written = piece_end == total || piece_end == at;
            while at < piece_end {
                let len = (piece_end - at).min(ZEROES.len() as u64) as usize;
                file.write_all_at(&ZEROES[..len], at).map_err(|e| io_failure("write", unfinished, &e))?;
                at += len as u64;
            }
            if is_written {
                let header = encode_header(base, capacity, generation);
                file.write_all_at(&header, 0).map_err(|e| io_failure("write", unfinished, &e))?;
            }
            file.sync_data().map_err(|e| io_failure("sync", unfinished, &e))?;
        }
        disk.rename(unfinished, path).map_err(|e| io_failure("rename", unfinished, &e))?;
        sync_parent(disk, path)?;
        Ok(Self { path: path.to_owned(), file, base, capacity, generation })
    }

    /// Turns a file that is no longer needed into a new segment: same capacity, higher generation, so that none of
    /// its old records is ever read again.
    pub(crate) fn recycle(
        disk: &dyn Disk,
        log_dir: &Path,
        spare: &Path,
        base: u64,
        capacity: u64,
        generation: u32,
    ) -> Result<Self, Failure> {
        let path = path_of(log_dir, base);
        let file = disk.open(spare).map_err(|e| io_failure("open", spare, &e))?;
        let len = file.len().map_err(|e| io_failure("measure", spare, &e))?;
        if len != HEADER_BYTES + capacity {
            return Err(corrupt(
                spare,
                format!("it has {len} bytes, {} are needed", HEADER_BYTES + capacity),
            ));
        }
        let header = encode_header(base, capacity, generation);
        file.write_all_at(&header, 0).map_err(|e| io_failure("write", spare, &e))?;
        file.sync_data().map_err(|e| io_failure("sync", spare, &e))?;
        disk.rename(spare, &path).map_err(|e| io_failure("rename", spare, &e))?;
        sync_parent(disk, &path)?;
        Ok(Self { path, file, base, capacity, generation })
    }

    /// Opens a segment by its file. `Ok(None)`: its header is damaged.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Option<Self>, Failure> {
        let file = disk.open(path).map_err(|e| io_failure("open", path, &e))?;
        Self::open_file(file, path)
    }

    pub(crate) fn open_file(file: Arc<dyn DiskFile>, path: &Path) -> Result<Option<Self>, Failure> {
        let mut header = [0; 36];
        let read = file.read_at(&mut header, 0).map_err(|e| io_failure("read", path, &e))?;
        let sum = u32_at(&header, 32);
        if read < header.len() || header[..8] != MAGIC || sum != crc32c::crc32c(&header[..32]) {
            return Ok(None);
        }
        let (generation, base, capacity) = (u32_at(&header, 8), u64_at(&header, 16), u64_at(&header, 24));
        // A right checksum is no proof of right numbers: those that no store writes must not overflow later.
        let end = base.checked_add(capacity).filter(|end| *end <= ADDRESS_MAX);
        if capacity <= ENVELOPE_BYTES as u64 || end.is_none() {
            return Ok(None);
        }
        if path_of(path.parent().unwrap_or(Path::new("")), base) != path {
            return Err(corrupt(path, format!("its name is not its own, its header says {base:020}.log")));
        }
        Ok(Some(Self { path: path.to_owned(), file, base, capacity, generation }))
    }

    /// The segment as its file's name and length tell it, of generation 0: for one whose header is damaged.
    pub(crate) fn open_without_header(file: Arc<dyn DiskFile>, path: &Path) -> Result<Self, Failure> {
        let len = file.len().map_err(|e| io_failure("measure", path, &e))?;
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let base =
            name.parse().ok().filter(|base| path_of(path.parent().unwrap_or(Path::new("")), *base) == path);
        match (base, len.checked_sub(HEADER_BYTES)) {
            (Some(base), Some(capacity)) if capacity > ENVELOPE_BYTES as u64 => {
                Ok(Self { path: path.to_owned(), file, base, capacity, generation: 0 })
            }
            _ => Err(corrupt_at(
                path,
                0,
                format!("its header has a wrong checksum, and its name and length ({len}) are no segment's"),
            )),
        }
    }

    pub(crate) fn of_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// Writes a header in place of a damaged one. Not synced: whatever a power cut leaves of it is mended again.
    pub(crate) fn with_header(self, generation: u32) -> Result<Self, Failure> {
        let header = encode_header(self.base, self.capacity, generation);
        self.file.write_all_at(&header, 0).map_err(|e| io_failure("write", &self.path, &e))?;
        Ok(Self { generation, ..self })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The first address behind the segment.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.capacity
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    pub(crate) fn contains(&self, address: u64) -> bool {
        (self.base..self.end()).contains(&address)
    }

    /// Whether an envelope of `bytes` at `address` leaves room for the end-of-segment mark.
    pub(crate) fn has_room(&self, address: u64, bytes: usize) -> bool {
        address + bytes as u64 + ENVELOPE_BYTES as u64 <= self.end()
    }

    /// Offset in the file of a log address.
    pub(crate) fn file_offset(&self, address: u64) -> u64 {
        HEADER_BYTES + (address - self.base)
    }

    pub(crate) fn write(&self, bytes: &[u8], address: u64) -> Result<(), Failure> {
        self.file
            .write_all_at(bytes, self.file_offset(address))
            .map_err(|e| io_failure("write", &self.path, &e))
    }

    /// Writes and syncs. A failed sync is never one to try again, whatever its cause.
    pub(crate) fn write_durably(&self, bytes: &[u8], address: u64) -> Result<(), Failure> {
        match self.file.write_all_durably_at(bytes, self.file_offset(address)) {
            Ok(()) => Ok(()),
            Err(NotDurable::Write(error)) => Err(io_failure("write", &self.path, &error)),
            Err(NotDurable::Sync(error)) => {
                let failure = io_failure("write and sync", &self.path, &error);
                Err(Failure { kind: FailureKind::Storage, ..failure })
            }
        }
    }

    pub(crate) fn sync(&self) -> Result<(), Failure> {
        self.file.sync_data().map_err(|e| io_failure("sync", &self.path, &e))
    }

    /// Up to `len` bytes from `address`, fewer at the end of the segment.
    pub(crate) fn read(&self, address: u64, len: usize) -> Result<Bytes, Failure> {
        self.read_into(BytesMut::new(), address, len)
    }

    /// As [`Segment::read`], into memory that was used before, if it is large enough.
    pub(crate) fn read_into(&self, mut buffer: BytesMut, address: u64, len: usize) -> Result<Bytes, Failure> {
        let len = len.min((self.end() - address) as usize);
        if buffer.capacity() < len {
            buffer = BytesMut::zeroed(len);
        }
        buffer.resize(len, 0);
        let read = self
            .file
            .read_at(&mut buffer, self.file_offset(address))
            .map_err(|e| io_failure("read", &self.path, &e))?;
        buffer.truncate(read);
        Ok(buffer.freeze())
    }

    /// The record whose envelope is at `address`, checked.
    pub(crate) fn read_record(&self, address: u64, record_len: usize) -> Result<Bytes, Failure> {
        let bytes = self.read(address, ENVELOPE_BYTES + record_len)?;
        self.check_record(&bytes, address)?;
        Ok(bytes.slice(ENVELOPE_BYTES..))
    }

    /// That `bytes` is the envelope and record written at `address`.
    pub(crate) fn check_record(&self, bytes: &[u8], address: u64) -> Result<(), Failure> {
        match super::envelope::open(bytes, address, self.generation) {
            Envelope::Record { len, .. } if len + ENVELOPE_BYTES == bytes.len() => Ok(()),
            _ => Err(corrupt_at(&self.path, self.file_offset(address), "the record has a wrong checksum")),
        }
    }
}

fn encode_header(base: u64, capacity: u64, generation: u32) -> [u8; 4096] {
    let mut header = [0; HEADER_BYTES as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&generation.to_le_bytes());
    header[16..24].copy_from_slice(&base.to_le_bytes());
    header[24..32].copy_from_slice(&capacity.to_le_bytes());
    let sum = crc32c::crc32c(&header[..32]);
    header[32..36].copy_from_slice(&sum.to_le_bytes());
    header
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
