//! The bytes written last, kept in memory: a consumer that keeps up never reads a file.

use super::envelope::ENVELOPE_BYTES;
use crate::sys::sync::RwLock;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::PoisonError;

/// How many bytes of the log's end stay in memory.
pub(crate) const RECENT_BYTES_MAX: usize = 6 << 20;

/// The last blocks written, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RecentBlocks {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    blocks: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

impl RecentBlocks {
    /// Adds what was written at `address`, behind everything added before; the oldest blocks make room.
    pub(crate) fn push(&self, address: u64, bytes: Bytes) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes.len();
        inner.blocks.push_back((address, bytes));
        while inner.bytes > RECENT_BYTES_MAX && inner.blocks.len() > 1 {
            if let Some((_, oldest)) = inner.blocks.pop_front() {
                inner.bytes -= oldest.len();
            }
        }
    }

    /// For each wanted envelope its record, if that is still in memory. Nothing is checked, nor needs to be: these are
    /// the bytes that were handed to the disk.
    pub(crate) fn records(&self, wanted: &[(u64, usize)], out: &mut Vec<Option<Bytes>>) {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        out.extend(wanted.iter().map(|&(address, len)| inner.record(address, len)));
    }
}

impl Inner {
    fn record(&self, address: u64, record_len: usize) -> Option<Bytes> {
        let behind = self.blocks.partition_point(|(start, _)| *start <= address);
        let (start, bytes) = self.blocks.get(behind.checked_sub(1)?)?;
        let from = usize::try_from(address - start).ok()? + ENVELOPE_BYTES;
        let to = from.checked_add(record_len)?;
        (to <= bytes.len()).then(|| bytes.slice(from..to))
    }
}
