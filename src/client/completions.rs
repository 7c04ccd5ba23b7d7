//! Asynchronous sends that have ended, for a program that collects them many at a time instead of being called for each.

use super::pending_send::PendingSend;
use super::pending_send::Receiver;
use super::pending_send::SendOutcome;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Collects what it is given by any number of producers.
pub struct Completions {
    state: Mutex<State>,
    /// Told that there is something to take: once, until everything was taken. Runs on whatever thread learned of the
    /// end of a send and must neither wait nor run the user's code.
    ready: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    ended: VecDeque<Arc<PendingSend<Collected>>>,
    is_told: bool,
    is_closed: bool,
}

/// Has the end of a send put into `completions`; `token` tells it from others.
pub struct Collected {
    token: u64,
    completions: Arc<Completions>,
}

impl fmt::Debug for Completions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").field("waiting", &self.lock().ended.len()).finish_non_exhaustive()
    }
}

impl Completions {
    pub fn new(ready: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), ready: Box::new(ready) })
    }

    pub(super) fn receiver(self: &Arc<Self>, token: u64) -> Collected {
        Collected { token, completions: self.clone() }
    }

    /// Gives at most `max` ended sends, in the order in which they ended; returns how many. To a shutdown a send has
    /// ended when it was given.
    pub fn take(&self, max: usize, mut give: impl FnMut(u64, SendOutcome)) -> usize {
        let mut state = self.lock();
        let count = state.ended.len().min(max);
        let taken: Vec<_> = state.ended.drain(..count).collect();
        state.is_told = !state.ended.is_empty();
        drop(state);
        for send in taken {
            let mut state = send.lock();
            let (token, outcome) = (state.receiver.token, state.outcome.take());
            drop(state);
            if let Some(outcome) = outcome {
                give(token, outcome);
            }
            send.outstanding.end();
        }
        count
    }

    /// Nobody will take anything any more: what ends from now on ends unheard.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let untold = std::mem::take(&mut state.ended);
        drop(state);
        untold.into_iter().for_each(|send| send.outstanding.end());
    }

    fn push(&self, send: Arc<PendingSend<Collected>>) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            send.outstanding.end();
            return;
        }
        state.ended.push_back(send);
        let tells = !std::mem::replace(&mut state.is_told, true);
        drop(state);
        if tells {
            (self.ready)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver for Collected {
    fn arrived(send: Arc<PendingSend<Self>>) {
        let completions = send.lock().receiver.completions.clone();
        completions.push(send);
    }
}

#[cfg(test)]
mod tests;
