//! New, started, closed: how a consumer comes and goes.

use super::SHUTDOWN_WAIT;
use super::Shared;
use super::balance::Balance;
use super::balance::GroupListener;
use super::settings::Settings;
use super::tick::TICK;
use crate::client::connection::Connector;
use crate::client::prefetch::Prefetch;
use crate::client::slot::Slot;
use crate::client::subscriptions::Subscriptions;
use crate::client::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::ConsumerData;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Subscription;
use crate::protocol::tags::TagExpression;
use crate::sys::fork;
use crate::sys::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use crate::sys::sync::{Mutex, OnceLock};
use crate::sys::thread::NamedThread;
use log::warn;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

const NEW: u8 = 0;
const STARTED: u8 = 1;
const CLOSED: u8 = 2;

impl Shared {
    pub(super) fn new(settings: Settings, connector: Arc<dyn Connector>) -> Arc<Self> {
        let threads = settings.threads;
        Arc::new_cyclic(|own| Self {
            prefetch: Prefetch::new(settings.cache, threads),
            slots: std::iter::repeat_with(Slot::default).take(threads).collect(),
            settings,
            connector,
            state: AtomicU8::new(NEW),
            lifecycle: Mutex::new(()),
            membership: Mutex::new(()),
            subscriptions: Subscriptions::default(),
            balance: Mutex::new(Balance::default()),
            tick: AtomicU64::new(0),
            is_abandoned: AtomicBool::new(false),
            connection: OnceLock::new(),
            lease: Mutex::default(),
            threads: Mutex::default(),
            shutdown_wait: Mutex::new(SHUTDOWN_WAIT),
            own: own.clone(),
        })
    }

    pub(super) fn is_started(&self) -> bool {
        self.state.load(Ordering::SeqCst) == STARTED
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.load(Ordering::SeqCst) == CLOSED
    }

    pub(super) fn refuse_closed(&self) -> Result<(), Failure> {
        if !self.is_closed() {
            return Ok(());
        }
        let group = &self.settings.group;
        Err(Failure::state(format!(
            "consumer '{group}' was shut down and cannot be used or started again: create a new one"
        )))
    }

