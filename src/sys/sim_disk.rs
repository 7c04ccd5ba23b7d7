//! A disk in memory that fails on purpose: at chosen operations, and by forgetting what was not synced.
//!
//! It keeps two states: what the operating system would answer, and what is on the device for certain. File contents
//! move from one to the other by `sync_data`, names by `sync_dir` of their directory. Every operation has a number; a
//! plan says which of them fail and how. Everything follows from the operations and the seeds, nothing from the time.

mod content;
mod crash;
mod names;
mod plan;

pub use crash::STYLES;
pub use plan::{Cause, Fault, Operation, OperationKind, Random};

use crate::sys::disk::{DirEntry, DirLock, Disk, DiskFile, DiskSpace};
use content::{Change, File};
use crash::PowerCut;
use names::{Names, dir_of};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Decides before each operation whether it fails. It is called without any lock of the disk, so that it may make an
/// image of the disk with [`SimDisk::after_power_cut`]: the state between the operation before and this one.
pub type Plan = Arc<dyn Fn(&SimDisk, &Operation) -> Option<Fault> + Send + Sync>;

/// A simulated disk; clones are handles of the same one.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    names: Names,
    plan: Option<Plan>,
    log: Vec<Operation>,
    next_number: u64,
    next_sync: u64,
    is_off: bool,
    locks: BTreeSet<PathBuf>,
    capacity: u64,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SimDisk")
            .field("files", &state.names.seen.keys())
            .field("operations", &state.next_number)
            .finish_non_exhaustive()
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty disk without a limit of space.
    pub fn new() -> Self {
        Self::with_names(Names::default(), u64::MAX)
    }

    fn with_names(names: Names, capacity: u64) -> Self {
        let state = State {
            names,
            plan: None,
            log: Vec::new(),
            next_number: 0,
            next_sync: 0,
            is_off: false,
            locks: BTreeSet::new(),
            capacity,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many bytes the disk holds in all.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Installs a plan in place of the one before.
    pub fn set_plan(&self, plan: impl Fn(&SimDisk, &Operation) -> Option<Fault> + Send + Sync + 'static) {
        self.state().plan = Some(Arc::new(plan));
    }

    /// No operation fails from now on, unless the power is cut.
    pub fn clear_plan(&self) {
        self.state().plan = None;
    }

    /// Fails the operation with that number.
    pub fn fail_once(&self, number: u64, fault: Fault) {
        self.set_plan(move |_, operation| (operation.number == number).then_some(fault));
    }

    /// Fails the operation with that number and every later one that changes the disk; reads go on.
    pub fn fail_from(&self, number: u64, fault: Fault) {
        self.set_plan(move |_, operation| {
            let is_changing = operation.number > number && operation.kind.is_change();
            (operation.number == number || is_changing).then_some(fault)
        });
    }

    /// Makes all syncs that `left_out` picks report success and do nothing: what a program without them would do.
    pub fn skip_syncs(&self, left_out: impl Fn(&Operation) -> bool + Send + Sync + 'static) {
        self.set_plan(move |_, operation| {
            (operation.kind.is_sync() && left_out(operation)).then_some(Fault::Skip)
        });
    }

    /// Leaves out the sync with that number, counted from 0 among syncs.
    pub fn skip_sync(&self, sync_number: u64) {
        self.skip_syncs(move |operation| operation.sync_number == Some(sync_number));
    }

    /// Cuts the power in the middle of the operation with that number.
    pub fn cut_power_at(&self, number: u64) {
        self.fail_once(number, Fault::PowerCut);
    }

    /// Cuts the power now: every operation fails from here on.
    pub fn cut_power(&self) {
        self.state().is_off = true;
    }

    /// The disk as a machine may find it if the power was cut at this moment. The seed decides what survived:
    /// [`STYLES`] consecutive ones show every style of damage. This disk stays as it is.
    pub fn after_power_cut(&self, seed: u64) -> SimDisk {
        let state = self.state();
        let mut cut = PowerCut::new(seed, state.next_number);
        let survives = cut.names(state.names.pending.len());
        let mut table = state.names.after_power_cut(survives);
        for (path, file) in &mut table {
            let content = cut.content(&file.state());
            *file = File::settled(path.clone(), content);
        }
        let names = Names {
            seen: table.clone(),
            durable: table,
            pending: Vec::new(),
            dirs: state.names.dirs.clone(),
        };
        Self::with_names(names, state.capacity)
    }

    /// The disk as the next process finds it if this one was killed at this moment: nothing is lost yet, but what was
    /// unsynced still is.
    pub fn after_process_kill(&self) -> SimDisk {
        let state = self.state();
        Self::with_names(state.names.duplicate(), state.capacity)
    }

    /// All operations so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.state().log.clone()
    }

    /// How many operations there were so far: the number of the next one.
    pub fn operation_count(&self) -> u64 {
        self.state().next_number
    }

    /// The operations so far that make something durable.
    pub fn syncs(&self) -> Vec<Operation> {
        self.state().log.iter().filter(|operation| operation.kind.is_sync()).cloned().collect()
    }

    /// The files that programs see, with their contents; not an operation.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.state();
        let seen = state.names.seen.iter();
        seen.map(|(path, file)| (path.to_path_buf(), file.state().volatile.to_vec())).collect()
    }

    /// Changes bytes of a file behind every program's back, on the device and in the cache: bit rot.
    pub fn damage(&self, path: &Path, offset: u64, change: impl Fn(u8) -> u8) -> io::Result<()> {
        let file = self.state().names.file(path)?;
        let mut file = file.state();
        let mut byte = [0];
        if file.volatile.read(&mut byte, offset) == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let changed = [change(byte[0])];
        Arc::make_mut(&mut file.volatile).write(&changed, offset);
        if offset < file.durable.len() {
            Arc::make_mut(&mut file.durable).write(&changed, offset);
        }
        Ok(())
    }

    /// Flips one bit of a file.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> io::Result<()> {
        self.damage(path, offset, |byte| byte ^ (1 << (bit % 8)))
    }

    /// Numbers an operation, asks the plan, and gives the state to perform it on.
    fn begin(&self, kind: OperationKind, path: Arc<Path>, offset: u64, len: u64) -> io::Result<Begun<'_>> {
        let (operation, plan) = {
            let mut state = self.state();
            state.check_power()?;
            let sync_number = kind.is_sync().then_some(state.next_sync);
            state.next_sync += u64::from(kind.is_sync());
            let operation = Operation { number: state.next_number, kind, path, offset, len, sync_number };
            state.next_number += 1;
            state.log.push(operation.clone());
            (operation, state.plan.clone())
        };
        let fault = plan.and_then(|plan| plan(self, &operation));
        let mut state = self.state();
        state.check_power()?;
        if fault == Some(Fault::PowerCut) {
            state.is_off = true;
        }
        Ok(Begun { state, fault })
    }

    fn begin_path(&self, kind: OperationKind, path: &Path) -> io::Result<Begun<'_>> {
        self.begin(kind, path.into(), 0, 0)
    }
}

