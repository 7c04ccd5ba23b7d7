//! What every exported function needs: a panic guard, checked arguments, one ownership rule.

use crate::ffi::error::ErrorContent;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::sys::fork;
use std::any::Any;
use std::ffi::c_char;
use std::ffi::c_void;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::ptr;

#[cfg(test)]
mod tests;

#[cfg(panic = "abort")]
compile_error!("ons needs panic = \"unwind\": guard() turns panics into ONS_PANIC");

/// Frees `user_data`; called exactly once, after the last use of it, on any thread. Must not call the library.
pub type ons_destroy = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Why a call failed before or inside the library.
#[derive(Debug)]
pub(crate) enum Refusal {
    Null(&'static str),
    Panic(String),
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Runs `body`, turning errors and panics into a status and, when the caller asked, an owned error.
/// In a forked child it runs nothing: locks may be held there by threads that do not exist.
pub(crate) fn guard(
    error_out: *mut *mut ons_error,
    body: impl FnOnce() -> Result<(), Refusal>,
) -> ons_status {
    guard_in_any_process(error_out, || if fork::is_child() { Err(forked()) } else { body() })
}

/// [`guard`] for what touches only its own memory and must work in a forked child too: reading an error, the version.
pub(crate) fn guard_in_any_process(
    error_out: *mut *mut ons_error,
    body: impl FnOnce() -> Result<(), Refusal>,
) -> ons_status {
    let refusal = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return ons_status::ONS_OK,
        Ok(Err(refusal)) => refusal,
        Err(payload) => Refusal::Panic(panic_text(payload)),
    };
    let content = ErrorContent::from(refusal);
    let status = content.status;
    if !error_out.is_null() {
        // SAFETY: the caller passes NULL or a pointer to a writable `ons_error *`.
        unsafe { error_out.write(give::<ons_error>(content)) };
    }
    status
}

/// Runs a destructor; in a forked child it does nothing. A panic in one has nobody to be told to.
pub(crate) fn guard_free(body: impl FnOnce()) {
    if !fork::is_child() {
        guard_free_in_any_process(body);
    }
}

pub(crate) fn guard_free_in_any_process(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        // The payload's own destructor may panic as well; it is text in practice.
        std::mem::forget(payload);
    }
}

/// What a panic said. The payload itself is leaked on purpose: dropping a foreign one may panic again.
fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    };
    std::mem::forget(payload);
    text
}

fn forked() -> Refusal {
    let message = "this process was forked after the library was started: only the parent may use it; \
                   start the library after the fork, or exec a new program";
    Refusal::Failure(Failure::new(FailureKind::Forked, message))
}

/// An opaque C type and what stands behind it.
pub(crate) trait Handle {
    type Content;
    /// Stands in the first bytes of every live handle of this type.
    const MAGIC: u64;
    /// The C name.
    const NAME: &'static str;
}

/// What a handle's pointer really points at. The mark comes first, so that a pointer of another handle type, or a
/// freed one whose memory was not reused, is told apart before anything behind it is believed.
#[repr(C)]
struct Allocated<H: Handle> {
    mark: u64,
    content: H::Content,
}

/// Added to a handle's magic while it only lives for the length of a callback and must not be freed by it.
const LENT: u64 = 1;
const FREED: u64 = 0;

/// Makes an owned handle.
pub(crate) fn give<H: Handle>(content: H::Content) -> *mut H {
    Box::into_raw(Box::new(Allocated::<H> { mark: H::MAGIC, content })).cast()
}

/// Lends `content` to a callback as a handle, and takes it back.
pub(crate) fn lend<H: Handle, R>(content: H::Content, call: impl FnOnce(*mut H) -> R) -> (H::Content, R) {
    let mut lent = Allocated::<H> { mark: H::MAGIC + LENT, content };
    let place = ptr::from_mut(&mut lent);
    let answer = call(place.cast());
    // SAFETY: `place` points at `lent`, which is alive. Volatile: a pointer kept by the callback shall find it.
    unsafe { (&raw mut (*place).mark).write_volatile(FREED) };
    (lent.content, answer)
}

/// Checks a handle as far as that is possible without a table of all handles.
///
/// # Safety
/// `handle` is NULL or points at readable memory.
unsafe fn check<H: Handle>(
    handle: *const H,
    name: &'static str,
    may_be_lent: bool,
) -> Result<*mut Allocated<H>, Refusal> {
    let place = handle.cast::<Allocated<H>>().cast_mut();
    if place.is_null() {
        return Err(Refusal::Null(name));
    }
    // SAFETY: not NULL and aligned, so by this function's contract readable.
    let is_valid = place.is_aligned()
        && match unsafe { (&raw const (*place).mark).read_volatile() } {
            mark if mark == H::MAGIC => true,
            mark => may_be_lent && mark == H::MAGIC + LENT,
        };
    if is_valid {
        return Ok(place);
    }
    Err(Failure::invalid(format!("{name} is not a live {} (freed, or of another type)", H::NAME)).into())
}

/// Borrows a handle for the duration of one call.
///
/// # Safety
/// `handle` is NULL or points at a live handle nobody changes meanwhile.
pub(crate) unsafe fn borrow<'a, H: Handle>(
    handle: *const H,
    name: &'static str,
) -> Result<&'a H::Content, Refusal> {
    // SAFETY: the same contract.
    let place = unsafe { check(handle, name, true)? };
    // SAFETY: its mark says it is a live handle of this type.
    Ok(unsafe { &(*place).content })
}

