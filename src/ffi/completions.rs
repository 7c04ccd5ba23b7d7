//! `ons_completions`: collects the ends of asynchronous sends, many in one call.

use crate::client::completions::Collected;
use crate::client::completions::Completions;
use crate::client::message::Message;
use crate::client::producer::Producer;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::Out;
use crate::ffi::boundary::Refusal;
use crate::ffi::boundary::UserData;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::bytes;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::ons_destroy;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text;
use crate::ffi::error::ErrorContent;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::message::ons_message;
use crate::ffi::producer::NativeCallback;
use crate::ffi::producer::ons_producer;
use crate::protocol::failure::Failure;
use crate::protocol::failure::Submitted;
use bytes::Bytes;
use std::ffi::c_char;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

/// Characters of a message id.
const ID_LEN: usize = 32;

/// Collects the ends of asynchronous sends, of any number of producers: for programs, and bindings of other languages,
/// for which a callback each costs too much. Made by ons_completions_new, freed by ons_completions_free; any number
/// of threads may use it at once.
pub struct ons_completions;

impl Handle for ons_completions {
    type Content = Collector;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:comp");
    const NAME: &'static str = "ons_completions";
}

pub struct Collector(Arc<Completions>);

impl Drop for Collector {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Told that there is something for ons_completions_take: once, and again only after everything was taken. Runs on
/// the thread that learned of the end of a send, also on the one that writes the log and inside any other call of the
/// library: it must not wait for anything nor call the library, but only wake a thread that does.
pub type ons_completions_ready = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Makes an empty collection. `destroy` (may be NULL) runs exactly once, when the collection is freed and no send
/// that was begun with it is under way any more, or when this call fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_completions_new(
    ready: ons_completions_ready,
    user_data: *mut c_void,
    destroy: ons_destroy,
    completions_out: *mut *mut ons_completions,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        let user_data = UserData::new(user_data, destroy);
        // SAFETY: the contract of include/README.md.
        let place = unsafe { out(completions_out, "completions_out")? };
        let ready = ready.ok_or(Refusal::Null("ready"))?;
        // SAFETY: the caller's function, with the pointer it gave for it.
        let ready = move || unsafe { ready(user_data.pointer()) };
        place.set(give(Collector(Completions::new(ready))));
        Ok(())
    })
}

/// Sends a message as ons_producer_send_async does, waiting where that one waits, but without a callback:
/// (a) ONS_OK and `*is_done_out` is 1: it is stored, at `*queue_id_out` and `*queue_offset_out`; (b) ONS_OK and
/// `*is_done_out` is 0: `completions` gives the outcome once, with `token`, perhaps before this call returns; the
/// other two are not written; (c) another status: it failed at once. `message_id_out` has room for 32 characters,
/// which are written in (a) and (b), without a NUL. The message may be changed or freed as soon as this call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_send_collected(
    producer: *const ons_producer,
    message: *mut ons_message,
    completions: *const ons_completions,
    token: u64,
    is_done_out: *mut i32,
    message_id_out: *mut c_char,
    queue_id_out: *mut i32,
    queue_offset_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, message, completions, places) = unsafe {
            let places = Places::new(is_done_out, message_id_out, queue_id_out, queue_offset_out)?;
            let message = borrow_mut(message, "message")?;
            (borrow(producer, "producer")?, message, borrow(completions, "completions")?, places)
        };
        send(producer, message, completions, token, places)
    })
}

/// ons_message_new_with, ons_producer_send_collected and ons_message_free in one call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_producer_send_parts_collected(
    producer: *const ons_producer,
    topic: *const c_char,
    topic_len: usize,
    tag: *const c_char,
    tag_len: usize,
    key: *const c_char,
    key_len: usize,
    body: *const u8,
    body_len: usize,
    completions: *const ons_completions,
    token: u64,
    is_done_out: *mut i32,
    message_id_out: *mut c_char,
    queue_id_out: *mut i32,
    queue_offset_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (producer, (topic, tag, key, body), completions, places) = unsafe {
            let (topic, tag) = (text(topic, topic_len, "topic")?, text(tag, tag_len, "tag")?);
            let (key, body) = (text(key, key_len, "key")?, bytes(body, body_len, "body")?);
            let places = Places::new(is_done_out, message_id_out, queue_id_out, queue_offset_out)?;
            let completions = borrow(completions, "completions")?;
            (borrow(producer, "producer")?, (topic, tag, key, body), completions, places)
        };
        let mut message = Message::from_parts(topic, tag, key, Bytes::copy_from_slice(body))?;
        send(producer, &mut message, completions, token, places)
    })
}

