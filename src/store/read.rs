//! Reading a queue.

use bytes::Bytes;

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
