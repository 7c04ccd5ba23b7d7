//! Where the user's code stands: which threads run its listeners and callbacks. On those, a call that waits for the same code to end would
//! wait for itself, so `shutdown` is refused there.

use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::sys::fork;
use crate::sys::sync::thread_local;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static IS_CALLBACK_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Says that the current thread belongs to the library and calls the user's code.
pub fn mark_thread() {
    IS_CALLBACK_THREAD.with(|is| is.set(true));
}

/// Whether the caller runs inside a listener or callback.
pub fn is_running() -> bool {
    IS_CALLBACK_THREAD.try_with(Cell::get).unwrap_or(false)
}

/// Refuses what waits for listeners and callbacks when called from inside one.
pub fn refuse_inside(what: &str) -> Result<(), Failure> {
    if !is_running() {
        return Ok(());
    }
    Err(Failure::state(format!(
        "{what} was called from inside a listener or callback, which it would have to wait for: call it from a thread of the program"
    )))
}

/// Refuses every use of the library in the child of a fork, where its threads and locks did not follow.
pub fn refuse_in_child() -> Result<(), Failure> {
    if !fork::is_child() {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Forked,
        "this process was forked after the library was started: only its parent may use it, the child has to exec a program of its own",
    ))
}

/// Runs the user's code; the error is the text of its panic.
pub fn run<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| panic_text(&*panic))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic without a text".to_owned())
}
