//! Names and whole small files that survive a power cut.

use super::error::io_failure;
use crate::protocol::failure::Failure;
use crate::sys::disk::Disk;
use std::path::Path;

/// Makes what was created, renamed or removed beside `path` durable.
pub(crate) fn sync_parent(disk: &dyn Disk, path: &Path) -> Result<(), Failure> {
    let dir = path.parent().unwrap_or(Path::new("."));
    disk.sync_dir(dir).map_err(|e| io_failure("sync directory", dir, &e))
}

/// Puts a file in place, all of it or nothing: written under another name, synced, renamed. Its name outlives a power
/// cut once the directory was synced.
pub(crate) fn write_whole(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let unfinished = path.with_extension("tmp");
    let _ = disk.remove(&unfinished);
    let file = disk.create(&unfinished).map_err(|e| io_failure("create", &unfinished, &e))?;
    file.write_all_at(bytes, 0).map_err(|e| io_failure("write", &unfinished, &e))?;
    file.sync_data().map_err(|e| io_failure("sync", &unfinished, &e))?;
    disk.rename(&unfinished, path).map_err(|e| io_failure("rename", &unfinished, &e))
}
