//! A push consumer: calls listeners with the messages of the topics it subscribed to.

mod balance;
mod lifecycle;
mod listen;
mod pull;
mod settings;
mod tick;

use super::connection::Connection;
use super::connection::Connector;
use super::factory_property::FactoryProperty;
use super::message::Message;
use super::prefetch::Prefetch;
use super::slot::Slot;
use super::subscriptions::Subscribed;
use super::subscriptions::Subscriptions;
use super::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::names;
use crate::protocol::tags::TagExpression;
use crate::sys::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use crate::sys::sync::{Mutex, OnceLock};
use crate::sys::thread::NamedThread;
use balance::Balance;
use settings::Settings;
use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a shutdown waits for listeners that are running.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(30);

/// What a listener says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is consumed.
    Commit,
    /// It is to be delivered again later.
    ReconsumeLater,
    /// Nobody has looked at it, as when the program is ending: it uses up no attempt, and comes again to whoever holds its
    /// queue next, with what was consumed behind it in its queue. Until the shutdown that is this consumer, so it is no
    /// answer for a message that failed.
    Leave,
}

/// Consumes messages on `ConsumeThreadNums` threads of its own. Start it, shut it down once; it cannot be started
/// again.
pub struct PushConsumer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for PushConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushConsumer").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

struct Shared {
    settings: Settings,
    connector: Arc<dyn Connector>,
    state: AtomicU8,
    /// Held by whoever starts or shuts down.
    lifecycle: Mutex<()>,
    /// Held by whoever tells the broker of this instance or takes it out again: a heartbeat that began before the
    /// shutdown must not arrive behind it, or the group would give queues to an instance that is gone.
    membership: Mutex<()>,
    subscriptions: Subscriptions,
    prefetch: Prefetch,
    slots: Box<[Slot]>,
    balance: Mutex<Balance>,
    /// Counts the consumer's timer.
    tick: AtomicU64,
    /// Running listeners were left behind: whatever they still do is nobody's business.
    is_abandoned: AtomicBool,
    connection: OnceLock<Connection>,
    lease: Mutex<Option<Box<dyn Any + Send + Sync>>>,
    threads: Mutex<Vec<NamedThread>>,
    /// [`SHUTDOWN_WAIT`], but for tests.
    shutdown_wait: Mutex<Duration>,
    own: Weak<Shared>,
}

impl PushConsumer {
    pub(crate) fn new(property: &FactoryProperty, connector: Arc<dyn Connector>) -> Result<Self, Failure> {
        Ok(Self { shared: Shared::new(Settings::new(property)?, connector) })
    }

    /// Subscribes to a topic, before or after the start: `*` is every message, `TagA || TagB` those with one of the
    /// tags. Up to `ConsumeThreadNums` threads call the listener at once; a panic of it counts as
    /// [`Action::ReconsumeLater`]. A later subscription to the same topic replaces this one.
    pub fn subscribe(
        &self,
        topic: &str,
        expression: &str,
        listener: impl Fn(&mut Message) -> Action + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        names::check_topic(topic)?;
        let filter = Arc::new(TagExpression::parse(expression)?);
        let subscribed = Subscribed { topic: topic.into(), filter, listener: Box::new(listener) };
        self.shared.refuse_closed()?;
        let replaced = self.shared.subscriptions.insert(subscribed);
        drop(replaced);
        if let Err(failure) = self.shared.refuse_closed() {
            // A shutdown came in between, and may have let go of the listeners before this one was there.
            drop(self.shared.subscriptions.take());
            return Err(failure);
        }
        self.shared.subscriptions_changed()
    }

    /// Ends the subscription to a topic; without one this does nothing. A listener that runs is not waited for; messages
    /// that wait for one here are left to whoever subscribes next.
    pub fn unsubscribe(&self, topic: &str) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        self.shared.refuse_closed()?;
        match self.shared.subscriptions.remove(topic) {
            Some(_) => self.shared.subscriptions_changed(),
            None => Ok(()),
        }
    }

    /// Connects, joins the group and starts the listener threads. A second start does nothing; a start after the
    /// shutdown is refused.
    pub fn start(&self) -> Result<(), Failure> {
        self.shared.start()
    }

    pub fn is_started(&self) -> bool {
        self.shared.is_started()
    }

    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Waits at most [`SHUTDOWN_WAIT`] until the threads are through with the few messages they have in hand, commits the
    /// offsets and leaves the group: what is finished does not come again. A listener that has not returned by then is
    /// left behind with its thread: it must still live then, a warning in the log tells of it, and its message and those
    /// finished behind it ([`FINISHED_AHEAD_MAX`] and what was in the cache) will be delivered again. A second shutdown
    /// does nothing; one from inside a listener or callback is refused.
    ///
    /// [`FINISHED_AHEAD_MAX`]: super::process_queue::FINISHED_AHEAD_MAX
    pub fn shutdown(&self) -> Result<(), Failure> {
        self.shared.shutdown()
    }

    #[cfg(test)]
    pub(crate) fn set_shutdown_wait(&self, wait: Duration) {
        *self.shared.shutdown_wait.lock().unwrap() = wait;
    }

    /// Listener threads that have not ended.
    #[cfg(test)]
    pub(crate) fn living_threads(&self) -> usize {
        self.shared.prefetch.lock().alive
    }

    /// Messages that were pulled and are not finished.
    #[cfg(test)]
    pub(crate) fn cached_messages(&self) -> usize {
        self.shared.prefetch.lock().cached().messages
    }
}

impl Drop for PushConsumer {
    fn drop(&mut self) {
        lifecycle::shut_down_dropped(&self.shared);
    }
}
