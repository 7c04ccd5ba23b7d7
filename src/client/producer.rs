//! A producer: sends messages, shared by the threads of a program.

mod lifecycle;

use super::connection::Connection;
use super::connection::Connector;
use super::factory_property::FactoryProperty;
use super::ids;
use super::message::Message;
use super::outstanding::Outstanding;
use super::outstanding::SendCallback;
use super::outstanding::SendOutcome;
use super::send_future::SendFuture;
use super::send_result::SendResult;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::protocol::failure::Submitted;
use crate::protocol::limits::BODY_BYTES_MAX;
use crate::protocol::names;
use crate::protocol::request::SendAnswer;
use crate::protocol::request::SendRequest;
use crate::protocol::request::SendResponse;
use crate::protocol::request::SendSink;
use crate::protocol::unique_id::UniqueId;
use crate::sys::sync::thread_local;
use lifecycle::Shared;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// The group of producers that do not name one.
pub const GROUP_DEFAULT: &str = "__ONS_PRODUCER_DEFAULT_GROUP";
/// How much longer than the send timeout a shutdown waits for asynchronous sends and their callbacks.
pub const SHUTDOWN_WAIT_EXTRA: Duration = Duration::from_secs(1);
/// How long it then waits for callbacks that are still to run, as long as they keep returning.
pub const SHUTDOWN_CALLBACKS_WAIT: Duration = Duration::from_secs(30);

/// A callback of any kind. Who has only one kind can spare the box, with a [`Producer`] of that kind.
pub type BoxedCallback = Box<dyn FnOnce(SendOutcome) + Send>;

/// Sends messages. Start it before the first send, shut it down once; it cannot be started again.
#[derive(Debug)]
pub struct Producer<C: SendCallback = BoxedCallback> {
    shared: Arc<Shared<C>>,
}

impl<C: SendCallback> Producer<C> {
    pub(crate) fn new(property: &FactoryProperty, connector: Arc<dyn Connector>) -> Result<Self, Failure> {
        Ok(Self { shared: Arc::new(Shared::new(property, connector)?) })
    }

    /// Connects to the broker. A second start does nothing; a start after the shutdown is refused.
    pub fn start(&self) -> Result<(), Failure> {
        self.shared.start()
    }

    pub fn is_started(&self) -> bool {
        self.shared.is_started()
    }

    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Waits for asynchronous sends and their callbacks, at most the send timeout and [`SHUTDOWN_WAIT_EXTRA`]; what
    /// is still without an answer then is told that it is unknown whether it was stored. Callbacks that are still to run
    /// are waited for as long as one returns each second, at most [`SHUTDOWN_CALLBACKS_WAIT`]; one that does not return is
    /// left behind, with a warning in the log, and those behind it. A second shutdown does nothing; one from inside a
    /// listener or callback is refused.
    pub fn shutdown(&self) -> Result<(), Failure> {
        self.shared.shutdown()
    }

    /// Stores a message and returns once it has the promised durability. The message gets its id.
    pub fn send(&self, message: &mut Message) -> Result<SendResult, Failure> {
        let (begun, active) = self.shared.begin()?;
        let prepared = Prepared::new(&active.connection, message)?;
        let response =
            self.send_until_timeout(&active.connection, &prepared.request(&self.shared.group, message));
        drop(begun);
        response.map(|response| SendResult {
            message_id: prepared.message_id,
            topic: message.shared_topic().clone(),
            queue_id: response.queue_id,
            queue_offset: response.queue_offset,
        })
    }

    /// Tries again only where that can help and cannot store the message twice.
    fn send_until_timeout(
        &self,
        connection: &Connection,
        request: &SendRequest<'_>,
    ) -> Result<SendResponse, Failure> {
        let timeout = self.shared.timeout;
        let mut result = connection.transport.send(request, timeout);
        let mut further_attempts = self.shared.retry_times;
        let clock = connection.scheduler.clock();
        // The clock is only read once something went wrong.
        let mut first_failure: Option<Duration> = None;
        while let Err(failure) = &result {
            let may_repeat = failure.is_retriable()
                && failure.stored == Stored::No
                && failure.kind != FailureKind::Timeout
                && further_attempts > 0;
            let since = *first_failure.get_or_insert_with(|| clock.monotonic());
            let left = timeout.saturating_sub(clock.monotonic().saturating_sub(since));
            if !may_repeat || left.is_zero() {
                break;
            }
            further_attempts -= 1;
            result = connection.transport.send(request, left);
        }
        result
    }

    /// Starts to store a message. `Done`: finished already, the callback was dropped unused. `Pending`: the callback
    /// runs exactly once on the thread `ons-callback`, never inside this call. The message has its id when this
    /// returns, and may be changed or dropped. While [`ASYNC_SENDS_MAX`] sends wait for their callbacks, or as much as may
    /// waits to be written, this call waits, at most the send timeout; it may have to write, and in SYNC_FLUSH sync, what
    /// waits.
    ///
    /// [`ASYNC_SENDS_MAX`]: super::outstanding::ASYNC_SENDS_MAX
    pub fn submit(&self, message: &mut Message, callback: C) -> Submitted<SendResult> {
        match self.start_send(message, callback) {
            Ok(Started { outstanding, token, submitted: Submitted::Done(answer) }) => {
                match outstanding.answered_at_once(token, answer) {
                    Some((_unused, outcome)) => Submitted::Done(outcome),
                    None => Submitted::Pending,
                }
            }
            Ok(Started { submitted: Submitted::Pending, .. }) => Submitted::Pending,
            Err(failure) => Submitted::Done(Err(failure)),
        }
    }

