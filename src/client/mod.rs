//! Producers and consumers over a transport.
//!
//! *Architecture Invariant:* `client` does not know whether its transport is TCP or this process.

pub mod callbacks;
pub mod completions;
pub mod connection;
pub mod factory_property;
pub mod ids;
pub mod log;
pub mod log_file;
pub mod message;
#[cfg(all(test, feature = "models"))]
mod models;
pub mod outstanding;
mod prefetch;
mod process_queue;
pub mod producer;
pub mod push_consumer;
mod rebalance;
pub mod send_future;
pub mod send_result;
mod slot;
mod subscriptions;
pub mod transport;
pub mod user_code;