    pub(super) fn start(&self) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        let _lifecycle = self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        self.refuse_closed()?;
        if self.is_started() {
            return Ok(());
        }
        let mut connection = self.connector.connect()?;
        let lease = std::mem::replace(&mut connection.lease, Box::new(()));
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
        // The one place that sets it, once: a consumer whose start fails from here on is closed.
        let _ = self.connection.set(connection);
        self.state.store(STARTED, Ordering::SeqCst);
        let result = self.heartbeat().and_then(|()| {
            self.balance_now();
            self.start_threads()
        });
        match result {
            Ok(()) => self.tick_later(),
            Err(_) => self.close(),
        }
        result
    }

    fn start_threads(&self) -> Result<(), Failure> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for index in 0..self.slots.len() {
            let Some(own) = self.own.upgrade() else { break };
            self.prefetch.lock().alive += 1;
            let spawned = NamedThread::spawn(&format!("ons-consume-{index}"), move || own.listen(index));
            let thread = spawned.map_err(|error| {
                self.prefetch.lock().alive -= 1;
                let count = self.slots.len();
                let text = format!(
                    "cannot start listener thread {index} of ConsumeThreadNums = {count}: {error}; the consumer is closed"
                );
                Failure::new(FailureKind::Broker, text)
            })?;
            threads.push(thread);
        }
        Ok(())
    }

    /// Own subscriptions, and the topic of what is to be tried again.
    pub(super) fn all_subscriptions(&self) -> Vec<Subscription> {
        let mut subscriptions = self.subscriptions.list();
        subscriptions.push(Subscription {
            topic: self.settings.retry_topic.clone(),
            filter: Arc::new(TagExpression::all()),
        });
        subscriptions
    }

    pub(super) fn heartbeat(&self) -> Result<(), Failure> {
        let Some(connection) = self.connection.get() else { return Ok(()) };
        // Listed under the lock, so that of two changes the later list arrives last.
        let _membership = self.membership.lock().unwrap_or_else(PoisonError::into_inner);
        let heartbeat = Heartbeat {
            client_id: self.settings.client_id.clone(),
            producer_groups: Vec::new(),
            consumers: vec![ConsumerData {
                group: self.settings.group.clone(),
                consume_from: self.settings.consume_from,
                reconsume_times_max: self.settings.reconsume_times_max,
                subscriptions: self.all_subscriptions(),
            }],
        };
        if self.is_closed() {
            return Ok(());
        }
        connection.transport.heartbeat(&heartbeat, Arc::new(GroupListener { consumer: self.own.clone() }))
    }

    pub(super) fn subscriptions_changed(&self) -> Result<(), Failure> {
        if self.is_started() {
            self.heartbeat()?;
            self.request_balance();
        }
        Ok(())
    }

    pub(super) fn shutdown(&self) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        user_code::refuse_inside("shutdown() of a consumer")?;
        let _lifecycle = self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        self.close();
        Ok(())
    }

    /// With `lifecycle` held.
    fn close(&self) {
        if self.state.swap(CLOSED, Ordering::SeqCst) == STARTED {
            self.prefetch.close();
            let limit = *self.shutdown_wait.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.wait_for_listeners(limit) {
                self.is_abandoned.store(true, Ordering::SeqCst);
            }
            self.flush_slots();
            self.commit_held();
            self.leave_group();
            self.end_threads();
            let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(lease);
        }
        // Outside of every lock: dropping a listener may run the program's own code.
        drop(self.subscriptions.take());
    }

    /// False: some have not returned within `limit`. Meanwhile offsets are committed as ever, so that little comes again if
    /// somebody loses patience and kills the program.
    fn wait_for_listeners(&self, limit: Duration) -> bool {
        let mut left = limit;
        loop {
            let turn = left.min(TICK);
            if self.prefetch.wait_until_ended(turn) {
                return true;
            }
            left -= turn;
            if left.is_zero() {
                return false;
            }
            self.flush_slots();
            self.commit_held();
        }
    }

    fn leave_group(&self) {
        let _membership = self.membership.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = self.connection.get()
            && let Err(failure) = connection.transport.unregister(&self.settings.client_id)
        {
            warn!("consumer '{}' could not be unregistered: {failure}", self.settings.group);
        }
    }

    fn end_threads(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let is_abandoned = self.is_abandoned.load(Ordering::SeqCst);
        let mut left_behind = 0;
        for mut thread in threads {
            // Without the limit exceeded all of them are at their last instructions.
            if !is_abandoned || thread.is_finished() {
                thread.join();
            } else {
                left_behind += 1;
            }
        }
        if left_behind > 0 {
            let (group, limit) = (&self.settings.group, SHUTDOWN_WAIT.as_secs());
            warn!(
                "consumer '{group}': {left_behind} listeners have not returned within {limit} s of the shutdown: their threads are left behind, their messages will be delivered again"
            );
        }
    }
}

/// The end of a consumer that its program dropped. In the child of a fork nothing may be touched, and inside a
/// listener nothing be waited for: there a thread of its own does it.
pub(super) fn shut_down_dropped(shared: &Arc<Shared>) {
    if fork::is_child() {
        std::mem::forget(shared.clone());
        return;
    }
    if !user_code::is_running() || !shared.is_started() {
        let _lifecycle = shared.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        shared.close();
        return;
    }
    let own = shared.clone();
    let spawned = NamedThread::spawn("ons-shutdown", move || {
        let _lifecycle = own.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        own.close();
    });
    if let Err(error) = spawned {
        let group = &shared.settings.group;
        warn!("consumer '{group}' stays open: cannot start the thread ons-shutdown: {error}");
        std::mem::forget(shared.clone());
    }
}
