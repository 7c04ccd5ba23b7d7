//! The two threads of a store: `ons-log` leads for asynchronous callers, `ons-store` does the background work.

use super::commit_log::CommitLog;
use super::inner::Inner;
use super::publishing::tell;
use super::shared::{Shared, lock};
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::sync::Mutex;
use crate::sys::thread::NamedThread;
use std::io;
use std::sync::{Arc, PoisonError};

pub(crate) type Body = Box<dyn FnOnce() + Send>;

#[derive(Debug, Default)]
pub(crate) struct Threads {
    running: Mutex<Vec<NamedThread>>,
}

impl Threads {
    pub(crate) fn start(inner: &Arc<Inner>) -> Result<Self, Failure> {
        Self::start_with(inner, NamedThread::spawn)
    }

    pub(crate) fn start_with(
        inner: &Arc<Inner>,
        spawn: impl Fn(&str, Body) -> io::Result<NamedThread>,
    ) -> Result<Self, Failure> {
        let threads = Self::default();
        if !inner.environment.has_threads {
            return Ok(threads);
        }
        let (for_log, for_jobs) = (inner.clone(), inner.clone());
        let bodies: [(&str, Body); 2] = [
            ("ons-log", Box::new(move || run_log(&for_log.shared, &for_log.log))),
            ("ons-store", Box::new(move || run_jobs(&for_jobs))),
        ];
        for (name, body) in bodies {
            match spawn(name, body) {
                Ok(thread) => lock(&threads.running).push(thread),
                Err(error) => {
                    // A thread left alone would wait for ever, and keep the directory locked.
                    let _ = inner.close(|| threads.stop(&inner.shared));
                    let dir = inner.config.dir.display();
                    let message = format!("could not open {dir}: could not start the thread {name}: {error}");
                    return Err(Failure::new(FailureKind::Storage, message));
                }
            }
        }
        Ok(threads)
    }

    /// Lets both finish what they were asked for and waits for their end.
    pub(crate) fn stop(&self, shared: &Shared) {
        shared.jobs().is_stopped = true;
        shared.jobs_changed.notify_all();
        shared.log_thread().is_stopped = true;
        shared.log_thread_woken.notify_all();
        let running = std::mem::take(&mut *lock(&self.running));
        for mut thread in running {
            thread.join();
        }
    }
}

pub(crate) fn run_log(shared: &Shared, log: &CommitLog) {
    loop {
        let mut thread = shared.log_thread();
        while !thread.is_woken && !thread.is_stopped {
            thread = shared.log_thread_woken.wait(thread).unwrap_or_else(PoisonError::into_inner);
        }
        let is_stopped = thread.is_stopped;
        thread.is_woken = false;
        drop(thread);
        log.lead_if_idle();
        if is_stopped {
            return;
        }
    }
}

fn run_jobs(inner: &Inner) {
    loop {
        let mut jobs = inner.shared.jobs();
        while jobs.waiting.is_empty() && !jobs.is_stopped {
            jobs = inner.shared.jobs_changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
        let Some(job) = jobs.waiting.pop_front() else { return };
        drop(jobs);
        tell("background work of the store", || inner.run_job(job));
    }
}
