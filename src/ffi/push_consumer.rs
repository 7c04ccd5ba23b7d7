//! `ons_push_consumer`: hands messages to listeners.

use crate::client::message::Message;
use crate::client::push_consumer::Action;
use crate::client::push_consumer::PushConsumer;
use crate::embedded::factory::Factory;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::Refusal;
use crate::ffi::boundary::UserData;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::lend;
use crate::ffi::boundary::ons_destroy;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::factory_property::apply_to_log;
use crate::ffi::factory_property::ons_factory_property;
use crate::ffi::message::ons_message;
use std::ffi::c_char;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// What a listener answers.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// Rust only compares with two of them; C answers all.
#[allow(dead_code)]
pub enum ons_action {
    /// The message is consumed.
    ONS_COMMIT_MESSAGE = 0,
    /// Deliver it again later: after 10 s, 30 s, 1 min and so on up to 2 h, 16 times unless set otherwise, then it goes to the
    /// dead letters of the group.
    ONS_RECONSUME_LATER = 1,
    /// Nobody has looked at it, for a program that is ending: it uses up no attempt and comes again to whoever consumes its
    /// queue next, with what was consumed behind it in its queue. That is this consumer until its shutdown, so it is no answer
    /// for a message that failed.
    ONS_LEAVE_MESSAGE = 2,
}

/// Receives messages and hands them to listeners. Made by ons_push_consumer_new, freed by ons_push_consumer_free;
/// any number of threads may use it at once.
pub struct ons_push_consumer;

impl Handle for ons_push_consumer {
    type Content = PushConsumer;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:push");
    const NAME: &'static str = "ons_push_consumer";
}

/// Consumes one message. `message` is borrowed for the call (ons_message_clone to keep it). Called on up to
/// ConsumeThreadNums library threads at once; each message is given to one of them. An answer that is no ons_action
/// means ONS_RECONSUME_LATER. It may send, subscribe and free clients; a shutdown from inside it is refused with
/// ONS_INVALID_STATE; it must not throw or longjmp out.
// MaybeUninit, which C does not see: a listener may answer a number that is no `ons_action`.
pub type ons_message_listener = Option<
    unsafe extern "C" fn(user_data: *mut c_void, message: *mut ons_message) -> MaybeUninit<ons_action>,
>;

/// Makes a consumer; nothing is opened or started yet. The settings are checked: what this version does not
/// support is refused here (ONS_NOT_SUPPORTED), never ignored. `property` may be freed afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_new(
    property: *const ons_factory_property,
    consumer_out: *mut *mut ons_push_consumer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, consumer) =
            unsafe { (borrow(property, "property")?, out(consumer_out, "consumer_out")?) };
        apply_to_log(property);
        consumer.set(give(Factory::create_push_consumer(property)?));
        Ok(())
    })
}

/// Subscribes to a topic, before or after start; a second call for a topic replaces expression and listener.
/// `expression` is "*" or "" for everything, or tags such as "TagA || TagB". `destroy` (may be NULL) runs exactly
/// once when the listener is no longer used: replaced, unsubscribed, shut down, or when this call fails; not before
/// the last running call of the listener ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_subscribe(
    consumer: *mut ons_push_consumer,
    topic: *const c_char,
    topic_len: usize,
    expression: *const c_char,
    expression_len: usize,
    listener: ons_message_listener,
    user_data: *mut c_void,
    destroy: ons_destroy,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        let user_data = UserData::new(user_data, destroy);
        // SAFETY: the contract of include/README.md.
        let (consumer, topic, expression) = unsafe {
            let expression = text(expression, expression_len, "expression")?;
            (borrow(consumer, "consumer")?, text(topic, topic_len, "topic")?, expression)
        };
        let listener = listener.ok_or(Refusal::Null("listener"))?;
        let listen = move |message: &mut Message| {
            // SAFETY: the caller's function, with the pointer it gave for it; the handle lives during the call.
            lend_message(message, |handle| unsafe { listener(user_data.pointer(), handle) })
        };
        Ok(consumer.subscribe(topic, expression, listen)?)
    })
}

/// Lends a message to a listener; what the listener changes in it stays changed.
fn lend_message(
    message: &mut Message,
    call: impl FnOnce(*mut ons_message) -> MaybeUninit<ons_action>,
) -> Action {
    let (content, answer) = lend::<ons_message, _>(std::mem::take(message), call);
    *message = content;
    // SAFETY: the listener returned it, so it is initialised; as a number it need not be one of the enum.
    match unsafe { answer.as_ptr().cast::<i32>().read() } {
        answer if answer == ons_action::ONS_COMMIT_MESSAGE as i32 => Action::Commit,
        answer if answer == ons_action::ONS_LEAVE_MESSAGE as i32 => Action::Leave,
        _ => Action::ReconsumeLater,
    }
}

/// Ends a subscription; the listener's `destroy` runs when its running calls have ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_unsubscribe(
    consumer: *mut ons_push_consumer,
    topic: *const c_char,
    topic_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (consumer, topic) = unsafe { (borrow(consumer, "consumer")?, text(topic, topic_len, "topic")?) };
        Ok(consumer.unsubscribe(topic)?)
    })
}

/// Opens the embedded broker of the consumer's directory, or joins the one this process has open, and begins to
/// consume. Does nothing when already started; ONS_INVALID_STATE after shutdown; ONS_DIRECTORY_IN_USE if another
/// process has the directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_start(
    consumer: *mut ons_push_consumer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let consumer = unsafe { borrow(consumer, "consumer")? };
        Ok(consumer.start()?)
    })
}

/// Writes 1 after a successful start and before shutdown, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_is_started(
    consumer: *const ons_push_consumer,
    is_started_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (consumer, is_started) =
            unsafe { (borrow(consumer, "consumer")?, out(is_started_out, "is_started_out")?) };
        is_started.set(consumer.is_started().into());
        Ok(())
    })
}

/// Writes 1 once the consumer was shut down, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_is_closed(
    consumer: *const ons_push_consumer,
    is_closed_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (consumer, is_closed) =
            unsafe { (borrow(consumer, "consumer")?, out(is_closed_out, "is_closed_out")?) };
        is_closed.set(consumer.is_closed().into());
        Ok(())
    })
}

/// Ends the consumer: takes no more messages, waits at most 30 s until its threads are through with the few they have in
/// hand, so that none of the finished ones comes again, commits offsets, lets go of the broker. A listener that has not
/// returned by then is left behind, which a warning in the log tells: it and its `user_data` must live as long as the
/// process, and its message and those finished behind it come again. A second call does nothing. From inside a listener
/// or callback: ONS_INVALID_STATE, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_shutdown(
    consumer: *mut ons_push_consumer,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let consumer = unsafe { borrow(consumer, "consumer")? };
        Ok(consumer.shutdown()?)
    })
}

/// Frees a consumer, shutting it down first if that was not done; from inside a listener or callback that goes on
/// after the call, on a thread of the library. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_push_consumer_free(consumer: *mut ons_push_consumer) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(consumer) }
    });
}
