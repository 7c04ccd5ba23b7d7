//! Outcomes of asynchronous sends, for a program that collects them many at a time instead of being called for each.

use super::outstanding::SendCallback;
use super::outstanding::SendOutcome;
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError};

/// Collects the outcomes of any number of producers' sends.
pub struct Completions {
    state: Mutex<State>,
    /// Told that there is something to take: once, until everything was taken. Runs on whatever thread learned of an
    /// outcome and must neither wait nor run the user's code.
    ready: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    told: VecDeque<(u64, SendOutcome)>,
    is_ready_known: bool,
    is_closed: bool,
}

/// Puts the outcome of a send into `completions`; `token` tells it from others.
pub struct Collected {
    pub token: u64,
    pub completions: Arc<Completions>,
}

impl fmt::Debug for Completions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").field("waiting", &self.lock().told.len()).finish_non_exhaustive()
    }
}

impl Completions {
    pub fn new(ready: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), ready: Box::new(ready) })
    }

    /// At most `max` outcomes, in the order in which they were learned.
    pub fn take(&self, max: usize) -> Vec<(u64, SendOutcome)> {
        let mut state = self.lock();
        let count = state.told.len().min(max);
        let taken = state.told.drain(..count).collect();
        state.is_ready_known = !state.told.is_empty();
        taken
    }

    /// Nobody will take anything any more: what is told from now on is dropped.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let dropped = std::mem::take(&mut state.told);
        drop(state);
        drop(dropped);
    }

    fn push(&self, token: u64, outcome: SendOutcome) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.told.push_back((token, outcome));
        let tells = !std::mem::replace(&mut state.is_ready_known, true);
        drop(state);
        if tells {
            (self.ready)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SendCallback for Collected {
    fn call(self, outcome: SendOutcome) {
        self.completions.push(self.token, outcome);
    }

    fn is_light(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
