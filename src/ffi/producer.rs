//! `ons_producer`: sends messages.

use crate::client::completions::Collected;
use crate::client::outstanding::SendCallback;
use crate::client::outstanding::SendOutcome;
use crate::client::producer::Producer;
use crate::embedded::factory::Factory;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::Refusal;
use crate::ffi::boundary::UserData;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::lend;
use crate::ffi::boundary::nullable_out;
use crate::ffi::boundary::ons_destroy;
use crate::ffi::boundary::out;
use crate::ffi::error::ErrorContent;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::factory_property::apply_to_log;
use crate::ffi::factory_property::ons_factory_property;
use crate::ffi::message::ons_message;
use crate::ffi::send_result::ons_send_result;
use crate::protocol::failure::Submitted;
use std::ffi::c_void;
use std::ptr;

/// Sends messages. Made by ons_producer_new, freed by ons_producer_free; any number of threads may use it at once.
pub struct ons_producer;

impl Handle for ons_producer {
    type Content = Producer<NativeCallback>;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:prod");
    const NAME: &'static str = "ons_producer";
}

/// Told how an asynchronous send ended: exactly one of `result` and `error` is not NULL, and both are borrowed for
/// the call. Runs on a library thread. It may send and free clients, but must not block for long (other callbacks wait
/// for it); a shutdown from inside it is refused with ONS_INVALID_STATE; it must not throw or longjmp out.
pub type ons_send_callback = Option<
    unsafe extern "C" fn(user_data: *mut c_void, result: *const ons_send_result, error: *const ons_error),
>;

/// Makes a producer; nothing is opened or started yet. The settings are checked: what this version does not
/// support is refused here (ONS_NOT_SUPPORTED), never ignored. `property` may be freed afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_new(
    property: *const ons_factory_property,
    producer_out: *mut *mut ons_producer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, producer) =
            unsafe { (borrow(property, "property")?, out(producer_out, "producer_out")?) };
        apply_to_log(property);
        producer.set(give(Factory::create_producer_of(property)?));
        Ok(())
    })
}

/// Opens the embedded broker of the producer's directory, or joins the one this process has open. Does nothing when
/// already started; ONS_INVALID_STATE after shutdown; ONS_DIRECTORY_IN_USE if another process has the directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_start(
    producer: *mut ons_producer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let producer = unsafe { borrow(producer, "producer")? };
        Ok(producer.start()?)
    })
}

/// Sends a message and waits until it is stored as durably as FlushDiskType promises, at most SendMsgTimeoutMillis
/// per try. Sets the message id on `message`. `result_out` may be NULL. When it fails, ons_error_stored tells
/// whether the message is in the store nevertheless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_send(
    producer: *const ons_producer,
    message: *mut ons_message,
    result_out: *mut *mut ons_send_result,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, message, place) = unsafe {
            (borrow(producer, "producer")?, borrow_mut(message, "message")?, nullable_out(result_out))
        };
        let result = producer.send(message)?;
        if let Some(place) = place {
            place.set(give(result));
        }
        Ok(())
    })
}