/// Where a send tells what is known when it returns.
struct Places {
    is_done: Out<i32>,
    message_id: Out<[u8; ID_LEN]>,
    queue_id: Out<i32>,
    queue_offset: Out<i64>,
}

impl Places {
    /// # Safety
    /// As [`out`], for each; `message_id` has room for [`ID_LEN`] characters.
    unsafe fn new(
        is_done: *mut i32,
        message_id: *mut c_char,
        queue_id: *mut i32,
        queue_offset: *mut i64,
    ) -> Result<Self, Refusal> {
        // SAFETY: the same contract.
        unsafe {
            Ok(Self {
                is_done: out(is_done, "is_done_out")?,
                message_id: out(message_id.cast(), "message_id_out")?,
                queue_id: out(queue_id, "queue_id_out")?,
                queue_offset: out(queue_offset, "queue_offset_out")?,
            })
        }
    }
}

fn send(
    producer: &Producer<NativeCallback>,
    message: &mut Message,
    completions: &Collector,
    token: u64,
    places: Places,
) -> Result<(), Refusal> {
    let collected = Collected { token, completions: completions.0.clone() };
    match producer.submit(message, NativeCallback::Collected(collected)) {
        Submitted::Done(outcome) => {
            let result = outcome?;
            places.message_id.set(id_characters(result.message_id.as_str())?);
            places.queue_id.set(result.queue_id);
            places.queue_offset.set(result.queue_offset);
            places.is_done.set(1);
        }
        Submitted::Pending => {
            places.message_id.set(id_characters(message.message_id())?);
            places.is_done.set(0);
        }
    }
    Ok(())
}

/// Every producer of this library makes ids of this length.
fn id_characters(id: &str) -> Result<[u8; ID_LEN], Refusal> {
    let characters = id.as_bytes().try_into();
    characters
        .map_err(|_| Failure::state(format!("the message id '{id}' has not {ID_LEN} characters")).into())
}

/// Gives at most `max` ended sends, in the order in which they ended, and writes how many to `*count_out`. Each of
/// the arrays has room for `max` entries, of 32 characters without a NUL in `message_ids_out`. Where `errors_out`
/// receives an owned error the send failed, and of the others only the token is written; elsewhere it receives NULL.
/// Take until the count is 0. After a shutdown of the producer
/// everything about its sends can be taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_completions_take(
    completions: *const ons_completions,
    max: usize,
    tokens_out: *mut u64,
    message_ids_out: *mut c_char,
    queue_ids_out: *mut i32,
    queue_offsets_out: *mut i64,
    errors_out: *mut *mut ons_error,
    count_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (completions, count) = unsafe {
            // Checked here once; written one by one below.
            let _ = (out(tokens_out, "tokens_out")?, out(message_ids_out, "message_ids_out")?);
            let _ = (out(queue_ids_out, "queue_ids_out")?, out(queue_offsets_out, "queue_offsets_out")?);
            let _ = out(errors_out, "errors_out")?;
            (borrow(completions, "completions")?, out(count_out, "count_out")?)
        };
        let taken = completions.0.take(max);
        count.set(taken.len());
        for (index, (token, outcome)) in taken.into_iter().enumerate() {
            let told = outcome.map_err(Refusal::from).and_then(|result| {
                let id = id_characters(result.message_id.as_str())?;
                Ok((id, result.queue_id, result.queue_offset))
            });
            // SAFETY: the contract says that there is room for `max` entries everywhere, and `take` gave no more.
            unsafe {
                tokens_out.add(index).write(token);
                let error = match told {
                    Ok((id, queue_id, queue_offset)) => {
                        message_ids_out.cast::<[u8; ID_LEN]>().add(index).write(id);
                        queue_ids_out.add(index).write(queue_id);
                        queue_offsets_out.add(index).write(queue_offset);
                        ptr::null_mut()
                    }
                    Err(refusal) => give::<ons_error>(ErrorContent::from(refusal)),
                };
                errors_out.add(index).write(error);
            }
        }
        Ok(())
    })
}

/// Frees a collection. What is still under way with it ends unheard. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_completions_free(completions: *mut ons_completions) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(completions) }
    });
}