/// An operation that may now be performed, and what is to go wrong with it.
struct Begun<'a> {
    state: MutexGuard<'a, State>,
    fault: Option<Fault>,
}

fn power_is_off() -> io::Error {
    io::Error::other("the power of the simulated disk was cut")
}

impl Begun<'_> {
    /// Performs an operation that has an effect or not: under a power cut it has, but nobody is told. Those that lose
    /// data when they fail look at the fault themselves.
    fn perform<T>(mut self, action: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<Option<T>> {
        match self.fault {
            None => action(&mut self.state).map(Some),
            Some(Fault::Error(cause) | Fault::Short { cause, .. }) => Err(cause.error()),
            Some(Fault::Skip) => Ok(None),
            Some(Fault::PowerCut) => {
                let _ = action(&mut self.state);
                Err(power_is_off())
            }
        }
    }

    /// Likewise for one whose answer cannot be left out.
    fn answer<T>(self, action: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.perform(action)?.ok_or_else(|| io::Error::other("a plan can only skip what gives no answer"))
    }
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        if self.is_off { Err(power_is_off()) } else { Ok(()) }
    }

    fn free_bytes(&self) -> u64 {
        if self.capacity == u64::MAX {
            return u64::MAX;
        }
        let taken: u64 = self.names.seen.values().map(|file| file.state().volatile.room_taken()).sum();
        self.capacity.saturating_sub(taken)
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let begun = self.begin_path(OperationKind::Create, path)?;
        let file = begun.answer(|state| state.names.create(path))?;
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let begun = self.begin_path(OperationKind::Open, path)?;
        let file = begun.answer(|state| state.names.file(path))?;
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let begun = self.begin_path(OperationKind::Rename, from)?;
        begun.perform(|state| state.names.rename(from, to)).map(drop)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let begun = self.begin_path(OperationKind::Remove, path)?;
        begun.perform(|state| state.names.remove(path)).map(drop)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let begun = self.begin_path(OperationKind::List, dir)?;
        begun.answer(|state| {
            state.names.check_dir(dir)?;
            let inside = state.names.seen.iter().filter(|(path, _)| dir_of(path) == dir);
            Ok(inside
                .map(|(path, file)| DirEntry { path: path.to_path_buf(), len: file.state().volatile.len() })
                .collect())
        })
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let begun = self.begin_path(OperationKind::CreateDir, dir)?;
        begun.perform(|state| state.names.create_dir_all(dir)).map(drop)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let begun = self.begin_path(OperationKind::SyncDir, dir)?;
        let is_cut = begun.fault == Some(Fault::PowerCut);
        let sync = |state: &mut State| {
            state.names.check_dir(dir)?;
            // In the middle of a sync everything is still possible: that is what unsynced means.
            if !is_cut {
                state.names.sync_dir(dir);
            }
            Ok(())
        };
        begun.perform(sync).map(drop)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let begun = self.begin_path(OperationKind::Lock, path)?;
        begun.answer(|state| {
            let pid = std::process::id();
            if state.locks.contains(path) {
                return Err(io::Error::new(ErrorKind::WouldBlock, format!("held by process {pid}")));
            }
            let file = match state.names.file(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => state.names.create(path)?,
                other => other?,
            };
            let mut file = file.state();
            file.change(Change::SetLen(0));
            file.change(Change::Write { offset: 0, bytes: format!("{pid}\n").into_bytes().into() });
            state.locks.insert(path.to_owned());
            Ok(())
        })?;
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned() }))
    }

    fn lock_to_read(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        let begun = self.begin_path(OperationKind::Open, path)?;
        let is_taken = begun.answer(|state| {
            if state.locks.contains(path) {
                let pid = std::process::id();
                return Err(io::Error::new(ErrorKind::WouldBlock, format!("held by process {pid}")));
            }
            let is_there = state.names.file(path).is_ok();
            if is_there {
                state.locks.insert(path.to_owned());
            }
            Ok(is_there)
        })?;
        Ok(is_taken
            .then(|| Box::new(SimLock { disk: self.clone(), path: path.to_owned() }) as Box<dyn DirLock>))
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        let begun = self.begin_path(OperationKind::Space, dir)?;
        begun.answer(|state| {
            state.names.check_dir(dir)?;
            Ok(DiskSpace { total_bytes: state.capacity, available_bytes: state.free_bytes() })
        })
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl DirLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: Arc<File>,
}

