//! Bytes to values and back: RocketMQ's records, properties, ids and frames, and the typed requests behind them.
//!
//! *Architecture Invariant:* `protocol` owns no socket, file, clock, thread or lock, and never panics on any input:
//! a decoder returns an error, allocates nothing by a length the input claims, and does not recurse.

// Tests may unwrap: there a panic is the report.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

// What only a socket needs waits for the room that has one; tests use it all.
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod code;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod command;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod ext_fields;
pub mod failure;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod frame;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod header_binary;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod header_json;
mod hex;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod language;
pub mod limits;
pub mod names;
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub mod offset_id;
pub mod properties;
pub mod record;
pub mod request;
pub mod tags;
pub mod unique_id;
