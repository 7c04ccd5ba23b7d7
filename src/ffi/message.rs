//! `ons_message`: what is sent and received.

pub mod parts;
pub mod properties;

use crate::client::message::Message;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::bytes;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use bytes::Bytes;
use std::ffi::c_char;

/// A message to send, or one received. Many threads may read it while none changes it. One made by ons_message_new, _new_with or
/// _clone is owned (free with ons_message_free); the one a listener is given is borrowed for that call.
pub struct ons_message;

impl Handle for ons_message {
    type Content = Message;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:mess");
    const NAME: &'static str = "ons_message";
}

/// Makes an empty message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_new(
    message_out: *mut *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { out(message_out, "message_out")? };
        message.set(give(Message::default()));
        Ok(())
    })
}

/// Makes a message from its parts in one call; the body is copied once. Topic, tag and key are UTF-8; the topic is
/// checked when the message is sent, tag and key (each at most 128 characters) here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_new_with(
    topic: *const c_char,
    topic_len: usize,
    tag: *const c_char,
    tag_len: usize,
    key: *const c_char,
    key_len: usize,
    body: *const u8,
    body_len: usize,
    message_out: *mut *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (topic, tag, key, body, place) = unsafe {
            let (topic, tag) = (text(topic, topic_len, "topic")?, text(tag, tag_len, "tag")?);
            let (key, body) = (text(key, key_len, "key")?, bytes(body, body_len, "body")?);
            (topic, tag, key, body, out(message_out, "message_out")?)
        };
        place.set(give(Message::from_parts(topic, tag, key, Bytes::copy_from_slice(body))?));
        Ok(())
    })
}

/// Makes an owned copy, also of a borrowed message, to be kept as long as one likes: of a message that was received a
/// body of up to 64 KiB is copied, as it lies in a block of up to 4 MiB that would be kept with it. Every other is shared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_clone(
    message: *const ons_message,
    message_out: *mut *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, copy) = unsafe { (borrow(message, "message")?, out(message_out, "message_out")?) };
        copy.set(give(message.clone()));
        Ok(())
    })
}

/// Lends the topic, "" when unset. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_topic(
    message: *const ons_message,
    topic_out: *mut *const c_char,
    topic_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, topic) = unsafe {
            (borrow(message, "message")?, text_out(topic_out, "topic_out", topic_len_out, "topic_len_out")?)
        };
        topic.set(message.topic());
        Ok(())
    })
}

/// Sets the topic. Its name is checked when the message is sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_topic(
    message: *mut ons_message,
    topic: *const c_char,
    topic_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (topic, message) =
            unsafe { (text(topic, topic_len, "topic")?.to_owned(), borrow_mut(message, "message")?) };
        message.set_topic(&topic);
        Ok(())
    })
}

/// Lends the tag, "" when unset. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_tag(
    message: *const ons_message,
    tag_out: *mut *const c_char,
    tag_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, tag) = unsafe {
            (borrow(message, "message")?, text_out(tag_out, "tag_out", tag_len_out, "tag_len_out")?)
        };
        tag.set(message.tag());
        Ok(())
    })
}

/// Sets the tag: at most 128 characters. One that contains "||" is matched by the expression "*" only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_tag(
    message: *mut ons_message,
    tag: *const c_char,
    tag_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (tag, message) =
            unsafe { (text(tag, tag_len, "tag")?.to_owned(), borrow_mut(message, "message")?) };
        Ok(message.set_tag(&tag)?)
    })
}

/// Lends the key, "" when unset. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_key(
    message: *const ons_message,
    key_out: *mut *const c_char,
    key_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, key) = unsafe {
            (borrow(message, "message")?, text_out(key_out, "key_out", key_len_out, "key_len_out")?)
        };
        key.set(message.key());
        Ok(())
    })
}

/// Sets the key the message can be found by: at most 128 characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_key(
    message: *mut ons_message,
    key: *const c_char,
    key_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (key, message) =
            unsafe { (text(key, key_len, "key")?.to_owned(), borrow_mut(message, "message")?) };
        Ok(message.set_key(&key)?)
    })
}

/// Lends the message id: "" until the message was sent or received.
/// Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_message_id(
    message: *const ons_message,
    message_id_out: *mut *const c_char,
    message_id_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, message_id) = unsafe {
            (
                borrow(message, "message")?,
                text_out(message_id_out, "message_id_out", message_id_len_out, "message_id_len_out")?,
            )
        };
        message_id.set(message.message_id());
        Ok(())
    })
}

