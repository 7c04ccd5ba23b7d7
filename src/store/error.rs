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

/// "/path is damaged at offset N: what".
pub(crate) fn corrupt_at(path: &Path, offset: u64, what: impl std::fmt::Display) -> Failure {
    let path = path.display();
    Failure::new(FailureKind::Corrupt, format!("{path} is damaged at offset {offset}: {what}"))
}

/// Offset and damage out of the message of [`corrupt_at`] or [`corrupt`]; the whole message, if it is another one.
pub(crate) fn place_of(path: &Path, failure: &Failure) -> (Option<u64>, String) {
    let message = failure.message.as_str();
    let Some(rest) = message.strip_prefix(&format!("{} is damaged", path.display())) else {
        return (None, message.to_owned());
    };
    let placed = rest.strip_prefix(" at offset ").and_then(|rest| rest.split_once(": "));
    match placed.and_then(|(offset, what)| Some((offset.parse().ok()?, what))) {
        Some((offset, what)) => (Some(offset), what.to_owned()),
        None => (None, rest.trim_start_matches(": ").to_owned()),
    }
}

pub(crate) fn corrupt(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Corrupt, format!("{} is damaged: {what}", path.display()))
}
