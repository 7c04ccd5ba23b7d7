//! Files of the operating system.
//!
//! Errors come back as the system gave them, so that `is_disk_full` and the cause's text stay; callers add the path.

mod os;

use crate::sys::disk::{
    DirEntry, DirLock, Disk, DiskFile, DiskSpace, NotDurable, is_disk_full, write_then_sync,
};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// The file system of this machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(RealFile::new(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(RealFile::new(file)))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile::new(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) => entries.push(DirEntry { path, len: metadata.len() }),
                // Removed since the directory was read, or a link that leads nowhere.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        // Ancestors of a relative path end in the empty one, which stands for the current directory.
        let ancestors: Vec<&Path> = dir.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        let missing = ancestors.iter().take_while(|path| !path.is_dir()).count();
        for path in ancestors.iter().take(missing).rev() {
            match fs::create_dir(path) {
                // Somebody else was faster; the name is made durable all the same.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
                other => other?,
            }
            os::sync_dir(parent_of(path))?;
        }
        if missing == 0 {
            // Whoever created it may have died before it made the name durable. A parent that may not be read is
            // nobody's who could have created it just now.
            match os::sync_dir(parent_of(dir)) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        os::sync_dir(if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let Some(file) = os::open_locked(path)? else {
            return Err(io::Error::new(ErrorKind::WouldBlock, held_by(path)));
        };
        if let Err(error) = write_pid(&file) {
            // The pid only explains the lock to others: a full disk must not keep a store from being read.
            log::warn!("{}: cannot write the pid of the holder: {error}", path.display());
        }
        Ok(Box::new(RealLock { file: Some(file) }))
    }

    fn lock_to_read(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        match os::open_locked_to_read(path) {
            Ok(Some(file)) => Ok(Some(Box::new(RealLock { file: Some(file) }))),
            Ok(None) => Err(io::Error::new(ErrorKind::WouldBlock, held_by(path))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        os::space(dir)
    }
}

/// The directory a path is an entry of.
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn held_by(path: &Path) -> String {
    let written = fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u32>().ok());
    // A killed holder leaves its pid, and one that only reads writes none.
    let is_running = |pid: &u32| !cfg!(target_os = "linux") || Path::new(&format!("/proc/{pid}")).exists();
    match written.filter(is_running) {
        Some(pid) => format!("held by process {pid}"),
        None => "held by another process".to_owned(),
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    /// Asked once: the file does not change its file system.
    has_durable_writes: bool,
}

impl RealFile {
    fn new(file: File) -> Self {
        let has_durable_writes = os::has_durable_writes(&file);
        Self { file, has_durable_writes }
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match os::read_at(&self.file, rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        os::write_all_at(&self.file, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write_all_durably_at(&self, bytes: &[u8], offset: u64) -> Result<(), NotDurable> {
        if !self.has_durable_writes {
            return write_then_sync(self, bytes, offset);
        }
        match os::write_all_durably_at(&self.file, bytes, offset) {
            Some(Ok(())) => Ok(()),
            // Written a second time, to know which of the two found no room. That alone would not make it durable.
            Some(Err(error)) if is_disk_full(&error) => {
                self.write_all_at(bytes, offset).map_err(NotDurable::Write)?;
                Err(NotDurable::Sync(error))
            }
            Some(Err(error)) => Err(NotDurable::Sync(error)),
            None => write_then_sync(self, bytes, offset),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.len()? > len {
            self.file.set_len(len)?;
        }
        if len == 0 { Ok(()) } else { os::allocate(&self.file, len) }
    }
}

fn write_pid(file: &File) -> io::Result<()> {
    file.set_len(0)?;
    os::write_all_at(file, format!("{}\n", std::process::id()).as_bytes(), 0)
}

#[derive(Debug)]
struct RealLock {
    /// There until it is released.
    file: Option<File>,
}

impl DirLock for RealLock {}

impl Drop for RealLock {
    fn drop(&mut self) {
        self.file.take().into_iter().for_each(os::release);
    }
}

#[cfg(test)]
mod tests;
