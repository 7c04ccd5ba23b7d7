//! `ons_status` and `ons_error`: why a call failed, and what the caller may do about it.

use crate::ffi::boundary::Handle;
use crate::ffi::boundary::Refusal;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::free;
use crate::ffi::boundary::guard_free_in_any_process;
use crate::ffi::boundary::guard_in_any_process;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text_out;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use std::ffi::c_char;

/// What every function returns. 32 bits wide; numbers are never reused.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ons_status {
    /// The call did what it says; its outputs are written.
    ONS_OK = 0,
    /// A defect of the library was caught; the message says where. The process goes on, the handle may not.
    ONS_PANIC = 1,
    /// A pointer that must not be NULL is; the message names the argument.
    ONS_NULL_ARGUMENT = 2,
    /// A value is not acceptable; the message names it and the limit.
    ONS_INVALID_ARGUMENT = 3,
    /// The call does not fit the client's state: not started, already shut down, made from inside a callback.
    ONS_INVALID_STATE = 4,
    /// No answer within the time allowed.
    ONS_TIMEOUT = 5,
    /// Reading or writing the store failed; the message names the file and the cause.
    ONS_STORAGE = 6,
    /// No room on the disk for new messages; reading goes on.
    ONS_DISK_FULL = 7,
    /// Another process holds the data directory; the message names its process id.
    ONS_DIRECTORY_IN_USE = 8,
    /// This version does not have the feature; the message names it.
    ONS_NOT_SUPPORTED = 9,
    /// The topic does not exist.
    ONS_TOPIC_NOT_EXIST = 10,
    /// Stored bytes are damaged; the message names file and offset.
    ONS_CORRUPT = 11,
    /// This process was forked after the library was started; only the parent may use it.
    ONS_FORKED = 12,
    /// The broker answered with another error.
    ONS_BROKER = 13,
}

/// Whether a message whose send failed is in the store nevertheless.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ons_stored {
    /// Certainly not: sending it again cannot double it.
    ONS_STORED_NO = 0,
    /// It is.
    ONS_STORED_YES = 1,
    /// It may be or not: sending it again may double it.
    ONS_STORED_UNKNOWN = 2,
}

/// Why a call failed. Owned by whoever received it through `error_out` (free with ons_error_free); the one a
/// callback is given is borrowed for that call. May be read by any thread.
pub struct ons_error;

/// What stands behind an `ons_error`.
#[derive(Debug)]
pub(crate) struct ErrorContent {
    pub(crate) status: ons_status,
    message: String,
    is_retriable: bool,
    is_fatal: bool,
    stored: ons_stored,
}

impl Handle for ons_error {
    type Content = ErrorContent;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:erro");
    const NAME: &'static str = "ons_error";
}

impl From<Refusal> for ErrorContent {
    fn from(refusal: Refusal) -> Self {
        let plain = |status, message| Self {
            status,
            message,
            is_retriable: false,
            is_fatal: false,
            stored: ons_stored::ONS_STORED_NO,
        };
        match refusal {
            Refusal::Null(name) => plain(ons_status::ONS_NULL_ARGUMENT, format!("{name} is NULL")),
            Refusal::Panic(what) => Self {
                is_fatal: true,
                stored: ons_stored::ONS_STORED_UNKNOWN,
                ..plain(ons_status::ONS_PANIC, format!("a defect of the library was caught: {what}"))
            },
            Refusal::Failure(failure) => Self {
                status: status_of(failure.kind),
                is_retriable: failure.is_retriable(),
                is_fatal: failure.is_fatal(),
                stored: match failure.stored {
                    Stored::No => ons_stored::ONS_STORED_NO,
                    Stored::Yes => ons_stored::ONS_STORED_YES,
                    Stored::Unknown => ons_stored::ONS_STORED_UNKNOWN,
                },
                message: failure.message,
            },
        }
    }
}

fn status_of(kind: FailureKind) -> ons_status {
    match kind {
        FailureKind::InvalidArgument => ons_status::ONS_INVALID_ARGUMENT,
        FailureKind::InvalidState => ons_status::ONS_INVALID_STATE,
        FailureKind::Timeout => ons_status::ONS_TIMEOUT,
        FailureKind::Storage => ons_status::ONS_STORAGE,
        FailureKind::DiskFull => ons_status::ONS_DISK_FULL,
        FailureKind::DirectoryInUse => ons_status::ONS_DIRECTORY_IN_USE,
        FailureKind::NotSupported => ons_status::ONS_NOT_SUPPORTED,
        FailureKind::TopicNotExist => ons_status::ONS_TOPIC_NOT_EXIST,
        FailureKind::Corrupt => ons_status::ONS_CORRUPT,
        FailureKind::Forked => ons_status::ONS_FORKED,
        FailureKind::Broker => ons_status::ONS_BROKER,
    }
}

/// Writes the status the failed call returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_status(
    error: *const ons_error,
    status_out: *mut ons_status,
) -> ons_status {
    guard_in_any_process(std::ptr::null_mut(), || {
        // SAFETY: the contract of include/README.md.
        let (error, status) = unsafe { (borrow(error, "error")?, out(status_out, "status_out")?) };
        status.set(error.status);
        Ok(())
    })
}

/// Lends the message: what happened, to which topic, file or argument, and what to do. UTF-8, not NUL-terminated,
/// valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_message(
    error: *const ons_error,
    message_out: *mut *const c_char,
    message_len_out: *mut usize,
) -> ons_status {
    guard_in_any_process(std::ptr::null_mut(), || {
        // SAFETY: the contract of include/README.md.
        let (error, message) = unsafe {
            (
                borrow(error, "error")?,
                text_out(message_out, "message_out", message_len_out, "message_len_out")?,
            )
        };
        message.set(&error.message);
        Ok(())
    })
}

/// Writes 1 if the same call may succeed later without a change of its arguments, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_is_retriable(
    error: *const ons_error,
    is_retriable_out: *mut i32,
) -> ons_status {
    guard_in_any_process(std::ptr::null_mut(), || {
        // SAFETY: the contract of include/README.md.
        let (error, is_retriable) =
            unsafe { (borrow(error, "error")?, out(is_retriable_out, "is_retriable_out")?) };
        is_retriable.set(error.is_retriable.into());
        Ok(())
    })
}

/// Writes 1 if this client can do no more and only a new one, after the cause is gone, can; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_is_fatal(error: *const ons_error, is_fatal_out: *mut i32) -> ons_status {
    guard_in_any_process(std::ptr::null_mut(), || {
        // SAFETY: the contract of include/README.md.
        let (error, is_fatal) = unsafe { (borrow(error, "error")?, out(is_fatal_out, "is_fatal_out")?) };
        is_fatal.set(error.is_fatal.into());
        Ok(())
    })
}

/// Writes whether the message of a failed send is in the store nevertheless; ONS_STORED_NO for every other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_stored(
    error: *const ons_error,
    stored_out: *mut ons_stored,
) -> ons_status {
    guard_in_any_process(std::ptr::null_mut(), || {
        // SAFETY: the contract of include/README.md.
        let (error, stored) = unsafe { (borrow(error, "error")?, out(stored_out, "stored_out")?) };
        stored.set(error.stored);
        Ok(())
    })
}

/// Frees an error received through `error_out`. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_error_free(error: *mut ons_error) {
    guard_free_in_any_process(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(error) }
    });
}
