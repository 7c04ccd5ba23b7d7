//! Reading what is no longer in memory: in chunks, because a reader that is behind wants the neighbours next, and the
//! queues of a topic lie interleaved in the log.

use super::envelope::ENVELOPE_BYTES;
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::sys::sync::{Mutex, MutexGuard};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

const CHUNK_BYTES: u64 = 256 << 10;
const CHUNKS_MAX: usize = 16;

/// The chunks read last; the one used longest ago goes first.
#[derive(Debug, Default)]
pub(crate) struct ColdReader {
    chunks: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    start: u64,
    chunk: Arc<Chunk>,
}

/// Empty until it was read. Its lock is held during that: whoever wants the same chunk meanwhile waits for it instead of
/// reading it, too.
#[derive(Debug, Default)]
struct Chunk(Mutex<Option<Bytes>>);

/// The chunk the record before lay in: the next one is as a rule in the same.
#[derive(Debug, Default)]
pub(crate) struct LastChunk {
    start: Option<u64>,
    /// None, if it could not be read.
    bytes: Bytes,
}

impl ColdReader {
    /// The record whose envelope is at `address`, its checksum verified. Bytes from `published_end` on may still change
    /// and are not kept.
    pub(crate) fn record(
        &self,
        segment: &Segment,
        address: u64,
        record_len: usize,
        published_end: u64,
        last: &mut LastChunk,
    ) -> Result<Bytes, Failure> {
        let chunk_start = segment.base() + (address - segment.base()) / CHUNK_BYTES * CHUNK_BYTES;
        let chunk_end = (chunk_start + CHUNK_BYTES).min(segment.end());
        let record_end = address + (ENVELOPE_BYTES + record_len) as u64;
        if record_end > chunk_end || chunk_end > published_end {
            return segment.read_record(address, record_len);
        }
        if last.start != Some(chunk_start) {
            // One place of it that cannot be read must not keep back the records around it: each is then read alone.
            let read = self.chunk(segment, chunk_start, (chunk_end - chunk_start) as usize);
            *last = LastChunk { start: Some(chunk_start), bytes: read.unwrap_or_default() };
        }
        let from = (address - chunk_start) as usize;
        let to = from + ENVELOPE_BYTES + record_len;
        let Some(bytes) = last.bytes.get(from..to) else {
            return segment.read_record(address, record_len);
        };
        segment.check_record(bytes, address)?;
        Ok(last.bytes.slice(from + ENVELOPE_BYTES..to))
    }

