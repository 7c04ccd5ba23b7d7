//! Which panics are findings: all but those inside the key-value crate, which the library catches and reports as damage.

use std::panic::PanicHookInfo;

/// Ends the process at a panic of this code or of the library, on whatever thread: a panic that something catches
/// and carries on after would otherwise be overlooked.
pub fn hook(panic: &PanicHookInfo<'_>) {
    if is_expected(panic) {
        return;
    }
    eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
    std::process::abort();
}

fn is_expected(panic: &PanicHookInfo<'_>) -> bool {
    panic.location().is_some_and(|location| location.file().contains("/redb-"))
}
