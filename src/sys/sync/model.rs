//! What `sys::sync` is in a build with models: the model checker's types.

pub mod thread;

pub use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, atomic, mpsc};
pub use shuttle::thread_local;
/// As it is: whoever sets one of ours does not wait for anything meanwhile.
pub use std::sync::OnceLock;
pub use std::time::Instant;
