//! Producers and consumers over a transport.
//!
//! *Architecture Invariant:* `client` does not know whether its transport is TCP or this process.

pub mod factory_property;
pub mod log;
pub mod log_file;
pub mod message;
pub mod send_result;
pub mod transport;
