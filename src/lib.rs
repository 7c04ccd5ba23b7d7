//! RocketMQ that fits in your process.

mod broker;
mod client;
mod embedded;
mod ffi;
#[cfg(not(feature = "testing"))]
mod protocol;
#[cfg(feature = "testing")]
pub mod protocol;
mod store;
mod sys;
