//! The property maps of a message: the user's, and the system's under the SDK's names.

use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::given_text;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::message::ons_message;
use crate::protocol::failure::Failure;
use std::ffi::c_char;

/// Sets a user property: text to text, travelling with the message. "" as the value takes it away. Neither pointer may
/// be NULL, also for "".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_property(
    message: *mut ons_message,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name, value) = unsafe {
            let (name, value) = (
                given_text(name, name_len, "name")?.to_owned(),
                given_text(value, value_len, "value")?.to_owned(),
            );
            (borrow_mut(message, "message")?, name, value)
        };
        Ok(message.set_property(&name, &value)?)
    })
}

/// Lends a user property's value, "" if there is none of that name. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_property(
    message: *const ons_message,
    name: *const c_char,
    name_len: usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name, value) = unsafe {
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(message, "message")?, given_text(name, name_len, "name")?, value)
        };
        value.set(message.property(name).unwrap_or_default());
        Ok(())
    })
}

/// Writes how many user properties the message has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_property_count(
    message: *const ons_message,
    count_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, count) = unsafe { (borrow(message, "message")?, out(count_out, "count_out")?) };
        count.set(message.properties().count());
        Ok(())
    })
}

/// Lends name and value of the user property at `index` (0 to count - 1, in a fixed order while the message is not
/// changed). Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_property_at(
    message: *const ons_message,
    index: usize,
    name_out: *mut *const c_char,
    name_len_out: *mut usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name_place, value_place) = unsafe {
            let name = text_out(name_out, "name_out", name_len_out, "name_len_out")?;
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(message, "message")?, name, value)
        };
        let Some((name, value)) = message.properties().nth(index) else {
            return Err(past_the_end(index, message.properties().count()).into());
        };
        name_place.set(name);
        value_place.set(value);
        Ok(())
    })
}

/// Removes every user property.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_clear_properties(
    message: *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.clear_properties();
        Ok(())
    })
}

/// Sets a system property. __TAG, __KEY, __MSGID, __RECONSUMETIMES and __STARTDELIVERTIME are the message's fields of
/// these names; any other is kept as it is, and taken away by "". Neither pointer may be NULL, also for "".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_set_system_property(
    message: *mut ons_message,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name, value) = unsafe {
            let (name, value) = (
                given_text(name, name_len, "name")?.to_owned(),
                given_text(value, value_len, "value")?.to_owned(),
            );
            (borrow_mut(message, "message")?, name, value)
        };
        Ok(message.set_system_property(&name, &value)?)
    })
}

/// Lends a system property's value, "" if there is none of that name. Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_system_property(
    message: *const ons_message,
    name: *const c_char,
    name_len: usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name, value) = unsafe {
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(message, "message")?, given_text(name, name_len, "name")?, value)
        };
        value.set(message.system_property(name).unwrap_or_default());
        Ok(())
    })
}

/// Writes how many system properties the message has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_system_property_count(
    message: *const ons_message,
    count_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, count) = unsafe { (borrow(message, "message")?, out(count_out, "count_out")?) };
        count.set(message.system_properties().count());
        Ok(())
    })
}

/// Lends name and value of the system property at `index` (0 to count - 1, in a fixed order while the message is not
/// changed). Valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_system_property_at(
    message: *const ons_message,
    index: usize,
    name_out: *mut *const c_char,
    name_len_out: *mut usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (message, name_place, value_place) = unsafe {
            let name = text_out(name_out, "name_out", name_len_out, "name_len_out")?;
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(message, "message")?, name, value)
        };
        let Some((name, value)) = message.system_properties().nth(index) else {
            return Err(past_the_end(index, message.system_properties().count()).into());
        };
        name_place.set(name);
        value_place.set(value);
        Ok(())
    })
}

/// Removes every system property.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_message_clear_system_properties(
    message: *mut ons_message,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let message = unsafe { borrow_mut(message, "message")? };
        message.clear_system_properties();
        Ok(())
    })
}

fn past_the_end(index: usize, count: usize) -> Failure {
    Failure::invalid(format!("index is {index}, but the message has only {count} such properties"))
}
