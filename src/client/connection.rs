//! How a client gets at its broker, and what it shares there with other clients.

use super::callbacks::CallbackThread;
use super::transport::Transport;
use crate::protocol::failure::Failure;
use crate::sys::scheduler::Scheduler;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Makes the connection when a client is started.
pub trait Connector: Send + Sync + fmt::Debug {
    fn connect(&self) -> Result<Connection, Failure>;
}

/// A client's hold on a broker.
pub struct Connection {
    pub transport: Arc<dyn Transport>,
    /// Tells the time and runs what is due.
    pub scheduler: Arc<Scheduler>,
    /// Where the callbacks of the broker's producers run.
    pub callbacks: Arc<CallbackThread>,
    /// The connection lasts until this is dropped, which may block.
    pub lease: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("transport", &self.transport).finish_non_exhaustive()
    }
}
