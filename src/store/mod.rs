//! Records, queues and offsets on a disk: commit log, consume queues, timers, key index, metadata.
//!
//! *Architecture Invariant:* `store` does not know groups, the meaning of tags, or requests.

pub mod config;
pub mod metadata;
pub mod queue;
pub mod read;
mod stub;

pub use stub::{Append, Appended, Store, StoreStatistics, Table};
