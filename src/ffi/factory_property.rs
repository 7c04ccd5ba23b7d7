//! `ons_factory_property`: the settings a client or broker is made from.

use crate::client::factory_property::FactoryProperty;
use crate::client::log;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::protocol::failure::Failure;
use std::ffi::c_char;

/// The settings a client or broker is made from: keys and values such as "ProducerId" or "SendMsgTimeoutMillis".
/// Made by ons_factory_property_new, freed by ons_factory_property_free. Many threads may read it while
/// none changes it. Making a client copies what it needs, so it may be changed or freed afterwards.
pub struct ons_factory_property;

impl Handle for ons_factory_property {
    type Content = FactoryProperty;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:fact");
    const NAME: &'static str = "ons_factory_property";
}

/// Lets the log follow the settings of whatever is being made from them.
pub(crate) fn apply_to_log(property: &FactoryProperty) {
    log::install();
    log::configure(|key| property.is_set(key).then(|| property.get(key).to_owned()));
}

/// Makes an empty set of settings: every key at its documented default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_new(
    property_out: *mut *mut ons_factory_property,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let property = unsafe { out(property_out, "property_out")? };
        log::install();
        property.set(give(FactoryProperty::new()));
        Ok(())
    })
}

/// Makes a copy that is independent of the original.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_clone(
    property: *const ons_factory_property,
    property_out: *mut *mut ons_factory_property,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, copy) = unsafe { (borrow(property, "property")?, out(property_out, "property_out")?) };
        copy.set(give(property.clone()));
        Ok(())
    })
}

/// Sets a key. White space around the value is dropped. A bad value of a known key is refused with
/// ONS_INVALID_ARGUMENT, naming key, value and range; an unknown key is kept and logged once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_set(
    property: *mut ons_factory_property,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, key, value) = unsafe {
            (borrow_mut(property, "property")?, text(key, key_len, "key")?, text(value, value_len, "value")?)
        };
        Ok(property.set(key, value)?)
    })
}

/// Lends a key's value: the one that was set, else its documented default as text, else "". Valid until the
/// settings are changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_get(
    property: *const ons_factory_property,
    key: *const c_char,
    key_len: usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, key, value) = unsafe {
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(property, "property")?, text(key, key_len, "key")?, value)
        };
        value.set(property.get(key));
        Ok(())
    })
}

/// Writes how many keys were set explicitly.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_count(
    property: *const ons_factory_property,
    count_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, count) = unsafe { (borrow(property, "property")?, out(count_out, "count_out")?) };
        count.set(property.len());
        Ok(())
    })
}

/// Lends the explicitly set key at `index` (0 to count - 1, in the order of the keys) and its value. Valid until the
/// settings are changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_at(
    property: *const ons_factory_property,
    index: usize,
    key_out: *mut *const c_char,
    key_len_out: *mut usize,
    value_out: *mut *const c_char,
    value_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, key_place, value_place) = unsafe {
            let key = text_out(key_out, "key_out", key_len_out, "key_len_out")?;
            let value = text_out(value_out, "value_out", value_len_out, "value_len_out")?;
            (borrow(property, "property")?, key, value)
        };
        let (key, value) = property.iter().nth(index).ok_or_else(|| {
            Failure::invalid(format!("index is {index}, but only {} keys are set", property.len()))
        })?;
        key_place.set(key);
        value_place.set(value);
        Ok(())
    })
}

/// Answers what ons_factory_property_set would, without setting anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_check(
    property: *const ons_factory_property,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (property, key, value) = unsafe {
            (borrow(property, "property")?, text(key, key_len, "key")?, text(value, value_len, "value")?)
        };
        Ok(property.check(key, value)?)
    })
}

/// Frees settings. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_factory_property_free(property: *mut ons_factory_property) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(property) }
    });
}
