//! New, started, closed: what a producer is made of and how it comes and goes.

use super::GROUP_DEFAULT;
use super::SHUTDOWN_CALLBACKS_WAIT;
use super::SHUTDOWN_WAIT_EXTRA;
use crate::client::callbacks;
use crate::client::connection::Connection;
use crate::client::connection::Connector;
use crate::client::factory_property::FactoryProperty;
use crate::client::factory_property::keys;
use crate::client::ids;
use crate::client::outstanding::ASYNC_SENDS_MAX;
use crate::client::outstanding::Begun;
use crate::client::outstanding::Outstanding;
use crate::client::outstanding::SendCallback;
use crate::client::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::protocol::names;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Notified;
use crate::protocol::request::SendSink;
use crate::sys::fork;
use crate::sys::sync::atomic::{AtomicU8, Ordering};
use crate::sys::sync::{Mutex, OnceLock};
use crate::sys::thread::NamedThread;
use log::warn;
use std::any::Any;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

const NEW: u8 = 0;
const STARTED: u8 = 1;
const CLOSED: u8 = 2;

#[derive(Debug)]
pub(super) struct Shared<C: SendCallback> {
    pub(super) group: Arc<str>,
    pub(super) timeout: Duration,
    pub(super) retry_times: i64,
    client_id: Arc<str>,
    connector: Arc<dyn Connector>,
    state: AtomicU8,
    /// Held by whoever starts or shuts down.
    lifecycle: Mutex<()>,
    active: OnceLock<Active<C>>,
    lease: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

/// What a started producer has.
pub(super) struct Active<C> {
    pub(super) connection: Connection,
    pub(super) outstanding: Arc<Outstanding<C>>,
    /// The same, for the transport.
    pub(super) sink: Arc<dyn SendSink>,
}

impl<C> std::fmt::Debug for Active<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.connection.fmt(f)
    }
}

/// Producers are told nothing yet.
struct Deaf;
impl Notified for Deaf {
    fn group_changed(&self, _group: &str) {}
}

impl<C: SendCallback> Shared<C> {
    pub(super) fn new(property: &FactoryProperty, connector: Arc<dyn Connector>) -> Result<Self, Failure> {
        let key = if property.is_set(keys::GROUP_ID) { keys::GROUP_ID } else { keys::PRODUCER_ID };
        let group = if property.is_set(key) { property.get(key) } else { GROUP_DEFAULT };
        names::check_group(key, group)?;
        let timeout_ms = property.number(keys::SEND_MSG_TIMEOUT_MILLIS)?;
        Ok(Self {
            group: group.into(),
            timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
            retry_times: property.number(keys::SEND_MSG_RETRY_TIMES)?,
            client_id: ids::client_id(""),
            connector,
            state: AtomicU8::new(NEW),
            lifecycle: Mutex::new(()),
            active: OnceLock::new(),
            lease: Mutex::default(),
        })
    }

    pub(super) fn is_started(&self) -> bool {
        self.state.load(Ordering::SeqCst) == STARTED
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.load(Ordering::SeqCst) == CLOSED
    }

    pub(super) fn start(&self) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        let _lifecycle = self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        match self.state.load(Ordering::SeqCst) {
            STARTED => return Ok(()),
            CLOSED => return Err(self.closed()),
            _ => {}
        }
        let mut connection = self.connector.connect()?;
        let heartbeat = Heartbeat {
            client_id: self.client_id.clone(),
            producer_groups: vec![self.group.clone()],
            consumers: Vec::new(),
        };
        connection.transport.heartbeat(&heartbeat, Arc::new(Deaf))?;
        let lease = std::mem::replace(&mut connection.lease, Box::new(()));
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
        let (callbacks, scheduler) = (connection.callbacks.clone(), connection.scheduler.clone());
        let outstanding = Outstanding::new(callbacks, scheduler, self.timeout, ASYNC_SENDS_MAX);
        // The one place that sets it, once: a producer is not started twice.
        let sink = outstanding.clone();
        let _ = self.active.set(Active { connection, outstanding, sink });
        self.state.store(STARTED, Ordering::SeqCst);
        Ok(())
    }

    /// The beginning of every send.
    pub(super) fn begin(&self) -> Result<(Begun<'_, C>, &Active<C>), Failure> {
        user_code::refuse_in_child()?;
        if let Some(active) = self.active.get() {
            let begun = active.outstanding.begin();
            if self.is_started() {
                return Ok((begun, active));
            }
        }
        if self.is_closed() {
            return Err(self.closed());
        }
        let group = &self.group;
        Err(Failure::state(format!("producer '{group}' is not started: call start() before the first send")))
    }

    fn closed(&self) -> Failure {
        let group = &self.group;
        Failure::state(format!(
            "producer '{group}' was shut down and cannot be used or started again: create a new one"
        ))
    }

    pub(super) fn shutdown(&self) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        user_code::refuse_inside("shutdown() of a producer")?;
        self.close();
        Ok(())
    }

    fn close(&self) {
        let _lifecycle = self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        if self.state.swap(CLOSED, Ordering::SeqCst) != STARTED {
            return;
        }
        let Some(active) = self.active.get() else { return };
        let limit = self.timeout + SHUTDOWN_WAIT_EXTRA;
        if !active.outstanding.wait_for_all(limit) {
            self.fail_the_rest(active, limit);
        }
        if let Err(failure) = active.connection.transport.unregister(&self.client_id) {
            warn!("producer '{}' could not be unregistered: {failure}", self.group);
        }
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(lease);
    }

    fn fail_the_rest(&self, active: &Active<C>, limit: Duration) {
        let limit_ms = limit.as_millis();
        let failure = Failure::new(
            FailureKind::Timeout,
            format!(
                "the producer was shut down before the broker answered the send within {limit_ms} ms: whether the message is stored is unknown"
            ),
        );
        active.outstanding.fail_all(&failure.with_stored(Stored::Unknown));
        if !wait_for_callbacks(&active.outstanding) {
            let (group, count) = (&self.group, active.outstanding.count());
            warn!(
                "producer '{group}' is shut down while {count} sends or callbacks have not returned: a callback that runs is left behind, those that wait for it may run later"
            );
        }
    }
}

/// Waits as long as callbacks keep returning, and not for one that does not; false if some are left.
fn wait_for_callbacks<C: SendCallback>(outstanding: &Outstanding<C>) -> bool {
    let mut left = SHUTDOWN_CALLBACKS_WAIT;
    while !left.is_zero() {
        let open = outstanding.count();
        if outstanding.wait_for_all(callbacks::STOP_WAIT) {
            return true;
        }
        if outstanding.count() == open {
            return false;
        }
        left = left.saturating_sub(callbacks::STOP_WAIT);
    }
    false
}

/// The end of a producer that its program dropped. In the child of a fork nothing may be touched, and inside a
/// callback nothing be waited for: there a thread of its own does it.
pub(super) fn shut_down_dropped<C: SendCallback>(shared: &Arc<Shared<C>>) {
    if fork::is_child() {
        std::mem::forget(shared.clone());
        return;
    }
    if !user_code::is_running() || !shared.is_started() {
        shared.close();
        return;
    }
    let own = shared.clone();
    if let Err(error) = NamedThread::spawn("ons-shutdown", move || own.close()) {
        warn!("producer '{}' stays open: cannot start the thread ons-shutdown: {error}", shared.group);
        std::mem::forget(shared.clone());
    }
}
