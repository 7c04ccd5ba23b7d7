//! The future of an asynchronous send.

use super::pending_send::FutureWaker;
use super::pending_send::PendingSend;
use super::pending_send::SendOutcome;
use crate::protocol::failure::Failure;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Becomes ready with the result of the send. Any executor can poll it; polling does no I/O, and dropping it does
/// not call the message back.
#[must_use = "without it nobody learns whether the message was stored"]
pub struct SendFuture {
    inner: Inner,
}

enum Inner {
    Ready(Option<SendOutcome>),
    Pending(Arc<PendingSend<FutureWaker>>),
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

    pub(super) fn pending(send: Arc<PendingSend<FutureWaker>>) -> Self {
        Self { inner: Inner::Pending(send) }
    }
}

impl Future for SendFuture {
    type Output = SendOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SendOutcome> {
        let outcome = match &mut self.inner {
            Inner::Ready(outcome) => outcome.take(),
            Inner::Pending(send) => {
                let mut state = send.lock();
                if state.outcome.is_none() {
                    match &mut state.receiver.0 {
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
