//! Takes every log line, so that all of them are formatted; `FUZZ_LOG=1` shows them.

use ons::client::log::{LogCallback, LogLevel};
use std::sync::{Arc, Once};

pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ons::client::log::install();
        ons::client::log::set_level(LogLevel::Debug);
    });
    ons::client::log::set_callback(Some(callback()));
}

#[allow(clippy::print_stderr)]
fn callback() -> LogCallback {
    let is_shown = std::env::var_os("FUZZ_LOG").is_some();
    Arc::new(move |level, line| {
        if is_shown {
            eprintln!("{level:?}: {line}");
        }
    })
}
