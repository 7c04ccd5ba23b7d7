//! Bytes to values and back: RocketMQ's records, properties, ids and frames, and the typed requests behind them.
//!
//! *Architecture Invariant:* `protocol` owns no socket, file, clock, thread or lock, and never panics on any input:
//! a decoder returns an error, allocates nothing by a length the input claims, and does not recurse.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod failure;
pub mod limits;
pub mod names;
pub mod properties;
pub mod record;
pub mod request;
pub mod tags;
