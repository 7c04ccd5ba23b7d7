//! The names of a simulated disk: what programs see, what is durable, and the changes between the two.

use super::content::{File, FileState};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

pub(super) type NameTable = BTreeMap<Arc<Path>, Arc<File>>;

#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) seen: NameTable,
    pub(super) durable: NameTable,
    pub(super) pending: Vec<NameChange>,
    pub(super) dirs: BTreeSet<Arc<Path>>,
}

/// A change of one directory, or of two by a rename between them, that is not durable yet.
#[derive(Debug, Clone)]
pub(super) struct NameChange {
    what: What,
    /// Directories that must still be synced.
    unsynced: Vec<Arc<Path>>,
}

#[derive(Debug, Clone)]
enum What {
    Create { path: Arc<Path>, file: Arc<File> },
    Remove { path: Arc<Path> },
    Rename { from: Arc<Path>, to: Arc<Path> },
}

impl What {
    fn apply(&self, names: &mut NameTable) {
        match self {
            Self::Create { path, file } => {
                names.insert(path.clone(), file.clone());
            }
            Self::Remove { path } => {
                names.remove(path);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }

    fn paths(&self) -> impl Iterator<Item = &Arc<Path>> {
        let (first, second) = match self {
            Self::Create { path, .. } | Self::Remove { path } => (path, None),
            Self::Rename { from, to } => (from, Some(to)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Names {
    pub(super) fn file(&self, path: &Path) -> io::Result<Arc<File>> {
        match self.seen.get(path) {
            Some(file) => Ok(file.clone()),
            None if self.has_dir(path) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn has_dir(&self, dir: &Path) -> bool {
        dir.as_os_str().is_empty() || dir.parent().is_none() || self.dirs.contains(dir)
    }

    pub(super) fn check_dir(&self, dir: &Path) -> io::Result<()> {
        if self.has_dir(dir) {
            Ok(())
        } else if self.seen.contains_key(dir) {
            Err(ErrorKind::NotADirectory.into())
        } else {
            Err(ErrorKind::NotFound.into())
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<Arc<File>> {
        self.check_dir(dir_of(path))?;
        if self.seen.contains_key(path) || self.has_dir(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let path: Arc<Path> = path.into();
        let file = File::new(path.clone());
        self.change(What::Create { path, file: file.clone() });
        Ok(file)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        self.change(What::Remove { path: path.into() });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.file(from)?;
        self.check_dir(dir_of(to))?;
        if self.has_dir(to) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if from != to {
            let to: Arc<Path> = to.into();
            file.state().name = to.clone();
            self.change(What::Rename { from: from.into(), to });
        }
        Ok(())
    }

    fn change(&mut self, what: What) {
        what.apply(&mut self.seen);
        let mut unsynced: Vec<Arc<Path>> = what.paths().map(|path| dir_of(path).into()).collect();
        unsynced.dedup();
        self.pending.push(NameChange { what, unsynced });
    }

    pub(super) fn create_dir_all(&mut self, dir: &Path) -> io::Result<()> {
        for ancestor in dir.ancestors() {
            if self.seen.contains_key(ancestor) {
                let is_dir_itself = ancestor == dir;
                return Err(
                    if is_dir_itself { ErrorKind::AlreadyExists } else { ErrorKind::NotADirectory }.into()
                );
            }
        }
        self.dirs.extend(dir.ancestors().map(Arc::from));
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let mut waiting: BTreeSet<Arc<Path>> = BTreeSet::new();
        let durable = &mut self.durable;
        self.pending.retain_mut(|change| {
            change.unsynced.retain(|unsynced| **unsynced != *dir);
            let must_wait =
                !change.unsynced.is_empty() || change.what.paths().any(|path| waiting.contains(path));
            if must_wait {
                waiting.extend(change.what.paths().cloned());
            } else {
                change.what.apply(durable);
            }
            must_wait
        });
    }

    /// The names after a power cut: the durable ones, and of the pending changes those that `survives` picks. A
    /// change is lost with an earlier one of the same name that it builds on.
    pub(super) fn after_power_cut(&self, mut survives: impl FnMut() -> bool) -> NameTable {
        let mut names = self.durable.clone();
        let mut lost: BTreeSet<Arc<Path>> = BTreeSet::new();
        for change in &self.pending {
            if !change.what.paths().any(|path| lost.contains(path)) && survives() {
                change.what.apply(&mut names);
            } else {
                lost.extend(change.what.paths().cloned());
            }
        }
        names
    }

    /// The same names and files, unsynced changes included, sharing nothing that can change.
    pub(super) fn duplicate(&self) -> Self {
        let mut copies: BTreeMap<*const File, Arc<File>> = BTreeMap::new();
        let mut copy = |file: &Arc<File>| -> Arc<File> {
            let state = || FileState::clone(&file.state());
            copies.entry(Arc::as_ptr(file)).or_insert_with(|| File::with_state(state())).clone()
        };
        let mut result = self.clone();
        for file in result.seen.values_mut().chain(result.durable.values_mut()) {
            *file = copy(file);
        }
        for change in &mut result.pending {
            if let What::Create { file, .. } = &mut change.what {
                *file = copy(file);
            }
        }
        result
    }
}

pub(super) fn dir_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
