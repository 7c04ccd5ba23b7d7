//! The future of an asynchronous send.

use super::outstanding::SendOutcome;
use crate::protocol::failure::Failure;
use crate::sys::sync::Mutex;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

/// Becomes ready with the result of the send. Any executor can poll it; polling does no I/O, and dropping it does
/// not call the message back.
#[must_use = "without it nobody learns whether the message was stored"]
pub struct SendFuture {
    inner: Inner,
}

enum Inner {
    Ready(Option<SendOutcome>),
    Pending(Arc<Mutex<State>>),
}

/// What the future and the one who completes it share.
#[derive(Default)]
struct State {
    outcome: Option<SendOutcome>,
    waker: Option<Waker>,
}

impl fmt::Debug for SendFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_ready = matches!(self.inner, Inner::Ready(_));
        f.debug_struct("SendFuture").field("is_ready", &is_ready).finish_non_exhaustive()
    }
}

impl SendFuture {
    pub(super) fn ready(outcome: SendOutcome) -> Self {
        Self { inner: Inner::Ready(Some(outcome)) }
    }

    /// A future, and what completes it.
    pub(super) fn pending() -> (Self, impl FnOnce(SendOutcome) + Send + 'static) {
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let complete = move |outcome| {
            let waker = {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                state.outcome = Some(outcome);
                state.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        (Self { inner: Inner::Pending(state) }, complete)
    }
}

impl Future for SendFuture {
    type Output = SendOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SendOutcome> {
        let outcome = match &mut self.inner {
            Inner::Ready(outcome) => outcome.take(),
            Inner::Pending(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.outcome.is_none() {
                    match &mut state.waker {
                        Some(waker) => waker.clone_from(context.waker()),
                        none => *none = Some(context.waker().clone()),
                    }
                    return Poll::Pending;
                }
                state.outcome.take()
            }
        };
        self.inner = Inner::Ready(None);
        Poll::Ready(outcome.unwrap_or_else(|| {
            Err(Failure::state("the future of a send was polled again after it had given its result"))
        }))
    }
}
