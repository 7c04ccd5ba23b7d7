//! Checks a store that nobody has open, and changes no byte of it.
//!
//! Everything is read once, front to back, with the readers that opening and reading use: format file, metadata, each
//! segment with all its records, and beside it the index file, which must say what the records say. Memory is bounded by
//! what one segment's index takes, not by the length of the log. A finding says what is damaged, where, and what opening
//! the store will do about it.

mod finding;
mod index;
mod log;
mod metadata;

pub use finding::{Finding, Opening};

use super::METADATA_FILE;
use super::checkpoint::Table;
use super::directory::{FORMAT, FORMAT_FILE, in_use};
use super::error::{io_failure, place_of};
use super::recovery::State;
use crate::protocol::failure::Failure;
use crate::sys::disk::Disk;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than these are counted only.
const FINDINGS_MAX: usize = 1000;

/// What was found in a store.
#[derive(Debug, Default)]
pub struct Verified {
    /// In the order in which they were found; at most 1000.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub findings_left_out: u64,
    pub segments: u64,
    pub index_files: u64,
    pub records: u64,
    /// Bytes of the log that were read.
    pub log_bytes: u64,
    pub timers: u64,
    /// Min and max offset of each queue, by topic and id.
    pub queues: BTreeMap<(Arc<str>, i32), (u64, u64)>,
    /// Rows of the user's own tables; none where the metadata cannot be read.
    pub rows: BTreeMap<(Table, String), Vec<u8>>,
}

impl Verified {
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds what its user knows better than the store: what is wrong with a row.
    pub fn report(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }
}

/// The file that holds a store's rows.
pub fn metadata_file(dir: &Path) -> PathBuf {
    dir.join(METADATA_FILE)
}

/// Checks the store of a directory; `progress` hears how many bytes of how many were read. An error means that it could
/// not be checked: there is no store, or somebody has it open.
pub fn verify(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Failure> {
    let lock = dir.join("lock");
    let _lock = disk.lock_to_read(&lock).map_err(|error| in_use(dir, &lock, &error))?;
    let mut verified = Verified::default();
    let log_dir = dir.join("log");
    let files = match disk.list(&log_dir) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io_failure("list", &log_dir, &error)),
    };
    check_format(disk.as_ref(), dir, !files.is_empty(), &mut verified)?;
    let state = metadata::check(disk, dir, !files.is_empty(), &mut verified);
    let is_known = state.is_some();
    let state = state.unwrap_or_else(State::unknown);
    let end = log::check(disk, files, &state, &mut verified, progress);
    if is_known {
        metadata::check_against_log(dir, &state, end, &mut verified);
    }
    Ok(verified)
}

fn check_format(disk: &dyn Disk, dir: &Path, has_log: bool, verified: &mut Verified) -> Result<(), Failure> {
    let path = dir.join(FORMAT_FILE);
    let file = match disk.open_to_read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && has_log => {
            verified.report(Finding::new(&path, None, "it is missing beside a log", Opening::Refuses));
            return Ok(());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let dir = dir.display();
            return Err(Failure::invalid(format!("{dir} holds no broker: {FORMAT_FILE} is missing in it")));
        }
        Err(error) => return Err(io_failure("open", &path, &error)),
    };
    let mut found = [0; 64];
    let len = file.read_at(&mut found, 0).map_err(|error| io_failure("read", &path, &error))?;
    let found = found.get(..len).unwrap_or_default();
    if found != FORMAT {
        let same = found.iter().zip(FORMAT).take_while(|(a, b)| a == b).count() as u64;
        let what = format!(
            "it says '{}', not 'ons store 1'. If no newer version wrote it, write that line into it",
            String::from_utf8_lossy(found).trim()
        );
        verified.report(Finding::new(&path, Some(same), what, Opening::Refuses));
    }
    Ok(())
}

/// A failure to read a file as a finding.
fn failed(path: &Path, failure: &Failure, opening: Opening) -> Finding {
    let (offset, what) = place_of(path, failure);
    Finding::new(path, offset, what, opening)
}

/// Likewise for a file that is derived.
fn failed_index(path: &Path, failure: &Failure) -> Finding {
    failed(path, failure, Opening::MakesAnew)
}
