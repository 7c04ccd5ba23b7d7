//! What the library logs on the test's own thread.

use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;

struct Capture;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// From now on, warnings and errors are kept.
pub fn install() {
    // Another test of this program may have been first.
    let _ = log::set_logger(&Capture);
    log::set_max_level(LevelFilter::Warn);
}

/// What was logged on this thread since the last call.
pub fn take() -> Vec<String> {
    LINES.with_borrow_mut(std::mem::take)
}
