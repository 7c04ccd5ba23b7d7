//! The factory: makes producers and consumers of the embedded broker their property leads to.

use super::address;
use super::host;
use super::settings::Settings;
use crate::client::connection::Connection;
use crate::client::connection::Connector;
use crate::client::factory_property::FactoryProperty;
use crate::client::outstanding::SendCallback;
use crate::client::producer::Producer;
use crate::client::push_consumer::PushConsumer;
use crate::client::user_code;
use crate::protocol::failure::Failure;
use crate::sys::fork;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes clients. What a property asks for and this version does not have is refused here, before anything starts.
#[derive(Debug)]
pub struct Factory;

impl Factory {
    pub fn create_producer(property: &FactoryProperty) -> Result<Producer, Failure> {
        Self::create_producer_of(property)
    }

    /// A producer whose callbacks are all of one kind.
    pub fn create_producer_of<C: SendCallback>(property: &FactoryProperty) -> Result<Producer<C>, Failure> {
        Producer::new(property, connector(property)?)
    }

    pub fn create_push_consumer(property: &FactoryProperty) -> Result<PushConsumer, Failure> {
        PushConsumer::new(property, connector(property)?)
    }
}

/// A variable that is not valid Unicode counts as not set.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn connector(property: &FactoryProperty) -> Result<Arc<dyn Connector>, Failure> {
    fork::watch();
    user_code::refuse_in_child()?;
    let dir = address::directory(property, &environment)?;
    let settings = Settings::new(property, &environment)?;
    Ok(Arc::new(EmbeddedConnector { dir, settings }))
}

#[derive(Debug)]
struct EmbeddedConnector {
    dir: PathBuf,
    settings: Settings,
}

impl Connector for EmbeddedConnector {
    fn connect(&self) -> Result<Connection, Failure> {
        let lease = host::join(&self.dir, &self.settings, None)?;
        Ok(Connection {
            transport: lease.host.transport.clone(),
            scheduler: lease.host.scheduler.clone(),
            callbacks: lease.host.callbacks.clone(),
            lease: Box::new(lease),
        })
    }
}
