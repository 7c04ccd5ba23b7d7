//! The segments of the log: those with records, in order, and the next one, made ready ahead of need.

use super::config::{FlushMode, StoreConfig};
use super::durable::sync_parent;
use super::error::io_failure;
use super::index_file::{self, IndexFile};
use super::segment::Segment;
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::disk::Disk;
use crate::sys::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// A retired segment waits under this ending to become the next one.
pub(crate) const SPARE_EXTENSION: &str = "spare";

/// A segment is zeroed ahead while a sync covers less than this. That makes each sync cheaper by a part that matters for
/// small ones; for large ones writing every byte twice costs more.
const ZEROED_SYNC_BYTES_MAX: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    log_dir: PathBuf,
    flush: FlushMode,
    bytes_min: u64,
    bytes_max: u64,
    /// SYNC_FLUSH: what a sync covers, a moving average.
    usual_sync_bytes: AtomicUsize,
    /// Held while a segment is made: the background work and an append that cannot wait must not make the same one.
    making: Mutex<()>,
    /// All senders wait for the segment that is being made: it is not zeroed any further.
    is_needed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By base.
    used: BTreeMap<u64, Held>,
    prepared: VecDeque<Arc<Segment>>,
    spare: Option<Spare>,
    /// The highest generation given out.
    generation: u32,
}

/// A retired segment's file.
#[derive(Debug, Clone)]
pub(crate) struct Spare {
    pub(crate) path: PathBuf,
    pub(crate) capacity: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) segment: Arc<Segment>,
    /// Set when the segment is finished and its index is durable.
    pub(crate) index: Option<Arc<IndexFile>>,
}

