//! The only door to locks, atomics, threads and the time that is waited for.
//!
//! They are the standard library's, re-exported: no wrapper, no cost. With the feature `models` they are those of the
//! model checker instead (see [`model`]), so that `tests/models` runs the very code of the rooms under every order of
//! steps it can think of. `Arc`, `Weak` and `PoisonError` are the standard library's in both and come from there.
//!
//! *Architecture Invariant:* above this room nobody names `std::sync`'s locks or `std::thread`; what did would run
//! outside of the models' sight, and could block the one thread they run on for ever.

#[cfg(all(target_os = "linux", not(feature = "models")))]
pub mod futex;
#[cfg(feature = "models")]
pub mod model;

#[cfg(feature = "models")]
pub use model::{
    Condvar, Instant, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, atomic, futex, mpsc, thread,
    thread_local,
};
#[cfg(not(feature = "models"))]
pub use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, atomic, mpsc},
    thread, thread_local,
    time::Instant,
};

/// The standard library's in every build: for a lock under which nothing else is locked, waited for or called back, and
/// which foreign code takes that knows nothing of models (a database inside a call to us, a logger), or which is static
/// and so outlives a model.
pub mod leaf {
    pub use std::sync::{Mutex, MutexGuard, Once, atomic};
    pub use std::{thread, thread_local};
}
