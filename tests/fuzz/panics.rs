//! Which panics are findings: all but those inside the key-value crate, which the library catches and reports as damage.

use std::panic::PanicHookInfo;

/// Whether it is one of those the library catches by design.
pub fn is_expected(panic: &PanicHookInfo<'_>) -> bool {
    panic.location().is_some_and(|location| location.file().contains("/redb-"))
}
