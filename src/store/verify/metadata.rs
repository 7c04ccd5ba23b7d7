//! The metadata: its file by redb's own check, on a view, and what its rows say of the log.

use super::{Finding, Opening, Verified, metadata_file};
use crate::protocol::failure::Failure;
use crate::protocol::record::Record;
use crate::store::checkpoint::Table;
use crate::store::metadata::{FLAGS_AT, MetaTable, Metadata, NOT_CLOSED};
use crate::store::recovery::State;
use crate::store::retention::parse_floor_key;
use crate::store::timers::parse_row_key;
use crate::store::view::View;
use crate::sys::disk::Disk;
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;

/// The flag that the second commit slot was written last, in the byte that has [`NOT_CLOSED`].
const SECOND_SLOT: u8 = 1;
/// redb's file begins with a header of 64 bytes and two commit slots of 128.
const SLOTS_AT: u64 = 64;
const SLOT_BYTES: u64 = 128;
/// A slot ends with its checksum.
const SLOT_SUM_BYTES: u64 = 16;
/// Rows read at once.
const ROWS: usize = 1024;

/// Checks the file and takes over its rows. `None`: it cannot be read.
pub(super) fn check(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    has_log: bool,
    verified: &mut Verified,
) -> Option<State> {
    let path = metadata_file(dir);
    let file = match disk.open_to_read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if has_log {
                let what =
                    "it is missing beside a log: topics, timers and the progress of groups are not known";
                verified.report(Finding::new(&path, None, what, Opening::MakesAnew));
            }
            return None;
        }
        Err(error) => {
            verified.report(Finding::new(&path, None, format!("cannot open it: {error}"), Opening::Refuses));
            return None;
        }
    };
    let opened = open(disk, &path, Vec::new());
    let read = opened.and_then(|metadata| {
        let mut flags = [0];
        let read = file.read_at(&mut flags, FLAGS_AT).unwrap_or(0);
        if read == 1 && flags[0] & NOT_CLOSED != 0 {
            check_last_commit(disk, &path, flags[0], verified);
        }
        let state = State::load(&metadata)?;
        take_rows(&metadata, &path, verified)?;
        metadata.close()?;
        Ok(state)
    });
    match read {
        Ok(state) => Some(state),
        Err(failure) => {
            let what = format!(
                "{}. Put a copy in its place, or take it away: all messages stay, what is lost is the progress of groups and messages that wait for a time and whose segments are gone",
                failure.message
            );
            verified.report(Finding::new(&path, None, what, Opening::Refuses));
            None
        }
    }
}

fn open(disk: &Arc<dyn Disk>, path: &Path, patches: Vec<(u64, Vec<u8>)>) -> Result<Metadata, Failure> {
    let view: Arc<dyn Disk> = Arc::new(View { disk: disk.clone(), patches });
    Metadata::open(&view, path)
}

/// After a kill redb takes the older of its two commits when the newer one is damaged, and does not tell. So the newer
/// one alone must do.
fn check_last_commit(disk: &Arc<dyn Disk>, path: &Path, flags: u8, verified: &mut Verified) {
    let older = u64::from(flags & SECOND_SLOT == 0);
    let sum_at = SLOTS_AT + (older + 1) * SLOT_BYTES - SLOT_SUM_BYTES;
    let without_older = vec![(sum_at, vec![0xFF; SLOT_SUM_BYTES as usize])];
    if open(disk, path, without_older).is_err() {
        let newer = SLOTS_AT + (1 - older) * SLOT_BYTES;
        let what = "the last commit is damaged, or was cut off by a power cut";
        verified.report(Finding::new(path, Some(newer), what, Opening::GoesBack));
    }
}

fn take_rows(metadata: &Metadata, path: &Path, verified: &mut Verified) -> Result<(), Failure> {
    for table in [Table::Topics, Table::Groups, Table::Offsets] {
        each(metadata, table.in_metadata(), |key, value| match String::from_utf8(key) {
            Ok(key) => drop(verified.rows.insert((table, key), value)),
            Err(error) => {
                let key = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let what = format!("the key '{key}' of a row is not text");
                verified.report(Finding::new(path, None, what, Opening::Refuses));
            }
        })?;
    }
    each(metadata, MetaTable::QueueFloors, |key, value| {
        if parse_floor_key(&key).is_none() || value.len() != 8 {
            let key = String::from_utf8_lossy(&key).into_owned();
            let what = format!("the row '{key}' of a queue's next offset cannot be read");
            verified.report(Finding::new(path, None, what, Opening::Ignores));
        }
    })?;
    each(metadata, MetaTable::Timers, |key, value| {
        verified.timers += 1;
        let is_record = Record::decode(&Bytes::from(value)).is_ok_and(|record| record.is_body_intact());
        if parse_row_key(&key).is_none() || !is_record {
            let what = format!("the waiting message of row {key:02x?} cannot be read");
            verified.report(Finding::new(path, None, what, Opening::LosesRecord));
        }
    })
}

/// All rows of a table, some at a time.
fn each(metadata: &Metadata, table: MetaTable, mut row: impl FnMut(Vec<u8>, Vec<u8>)) -> Result<(), Failure> {
    let mut from = Vec::new();
    loop {
        let rows = metadata.range(table, &from, None, ROWS)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        from.clone_from(last);
        from.push(0);
        rows.into_iter().for_each(|(key, value)| row(key, value));
    }
}

/// The checkpoint speaks of addresses the log has come to.
pub(super) fn check_against_log(dir: &Path, state: &State, end: u64, verified: &mut Verified) {
    let path = metadata_file(dir);
    for (name, address) in [("applied", state.applied), ("synced", state.synced)] {
        if address > end {
            let what =
                format!("its row '{name}' says that the log had come to {address}, but it ends at {end}");
            verified.report(Finding::new(&path, None, what, Opening::Corrects));
        }
    }
    for (topic, id, next) in &state.floors {
        let bounds = verified.queues.entry((topic.clone(), *id)).or_insert((*next, *next));
        bounds.1 = bounds.1.max(*next);
    }
}