impl SimFile {
    fn begin(&self, kind: OperationKind, offset: u64, len: u64) -> io::Result<Begun<'_>> {
        let name = self.file.state().name.clone();
        self.disk.begin(kind, name, offset, len)
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let begun = self.begin(OperationKind::Read, offset, buffer.len() as u64)?;
        begun.answer(|_| Ok(self.file.state().volatile.read(buffer, offset)))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut begun = self.begin(OperationKind::Write, offset, bytes.len() as u64)?;
        if let Some(Fault::Short { bytes: arriving, cause }) = begun.fault {
            begun.fault = None;
            let arriving = (arriving as usize).min(bytes.len());
            self.write(begun, &bytes[..arriving], offset)?;
            return Err(cause.error());
        }
        self.write(begun, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let begun = self.begin(OperationKind::SyncData, 0, 0)?;
        let mut file = self.file.state();
        match begun.fault {
            None => file.sync(),
            Some(Fault::Error(_) | Fault::Short { .. }) => file.fail_sync(),
            // In the middle of a sync everything is still possible: that is what unsynced means.
            Some(Fault::Skip | Fault::PowerCut) => {}
        }
        begun.perform(|_| Ok(())).map(drop)
    }

    fn len(&self) -> io::Result<u64> {
        let begun = self.begin(OperationKind::Len, 0, 0)?;
        begun.answer(|_| Ok(self.file.state().volatile.len()))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let begun = self.begin(OperationKind::SetLen, 0, len)?;
        begun
            .perform(|_| {
                self.file.state().change(Change::SetLen(len));
                Ok(())
            })
            .map(drop)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut begun = self.begin(OperationKind::Allocate, 0, len)?;
        if let Some(Fault::Short { bytes: growing, cause }) = begun.fault {
            begun.fault = None;
            let before = self.file.state().volatile.len();
            self.reserve(begun, before.saturating_add(growing).min(len))?;
            return Err(cause.error());
        }
        self.reserve(begun, len)
    }
}

impl SimFile {
    fn write(&self, begun: Begun<'_>, bytes: &[u8], offset: u64) -> io::Result<()> {
        let write = |state: &mut State| {
            let free = state.free_bytes();
            let mut file = self.file.state();
            let fitting = file.volatile.fitting(offset, bytes.len() as u64, free) as usize;
            if fitting > 0 {
                file.change(Change::Write { offset, bytes: bytes[..fitting].into() });
            }
            if fitting < bytes.len() { Err(Cause::Full.error()) } else { Ok(()) }
        };
        begun.perform(write).map(drop)
    }

    fn reserve(&self, begun: Begun<'_>, len: u64) -> io::Result<()> {
        let reserve = |state: &mut State| {
            let free = state.free_bytes();
            let mut file = self.file.state();
            if file.volatile.fitting(0, len, free) < len {
                return Err(Cause::Full.error());
            }
            file.change(Change::Allocate(len));
            Ok(())
        };
        begun.perform(reserve).map(drop)
    }
}

#[cfg(test)]
mod tests;
