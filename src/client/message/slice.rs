//! Bytes of a message: its own, or still within the block they were read in.

use bytes::Bytes;
use std::ops::Deref;

/// Up to so many bytes are copied out of their block when a received message is cloned. The block has up to 4 MiB, and
/// whoever clones keeps the clone: sharing would let a few bytes keep all of them. What is longer than this is not worth a
/// copy: it is no small part of its block.
pub(super) const COPIED_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Slice {
    bytes: Bytes,
    is_of_block: bool,
}

impl Slice {
    /// The program's: clones share it, whatever its length.
    pub(super) fn own(bytes: Bytes) -> Self {
        Self { bytes, is_of_block: false }
    }

    pub(super) fn of_block(bytes: Bytes) -> Self {
        Self { bytes, is_of_block: true }
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Clone for Slice {
    fn clone(&self) -> Self {
        if self.is_of_block && self.bytes.len() <= COPIED_BYTES_MAX {
            return Self::own(Bytes::copy_from_slice(&self.bytes));
        }
        Self { bytes: self.bytes.clone(), is_of_block: self.is_of_block }
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
