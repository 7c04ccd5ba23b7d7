//! One opening of the metadata file: from the first page read to the last error.

use super::backend::{Backend, bring_to_device, whole_pages};
use super::{Batch, MetaTable};
use crate::protocol::failure::{Failure, FailureKind};
use crate::store::view::Viewed;
use crate::sys::disk::{Disk, DiskFile, is_disk_full};
use redb::{Database, ReadTransaction, ReadableDatabase, TableHandle};
use std::collections::HashSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Memory for pages of the file. Metadata is small; a store with millions of timers reads them in order.
const CACHE_BYTES: usize = 2 << 20;

/// A byte in the header of redb's file, and the flag in it that the file was not closed.
pub(crate) const FLAGS_AT: u64 = 9;
pub(crate) const NOT_CLOSED: u8 = 2;

/// Appended to the file's name until it is complete.
const DRAFT_SUFFIX: &str = ".new";

pub(super) struct Opened {
    refusal: Option<Refusal>,
    database: Database,
    backend: Backend,
}

/// Why commits are refused, and the last state whose commit succeeded.
struct Refusal {
    failure: Failure,
    before: Option<ReadTransaction>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("refusal", &self.refusal()).finish_non_exhaustive()
    }
}

/// A commit that failed, with the state before it.
pub(super) type FailedCommit = Box<(Problem, Option<ReadTransaction>)>;

impl Opened {
    pub(super) fn open(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self, Problem> {
        let file = match disk.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(disk, path)?;
                disk.open(path)?
            }
            other => other?,
        };
        // Files appear complete: only damage empties one, and redb would take it for a new one.
        if file.is_empty()? {
            return Err(Problem::Damaged("the file is empty".to_owned()));
        }
        let mut flags = [0];
        if file.read_at(&mut flags, FLAGS_AT)? == 1 && flags[0] & NOT_CLOSED != 0 {
            // While a disk takes no changes this is tried again and again: then what follows is spared.
            file.set_len(file.len()?)?;
            // redb mends what a kill left, and writes before it knows whether it can. On a view first: a file that is
            // refused stays as it was found.
            let viewed = Viewed::of(file.clone())?;
            viewed.set_len(whole_pages(file.as_ref())?)?;
            Self::with_backend(Backend::new(Arc::new(viewed)))?.close()?;
            bring_to_device(file.as_ref())?;
        }
        Self::with_backend(Backend::new(file))
    }

    fn with_backend(backend: Backend) -> Result<Self, Problem> {
        let database = guarded(&backend, || {
            let database = Database::builder()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(backend.clone())?;
            create_missing_tables(&database)?;
            Ok(database)
        })?;
        Ok(Self { refusal: None, database, backend })
    }

    pub(super) fn commit(&self, batch: &Batch) -> Result<(), FailedCommit> {
        let before = guarded(&self.backend, || Ok(self.database.begin_read()?));
        let before = before.map_err(|problem| Box::new((problem, None)))?;
        let outcome = guarded(&self.backend, || {
            let transaction = self.database.begin_write()?;
            for table_id in MetaTable::ALL {
                let mut changes = batch.changes.iter().filter(|(table, ..)| *table == table_id).peekable();
                if changes.peek().is_none() {
                    continue;
                }
                let mut table = transaction.open_table(table_id.definition())?;
                for (_, key, value) in changes {
                    match value {
                        Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                        None => table.remove(key.as_slice())?,
                    };
                }
            }
            transaction.commit()?;
            Ok(())
        });
        outcome.map_err(|problem| Box::new((problem, Some(before))))
    }

    pub(super) fn read<T>(
        &self,
        action: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Problem> {
        // Not `guarded`: that writing has ended does not matter here.
        let outcome = caught(|| match self.refusal.as_ref().and_then(|refusal| refusal.before.as_ref()) {
            Some(before) => action(before),
            None => action(&self.database.begin_read()?),
        });
        outcome.map_err(|problem| problem.explained_by(&self.backend))
    }

    /// Whether what is on the device is known, so that the file may be opened anew and written.
    pub(super) fn is_writable(&self) -> bool {
        self.backend.ended().is_none()
    }

    /// Nothing uses the file afterwards. If commits are refused that is no error again.
    pub(super) fn close(self) -> Result<(), Problem> {
        let Self { refusal, database, backend } = self;
        if refusal.is_some() {
            // Its writes stay in memory.
            return caught(|| {
                drop(refusal);
                drop(database);
                Ok(())
            });
        }
        guarded(&backend, || Ok(database.close()?))
    }

    pub(super) fn refusal(&self) -> Option<&Failure> {
        self.refusal.as_ref().map(|refusal| &refusal.failure)
    }

    pub(super) fn refuse(&mut self, failure: &Failure, before: Option<ReadTransaction>) {
        let mut failure = failure.clone();
        failure.message.push_str("; no more is written until the store is opened again");
        self.refusal = Some(Refusal { failure, before });
    }
}

