//! What no C program can bring about: a panic inside a call, and the boundary's own rules one by one.

use crate::ffi::boundary::FREED;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::Refusal;
use crate::ffi::boundary::UserData;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::borrow_mut;
use crate::ffi::boundary::bytes;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::lend;
use crate::ffi::boundary::text;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_error_free;
use crate::ffi::error::ons_error_is_fatal;
use crate::ffi::error::ons_error_message;
use crate::ffi::error::ons_error_stored;
use crate::ffi::error::ons_status;
use crate::ffi::error::ons_stored;
use crate::protocol::failure::Failure;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

struct ons_probe;

impl Handle for ons_probe {
    /// Says when it is dropped.
    type Content = Rc<Cell<i32>>;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:prob");
    const NAME: &'static str = "ons_probe";
}

fn message_of(error: *const ons_error) -> String {
    let (mut start, mut len) = (ptr::null(), 0);
    // SAFETY: a live error and two places.
    unsafe {
        assert_eq!(ons_error_message(error, &mut start, &mut len), ons_status::ONS_OK);
        String::from_utf8(std::slice::from_raw_parts(start.cast(), len).to_vec()).unwrap()
    }
}

#[test]
fn a_panic_becomes_a_status_and_an_error_that_says_where() {
    let mut error = ptr::null_mut();
    let status = guard(&mut error, || panic!("queue {} has no index", 3));
    assert_eq!(status, ons_status::ONS_PANIC);
    assert!(message_of(error).contains("queue 3 has no index"));
    let (mut is_fatal, mut stored) = (0, ons_stored::ONS_STORED_NO);
    // SAFETY: a live error and places of the right types.
    unsafe {
        ons_error_is_fatal(error, &mut is_fatal);
        ons_error_stored(error, &mut stored);
        ons_error_free(error);
    }
    assert_eq!((is_fatal, stored), (1, ons_stored::ONS_STORED_UNKNOWN));
}

#[test]
fn a_panic_needs_no_place_for_its_error() {
    assert_eq!(guard(ptr::null_mut(), || std::panic::panic_any(7)), ons_status::ONS_PANIC);
    guard_free(|| panic!("in a destructor"));
}

#[test]
fn success_leaves_the_error_alone() {
    let before = ptr::dangling_mut();
    let mut error: *mut ons_error = before;
    assert_eq!(guard(&mut error, || Ok(())), ons_status::ONS_OK);
    assert_eq!(error, before);
}

#[test]
fn an_owned_handle_is_freed_once() {
    let content = Rc::new(Cell::new(0));
    let handle = give::<ons_probe>(content.clone());
    // SAFETY: a live handle, used by this thread only.
    unsafe {
        borrow_mut(handle, "probe").unwrap().set(5);
        assert_eq!(borrow(handle.cast_const(), "probe").unwrap().get(), 5);
        free(handle);
    }
    assert_eq!(Rc::strong_count(&content), 1);
}

#[test]
fn a_lent_handle_can_be_used_and_not_freed() {
    let content = Rc::new(Cell::new(0));
    let (content, ()) = lend::<ons_probe, _>(content, |handle| {
        // SAFETY: lent for this call.
        unsafe {
            borrow(handle.cast_const(), "probe").unwrap().set(1);
            free(handle);
            borrow(handle.cast_const(), "probe").unwrap().set(2);
        }
    });
    assert_eq!((content.get(), Rc::strong_count(&content)), (2, 1));
}

#[test]
fn what_is_no_live_handle_is_refused() {
    let mut memory = [FREED; 4];
    let place = memory.as_mut_ptr();
    let refusal = |place: *const u64| {
        // SAFETY: readable memory, or NULL, or not aligned.
        match unsafe { borrow::<ons_probe>(place.cast(), "probe") } {
            Err(Refusal::Failure(Failure { message, .. })) => message,
            Err(Refusal::Null(name)) => format!("{name} is NULL"),
            other => panic!("{other:?}"),
        }
    };
    let expected = "probe is not a live ons_probe (freed, or of another type)";
    assert_eq!(refusal(place), expected);
    assert_eq!(refusal(place.wrapping_byte_add(1)), expected);
    assert_eq!(refusal(ptr::null()), "probe is NULL");
    // SAFETY: as above; nothing may be freed.
    unsafe { free(place.cast::<ons_probe>()) };
}

#[test]
fn text_must_be_utf8_without_a_nul_and_bytes_must_fit_a_process() {
    // SAFETY: each pointer is NULL, or its length is true, or too long to be looked at.
    unsafe {
        assert_eq!(text(ptr::null(), 0, "topic").unwrap(), "");
        assert!(matches!(text(ptr::null(), 1, "topic"), Err(Refusal::Null("topic"))));
        assert_eq!(text(c"caf\xC3\xA9".as_ptr(), 5, "topic").unwrap(), "café");
        let Err(Refusal::Failure(failure)) = text(c"ab\xFFc".as_ptr(), 4, "topic") else { panic!() };
        assert_eq!(failure.message, "topic is not valid UTF-8 (at byte 2 of 4)");
        let Err(Refusal::Failure(failure)) = text(c"ab".as_ptr(), 3, "topic") else { panic!() };
        assert_eq!(failure.message, "topic has a NUL (at byte 2 of 3)");
        let over = usize::try_from(isize::MAX).unwrap() + 1;
        assert!(matches!(bytes(b"a".as_ptr(), over, "body"), Err(Refusal::Failure(_))));
    }
}

#[test]
fn user_data_is_destroyed_once_also_when_the_call_panics() {
    unsafe extern "C" fn count(user_data: *mut c_void) {
        // SAFETY: the counter below outlives it.
        unsafe { *user_data.cast::<i32>() += 1 };
    }
    let mut destroyed = 0;
    let data = (&raw mut destroyed).cast();
    guard(ptr::null_mut(), || {
        let _user_data = UserData::new(data, Some(count));
        panic!("before the callback is taken");
    });
    assert_eq!(destroyed, 1);
    drop(UserData::new(data, None));
    assert_eq!(destroyed, 1);
}
