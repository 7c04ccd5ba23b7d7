//! One asynchronous send on its way: told exactly once, to a callback or to a future, whatever happens.

use super::callbacks::Job;
use super::outstanding::Key;
use super::outstanding::Outstanding;
use super::send_result::SendResult;
use super::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::protocol::request::SendResponse;
use crate::sys::sync::{Mutex, MutexGuard};
use log::error;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

pub type SendOutcome = Result<SendResult, Failure>;

/// Who waits for the outcome.
pub trait Receiver: Send + Sized + 'static {
    /// The outcome is there. Runs on the thread that learned it, without a lock; must not run the user's code.
    fn arrived(send: Arc<PendingSend<Self>>);
}

/// The state both sides share: the transport's completion and the receiver.
pub struct PendingSend<R> {
    pub topic: Arc<str>,
    pub outstanding: Arc<Outstanding>,
    state: Mutex<State<R>>,
}

pub struct State<R> {
    phase: Phase,
    message_id: String,
    pub outcome: Option<SendOutcome>,
    pub receiver: R,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The transport has not returned yet.
    Submitting,
    /// As before, but the completion was dropped unused: right if the transport says "done", else it lost the send.
    Dropped,
    /// Listed among the outstanding sends.
    Waiting(Key),
    /// The outcome is known; what comes later is ignored.
    Decided,
}

impl<R: Receiver> PendingSend<R> {
    pub fn new(outstanding: Arc<Outstanding>, topic: Arc<str>, message_id: &str, receiver: R) -> Arc<Self> {
        let state =
            State { phase: Phase::Submitting, message_id: message_id.to_owned(), outcome: None, receiver };
        Arc::new(Self { topic, outstanding, state: Mutex::new(state) })
    }

    pub fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transport finished at once: nobody else will hear of this send.
    pub fn into_done(self: Arc<Self>, result: Result<SendResponse, Failure>) -> SendOutcome {
        let mut state = self.lock();
        state.phase = Phase::Decided;
        state.result(&self.topic, result)
    }

    /// The transport will finish later, or already has.
    pub fn submitted(self: Arc<Self>) {
        let mut state = self.lock();
        match state.phase {
            Phase::Submitting => state.phase = Phase::Waiting(self.outstanding.list(self.clone())),
            Phase::Dropped => {
                drop(state);
                self.decide(Err(lost()));
            }
            Phase::Waiting(_) | Phase::Decided => {}
        }
    }

    /// Fixes the outcome unless it is fixed already, and tells the receiver.
    pub fn decide(self: Arc<Self>, result: Result<SendResponse, Failure>) {
        let mut state = self.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Decided);
        if matches!(phase, Phase::Decided) {
            return;
        }
        let outcome = state.result(&self.topic, result);
        state.outcome = Some(outcome);
        drop(state);
        if let Phase::Waiting(key) = phase {
            self.outstanding.unlist(key);
        }
        R::arrived(self);
    }
}

impl<R> State<R> {
    fn result(&mut self, topic: &Arc<str>, result: Result<SendResponse, Failure>) -> SendOutcome {
        let message_id = std::mem::take(&mut self.message_id);
        result.map(|response| SendResult {
            message_id,
            topic: topic.clone(),
            queue_id: response.queue_id,
            queue_offset: response.queue_offset,
        })
    }
}

/// What the list of outstanding sends can do with one, whoever waits for it.
pub trait Undecided: Send + Sync {
    fn fail(self: Arc<Self>, failure: Failure);
}

impl<R: Receiver> Undecided for PendingSend<R> {
    fn fail(self: Arc<Self>, failure: Failure) {
        self.decide(Err(failure));
    }
}

/// The transport's end of a send. Dropped unused it tells the receiver that the answer will never come.
pub struct Ticket<R: Receiver> {
    send: Option<Arc<PendingSend<R>>>,
}

impl<R: Receiver> Ticket<R> {
    pub fn new(send: Arc<PendingSend<R>>) -> Self {
        Self { send: Some(send) }
    }

    pub fn complete(mut self, result: Result<SendResponse, Failure>) {
        if let Some(send) = self.send.take() {
            send.decide(result);
        }
    }
}

impl<R: Receiver> Drop for Ticket<R> {
    fn drop(&mut self) {
        let Some(send) = self.send.take() else { return };
        let mut state = send.lock();
        match state.phase {
            Phase::Submitting => state.phase = Phase::Dropped,
            Phase::Waiting(_) => {
                drop(state);
                send.decide(Err(lost()));
            }
            Phase::Dropped | Phase::Decided => {}
        }
    }
}

fn lost() -> Failure {
    Failure::new(FailureKind::Broker, "the connection to the broker ended before it answered the send")
        .with_stored(Stored::Unknown)
}

/// A callback, until it has run.
pub struct Callback<F>(pub Option<F>);

impl<F: FnOnce(SendOutcome) + Send + 'static> Receiver for Callback<F> {
    fn arrived(send: Arc<PendingSend<Self>>) {
        send.outstanding.clone().callbacks().push(send);
    }
}

impl<F: FnOnce(SendOutcome) + Send + 'static> Job for PendingSend<Callback<F>> {
    fn run(self: Arc<Self>) {
        let mut state = self.lock();
        let (outcome, callback) = (state.outcome.take(), state.receiver.0.take());
        drop(state);
        if let (Some(outcome), Some(callback)) = (outcome, callback)
            && let Err(panic) = user_code::run(|| callback(outcome))
        {
            error!("the callback of a send to topic '{}' panicked: {panic}", self.topic);
        }
        self.outstanding.end();
    }
}

/// A future, which may not have been polled yet.
#[derive(Default)]
pub struct FutureWaker(pub Option<Waker>);

impl Receiver for FutureWaker {
    fn arrived(send: Arc<PendingSend<Self>>) {
        let waker = send.lock().receiver.0.take();
        // Counted off first: whoever is woken may shut the producer down.
        send.outstanding.end();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
