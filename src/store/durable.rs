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
    let attempt = write_unfinished(disk, &unfinished, bytes)
        .and_then(|()| disk.rename(&unfinished, path).map_err(|e| io_failure("rename", &unfinished, &e)));
    if attempt.is_err() {
        // Gives the space back; what is left behind is removed at the next open.
        let _ = disk.remove(&unfinished);
    }
    attempt
}

fn write_unfinished(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = disk.create(path).map_err(|e| io_failure("create", path, &e))?;
    file.write_all_at(bytes, 0).map_err(|e| io_failure("write", path, &e))?;
    file.sync_data().map_err(|e| io_failure("sync", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::sim_disk::{Cause, Fault, OperationKind, SimDisk};

    #[test]
    fn what_could_not_be_put_in_place_leaves_no_file_behind() {
        use OperationKind::{Create, Rename, SyncData, Write};
        let (disk, path) = (SimDisk::new(), Path::new("/index.idx"));
        write_whole(&disk, path, b"whole").unwrap();
        for kind in [Create, Write, SyncData, Rename] {
            let fault = Fault::Short { bytes: 3, cause: Cause::Full };
            disk.set_plan(move |_, operation| (operation.kind == kind).then_some(fault));
            write_whole(&disk, path, b"another").unwrap_err();
            assert_eq!(disk.files(), [(path.to_owned(), b"whole".to_vec())], "{kind:?}");
        }
    }
}
