//! Threads of a model: the checker's, which lack a few things of the standard library's.

use super::time::Alarm;
use shuttle::sync::atomic::{AtomicBool, Ordering};
pub use shuttle::thread::{Thread, ThreadId, current, park, scope, spawn, yield_now};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Lets another thread go on, if the checker wants it to.
pub fn step() {
    // To the checker a sleep is just that.
    shuttle::thread::sleep(Duration::ZERO);
}

pub fn park_timeout(limit: Duration) {
    let _alarm = Alarm::set(limit);
    park();
}

pub fn sleep(duration: Duration) {
    let alarm = Alarm::set(duration);
    while !alarm.has_rung() {
        park();
    }
}

/// Names a thread that is to be.
#[derive(Debug, Default)]
pub struct Builder(shuttle::thread::Builder);

impl Builder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    pub fn spawn<T: Send + 'static>(
        self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let is_finished = Arc::new(AtomicBool::new(false));
        let told = is_finished.clone();
        let thread = self.0.spawn(move || {
            let value = body();
            told.store(true, Ordering::Release);
            value
        })?;
        Ok(JoinHandle { thread, is_finished })
    }
}

/// A thread that can be joined, and asked whether a join would wait.
#[derive(Debug)]
pub struct JoinHandle<T> {
    thread: shuttle::thread::JoinHandle<T>,
    is_finished: Arc<AtomicBool>,
}

impl<T> JoinHandle<T> {
    pub fn thread(&self) -> &Thread {
        self.thread.thread()
    }

    pub fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }

    pub fn join(self) -> std::thread::Result<T> {
        self.thread.join()
    }
}
