//! Topics, groups, offsets, retry and timers over one store: what makes a log a message broker.
//!
//! Typed methods, one file per request family; each takes the values of `protocol::request`. A completion may run at
//! once on the caller's stack, after a flush, or when a long poll ends, and never with a lock of this room held.
//!
//! *Architecture Invariant:* `broker` knows no socket, no thread and no file: time and delays come from the injected
//! clock and scheduler, bytes live in the store, and what it has to tell a client goes to the `Notified` of its
//! heartbeat.
//!
//! Lock order, where two are held at once: queue locks, then membership. Every other lock is held alone.

mod groups;
mod lifecycle;
mod long_poll;
mod membership;
mod offsets;
mod pull;
mod queue_locks;
mod report;
mod retry;
mod send;
mod send_back;
mod timers;
mod topics;
pub mod verify;

#[cfg(test)]
mod tests;

pub use lifecycle::{Broker, BrokerConfig};
pub use report::TopicReport;
