//! Whether this process is the child of a fork made after the library was first used.
//!
//! Threads and locks do not survive `fork`: in the child every call must be refused instead of waiting for ever.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::{os::fd::RawFd, sync::atomic::AtomicI32};

static FORKED: AtomicBool = AtomicBool::new(false);
static REGISTER: Once = Once::new();
/// Descriptors that a child closes. Should there be more of them, a child keeps those it finds no place for.
#[cfg(unix)]
static CLOSED_IN_CHILD: [AtomicI32; 64] = [const { AtomicI32::new(NO_DESCRIPTOR) }; 64];
#[cfg(unix)]
const NO_DESCRIPTOR: RawFd = -1;

/// Starts watching for forks; call before the first thread is made. Cheap when called again.
pub fn watch() {
    REGISTER.call_once(register);
}

/// True in a child process forked after [`watch`]. One relaxed load: cheap enough for every call of the ABI.
pub fn is_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// Has a child close its copy of a descriptor as soon as it begins, until [`leave_open_in_child`]: a lock on a file
/// lasts as long as any process has it open, and the child may outlive its parent.
#[cfg(unix)]
pub fn close_in_child(descriptor: RawFd) {
    watch();
    change_first(NO_DESCRIPTOR, descriptor);
}

/// Before the descriptor is closed: the number may be given to another file then.
#[cfg(unix)]
pub fn leave_open_in_child(descriptor: RawFd) {
    change_first(descriptor, NO_DESCRIPTOR);
}

#[cfg(unix)]
fn change_first(from: RawFd, to: RawFd) {
    CLOSED_IN_CHILD
        .iter()
        .any(|place| place.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok());
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn register() {
    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
        for place in &CLOSED_IN_CHILD {
            let descriptor = place.swap(NO_DESCRIPTOR, Ordering::Relaxed);
            if descriptor != NO_DESCRIPTOR {
                // SAFETY: whoever had it in the parent does not close it here, see `is_child`.
                unsafe { libc::close(descriptor) };
            }
        }
    }
    // SAFETY: the handler only stores to atomics and calls `close`, which is allowed between fork and exec.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
}

#[cfg(not(unix))]
fn register() {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn only_the_child_of_a_fork_is_one() {
        watch();
        watch();
        assert!(!is_child());
        // SAFETY: the child calls only what may be called between fork and exec: a load and `_exit`.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // SAFETY: as above.
            unsafe { libc::_exit(if is_child() { 42 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 42, "{status}");
        assert!(!is_child());
    }
}
