//! `ons_send_result`: where a sent message is.

use crate::client::send_result::SendResult;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::free;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use std::ffi::c_char;

/// Where a sent message is. Owned by whoever received it through `result_out` (free with ons_send_result_free); the
/// one a callback is given is borrowed for that call. May be read by any thread.
pub struct ons_send_result;

impl Handle for ons_send_result {
    type Content = SendResult;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:send");
    const NAME: &'static str = "ons_send_result";
}

/// Lends the message id. Valid until the result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_send_result_message_id(
    result: *const ons_send_result,
    message_id_out: *mut *const c_char,
    message_id_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (result, message_id) = unsafe {
            let id = text_out(message_id_out, "message_id_out", message_id_len_out, "message_id_len_out")?;
            (borrow(result, "result")?, id)
        };
        message_id.set(result.message_id.as_str());
        Ok(())
    })
}

/// Lends the topic the message was sent to. Valid until the result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_send_result_topic(
    result: *const ons_send_result,
    topic_out: *mut *const c_char,
    topic_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (result, topic) = unsafe {
            (borrow(result, "result")?, text_out(topic_out, "topic_out", topic_len_out, "topic_len_out")?)
        };
        topic.set(&result.topic);
        Ok(())
    })
}

/// Writes the number of the queue of its topic that the message went to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_send_result_queue_id(
    result: *const ons_send_result,
    queue_id_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (result, queue_id) = unsafe { (borrow(result, "result")?, out(queue_id_out, "queue_id_out")?) };
        queue_id.set(result.queue_id);
        Ok(())
    })
}

/// Writes the message's position in its queue, counted from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_send_result_queue_offset(
    result: *const ons_send_result,
    queue_offset_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (result, offset) =
            unsafe { (borrow(result, "result")?, out(queue_offset_out, "queue_offset_out")?) };
        offset.set(result.queue_offset);
        Ok(())
    })
}

/// Frees a result. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_send_result_free(result: *mut ons_send_result) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(result) }
    });
}