    /// Forgets everything: memory back when idle, and after segments were deleted.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn chunk(&self, segment: &Segment, start: u64, len: usize) -> Result<Bytes, Failure> {
        let (chunk, evicted) = self.find_or_add(start);
        let mut bytes = chunk.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*bytes {
            return Ok(bytes.clone());
        }
        // An error is kept nowhere: the next reader tries again.
        let read = segment.read_into(evicted.and_then(Chunk::into_buffer).unwrap_or_default(), start, len)?;
        *bytes = Some(read.clone());
        Ok(read)
    }

    /// The chunk, which may still have to be read, and the one that made room for it.
    fn find_or_add(&self, start: u64) -> (Arc<Chunk>, Option<Arc<Chunk>>) {
        let mut chunks = self.lock();
        let found = chunks.iter().rposition(|kept| kept.start == start).and_then(|at| chunks.remove(at));
        let evicted = if found.is_none() && chunks.len() == CHUNKS_MAX { chunks.pop_front() } else { None };
        let kept = found.unwrap_or_else(|| Kept { start, chunk: Arc::default() });
        let chunk = kept.chunk.clone();
        chunks.push_back(kept);
        (chunk, evicted.map(|kept| kept.chunk))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunk {
    /// Its memory, if no record of it is in use any more: used again it needs neither zeroes nor page faults.
    fn into_buffer(self: Arc<Self>) -> Option<BytesMut> {
        let chunk = Arc::into_inner(self)?;
        let bytes = chunk.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        bytes?.try_into_mut().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::envelope;
    use crate::sys::sim_disk::{Cause, Fault, OperationKind, SimDisk};
    use std::path::Path;

    const RECORD_BYTES: usize = 100;
    const STEP: u64 = (ENVELOPE_BYTES + RECORD_BYTES) as u64;

    fn record(number: u64) -> Vec<u8> {
        (0..RECORD_BYTES as u64).map(|at| (number * 7 + at) as u8).collect()
    }

    /// Three more chunks than are kept, full of records, and how many records there are.
    fn written() -> (Segment, u64) {
        written_on(&SimDisk::new())
    }

    fn written_on(disk: &SimDisk) -> (Segment, u64) {
        let dir = Path::new("/log");
        let bytes = (CHUNKS_MAX as u64 + 3) * CHUNK_BYTES;
        crate::sys::disk::Disk::create_dir_all(disk, dir).unwrap();
        let segment = Segment::prepare(disk, dir, 0, bytes, 1, &|| false).unwrap();
        let records = bytes / STEP;
        let mut all = Vec::new();
        for number in 0..records {
            let mut one = vec![0; ENVELOPE_BYTES];
            one.extend(record(number));
            envelope::close(&mut one, number * STEP, 1);
            all.extend(one);
        }
        segment.write(&all, 0).unwrap();
        (segment, records)
    }

    fn read(reader: &ColdReader, segment: &Segment, number: u64, last: &mut LastChunk) -> Bytes {
        reader.record(segment, number * STEP, RECORD_BYTES, segment.end(), last).unwrap()
    }

    #[test]
    fn every_record_is_read_whatever_the_order_and_few_chunks_are_kept() {
        let (segment, records) = written();
        let reader = ColdReader::default();
        let mut last = LastChunk::default();
        let numbers = (0..records).chain((0..records).rev()).chain((0..records).step_by(2999));
        for number in numbers {
            assert_eq!(read(&reader, &segment, number, &mut last), record(number), "record {number}");
            assert!(reader.lock().len() <= CHUNKS_MAX);
        }
        reader.clear();
        assert_eq!(read(&reader, &segment, 5, &mut last), record(5));
    }

    #[test]
    fn a_place_that_cannot_be_read_costs_the_records_in_it_only() {
        let disk = SimDisk::new();
        let (segment, _) = written_on(&disk);
        let bad = segment.file_offset(CHUNK_BYTES + 8192)..segment.file_offset(CHUNK_BYTES + 12288);
        let place = bad.clone();
        disk.set_plan(move |_, operation| {
            let is_hit = operation.offset < place.end && operation.offset + operation.len > place.start;
            (operation.kind == OperationKind::Read && is_hit).then_some(Fault::Error(Cause::Io))
        });
        let (reader, mut last) = (ColdReader::default(), LastChunk::default());
        for number in CHUNK_BYTES / STEP..2 * CHUNK_BYTES / STEP {
            let (from, to) = (segment.file_offset(number * STEP), segment.file_offset((number + 1) * STEP));
            let found = reader.record(&segment, number * STEP, RECORD_BYTES, segment.end(), &mut last);
            match found {
                Ok(found) => assert_eq!(found, record(number)),
                Err(failure) => assert!(from < bad.end && to > bad.start, "record {number}: {failure}"),
            }
        }
    }

    #[test]
    fn memory_that_a_message_still_uses_is_not_used_again() {
        let (segment, _) = written();
        let reader = ColdReader::default();
        let held = read(&reader, &segment, 0, &mut LastChunk::default());
        read(&reader, &segment, CHUNK_BYTES / STEP + 1, &mut LastChunk::default());
        let mut chunks: Vec<_> = reader.lock().drain(..).map(|kept| kept.chunk).collect();
        let free = chunks.pop().and_then(Chunk::into_buffer).expect("no record of it is in use");
        assert_eq!(free.capacity(), CHUNK_BYTES as usize);
        assert!(chunks.pop().and_then(Chunk::into_buffer).is_none());
        assert_eq!(held, record(0));
        let again = segment.read_into(free, CHUNK_BYTES, CHUNK_BYTES as usize).unwrap();
        assert_eq!(again, segment.read(CHUNK_BYTES, CHUNK_BYTES as usize).unwrap());
    }
}
