//! What tests say about a simulated disk's operations: how they are named, and how they are to fail.

use std::io;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperationKind {
    Create,
    Open,
    Rename,
    Remove,
    List,
    CreateDir,
    SyncDir,
    Lock,
    Space,
    Read,
    Write,
    SyncData,
    Len,
    SetLen,
    Allocate,
}

impl OperationKind {
    /// Whether the disk may differ afterwards, so that a power cut before and after it is not the same.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Open | Self::List | Self::Space | Self::Read | Self::Len)
    }

    pub fn is_sync(self) -> bool {
        matches!(self, Self::SyncData | Self::SyncDir)
    }
}

/// One call of `Disk` or `DiskFile`, numbered from 0 over the whole disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub number: u64,
    pub kind: OperationKind,
    /// The file by its present name (the old one of a rename), or the directory.
    pub path: Arc<Path>,
    pub offset: u64,
    /// Bytes to read or write, or the length to set.
    pub len: u64,
    /// Its place among the syncs, from 0, if it is one.
    pub sync_number: Option<u64>,
}

/// What happens to an operation instead of succeeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect; a failed `sync_data` moreover loses what was unsynced.
    Error(Cause),
    /// That many bytes of a write arrive, or the file grows by so many of an allocation, then it fails. Of any other
    /// operation: `Error`.
    Short { bytes: u64, cause: Cause },
    /// It reports success and does nothing: how a test leaves a sync out.
    Skip,
    /// The machine goes off in the middle of it: it may or may not have taken effect, and all later ones fail.
    PowerCut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// EIO: the device failed.
    Io,
    /// ENOSPC: no room.
    Full,
    /// EMFILE: the process has too many files open.
    TooManyFiles,
}

impl Cause {
    pub(super) fn error(self) -> io::Error {
        #[cfg(windows)]
        let (device, full, too_many) = (1117, 112, 4);
        #[cfg(not(windows))]
        let (device, full, too_many) = (5, 28, 24);
        io::Error::from_raw_os_error(match self {
            Self::Io => device,
            Self::Full => full,
            Self::TooManyFiles => too_many,
        })
    }
}

/// A small generator whose numbers follow from its seed alone (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform below `bound`, 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_number().checked_rem(bound).unwrap_or(0)
    }

    /// True in `numerator` of 16 cases.
    pub fn chance(&mut self, numerator: u64) -> bool {
        self.below(16) < numerator
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_number().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
