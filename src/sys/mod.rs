//! What the operating system gives: clock, files, threads. No messaging word in here.
//!
//! *Architecture Invariant:* `sys` knows nothing of records, queues or requests, and every other room reaches
//! the operating system through it: no other room opens a file, reads the time or spawns a thread by itself.

pub mod clock;
pub mod disk;
pub mod event;
pub mod fork;
#[cfg(all(test, feature = "models"))]
mod models;
pub mod real_disk;
pub mod scheduler;
#[cfg(any(test, feature = "testing"))]
pub mod sim_disk;
pub mod sync;
pub mod thread;
