//! RocketMQ that fits in your process: the ONS client with a durable broker inside the library.
//!
//! [`Factory`] makes a [`Producer`] or a [`PushConsumer`] from a [`FactoryProperty`]. Without an address they meet in the
//! embedded broker of `$ONS_HOME`, else of the user's data directory; `ONSAddr` = `embedded:DIR` names another one.
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
//! The rooms of the library, top to bottom; each uses only those below it, which `tests/architecture.rs` proves:
//! `cli`, `ffi` | `embedded` | `client`, `broker` | `store` | `protocol` | `sys`.

// The rooms are private, so that the compiler sees dead code across them. Tests and benches open them.
#[cfg(not(feature = "testing"))]
mod broker;
#[cfg(feature = "testing")]
pub mod broker;
#[doc(hidden)]
pub mod cli;
#[cfg(not(feature = "testing"))]
mod client;
#[cfg(feature = "testing")]
pub mod client;
#[cfg(not(feature = "testing"))]
mod embedded;
#[cfg(feature = "testing")]
pub mod embedded;
#[cfg(not(feature = "testing"))]
mod ffi;
#[cfg(feature = "testing")]
pub mod ffi;
#[cfg(not(feature = "testing"))]
mod protocol;
#[cfg(feature = "testing")]
pub mod protocol;
#[cfg(not(feature = "testing"))]
mod store;
#[cfg(feature = "testing")]
pub mod store;
#[cfg(not(feature = "testing"))]
mod sys;
#[cfg(feature = "testing")]
pub mod sys;

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
pub use protocol::unique_id::UniqueId;
