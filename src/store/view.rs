//! A disk on which every change stays in memory: what a program would do to a file is seen, the file is not touched.

use crate::sys::disk::{DirEntry, DirLock, Disk, DiskFile, DiskSpace};
use crate::sys::sync::leaf::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, PoisonError};

const PAGE_BYTES: u64 = 4096;

/// Opens files of another disk; they begin with `patches` (offset, bytes) in place of what they hold.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) patches: Vec<(u64, Vec<u8>)>,
}

impl Disk for View {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(only_read(path))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let viewed = Viewed::of(self.disk.open_to_read(path)?)?;
        for (offset, bytes) in &self.patches {
            viewed.write_all_at(bytes, *offset)?;
        }
        Ok(Arc::new(viewed))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, _to: &Path) -> io::Result<()> {
        Err(only_read(from))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Err(only_read(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        Err(only_read(dir))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        Err(only_read(path))
    }

    fn lock_to_read(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        self.disk.lock_to_read(path)
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        self.disk.space(dir)
    }
}

fn only_read(path: &Path) -> io::Error {
    let message = format!("{} is only looked at", path.display());
    io::Error::new(ErrorKind::ReadOnlyFilesystem, message)
}

/// One such file.
#[derive(Debug)]
pub(crate) struct Viewed {
    file: Arc<dyn DiskFile>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Changed pages by number.
    pages: BTreeMap<u64, Vec<u8>>,
    len: u64,
    /// So much of the file itself is still part of it.
    kept: u64,
}

impl Viewed {
    pub(crate) fn of(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, state: Mutex::new(State { pages: BTreeMap::new(), len, kept: len }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page as it is now, zeroes behind the end.
    fn page(&self, state: &State, number: u64) -> io::Result<Vec<u8>> {
        if let Some(page) = state.pages.get(&number) {
            return Ok(page.clone());
        }
        let mut page = vec![0; PAGE_BYTES as usize];
        let start = number * PAGE_BYTES;
        let kept = state.kept.saturating_sub(start).min(PAGE_BYTES) as usize;
        if let Some(part) = page.get_mut(..kept) {
            self.file.read_at(part, start)?;
        }
        Ok(page)
    }
}

/// The pieces of `len` bytes at `offset`: page, where in it, how many bytes.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + len as u64;
    let mut at = offset;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let within = at % PAGE_BYTES;
            let count = (PAGE_BYTES - within).min(end - at);
            let piece = (at / PAGE_BYTES, within as usize, count as usize);
            at += count;
            piece
        })
    })
}

impl DiskFile for Viewed {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state();
        let len = usize::try_from(state.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let mut done = 0;
        for (number, within, count) in pieces(offset, len) {
            let page = self.page(&state, number)?;
            if let (Some(out), Some(bytes)) =
                (buffer.get_mut(done..done + count), page.get(within..within + count))
            {
                out.copy_from_slice(bytes);
            }
            done += count;
        }
        Ok(done)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state();
        let mut done = 0;
        for (number, within, count) in pieces(offset, bytes.len()) {
            let mut page = self.page(&state, number)?;
            if let (Some(out), Some(part)) =
                (page.get_mut(within..within + count), bytes.get(done..done + count))
            {
                out.copy_from_slice(part);
            }
            state.pages.insert(number, page);
            done += count;
        }
        state.len = state.len.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state().len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if len < state.len {
            state.pages.split_off(&len.div_ceil(PAGE_BYTES));
            let (number, within) = (len / PAGE_BYTES, (len % PAGE_BYTES) as usize);
            if within > 0 {
                let mut page = self.page(&state, number)?;
                page.get_mut(within..).unwrap_or_default().fill(0);
                state.pages.insert(number, page);
            }
            state.kept = state.kept.min(len);
        }
        state.len = len;
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::sim_disk::SimDisk;

    #[test]
    fn changes_are_seen_and_stay_in_memory() {
        let disk = SimDisk::new();
        let path = Path::new("/file");
        let written: Vec<u8> = (0..10_000u32).map(|number| number as u8).collect();
        disk.create(path).unwrap().write_all_at(&written, 0).unwrap();
        let view = View { disk: Arc::new(disk.clone()), patches: vec![(1, vec![77])] };
        let file = view.open(path).unwrap();
        let mut model = written.clone();
        model[1] = 77;
        let check = |model: &[u8]| {
            let mut found = vec![0; model.len() + 9];
            assert_eq!(file.read_at(&mut found, 0).unwrap(), model.len());
            assert_eq!(&found[..model.len()], model);
            let mut part = [0; 100];
            assert_eq!(file.read_at(&mut part, 4050).unwrap(), model.len().saturating_sub(4050).min(100));
        };
        check(&model);
        file.write_all_at(&[5; 5000], 3000).unwrap();
        model[3000..8000].fill(5);
        check(&model);
        for len in [4100, 12_000, 3500, 9000] {
            file.set_len(len as u64).unwrap();
            model.resize(len, 0);
            check(&model);
        }
        file.write_all_at(&[8; 10], 9500).unwrap();
        model.resize(9500, 0);
        model.extend([8; 10]);
        check(&model);
        file.sync_data().unwrap();
        assert_eq!(disk.files(), [(path.to_owned(), written)]);
        assert!(view.remove(path).is_err() && view.create(Path::new("/other")).is_err());
    }
}
