//! The injected disk: every file operation of the library goes through these two traits.
//!
//! Writes are positional, never through a mapping, so that a full disk or a failing one comes back as an error of
//! a known call. `RealDisk` is the operating system; `SimDisk` (tests) drops, reorders and tears what was not synced.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system, seen from one process.
pub trait Disk: Send + Sync + Debug {
    /// Creates a file that must not exist yet, open for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file that is only read: it may lie where nothing can be written.
    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Replaces `to` with `from`, atomically; durable only after [`Disk::sync_dir`] of both parents.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; durable only after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The files directly inside `dir` with their lengths, in name order. Directories are left out.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;

    /// Creates `dir` and its missing parents, and makes their names durable.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals inside `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock that makes one process the only owner of a directory. The error of a lock that is held names
    /// the holder: `ErrorKind::WouldBlock`, with the pid that the holder wrote into the file, if it can be read.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>>;

    /// Takes the same lock for as long as a directory is only looked at: no byte of the file changes, and where there is
    /// none, nobody can hold it and `None` comes back.
    fn lock_to_read(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>>;

    /// Bytes of the file system that holds `dir`.
    fn space(&self, dir: &Path) -> io::Result<DiskSpace>;
}

/// An open file. Shared by threads; every call names its offset.
pub trait DiskFile: Send + Sync + Debug {
    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file when needed. After an error any part may be written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the contents (and a changed length) durable. After an error the state of unsynced bytes is unknown
    /// and must be assumed lost, even if a later call succeeds.
    fn sync_data(&self) -> io::Result<()>;

    /// Writes all of `bytes` at `offset` and makes them durable: these alone, where the system can do that in one step,
    /// or everything written before as well.
    fn write_all_durably_at(&self, bytes: &[u8], offset: u64) -> Result<(), NotDurable> {
        write_then_sync(self, bytes, offset)
    }

    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts or extends (with zeroes) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reserves space up to `len`, so that writes below it cannot fail for want of space; the length becomes `len`.
    fn allocate(&self, len: u64) -> io::Result<()>;
}

/// [`DiskFile::write_all_durably_at`] in two steps.
pub fn write_then_sync<F: DiskFile + ?Sized>(file: &F, bytes: &[u8], offset: u64) -> Result<(), NotDurable> {
    file.write_all_at(bytes, offset).map_err(NotDurable::Write)?;
    file.sync_data().map_err(NotDurable::Sync)
}

/// Why bytes are not durable: for want of room, a write may be tried again; a sync never.
#[derive(Debug)]
pub enum NotDurable {
    Write(io::Error),
    /// As of [`DiskFile::sync_data`].
    Sync(io::Error),
}

/// Held while this value lives.
pub trait DirLock: Send + Sync + Debug {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    pub path: PathBuf,
    pub len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Used by somebody or still available to this process: what a file system keeps for others alone (the reserve of
    /// root, what a quota leaves out) is neither, or a disk would look full that is not.
    pub total_bytes: u64,
    /// What this process may still use.
    pub available_bytes: u64,
}

/// Whether an operation failed for want of room: the disk or a quota on it is full, which may pass. Other errors
/// of a write do not.
pub fn is_disk_full(error: &io::Error) -> bool {
    /// A full disk as some file systems report it; std leaves this one unnamed.
    #[cfg(windows)]
    const ERROR_HANDLE_DISK_FULL: i32 = 39;
    #[cfg(windows)]
    if error.raw_os_error() == Some(ERROR_HANDLE_DISK_FULL) {
        return true;
    }
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
