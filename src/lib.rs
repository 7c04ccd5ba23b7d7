//! RocketMQ that fits in your process.

mod broker;
mod client;
mod embedded;
mod ffi;
mod protocol;
mod store;
mod sys;
