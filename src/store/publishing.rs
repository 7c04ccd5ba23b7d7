//! Marks the thread that is just telling others about written records: it must not wait for the log, it is the log.

use crate::sys::sync::thread_local;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While this lives, [`is_publishing`] is true on this thread.
pub(crate) struct Publishing;

impl Publishing {
    pub(crate) fn begin() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

pub(crate) fn is_publishing() -> bool {
    DEPTH.with(Cell::get) > 0
}

/// Runs code of others on a thread of the log. A panic there must not take the thread with it, which would leave
/// everybody after it waiting. The program's logger may panic as well.
pub(crate) fn tell(what: &str, receiver: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(receiver)).is_err() {
        let _ = catch_unwind(|| log::error!("{what} panicked; the log goes on"));
    }
}
