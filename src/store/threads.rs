//! The two threads of a store: `ons-log` leads for asynchronous callers, `ons-store` does the background work.

use super::commit_log::CommitLog;
use super::inner::Inner;
use super::shared::{Shared, lock};
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::sync::Mutex;
use crate::sys::thread::NamedThread;
use std::sync::{Arc, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Threads {
    running: Mutex<Vec<NamedThread>>,
}

impl Threads {
    pub(crate) fn start(inner: &Arc<Inner>) -> Result<Self, Failure> {
        let threads = Self::default();
        if !inner.environment.has_threads {
            return Ok(threads);
        }
        let (for_log, for_jobs) = (inner.clone(), inner.clone());
        let mut running = lock(&threads.running);
        running.push(spawn("ons-log", move || run_log(&for_log.shared, &for_log.log))?);
        running.push(spawn("ons-store", move || run_jobs(&for_jobs))?);
        drop(running);
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

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<NamedThread, Failure> {
    NamedThread::spawn(name, body)
        .map_err(|e| Failure::new(FailureKind::Storage, format!("could not start the thread {name}: {e}")))
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
        inner.run_job(job);
    }
}
