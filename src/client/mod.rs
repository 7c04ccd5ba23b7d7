//! Producers and consumers over a transport.
//!
//! *Architecture Invariant:* `client` does not know whether its transport is TCP or this process.

pub mod transport;