/// Borrows a handle to change it.
///
/// # Safety
/// `handle` is NULL or points at a live handle nobody else uses meanwhile.
pub(crate) unsafe fn borrow_mut<'a, H: Handle>(
    handle: *mut H,
    name: &'static str,
) -> Result<&'a mut H::Content, Refusal> {
    // SAFETY: the same contract.
    let place = unsafe { check(handle, name, true)? };
    // SAFETY: its mark says it is a live handle of this type.
    Ok(unsafe { &mut (*place).content })
}

/// Frees an owned handle; ignores NULL, and (as far as that can be seen) what is not an owned live handle.
///
/// # Safety
/// `handle` is NULL or was given by this library and is not used again.
pub(crate) unsafe fn free<H: Handle>(handle: *mut H) {
    // SAFETY: the same contract.
    let Ok(place) = (unsafe { check(handle, H::NAME, false) }) else { return };
    // SAFETY: its mark says it came from `give` and was not freed. Volatile, for a second free to find it.
    unsafe {
        (&raw mut (*place).mark).write_volatile(FREED);
        drop(Box::from_raw(place));
    }
}

/// Borrows bytes for the duration of one call.
///
/// # Safety
/// `bytes` is NULL or points at `len` readable bytes.
pub(crate) unsafe fn bytes<'a>(
    bytes: *const u8,
    len: usize,
    name: &'static str,
) -> Result<&'a [u8], Refusal> {
    if len == 0 {
        return Ok(&[]);
    }
    if bytes.is_null() {
        return Err(Refusal::Null(name));
    }
    if isize::try_from(len).is_err() {
        let message = format!("{name} is said to be {len} bytes long, more than a process can hold");
        return Err(Failure::invalid(message).into());
    }
    // SAFETY: not NULL, and the caller says `len` bytes are readable.
    Ok(unsafe { std::slice::from_raw_parts(bytes, len) })
}

/// Borrows UTF-8 text for the duration of one call; NULL with length 0 is "". A NUL in it is refused: whoever reads it as
/// a C string would see less than what is stored.
///
/// # Safety
/// `text` is NULL or points at `len` readable bytes.
pub(crate) unsafe fn text<'a>(
    text: *const c_char,
    len: usize,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    // SAFETY: the same contract.
    let bytes = unsafe { bytes(text.cast(), len, name)? };
    let text = str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Failure::invalid(format!("{name} is not valid UTF-8 (at byte {at} of {len})"))
    })?;
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(Failure::invalid(format!("{name} has a NUL (at byte {at} of {len})")).into()),
    }
}

/// [`text`] for an argument that must be given even if it is empty.
///
/// # Safety
/// `text_ptr` is NULL or points at `len` readable bytes.
pub(crate) unsafe fn given_text<'a>(
    text_ptr: *const c_char,
    len: usize,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    if text_ptr.is_null() {
        return Err(Refusal::Null(name));
    }
    // SAFETY: the same contract.
    unsafe { text(text_ptr, len, name) }
}

/// A place the caller gave for an output: written at most once, and only on success.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn set(self, value: T) {
        // SAFETY: `out` had it checked, and its contract says that it is writable.
        unsafe { self.0.write(value) }
    }
}

/// # Safety
/// `place` is NULL or points at a writable `T` nobody else uses until the call returns.
pub(crate) unsafe fn out<T>(place: *mut T, name: &'static str) -> Result<Out<T>, Refusal> {
    // SAFETY: the same contract.
    unsafe { nullable_out(place) }.ok_or(Refusal::Null(name))
}

/// # Safety
/// As [`out`].
pub(crate) unsafe fn nullable_out<T>(place: *mut T) -> Option<Out<T>> {
    (!place.is_null()).then_some(Out(place))
}

/// The two places of a borrowed text or byte output.
pub(crate) struct BorrowedOut<P> {
    start: Out<*const P>,
    len: Out<usize>,
}

impl BorrowedOut<c_char> {
    pub(crate) fn set(self, text: &str) {
        self.set_bytes(text.as_bytes());
    }
}

impl<P> BorrowedOut<P> {
    pub(crate) fn set_bytes(self, bytes: &[u8]) {
        // Not the dangling pointer of an empty slice: a caller may hand it on to code that looks at it.
        self.start.set(if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr().cast() });
        self.len.set(bytes.len());
    }
}

/// # Safety
/// As [`out`], for both places.
pub(crate) unsafe fn text_out<P>(
    start: *mut *const P,
    start_name: &'static str,
    len: *mut usize,
    len_name: &'static str,
) -> Result<BorrowedOut<P>, Refusal> {
    // SAFETY: the same contract.
    unsafe { Ok(BorrowedOut { start: out(start, start_name)?, len: out(len, len_name)? }) }
}

/// The caller's context of a callback; dropping it runs `destroy`, so that it runs exactly once on every path.
pub(crate) struct UserData {
    data: *mut c_void,
    destroy: ons_destroy,
}

// SAFETY: the contract says that callbacks and `destroy` may run on any thread, several at once where it says so.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(data: *mut c_void, destroy: ons_destroy) -> Self {
        Self { data, destroy }
    }

    /// What the callback is given. A method, so that a closure captures the whole value and not the bare pointer.
    pub(crate) fn pointer(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the caller's function, given with this pointer, for this purpose.
            unsafe { destroy(self.data) }
        }
    }
}
