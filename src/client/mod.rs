//! Producers and consumers over a transport.
//!
//! *Architecture Invariant:* `client` does not know whether its transport is TCP or this process.

pub mod log;
pub mod log_file;
pub mod transport;
