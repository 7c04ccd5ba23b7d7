//! RocketMQ that fits in your process: the ONS client with a durable broker inside.
//!
//! ```no_run
//! use ons::{Factory, FactoryProperty, Message, keys};
//!
//! let mut property = FactoryProperty::new();
//! property.set(keys::PRODUCER_ID, "PID_example")?;
//! let producer = Factory::create_producer(&property)?;
//! producer.start()?;
//! let result = producer.send(&mut Message::new("greetings", "greeting", "hello"))?;
//! println!("stored as {}", result.message_id);
//! producer.shutdown()?;
//! # Ok::<(), ons::Failure>(())
//! ```
//!
//! Each module of `src` is a room of the map in README.md; arrows point down only.

mod broker;
#[doc(hidden)]
pub mod cli;
mod client;
mod embedded;
mod ffi;
#[cfg(not(feature = "testing"))]
mod protocol;
#[cfg(feature = "testing")]
pub mod protocol;
mod store;
mod sys;

pub use client::factory_property::FactoryProperty;
pub use client::factory_property::keys;
pub use client::message::Message;
pub use client::producer::Producer;
pub use client::push_consumer::Action;
pub use client::push_consumer::PushConsumer;
pub use client::send_future::SendFuture;
pub use client::send_result::SendResult;
pub use embedded::broker_handle::ClockKind;
pub use embedded::broker_handle::EmbeddedBroker;
pub use embedded::factory::Factory;
pub use protocol::failure::Failure;
pub use protocol::failure::FailureKind;
pub use protocol::failure::Stored;
pub use protocol::failure::Submitted;