/// Makes the file under another name first: under its own it is complete or not there at all.
fn create(disk: &Arc<dyn Disk>, path: &Path) -> Result<(), Problem> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(DRAFT_SUFFIX);
    let draft = PathBuf::from(draft);
    match disk.remove(&draft) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        other => other?,
    }
    // Closing syncs whatever was written.
    Opened::with_backend(Backend::new(disk.create(&draft)?))?.close()?;
    disk.rename(&draft, path)?;
    disk.sync_dir(path.parent().unwrap_or(path))?;
    Ok(())
}

fn create_missing_tables(database: &Database) -> Result<(), redb::Error> {
    let view = database.begin_read()?;
    let present: HashSet<String> = view.list_tables()?.map(|table| table.name().to_owned()).collect();
    drop(view);
    let mut missing = MetaTable::ALL.iter().map(|table| table.definition());
    if missing.all(|table| present.contains(table.name())) {
        return Ok(());
    }
    let transaction = database.begin_write()?;
    for table in MetaTable::ALL {
        transaction.open_table(table.definition())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Runs redb's code that may write: it failed if it says so, panics, or had its writing ended meanwhile.
fn guarded<T>(backend: &Backend, action: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Problem> {
    let outcome = caught(action);
    match backend.ended() {
        Some(cause) => Err(Problem::Ended(cause)),
        None => outcome.map_err(|problem| problem.explained_by(backend)),
    }
}

/// redb panics on some kinds of damage that the check at opening cannot see, such as bytes that rot later.
fn caught<T>(action: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Problem> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(outcome) => outcome.map_err(Problem::from),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unreadable pages");
            Err(Problem::Damaged(text.to_owned()))
        }
    }
}

/// What went wrong, before it is told with the file's name.
#[derive(Debug)]
pub(super) enum Problem {
    Io(Arc<io::Error>),
    /// Nothing more is written until the store is opened again, whatever the cause: the sync of a full disk may have
    /// lost what was unsynced.
    Ended(Arc<io::Error>),
    Damaged(String),
    Redb(redb::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<redb::Error> for Problem {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => Self::Io(Arc::new(error)),
            redb::Error::Corrupted(what) => Self::Damaged(what),
            other => Self::Redb(other),
        }
    }
}

impl Problem {
    /// After the first error redb only says that there was one: the backend knows which.
    fn explained_by(self, backend: &Backend) -> Self {
        match backend.told() {
            Some(cause) => Self::Io(cause),
            None => self,
        }
    }

    pub(super) fn failure(&self, path: &Path, doing: &str) -> Failure {
        let kind = match self {
            Self::Io(error) if is_disk_full(error) => FailureKind::DiskFull,
            // Never said by a disk: redb did not recognise the bytes, or the file ends within a page.
            Self::Io(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                FailureKind::Corrupt
            }
            Self::Damaged(_) | Self::Redb(redb::Error::UpgradeRequired(_)) => FailureKind::Corrupt,
            Self::Io(_) | Self::Ended(_) | Self::Redb(_) => FailureKind::Storage,
        };
        let path = path.display();
        let message = match kind {
            FailureKind::Corrupt => format!("cannot {doing} {path}: it is damaged: {self}"),
            _ => format!("cannot {doing} {path}: {self}"),
        };
        Failure::new(kind, message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) | Self::Ended(error) => error.fmt(f),
            Self::Damaged(what) => f.write_str(what),
            Self::Redb(error) => error.fmt(f),
        }
    }
}
