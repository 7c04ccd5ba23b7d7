//! Whether this process is the child of a fork made after the library was first used.
//!
//! Threads and locks do not survive `fork`: in the child every call must be refused instead of waiting for ever.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static FORKED: AtomicBool = AtomicBool::new(false);
static REGISTER: Once = Once::new();

/// Starts watching for forks; call before the first thread is made. Cheap when called again.
pub fn watch() {
    REGISTER.call_once(register);
}

/// True in a child process forked after [`watch`]. One relaxed load: cheap enough for every call of the ABI.
pub fn is_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn register() {
    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }
    // SAFETY: the handler only stores to an atomic, which is allowed between fork and exec.
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
