//! A simulated disk that says of its space what a test wants to hear.

use crate::sys::disk::{DirEntry, DirLock, Disk, DiskFile, DiskSpace};
use crate::sys::sim_disk::SimDisk;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

type Say = Box<dyn Fn(&Path, DiskSpace) -> DiskSpace + Send + Sync>;

pub(super) struct Measured {
    disk: SimDisk,
    say: Say,
}

impl Measured {
    /// `say` gets the directory that is asked for, and the truth.
    pub(super) fn new(
        disk: &SimDisk,
        say: impl Fn(&Path, DiskSpace) -> DiskSpace + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { disk: disk.clone(), say: Box::new(say) })
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl Disk for Measured {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open_to_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        self.disk.lock(path)
    }

    fn lock_to_read(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        self.disk.lock_to_read(path)
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        Ok((self.say)(dir, self.disk.space(dir)?))
    }
}
