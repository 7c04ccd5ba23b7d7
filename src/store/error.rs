//! I/O errors as failures that name the action, the file and the cause.

use crate::protocol::failure::{Failure, FailureKind, Stored};
use crate::sys::disk::is_disk_full;
use std::io;
use std::path::Path;

/// "could not WRITE /path: No space left on device (os error 28)".
pub(crate) fn io_failure(action: &str, path: &Path, cause: &io::Error) -> Failure {
    let path = path.display();
    if is_disk_full(cause) {
        return Failure::new(
            FailureKind::DiskFull,
            format!(
                "could not {action} {path}: {cause}. Free disk space, or lower FileReservedTime; reading goes on"
            ),
        );
    }
    if cause.kind() == io::ErrorKind::InvalidData {
        return Failure::new(FailureKind::Corrupt, format!("could not {action} {path}: {cause}"));
    }
    Failure::new(FailureKind::Storage, format!("could not {action} {path}: {cause}"))
}

/// The failure of messages whose bytes may or may not have reached the disk.
pub(crate) fn unknown(failure: Failure) -> Failure {
    failure.with_stored(Stored::Unknown)
}

pub(crate) fn corrupt(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Corrupt, format!("{} is damaged: {what}", path.display()))
}
