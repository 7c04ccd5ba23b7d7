//! The thread `ons-callback`, on which the callbacks of asynchronous sends run, one after the other.

use super::user_code;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::SendAnswer;
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use crate::sys::sync::{Condvar, Mutex, MutexGuard, thread_local};
use crate::sys::thread::NamedThread;
use log::warn;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How long [`CallbackThread::stop`] waits for a callback that does not return.
pub const STOP_WAIT: Duration = Duration::from_secs(1);

/// Passes answers of the broker on to the user's callbacks.
pub trait Deliver: Send + Sync {
    fn deliver(&self, answers: Vec<SendAnswer>);
}

type Delivery = (Arc<dyn Deliver>, Vec<SendAnswer>);

/// Shared by the producers of one broker; the thread is started at the first use.
pub struct CallbackThread {
    shared: Arc<Shared>,
    is_started: AtomicBool,
    thread: Mutex<Option<NamedThread>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    is_waiting: bool,
    is_stopped: bool,
    has_ended: bool,
}

impl fmt::Debug for CallbackThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackThread").field("is_started", &self.is_started).finish_non_exhaustive()
    }
}

thread_local! {
    /// The address of what a callback thread shares with its owner.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

impl Default for CallbackThread {
    fn default() -> Self {
        Self { shared: Arc::default(), is_started: AtomicBool::new(false), thread: Mutex::default() }
    }
}

impl CallbackThread {
    /// Starts the thread if it does not run yet. To be called before anything is pushed, from a place that can still
    /// refuse.
    pub fn ensure_started(&self) -> Result<(), Failure> {
        if self.is_started.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = self.shared.clone();
            let spawned = NamedThread::spawn("ons-callback", move || shared.run());
            let spawned = spawned.map_err(|error| {
                Failure::new(FailureKind::Broker, format!("cannot start the thread ons-callback: {error}"))
            })?;
            *thread = Some(spawned);
            self.is_started.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the caller runs on this thread, inside a callback.
    pub fn is_current(&self) -> bool {
        OWN.try_with(Cell::get).is_ok_and(|own| own == Arc::as_ptr(&self.shared).addr())
    }

    pub fn push(&self, to: Arc<dyn Deliver>, answers: Vec<SendAnswer>) {
        let mut state = self.shared.lock();
        state.deliveries.push((to, answers));
        // Waking costs a system call: only for a thread that sleeps, and once.
        let wakes = std::mem::take(&mut state.is_waiting);
        drop(state);
        if wakes {
            self.shared.arrived.notify_one();
        }
    }

    /// Lets the thread run what was pushed, and ends it. A callback that does not return within [`STOP_WAIT`] is left
    /// behind with its thread.
    pub fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut thread) = thread else { return };
        let mut state = self.shared.lock();
        state.is_stopped = true;
        self.shared.arrived.notify_one();
        if thread.is_current() {
            return;
        }
        let waited = self.shared.ended.wait_timeout_while(state, STOP_WAIT, |state| !state.has_ended);
        let has_ended = waited.unwrap_or_else(PoisonError::into_inner).0.has_ended;
        if has_ended {
            thread.join();
        } else {
            warn!(
                "a callback of an asynchronous send has not returned: its thread ons-callback is left behind"
            );
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        user_code::mark_thread();
        OWN.with(|own| own.set(std::ptr::from_ref(self).addr()));
        let mut deliveries = Vec::new();
        loop {
            let mut state = self.lock();
            while state.deliveries.is_empty() && !state.is_stopped {
                state.is_waiting = true;
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_waiting = false;
            }
            if state.deliveries.is_empty() {
                state.has_ended = true;
                drop(state);
                self.ended.notify_all();
                return;
            }
            std::mem::swap(&mut state.deliveries, &mut deliveries);
            drop(state);
            deliveries.drain(..).for_each(|(to, answers)| to.deliver(answers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Note(mpsc::Sender<(u32, bool)>, u32);
    impl Deliver for Note {
        fn deliver(&self, _answers: Vec<SendAnswer>) {
            self.0.send((self.1, user_code::is_running())).unwrap();
        }
    }

    #[test]
    fn deliveries_run_in_order_on_a_thread_that_knows_it_runs_user_code() {
        let callbacks = CallbackThread::default();
        callbacks.ensure_started().unwrap();
        let (sender, receiver) = mpsc::channel();
        for number in 0..100 {
            callbacks.push(Arc::new(Note(sender.clone(), number)), Vec::new());
        }
        callbacks.stop();
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..100).map(|n| (n, true)).collect::<Vec<_>>());
        assert!(!user_code::is_running());
    }

    struct Block(Mutex<mpsc::Receiver<()>>, mpsc::Sender<()>);
    impl Deliver for Block {
        fn deliver(&self, _answers: Vec<SendAnswer>) {
            self.0.lock().unwrap().recv().unwrap();
            self.1.send(()).unwrap();
        }
    }

    #[test]
    fn a_callback_that_does_not_return_does_not_hold_up_stop_for_ever() {
        let callbacks = CallbackThread::default();
        callbacks.ensure_started().unwrap();
        let (release, blocked) = mpsc::channel();
        let (done, finished) = mpsc::channel();
        callbacks.push(Arc::new(Block(Mutex::new(blocked), done)), Vec::new());
        callbacks.stop();
        release.send(()).unwrap();
        finished.recv().unwrap();
    }
}
