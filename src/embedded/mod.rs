//! Hosting a broker in this process: where its directory is, who shares it, and the clients on it.
//!
//! *Architecture Invariant:* the one room where client and broker meet. It decides nothing about messages: it finds
//! the directory, opens one broker per directory and process, and passes the client's calls on to it.

pub mod address;
pub mod broker_handle;
pub mod factory;
mod host;
#[cfg(all(test, feature = "models"))]
mod models;
#[cfg(not(feature = "testing"))]
mod settings;
#[cfg(feature = "testing")]
pub mod settings;
mod transport;

#[cfg(test)]
mod tests;
