//! Reading what is no longer in memory: in chunks, because a reader that is behind wants the neighbours next, and the
//! queues of a topic lie interleaved in the log.

use super::envelope::ENVELOPE_BYTES;
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::sys::sync::Mutex;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::PoisonError;

const CHUNK_BYTES: u64 = 256 << 10;
const CHUNKS_MAX: usize = 16;

/// The chunks read last; the one used longest ago goes first.
#[derive(Debug, Default)]
pub(crate) struct ColdReader {
    chunks: Mutex<VecDeque<(u64, Bytes)>>,
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
    ) -> Result<Bytes, Failure> {
        let chunk_start = segment.base() + (address - segment.base()) / CHUNK_BYTES * CHUNK_BYTES;
        let chunk_end = (chunk_start + CHUNK_BYTES).min(segment.end());
        let record_end = address + (ENVELOPE_BYTES + record_len) as u64;
        if record_end > chunk_end || chunk_end > published_end {
            return segment.read_record(address, record_len);
        }
        let chunk = match self.find(chunk_start) {
            Some(chunk) => chunk,
            None => {
                let chunk = segment.read(chunk_start, (chunk_end - chunk_start) as usize)?;
                self.keep(chunk_start, chunk.clone());
                chunk
            }
        };
        let from = (address - chunk_start) as usize;
        let to = from + ENVELOPE_BYTES + record_len;
        if to > chunk.len() {
            return segment.read_record(address, record_len);
        }
        let bytes = chunk.slice(from..to);
        segment.check_record(&bytes, address)?;
        Ok(bytes.slice(ENVELOPE_BYTES..))
    }

    /// Forgets everything: memory back when idle, and after segments were deleted.
    pub(crate) fn clear(&self) {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn find(&self, start: u64) -> Option<Bytes> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let at = chunks.iter().rposition(|(own, _)| *own == start)?;
        let found = chunks.remove(at)?;
        let bytes = found.1.clone();
        chunks.push_back(found);
        Some(bytes)
    }

    fn keep(&self, start: u64, bytes: Bytes) {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if chunks.len() == CHUNKS_MAX {
            chunks.pop_front();
        }
        chunks.push_back((start, bytes));
    }
}
