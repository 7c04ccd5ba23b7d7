//! Taking a data directory, and leaving it.

use super::METADATA_FILE;
use super::age::Ages;
use super::checkpoint::Staged;
use super::cold::ColdReader;
use super::commit_log::CommitLog;
use super::config::{Environment, StoreConfig};
use super::durable::write_whole;
use super::error::{corrupt, io_failure};
use super::inner::{Inner, Scheduled};
use super::metadata::Metadata;
use super::recovery::recover;
use super::retention::Retention;
use super::shared::lock;
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::disk::{DirLock, Disk};
use crate::sys::sync::Mutex;
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// Its presence makes a directory a store.
pub const FORMAT_FILE: &str = "format";
pub(crate) const FORMAT: &[u8] = b"ons store 1\n";

pub(crate) fn open(config: StoreConfig, environment: Environment) -> Result<Arc<Inner>, Failure> {
    let (dir, log_dir) = (&config.dir, config.dir.join("log"));
    let disk = environment.disk.as_ref();
    disk.create_dir_all(&log_dir).map_err(|e| io_failure("create directory", &log_dir, &e))?;
    let lock = take(disk, dir)?;
    check_format(disk, dir)?;
    let metadata = Metadata::open(&environment.disk, &dir.join(METADATA_FILE))?;
    let recovered = recover(&config, &environment, &metadata, &log_dir)?;
    let shared = Arc::new(recovered.shared);
    let stored_ms = shared.unsealed().get(&recovered.segment.base()).map(|known| known.last_stored_ms);
    let log = CommitLog::new(
        config.flush,
        environment.clock.clone(),
        shared.clone(),
        recovered.segment,
        recovered.end,
        recovered.generation,
    );
    log.raise_stored_ms(stored_ms.unwrap_or(i64::MIN));
    let ages = Ages::at_opening(environment.clock.as_ref(), &shared);
    Ok(Arc::new(Inner {
        config,
        environment,
        shared,
        log,
        cold: ColdReader::default(),
        metadata,
        staged: Mutex::new(Staged::default()),
        synced_end: Mutex::new(recovered.end),
        sync_failure: Mutex::new(None),
        remaking: Mutex::new(()),
        retention: Mutex::new(Retention::new(ages)),
        scheduled: Scheduled::default(),
        lock: Mutex::new(Some(lock)),
        closed: Mutex::new(None),
        is_closed: AtomicBool::new(false),
    }))
}

fn take(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn DirLock>, Failure> {
    let path = dir.join("lock");
    disk.lock(&path).map_err(|error| in_use(dir, &path, &error))
}

/// Why the lock of a directory was not given.
pub(crate) fn in_use(dir: &Path, lock: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock => Failure::new(
            FailureKind::DirectoryInUse,
            format!(
                "the directory {} is in use: {error}. Close it there, or use another directory",
                dir.display()
            ),
        ),
        _ => io_failure("lock", lock, error),
    }
}

/// A directory without a format file is new, unless a log says otherwise.
fn check_format(disk: &dyn Disk, dir: &Path) -> Result<(), Failure> {
    let path = dir.join(FORMAT_FILE);
    match disk.open(&path) {
        Ok(file) => {
            let mut found = [0; 64];
            let len = file.read_at(&mut found, 0).map_err(|e| io_failure("read", &path, &e))?;
            let found = found.get(..len).unwrap_or_default();
            if found == FORMAT {
                return Ok(());
            }
            let found = String::from_utf8_lossy(found).trim().to_owned();
            Err(Failure::new(
                FailureKind::NotSupported,
                format!(
                    "{} says '{found}'; this version reads 'ons store 1'. If the file was damaged, write that line into it",
                    path.display()
                ),
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let log_dir = dir.join("log");
            let files = disk.list(&log_dir).map_err(|e| io_failure("list", &log_dir, &e))?;
            if files.iter().any(|file| file.path.extension().is_some_and(|extension| extension == "log")) {
                return Err(corrupt(&path, "it is missing beside a log"));
            }
            // The metadata are made beside it before there is a log, and they sync the directory.
            write_whole(disk, &path, FORMAT)
        }
        Err(error) => Err(io_failure("open", &path, &error)),
    }
}

impl Inner {
    pub(crate) fn close(&self, stop_threads: impl FnOnce()) -> Result<(), Failure> {
        let mut closed = lock(&self.closed);
        if let Some(outcome) = closed.as_ref() {
            return outcome.clone();
        }
        let dir = self.config.dir.display();
        let refused_before = self.log.refusal();
        self.log.close(Failure::state(format!("the store in {dir} is closed")));
        stop_threads();
        self.shared.forget_callbacks();
        self.is_closed.store(true, Ordering::Release);
        let outcome = match refused_before {
            // After a failed write or sync no more is written: the next open reads the log itself. Where the log can
            // still be synced, it is.
            Some(failure) if failure.kind == FailureKind::Storage => self.sync_log().and(Err(failure)),
            _ => self.write_all_down(),
        };
        let outcome = outcome.and(self.metadata.close());
        *lock(&self.lock) = None;
        *closed = Some(outcome.clone());
        outcome
    }

    fn write_all_down(&self) -> Result<(), Failure> {
        self.seal_finished()?;
        self.checkpoint()?;
        let (segment, _) = self.log.end();
        self.seal(&segment, false)
    }
}
