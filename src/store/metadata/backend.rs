//! The key-value crate's storage on the injected disk, with the library's own view of failures.
//!
//! redb refuses everything after its first I/O error, reads too. Here only writing ends: after a failed write or sync
//! the file is never touched again, and what redb still writes is kept in memory, over the file, so that it can go on
//! reading. A full disk is reported to redb instead: nothing on it is in doubt, and the file can be opened anew.

use crate::sys::disk::{DiskFile, is_disk_full};
use crate::sys::sync::leaf::{Mutex, MutexGuard};
use std::io;
use std::sync::{Arc, PoisonError};

/// One use of a file by redb; clones are handles of the same one.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    file: Arc<dyn DiskFile>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Written since the last sync, in order. Once writing has ended, all that the file lacks or may lose.
    unsynced: Vec<(u64, Vec<u8>)>,
    /// Set once writing has ended.
    ended: Option<Ended>,
    /// The length that the file was last known to have: when it fails it may not tell any more.
    len: u64,
    /// The first error that redb was told. Its own answers afterwards only say that there was one.
    told: Option<Arc<io::Error>>,
}

#[derive(Debug)]
struct Ended {
    cause: Arc<io::Error>,
    /// The length that redb believes the file to have.
    len: u64,
}

impl Backend {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, state: Arc::default() }
    }

    /// Why nothing is written any more, if so.
    pub(super) fn ended(&self) -> Option<Arc<io::Error>> {
        self.state().ended.as_ref().map(|ended| ended.cause.clone())
    }

    /// The first error that redb was told.
    pub(super) fn told(&self) -> Option<Arc<io::Error>> {
        self.state().told.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell<T>(&self, state: &mut State, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let (kind, error) = (error.kind(), Arc::new(error));
            state.told.get_or_insert_with(|| error.clone());
            io::Error::new(kind, error)
        })
    }

    /// Growing reserves: what fits now is not refused for want of room when it is written. What a full disk gave of it is
    /// given back: it need not be whole pages, and redb takes no other length.
    fn grow(&self, before: u64, len: u64) -> io::Result<()> {
        let result = self.file.allocate(len);
        if result.as_ref().is_err_and(is_disk_full) {
            // If that fails too, the next opening does it.
            let _ = self.file.set_len(before);
        }
        result
    }

    /// Decides what a failed change of the file means; `len` is what redb believes the length to be from now on.
    fn after_change(&self, state: &mut State, result: io::Result<()>, len: u64) -> io::Result<()> {
        match result {
            Err(error) if is_disk_full(&error) => self.tell(state, Err(error)),
            Err(error) => {
                state.ended = Some(Ended { cause: Arc::new(error), len });
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

impl redb::StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.state();
        match &state.ended {
            Some(ended) => Ok(ended.len),
            None => {
                let len = self.tell(&mut state, self.file.len())?;
                state.len = len;
                Ok(len)
            }
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        let Some(ended) = &state.ended else {
            drop(state);
            let result = self.file.read_at(out, offset).and_then(|read| check_full(read, out.len(), offset));
            return if result.is_ok() { result } else { self.tell(&mut self.state(), result) };
        };
        let within = usize::try_from(ended.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let result = check_full(within.min(out.len()), out.len(), offset).and_then(|()| {
            let read = self.file.read_at(out, offset)?;
            out.get_mut(read..).unwrap_or_default().fill(0);
            for (start, bytes) in &state.unsynced {
                overlay(out, offset, bytes, *start);
            }
            Ok(())
        });
        self.tell(&mut state, result)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if let Some(ended) = &mut state.ended {
            ended.len = len;
            return Ok(());
        }
        let result = self
            .file
            .len()
            .and_then(|before| if len > before { self.grow(before, len) } else { self.file.set_len(len) });
        if result.is_ok() {
            state.len = len;
        }
        self.after_change(&mut state, result, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.ended.is_some() {
            return Ok(());
        }
        let len = self.file.len();
        let len = self.tell(&mut state, len)?;
        match self.file.sync_data() {
            Ok(()) => state.unsynced.clear(),
            // Whatever the cause, a full disk included: the system may have dropped what was unsynced.
            Err(error) => state.ended = Some(Ended { cause: Arc::new(error), len }),
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.unsynced.push((offset, data.to_vec()));
        let end = offset + data.len() as u64;
        if let Some(ended) = &mut state.ended {
            ended.len = ended.len.max(end);
            return Ok(());
        }
        match self.file.write_all_at(data, offset) {
            Ok(()) => {
                state.len = state.len.max(end);
                Ok(())
            }
            failed => {
                let len = self.file.len().unwrap_or(state.len).max(end);
                self.after_change(&mut state, failed, len)
            }
        }
    }
}

const REWRITE_BYTES: usize = 1 << 20;
/// What redb counts a file's length in.
const PAGE_BYTES: u64 = 4096;

/// The length without the part of a page that a file may end with that was growing when the process was killed. There is
/// nothing in it: the file is used up to a new length once all of it is there.
pub(super) fn whole_pages(file: &dyn DiskFile) -> io::Result<u64> {
    let len = file.len()?;
    // Less than a page is not metadata, and none at all would be a new file to redb.
    Ok(if len < PAGE_BYTES { len } else { len - len % PAGE_BYTES })
}

/// Brings a file that was not closed properly to the device before anything is built on it: a sync that failed before
/// the end of the process may have left pages, and a length, that look clean to the system and are only in its memory.
/// Written again, they are on the device with the next sync of the file, and no commit is confirmed before one; until
/// then any part of them may arrive, as in a commit.
pub(super) fn bring_to_device(file: &dyn DiskFile) -> io::Result<()> {
    let len = whole_pages(file)?;
    file.set_len(len)?;
    let mut bytes = vec![0; REWRITE_BYTES.min(usize::try_from(len).unwrap_or(REWRITE_BYTES))];
    let mut at = 0;
    while at < len {
        let read = file.read_at(&mut bytes, at)?;
        let Some(read) = bytes.get(..read).filter(|read| !read.is_empty()) else { break };
        file.write_all_at(read, at)?;
        at += read.len() as u64;
    }
    Ok(())
}

fn check_full(read: usize, wanted: usize, offset: u64) -> io::Result<()> {
    if read == wanted {
        return Ok(());
    }
    let message =
        format!("the file ends at {}, within a page of {wanted} bytes at {offset}", offset + read as u64);
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
}

/// Copies the part of `bytes` (at `start` of the file) that lies within `out` (at `offset`).
fn overlay(out: &mut [u8], offset: u64, bytes: &[u8], start: u64) {
    let from = start.max(offset);
    let to = (start + bytes.len() as u64).min(offset + out.len() as u64);
    if from >= to {
        return;
    }
    let target = out.get_mut((from - offset) as usize..(to - offset) as usize);
    let source = bytes.get((from - start) as usize..(to - start) as usize);
    if let (Some(target), Some(source)) = (target, source) {
        target.copy_from_slice(source);
    }
}