/// Sets the message id. A send replaces it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_message_id(
    message: *mut ons_message,
    message_id: *const c_char,
    message_id_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message_id, message) = unsafe {
            (text(message_id, message_id_len, "message_id")?.to_owned(), borrow_mut(message, "message")?)
        };
        message.set_message_id(&message_id);
        Ok(())
    })
}

/// Lends the body, any bytes. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_body(
    message: *const ons_message,
    body_out: *mut *const u8,
    body_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, body) = unsafe {
            (borrow(message, "message")?, text_out(body_out, "body_out", body_len_out, "body_len_out")?)
        };
        body.set_bytes(message.body());
        Ok(())
    })
}

/// Sets the body, any bytes, copied. A send refuses an empty one and one of more than 4 MiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_body(
    message: *mut ons_message,
    body: *const u8,
    body_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, body) = unsafe { (borrow_mut(message, "message")?, bytes(body, body_len, "body")?) };
        message.set_body(Bytes::copy_from_slice(body));
        Ok(())
    })
}

/// Writes when the message shall be delivered, in milliseconds since the Unix epoch; 0: at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_start_deliver_time(
    message: *const ons_message,
    epoch_ms_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, epoch_ms) =
            unsafe { (borrow(message, "message")?, out(epoch_ms_out, "epoch_ms_out")?) };
        epoch_ms.set(message.start_deliver_time_ms());
        Ok(())
    })
}

/// Sets when the message shall be delivered, in milliseconds since the Unix epoch; 0: at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_start_deliver_time(
    message: *mut ons_message,
    epoch_ms: i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.set_start_deliver_time_ms(epoch_ms);
        Ok(())
    })
}

/// Writes how often the message was delivered before and not consumed; 0 at the first delivery.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_reconsume_times(
    message: *const ons_message,
    reconsume_times_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, reconsume_times) =
            unsafe { (borrow(message, "message")?, out(reconsume_times_out, "reconsume_times_out")?) };
        reconsume_times.set(message.reconsume_times());
        Ok(())
    })
}

/// Sets the count ons_message_reconsume_times answers. The broker counts by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_reconsume_times(
    message: *mut ons_message,
    reconsume_times: i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.set_reconsume_times(reconsume_times);
        Ok(())
    })
}

/// Writes when the broker stored the message, in milliseconds since the Unix epoch; 0 when unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_store_timestamp(
    message: *const ons_message,
    epoch_ms_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, epoch_ms) =
            unsafe { (borrow(message, "message")?, out(epoch_ms_out, "epoch_ms_out")?) };
        epoch_ms.set(message.store_timestamp_ms());
        Ok(())
    })
}

/// Sets the time ons_message_store_timestamp answers, in milliseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_store_timestamp(
    message: *mut ons_message,
    epoch_ms: i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.set_store_timestamp_ms(epoch_ms);
        Ok(())
    })
}

/// Writes when the message was sent, in milliseconds since the Unix epoch; 0 when unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_born_timestamp(
    message: *const ons_message,
    epoch_ms_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, epoch_ms) =
            unsafe { (borrow(message, "message")?, out(epoch_ms_out, "epoch_ms_out")?) };
        epoch_ms.set(message.born_timestamp_ms());
        Ok(())
    })
}

/// Writes the number of the queue a received message came from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_queue_id(
    message: *const ons_message,
    queue_id_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, queue_id) =
            unsafe { (borrow(message, "message")?, out(queue_id_out, "queue_id_out")?) };
        queue_id.set(message.queue_id());
        Ok(())
    })
}

/// Writes a received message's position in its queue, counted from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_queue_offset(
    message: *const ons_message,
    queue_offset_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, queue_offset) =
            unsafe { (borrow(message, "message")?, out(queue_offset_out, "queue_offset_out")?) };
        queue_offset.set(message.queue_offset());
        Ok(())
    })
}

/// Sets the position ons_message_queue_offset answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_queue_offset(
    message: *mut ons_message,
    queue_offset: i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.set_queue_offset(queue_offset);
        Ok(())
    })
}

/// Frees an owned message. NULL is ignored, and so is a message borrowed by a listener.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_free(message: *mut ons_message) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(message) }
    });
}