impl Segments {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        log_dir: PathBuf,
        config: &StoreConfig,
        used: BTreeMap<u64, Held>,
        spare: Option<Spare>,
        generation: u32,
    ) -> Self {
        let state = State { used, prepared: VecDeque::new(), spare, generation };
        Self {
            disk,
            log_dir,
            flush: config.flush,
            bytes_min: config.segment_bytes_min,
            bytes_max: config.segment_bytes_max,
            usual_sync_bytes: AtomicUsize::new(0),
            making: Mutex::new(()),
            is_needed: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    /// The first segment of an empty log.
    pub(crate) fn make_first(&self) -> Result<Arc<Segment>, Failure> {
        let segment = Arc::new(self.make(0, self.bytes_min, &|| self.is_zeroed_ahead())?);
        self.lock().used.insert(0, Held { segment: segment.clone(), index: None });
        Ok(segment)
    }

    /// Makes the next segment ready unless it is. Called off the append path.
    pub(crate) fn prepare_next(&self) -> Result<(), Failure> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (base, capacity) = {
            let state = self.lock();
            let Some(last) = state.used.values().next_back() else { return Ok(()) };
            if !state.prepared.is_empty() {
                return Ok(());
            }
            (last.segment.end(), self.capacity_after(&last.segment))
        };
        let is_zeroing = || self.is_zeroed_ahead() && !self.is_needed.load(Ordering::Relaxed);
        let segment = Arc::new(self.make(base, capacity, &is_zeroing)?);
        self.lock().prepared.push_back(segment);
        Ok(())
    }

    /// The segment behind `full`, now in use. If it was not ready it is made here and now, and all senders wait for it:
    /// then it is only reserved, so that they wait for two syncs, not for a whole segment of zeroes. A small one if the
    /// disk is short.
    pub(crate) fn take_next(&self, full: &Segment) -> Result<Arc<Segment>, Failure> {
        self.is_needed.store(true, Ordering::Relaxed);
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_needed.store(false, Ordering::Relaxed);
        let ready = self.lock().prepared.pop_front();
        let segment = match ready {
            Some(segment) => segment,
            None => {
                Arc::new(self.make(full.end(), self.capacity_after(full), &|| false).or_else(|failure| {
                    if failure.kind == FailureKind::DiskFull {
                        self.make(full.end(), self.bytes_min, &|| false)
                    } else {
                        Err(failure)
                    }
                })?)
            }
        };
        self.lock().used.insert(segment.base(), Held { segment: segment.clone(), index: None });
        Ok(segment)
    }

    /// Takes back a segment that [`Segments::take_next`] gave and nothing was written to.
    pub(crate) fn give_back(&self, segment: Arc<Segment>) {
        let mut state = self.lock();
        state.used.remove(&segment.base());
        // Those prepared behind it keep their bases: the chain is as it was before.
        state.prepared.push_front(segment);
    }

    /// The segment that holds a log address.
    pub(crate) fn find(&self, address: u64) -> Option<Arc<Segment>> {
        let state = self.lock();
        let (_, held) = state.used.range(..=address).next_back()?;
        held.segment.contains(address).then(|| held.segment.clone())
    }

    pub(crate) fn set_index(&self, base: u64, index: Arc<IndexFile>) {
        if let Some(held) = self.lock().used.get_mut(&base) {
            held.index = Some(index);
        }
    }

    /// All segments with records, oldest first.
    pub(crate) fn used(&self) -> Vec<Held> {
        self.lock().used.values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().used.len()
    }

    /// Bytes of the file system that the log takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().used.values().map(|held| held.segment.capacity()).sum()
    }

    /// Takes over a segment that holds records and has no index yet, at open.
    pub(crate) fn adopt(&self, segment: Arc<Segment>) {
        self.lock().used.insert(segment.base(), Held { segment, index: None });
    }

    /// Takes over a segment that was made ready and never used, at open.
    pub(crate) fn adopt_prepared(&self, segment: Arc<Segment>) {
        self.lock().prepared.push_back(segment);
    }

    pub(crate) fn raise_generation_to(&self, generation: u32) {
        let mut state = self.lock();
        state.generation = state.generation.max(generation);
    }

    pub(crate) fn raise_generation(&self) -> u32 {
        let mut state = self.lock();
        state.generation += 1;
        state.generation
    }

    /// Removes the oldest segment's files; its memory of records was dropped before. With `may_keep` it becomes the next
    /// one if nobody reads it and it has a useful size.
    pub(crate) fn retire(&self, base: u64, may_keep: bool) -> Result<(), Failure> {
        let Some(held) = self.lock().used.remove(&base) else { return Ok(()) };
        let segment = held.segment;
        let is_kept = may_keep
            && Arc::strong_count(&segment) == 1
            && segment.capacity() == self.bytes_max
            && self.lock().spare.is_none();
        let path = segment.path();
        if is_kept {
            let spare = path.with_extension(SPARE_EXTENSION);
            self.disk.rename(path, &spare).map_err(|e| io_failure("rename", path, &e))?;
            self.lock().spare = Some(Spare { path: spare, capacity: segment.capacity() });
        } else {
            self.disk.remove(path).map_err(|e| io_failure("remove", path, &e))?;
        }
        // In this order: an index without its segment is removed at the next open; a segment without its index would be
        // read as a whole and come back to life.
        if let Some(index) = held.index {
            self.disk.remove(index.path()).map_err(|e| io_failure("remove", index.path(), &e))?;
        }
        sync_parent(self.disk.as_ref(), path)
    }

    /// Gives back the space of the spare segment, if there is one.
    pub(crate) fn remove_spare(&self) -> Result<bool, Failure> {
        let Some(Spare { path, .. }) = self.lock().spare.take() else { return Ok(false) };
        self.disk.remove(&path).map_err(|e| io_failure("remove", &path, &e))?;
        Ok(true)
    }

    fn capacity_after(&self, segment: &Segment) -> u64 {
        (segment.capacity() * 2).clamp(self.bytes_min, self.bytes_max)
    }

    fn is_zeroed_ahead(&self) -> bool {
        self.flush == FlushMode::Sync && self.usual_sync_bytes.load(Ordering::Relaxed) < ZEROED_SYNC_BYTES_MAX
    }

    /// `is_zeroing`: see [`Segment::prepare`].
    fn make(&self, base: u64, capacity: u64, is_zeroing: &dyn Fn() -> bool) -> Result<Segment, Failure> {
        let generation = self.raise_generation();
        let spare = {
            let mut state = self.lock();
            state.spare.take_if(|spare| spare.capacity == capacity)
        };
        if let Some(Spare { path, .. }) = spare {
            match Segment::recycle(self.disk.as_ref(), &self.log_dir, &path, base, capacity, generation) {
                Ok(segment) => return Ok(segment),
                Err(failure) => {
                    log::warn!("{failure}: a new file is made instead");
                    let _ = self.disk.remove(&path);
                }
            }
        }
        Segment::prepare(self.disk.as_ref(), &self.log_dir, base, capacity, generation, is_zeroing)
    }

    /// SYNC_FLUSH: so many bytes are about to be synced. Called by one thread at a time.
    pub(crate) fn note_sync(&self, bytes: usize) {
        let usual = self.usual_sync_bytes.load(Ordering::Relaxed);
        self.usual_sync_bytes.store(usual - usual / 16 + bytes / 16, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a segment behind the end of the log and its index, as far as they exist. Should a power cut bring them back,
/// they are behind the end again: nothing is appended there before a new segment was made, which syncs the directory.
pub(crate) fn remove_files(disk: &dyn Disk, segment: &Path) -> Result<(), Failure> {
    let index = index_file::path_of(segment);
    for path in [&index, &segment.to_owned()] {
        match disk.remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_failure("remove", path, &error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
