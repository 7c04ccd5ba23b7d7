//! The files of the log as an opening finds them: segments, the spare one, what was never finished, lost headers.

use super::error::{corrupt_at, io_failure};
use super::index_file::{self, IndexFile};
use super::segment::{HEADER_BYTES, Segment};
use super::segments::{SPARE_EXTENSION, Spare};
use super::walk::{Step, Walk};
use crate::protocol::failure::Failure;
use crate::sys::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segments of the directory by base, and a spare one. What was never finished is removed, and what is left of a
/// segment that was.
pub(crate) fn open_segments(
    disk: &dyn Disk,
    log_dir: &Path,
) -> Result<(Vec<Arc<Segment>>, Option<Spare>), Failure> {
    let mut segments: BTreeMap<u64, Arc<Segment>> = BTreeMap::new();
    let mut spare = None;
    let (mut indexes, mut left_over) = (Vec::new(), Vec::new());
    for entry in disk.list(log_dir).map_err(|e| io_failure("list", log_dir, &e))? {
        let extension = entry.path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        match extension {
            "log" => {
                let segment = match Segment::open(disk, &entry.path)? {
                    Some(segment) => segment,
                    None => mend_header(disk, &entry.path)?,
                };
                segments.insert(segment.base(), Arc::new(segment));
            }
            SPARE_EXTENSION if spare.is_none() => {
                let capacity = entry.len.saturating_sub(HEADER_BYTES);
                spare = Some(Spare { path: entry.path.clone(), capacity });
            }
            "new" | "tmp" | SPARE_EXTENSION => left_over.push(entry.path),
            "idx" => indexes.push(entry.path),
            _ => {}
        }
    }
    let has_segment =
        |index: &PathBuf| segments.values().any(|own| index_file::path_of(own.path()) == *index);
    left_over.extend(indexes.into_iter().filter(|index| !has_segment(index)));
    for path in left_over {
        disk.remove(&path).map_err(|e| io_failure("remove", &path, &e))?;
    }
    Ok((segments.into_values().collect(), spare))
}

/// Opens a segment whose header is damaged, and writes it anew.
fn mend_header(disk: &dyn Disk, path: &Path) -> Result<Segment, Failure> {
    let file = disk.open(path).map_err(|e| io_failure("open", path, &e))?;
    let (segment, generation) = without_header(disk, file, path)?;
    let segment = segment.with_header(generation)?;
    let failure = corrupt_at(path, 0, "its header has a wrong checksum");
    log::error!("{failure}: it is made anew from the file's name and length");
    Ok(segment)
}

/// A segment whose header is damaged: its name, its length and its index file or first record say what stood in it.
pub(crate) fn without_header(
    disk: &dyn Disk,
    file: Arc<dyn DiskFile>,
    path: &Path,
) -> Result<(Segment, u32), Failure> {
    let segment = Segment::open_without_header(file, path)?;
    let generation = match IndexFile::open(disk, &index_file::path_of(path)) {
        Ok((index, _)) if index.base == segment.base() => index.generation,
        _ => match Walk::new(&segment, segment.base(), 0).step()? {
            Step::Record { generation, .. } => generation,
            // No first record to ask. No record has a lower generation than 0: each is read that is intact.
            _ => 0,
        },
    };
    Ok((segment, generation))
}
