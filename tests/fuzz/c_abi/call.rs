//! What holds for every call: the places of its outputs, and what is in them afterwards.

use super::Input;
use ons::ffi::error::*;
use std::ffi::c_char;
use std::fmt::Debug;
use std::ptr;

/// Where an output goes; now and then nowhere.
#[derive(Debug)]
pub(super) struct Place<T> {
    value: T,
    before: T,
    is_null: bool,
}

impl<T: Copy + PartialEq + Debug> Place<T> {
    pub(super) fn new(before: T, input: &mut Input<'_>) -> Self {
        Self { value: before, before, is_null: input.byte() >= 0xF8 }
    }

    pub(super) fn out(&mut self) -> *mut T {
        if self.is_null { ptr::null_mut() } else { &mut self.value }
    }

    /// Outputs are written on success only, and a place that is NULL is no success.
    pub(super) fn end(self, is_ok: bool) -> Option<T> {
        if !is_ok {
            assert_eq!(self.value, self.before, "an output of a failed call");
            return None;
        }
        assert!(!self.is_null, "success without a place for the output");
        Some(self.value)
    }

    /// Likewise for an output that may be left out.
    pub(super) fn end_nullable(self, is_ok: bool) -> Option<T> {
        if self.is_null { None } else { self.end(is_ok) }
    }
}

/// A lent text or lent bytes.
pub(super) struct Lent<P> {
    start: Place<*const P>,
    len: Place<usize>,
}

impl<P: Debug> Lent<P> {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        Self { start: Place::new(ptr::null(), input), len: Place::new(usize::MAX, input) }
    }

    pub(super) fn out(&mut self) -> (*mut *const P, *mut usize) {
        (self.start.out(), self.len.out())
    }

    /// Looks at every byte, as a program would, while the handle it was lent by is alive.
    pub(super) fn end(self, is_ok: bool, is_text: bool) {
        let (start, len) = (self.start.end(is_ok), self.len.end(is_ok));
        let Some((start, len)) = start.zip(len) else { return };
        assert!(!start.is_null());
        // SAFETY: lent by the library, of which this is the test.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) };
        assert!(
            !is_text || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains("\0\0\0\0")) || len > 3
        );
        std::hint::black_box(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
    }
}

/// One call's status and error.
#[derive(Debug)]
pub(super) struct Call {
    error: Place<*mut ons_error>,
}

impl Call {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        Self { error: Place::new(ptr::null_mut(), input) }
    }

    pub(super) fn error_out(&mut self) -> *mut *mut ons_error {
        self.error.out()
    }

    /// Whether the call succeeded. An error is given when, and only when, it did not; it is freed here.
    pub(super) fn end(self, status: ons_status) -> bool {
        if let Some(error) = self.end_with_error(status) {
            // SAFETY: received just now, freed once.
            unsafe { ons_error_free(error) };
        }
        status == ons_status::ONS_OK
    }

    pub(super) fn end_with_error(self, status: ons_status) -> Option<*mut ons_error> {
        assert_ne!(status, ons_status::ONS_PANIC);
        let is_ok = status == ons_status::ONS_OK;
        assert!(!is_ok || self.error.value.is_null());
        let error = self.error.value;
        assert_eq!(error.is_null(), is_ok || self.error.is_null, "{status:?} without its error");
        if error.is_null() {
            return None;
        }
        assert_eq!(read_error(error), status);
        Some(error)
    }
}

/// Reads all of an error; its status.
pub(super) fn read_error(error: *const ons_error) -> ons_status {
    let (mut status, mut stored) = (ons_status::ONS_OK, ons_stored::ONS_STORED_NO);
    let (mut start, mut len): (*const c_char, usize) = (ptr::null(), 0);
    let (mut is_retriable, mut is_fatal) = (-1, -1);
    // SAFETY: a live error, and places that are alive.
    let statuses = unsafe {
        [
            ons_error_status(error, &mut status),
            ons_error_message(error, &mut start, &mut len),
            ons_error_is_retriable(error, &mut is_retriable),
            ons_error_is_fatal(error, &mut is_fatal),
            ons_error_stored(error, &mut stored),
        ]
    };
    assert_eq!(statuses, [ons_status::ONS_OK; 5]);
    // SAFETY: lent by the error, which is alive.
    let message = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) };
    assert!(std::str::from_utf8(message).is_ok_and(|text| !text.is_empty()));
    assert!((0..=1).contains(&is_retriable) && (0..=1).contains(&is_fatal));
    assert_ne!(status, ons_status::ONS_OK);
    assert_ne!(status, ons_status::ONS_PANIC);
    status
}
