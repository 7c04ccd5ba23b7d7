//! The C ABI: one file per handle, every export one guarded conversion around one call of the client or embedded room.
//!
//! *Architecture Invariant:* `ffi` holds no behaviour. It converts arguments, calls one method, converts the
//! outcome back; what C++ and .NET both need belongs below it. The contract is `include/README.md`.

#![allow(unsafe_code)]
// The exports are C's vocabulary, and the generators read `pub` items although nothing in Rust reaches them.
#![allow(non_camel_case_types, unreachable_pub)]
// Each export's safety section is the contract of include/README.md; repeating it 70 times would say nothing.
#![allow(clippy::missing_safety_doc)]

pub mod boundary;
pub mod broker;
pub mod completions;
pub mod error;
pub mod factory_property;
pub mod log;
pub mod message;
pub mod producer;
pub mod push_consumer;
pub mod send_result;
pub mod version;