    /// As [`Producer::submit`], but a success is always told by the callback. An error: the send failed at once, the
    /// callback was dropped unused.
    pub fn submit_telling(&self, message: &mut Message, callback: C) -> Result<(), Failure> {
        let Started { outstanding, token, submitted } = self.start_send(message, callback)?;
        match submitted {
            Submitted::Pending => Ok(()),
            Submitted::Done(Ok(response)) => {
                outstanding.clone().answered(vec![SendAnswer { token, result: Ok(response) }]);
                Ok(())
            }
            Submitted::Done(Err(failure)) => match outstanding.answered_at_once(token, Err(failure)) {
                Some((_unused, outcome)) => outcome.map(drop),
                None => Ok(()),
            },
        }
    }

    /// Hands a message over without waiting for it to be written. It may be lost; an error tells only what is known at
    /// once. Makes room as [`Producer::submit`] does.
    pub fn send_oneway(&self, message: &mut Message) -> Result<(), Failure> {
        let (_begun, active) = self.shared.begin()?;
        let prepared = Prepared::new(&active.connection, message)?;
        let request = prepared.request(&self.shared.group, message);
        active.connection.transport.send_oneway(&request, self.shared.timeout)
    }

    fn start_send(&self, message: &mut Message, callback: C) -> Result<Started<'_, C>, Failure> {
        let (begun, active) = self.shared.begin()?;
        let (connection, outstanding) = (&active.connection, &active.outstanding);
        connection.callbacks.ensure_started()?;
        let prepared = Prepared::new(connection, message)?;
        let token = outstanding.list(begun, message.topic(), prepared.message_id, callback)?;
        let request = prepared.request(&self.shared.group, message);
        let submitted = connection.transport.send_async(&request, &active.sink, token, self.shared.timeout);
        if matches!(submitted, Submitted::Pending) {
            outstanding.sweep_later();
        }
        Ok(Started { outstanding, token, submitted })
    }
}

impl Producer {
    /// Starts to store a message. The message has its id when this returns, and may be changed or dropped. The thread
    /// `ons-callback` completes the future: to block on it inside a callback would be to wait for oneself.
    pub fn send_async(&self, message: &mut Message) -> SendFuture {
        let (future, complete) = SendFuture::pending();
        match self.submit(message, Box::new(complete)) {
            Submitted::Done(outcome) => SendFuture::ready(outcome),
            Submitted::Pending => future,
        }
    }

    /// [`Producer::submit`] with a closure.
    pub fn send_with(
        &self,
        message: &mut Message,
        callback: impl FnOnce(SendOutcome) + Send + 'static,
    ) -> Submitted<SendResult> {
        self.submit(message, Box::new(callback))
    }

    /// [`Producer::submit_telling`] with a closure.
    pub fn send_with_callback(
        &self,
        message: &mut Message,
        callback: impl FnOnce(SendOutcome) + Send + 'static,
    ) -> Result<(), Failure> {
        self.submit_telling(message, Box::new(callback))
    }
}

/// An asynchronous send that the transport has taken.
struct Started<'a, C> {
    outstanding: &'a Arc<Outstanding<C>>,
    token: u64,
    submitted: Submitted<SendResponse>,
}

impl<C: SendCallback> Drop for Producer<C> {
    fn drop(&mut self) {
        lifecycle::shut_down_dropped(&self.shared);
    }
}

thread_local! {
    /// Property texts are put together here, so that a send need not allocate one.
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
}

/// A message that was checked and has its id; what else its request needs.
struct Prepared {
    message_id: UniqueId,
    properties: String,
    born_timestamp_ms: i64,
}

impl Prepared {
    fn new(connection: &Connection, message: &mut Message) -> Result<Self, Failure> {
        check(message)?;
        let born_timestamp_ms = connection.scheduler.clock().wall_ms();
        let message_id = ids::message_id(born_timestamp_ms);
        message.set_own_id(message_id);
        message.set_born_timestamp_ms(born_timestamp_ms);
        let properties = TEXT.try_with(Cell::take).unwrap_or_default();
        let mut prepared = Self { message_id, properties, born_timestamp_ms };
        prepared.properties.clear();
        message.write_properties(&mut prepared.properties)?;
        Ok(prepared)
    }

    fn request<'a>(&'a self, group: &'a str, message: &'a Message) -> SendRequest<'a> {
        SendRequest {
            producer_group: group,
            topic: message.topic(),
            queue_id: -1,
            sys_flag: 0,
            flag: 0,
            born_timestamp_ms: self.born_timestamp_ms,
            reconsume_times: 0,
            properties: &self.properties,
            body: message.body(),
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.properties);
        // A thread that ends has no place for it any more.
        let _ = TEXT.try_with(|place| place.set(text));
    }
}

fn check(message: &Message) -> Result<(), Failure> {
    names::check_topic(message.topic())?;
    message.check_constructed()?;
    let (topic, body_bytes) = (message.topic(), message.body().len());
    if body_bytes == 0 {
        return Err(Failure::invalid(format!(
            "the body of the message to topic '{topic}' is empty: 1 to {BODY_BYTES_MAX} bytes are needed"
        )));
    }
    if body_bytes > BODY_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "the body of the message to topic '{topic}' has {body_bytes} bytes, the limit is {BODY_BYTES_MAX} (4 MiB)"
        )));
    }
    if message.start_deliver_time_ms() != 0 {
        let time = message.start_deliver_time_ms();
        return Err(Failure::not_supported(format!(
            "the message to topic '{topic}' has the delivery time {time}: timed messages are not part of this version"
        )));
    }
    Ok(())
}
