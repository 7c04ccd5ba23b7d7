//! RocketMQ that fits in your process.

mod broker;
mod client;
mod embedded;
#[cfg(not(feature = "testing"))]
mod protocol;
#[cfg(feature = "testing")]
pub mod protocol;
mod store;
mod sys;