/// Sends a message without waiting until it is stored, unless the disk is behind: see at the end. It ends in one of
/// three ways:
/// (a) ONS_OK and `*is_done_out` is 1: it is stored, `*result_out` is an owned result, `callback` never runs;
/// (b) ONS_OK and `*is_done_out` is 0: `callback` runs exactly once, later, on a library thread, never inside this
/// call; (c) another status: it failed at once, `callback` never runs.
/// `destroy` (may be NULL) runs exactly once in all cases, after the last use of `user_data`, perhaps inside this
/// call. `is_done_out` and `result_out` are given both, or are both NULL: then (a) never happens, and success is
/// always told by the callback. The message id is set on `message` in (a) and (b); the message may be changed or
/// freed as soon as this call returns.
/// While as much waits to be written as may (2 MiB in SYNC_FLUSH, 512 KiB in ASYNC_FLUSH: the disk is behind), the
/// caller makes room: it writes what waits itself (and in SYNC_FLUSH syncs it), as long as that takes, or waits for the
/// thread that does. While 131 072 sends of the producer wait for their callbacks (16 384 of those threads that share a
/// part with the caller), it waits for one of them; only from inside a callback it goes on at once. Either wait lasts at
/// most SendMsgTimeoutMillis, and ends then with ONS_TIMEOUT, the message not stored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_send_async(
    producer: *const ons_producer,
    message: *mut ons_message,
    callback: ons_send_callback,
    user_data: *mut c_void,
    destroy: ons_destroy,
    is_done_out: *mut i32,
    result_out: *mut *mut ons_send_result,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        let user_data = UserData::new(user_data, destroy);
        // SAFETY: the contract of include/README.md.
        let (producer, message, is_done, place) = unsafe {
            let outputs = (nullable_out(is_done_out), nullable_out(result_out));
            (borrow(producer, "producer")?, borrow_mut(message, "message")?, outputs.0, outputs.1)
        };
        let callback =
            NativeCallback::Function { function: callback.ok_or(Refusal::Null("callback"))?, user_data };
        let (is_done, place) = match (is_done, place) {
            (Some(is_done), Some(place)) => (is_done, place),
            (None, None) => return Ok(producer.submit_telling(message, callback)?),
            (None, Some(_)) => return Err(Refusal::Null("is_done_out")),
            (Some(_), None) => return Err(Refusal::Null("result_out")),
        };
        match producer.submit(message, callback) {
            Submitted::Done(outcome) => {
                place.set(give(outcome?));
                is_done.set(1);
            }
            Submitted::Pending => is_done.set(0),
        }
        Ok(())
    })
}

/// How the caller wants to be told.
pub(crate) enum NativeCallback {
    /// By a function and what it is called with.
    Function {
        function: unsafe extern "C" fn(*mut c_void, *const ons_send_result, *const ons_error),
        user_data: UserData,
    },
    Collected(Collected),
}

impl SendCallback for NativeCallback {
    fn call(self, outcome: SendOutcome) {
        let (function, user_data) = match self {
            Self::Function { function, user_data } => (function, user_data),
            Self::Collected(collected) => return collected.call(outcome),
        };
        let call = |result, error| {
            // SAFETY: the caller's function, with the pointer it gave for it; the handles live during the call.
            unsafe { function(user_data.pointer(), result, error) }
        };
        match outcome {
            Ok(result) => drop(lend::<ons_send_result, ()>(result, |result| call(result, ptr::null()))),
            Err(failure) => {
                let content = ErrorContent::from(Refusal::from(failure));
                drop(lend::<ons_error, ()>(content, |error| call(ptr::null(), error)));
            }
        }
    }

    fn is_light(&self) -> bool {
        matches!(self, Self::Collected(_))
    }
}

/// Hands a message over without waiting until it is stored or hearing of its fate. While the disk is behind the caller
/// makes room, as in ons_producer_send_async. An error only for what can be told at once: a bad message, a producer that
/// is not started, no room within SendMsgTimeoutMillis (ONS_TIMEOUT, not stored).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_send_oneway(
    producer: *const ons_producer,
    message: *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, message) = unsafe { (borrow(producer, "producer")?, borrow_mut(message, "message")?) };
        Ok(producer.send_oneway(message)?)
    })
}

/// Writes 1 after a successful start and before shutdown, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_is_started(
    producer: *const ons_producer,
    is_started_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, is_started) =
            unsafe { (borrow(producer, "producer")?, out(is_started_out, "is_started_out")?) };
        is_started.set(producer.is_started().into());
        Ok(())
    })
}

/// Writes 1 once the producer was shut down, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_is_closed(
    producer: *const ons_producer,
    is_closed_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, is_closed) =
            unsafe { (borrow(producer, "producer")?, out(is_closed_out, "is_closed_out")?) };
        is_closed.set(producer.is_closed().into());
        Ok(())
    })
}

/// Ends the producer: waits for the answers of pending asynchronous sends, at most SendMsgTimeoutMillis and a second,
/// then for their callbacks as long as these keep returning, at most 30 s; then lets go of the broker. A callback that
/// does not return is left behind, which a warning in the log tells, and must still live. A second call does nothing.
/// From inside a callback or listener: ONS_INVALID_STATE, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_shutdown(
    producer: *mut ons_producer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let producer = unsafe { borrow(producer, "producer")? };
        Ok(producer.shutdown()?)
    })
}

/// Frees a producer, shutting it down first if that was not done; from inside a listener or callback that goes on
/// after the call, on a thread of the library. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_free(producer: *mut ons_producer) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(producer) }
    });
}
