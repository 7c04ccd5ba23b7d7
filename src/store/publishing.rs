//! Marks the thread that is just telling others about written records: it must not wait for the log, it is the log.

use std::cell::Cell;

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
