//! A whole message out of its handle in one call.

use crate::ffi::boundary::borrow;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::message::ons_message;
use std::ffi::c_char;

/// Lends everything a message has but its properties, of which it writes how many there are: of the user's, and of
/// the system's those that have no output here. Texts and bytes are valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_parts(
    message: *const ons_message,
    topic_out: *mut *const c_char,
    topic_len_out: *mut usize,
    tag_out: *mut *const c_char,
    tag_len_out: *mut usize,
    key_out: *mut *const c_char,
    key_len_out: *mut usize,
    body_out: *mut *const u8,
    body_len_out: *mut usize,
    message_id_out: *mut *const c_char,
    message_id_len_out: *mut usize,
    start_deliver_time_out: *mut i64,
    store_timestamp_out: *mut i64,
    born_timestamp_out: *mut i64,
    queue_offset_out: *mut i64,
    queue_id_out: *mut i32,
    reconsume_times_out: *mut i32,
    property_count_out: *mut usize,
    other_system_property_count_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, texts, body, times, numbers, counts) = unsafe {
            let topic = text_out(topic_out, "topic_out", topic_len_out, "topic_len_out")?;
            let tag = text_out(tag_out, "tag_out", tag_len_out, "tag_len_out")?;
            let key = text_out(key_out, "key_out", key_len_out, "key_len_out")?;
            let id = text_out(message_id_out, "message_id_out", message_id_len_out, "message_id_len_out")?;
            let start_deliver_time = out(start_deliver_time_out, "start_deliver_time_out")?;
            let store_timestamp = out(store_timestamp_out, "store_timestamp_out")?;
            let born_timestamp = out(born_timestamp_out, "born_timestamp_out")?;
            let queue_offset = out(queue_offset_out, "queue_offset_out")?;
            let queue_id = out(queue_id_out, "queue_id_out")?;
            let reconsume_times = out(reconsume_times_out, "reconsume_times_out")?;
            let count = out(property_count_out, "property_count_out")?;
            let others = out(other_system_property_count_out, "other_system_property_count_out")?;
            (
                borrow(message, "message")?,
                (topic, tag, key, id),
                text_out(body_out, "body_out", body_len_out, "body_len_out")?,
                (start_deliver_time, store_timestamp, born_timestamp),
                (queue_offset, queue_id, reconsume_times),
                (count, others),
            )
        };
        let labels = message.labels();
        texts.0.set(message.topic());
        texts.1.set(labels.tag);
        texts.2.set(labels.key);
        texts.3.set(labels.message_id);
        body.set_bytes(message.body());
        times.0.set(message.start_deliver_time_ms());
        times.1.set(message.store_timestamp_ms());
        times.2.set(message.born_timestamp_ms());
        numbers.0.set(message.queue_offset());
        numbers.1.set(message.queue_id());
        numbers.2.set(message.reconsume_times());
        counts.0.set(labels.user_properties);
        counts.1.set(labels.other_system_properties);
        Ok(())
    })
}
