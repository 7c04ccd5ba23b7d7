//! What `sys::sync` is in a build with models: the model checker's types, which run one thread at a time and let the
//! checker choose, at every lock, atomic, wake and start, which one goes on.
//!
//! Where the checker's types do less than the standard library's, ours stand in front of them: timed waits end (the
//! checker knows no time), `notify_one` wakes any of the waiters, a handle tells whether its thread has finished.
//! Atomics are sequentially consistent here, whatever ordering the code asks for.

mod condvar;
pub mod explore;
pub mod futex;
pub mod step_disk;
pub mod thread;
mod time;

pub use condvar::{Condvar, Mutex, MutexGuard, WaitTimeoutResult};
pub use shuttle::sync::{RwLock, RwLockReadGuard, atomic, mpsc};
pub use shuttle::thread_local;
/// As it is: whoever sets one of ours does not wait for anything meanwhile.
pub use std::sync::OnceLock;
pub use time::Instant;

#[cfg(test)]
mod tests;
