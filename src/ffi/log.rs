//! `ons_log_*`: where the library's log goes.

use crate::client::log;
use crate::client::log::LogCallback;
use crate::client::log::LogLevel;
use crate::client::log_file::LogFile;
use crate::ffi::boundary::UserData;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::ons_destroy;
use crate::ffi::boundary::text;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::protocol::failure::Failure;
use std::ffi::c_char;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

/// How grave a log line is. A level takes in all above it.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ons_log_level {
    ONS_LOG_ERROR = 1,
    ONS_LOG_WARN = 2,
    /// The default.
    ONS_LOG_INFO = 3,
    ONS_LOG_DEBUG = 4,
}

/// Receives one log line, without its line end, UTF-8, borrowed for the call. Runs on any thread the library is
/// called on or owns, several at once; must not call the library.
pub type ons_log_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: ons_log_level,
        message: *const c_char,
        message_len: usize,
    ),
>;

/// Sends the log to `callback` instead of the log file; NULL: back to the file. `destroy` (may be NULL) runs exactly
/// once, when the callback is no longer used: replaced, or when this call fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_log_set_callback(
    callback: ons_log_callback,
    user_data: *mut c_void,
    destroy: ons_destroy,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        let user_data = UserData::new(user_data, destroy);
        log::install();
        log::set_callback(callback.map(|callback| -> LogCallback {
            Arc::new(move |level, message| {
                let (start, len) = (message.as_ptr().cast(), message.len());
                // SAFETY: the caller's function, with the pointer it gave for it; the text lives during the call.
                unsafe { callback(user_data.pointer(), level_of(level), start, len) }
            })
        }));
        Ok(())
    })
}

/// Sets the least grave level that is logged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_log_set_level(
    // MaybeUninit, which C does not see: a caller may pass a number that is no `ons_log_level`.
    level: MaybeUninit<ons_log_level>,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: an argument that was passed is initialised.
        let number = unsafe { level.as_ptr().cast::<i32>().read() };
        let level = LogLevel::from_number(number).ok_or_else(|| {
            Failure::invalid(format!(
                "level is {number}, but 1 (error), 2 (warn), 3 (info), 4 (debug) are all there is"
            ))
        })?;
        log::install();
        log::set_level(level);
        Ok(())
    })
}

/// Sends the log to a file (`path`: UTF-8, a directory or a file, "" for the default ~/logs/ons.log) that is rotated
/// at `bytes_max` bytes (out of range: 64 MiB), keeping `old_files_max` old ones (1 to 100, else 10). A path that
/// cannot be written is said once on stderr and does not stop the program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_log_set_file(
    path: *const c_char,
    path_len: usize,
    bytes_max: i64,
    old_files_max: i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let path = unsafe { text(path, path_len, "path")? };
        log::install();
        log::set_file(LogFile::new(Path::new(path), bytes_max, old_files_max));
        Ok(())
    })
}

fn level_of(level: LogLevel) -> ons_log_level {
    match level {
        LogLevel::Error => ons_log_level::ONS_LOG_ERROR,
        LogLevel::Warn => ons_log_level::ONS_LOG_WARN,
        LogLevel::Info => ons_log_level::ONS_LOG_INFO,
        LogLevel::Debug => ons_log_level::ONS_LOG_DEBUG,
    }
}
