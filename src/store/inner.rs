//! A store without its threads: what they, the callers and the scheduler work on.

use super::checkpoint::Staged;
use super::cold::ColdReader;
use super::commit_log::CommitLog;
use super::config::{Environment, StoreConfig};
use super::metadata::Metadata;
use super::retention::Retention;
use super::shared::{Job, Shared};
use crate::protocol::failure::Failure;
use crate::sys::disk::DirLock;
use crate::sys::sync::Mutex;
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long staged rows, timers and the known end of the log may wait for a checkpoint.
pub(crate) const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How often the age of segments and the space on the disk are looked at.
pub(crate) const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: StoreConfig,
    pub(crate) environment: Environment,
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: CommitLog,
    pub(crate) cold: ColdReader,
    pub(crate) metadata: Metadata,
    pub(crate) staged: Mutex<Staged>,
    /// Address up to which the log is known to be on the device (ASYNC_FLUSH; else everything published is).
    pub(crate) synced_end: Mutex<u64>,
    /// Why the log cannot be synced any more until it is opened again (ASYNC_FLUSH).
    pub(crate) sync_failure: Mutex<Option<Failure>>,
    /// Held while a damaged index file is made anew: many readers meet the same one.
    pub(crate) remaking: Mutex<()>,
    pub(crate) retention: Mutex<Retention>,
    pub(crate) scheduled: Scheduled,
    pub(crate) lock: Mutex<Option<Box<dyn DirLock>>>,
    pub(crate) closed: Mutex<Option<Result<(), Failure>>>,
    pub(crate) is_closed: AtomicBool,
}

/// Which delayed jobs are on the scheduler already.
#[derive(Debug, Default)]
pub(crate) struct Scheduled {
    sync: AtomicBool,
    checkpoint: AtomicBool,
    retain: AtomicBool,
}

impl Inner {
    /// Connects the shared part's requests for later work with the scheduler.
    pub(crate) fn start(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.shared.set_later(Arc::new(move |job| {
            if let Some(inner) = weak.upgrade() {
                inner.schedule(job);
            }
        }));
        self.schedule(Job::Retain);
        self.shared.submit(Job::Prepare);
        self.shared.submit(Job::Seal);
        // Else a program that never runs for long would never delete anything.
        self.shared.submit(Job::Retain);
        self.run_jobs_here();
    }

    fn schedule(self: &Arc<Self>, job: Job) {
        let (flag, delay) = match job {
            Job::Sync => (&self.scheduled.sync, self.config.async_flush_interval),
            Job::Checkpoint => (&self.scheduled.checkpoint, CHECKPOINT_INTERVAL),
            Job::Retain => (&self.scheduled.retain, RETENTION_INTERVAL),
            Job::Prepare | Job::Seal => return self.shared.submit(job),
        };
        if flag.swap(true, Ordering::AcqRel) {
            return;
        }
        let weak = Arc::downgrade(self);
        self.environment.scheduler.after(delay, move || Self::on_time(&weak, job));
    }

    fn on_time(weak: &Weak<Self>, job: Job) {
        let Some(inner) = weak.upgrade() else { return };
        if inner.is_closed.load(Ordering::Acquire) {
            return;
        }
        match job {
            Job::Sync => inner.scheduled.sync.store(false, Ordering::Release),
            Job::Checkpoint => inner.scheduled.checkpoint.store(false, Ordering::Release),
            Job::Retain => {
                inner.scheduled.retain.store(false, Ordering::Release);
                inner.schedule(Job::Retain);
            }
            Job::Prepare | Job::Seal => {}
        }
        inner.shared.submit(job);
        inner.run_jobs_here();
    }

    /// Does one piece of background work. Its failure is logged: nobody waits for it, and what is left undone is done
    /// at the next occasion or at the next open.
    pub(crate) fn run_job(&self, job: Job) {
        let outcome = match job {
            Job::Prepare => self.shared.segments.prepare_next(),
            Job::Seal => self.seal_finished(),
            Job::Sync => self.sync_log(),
            Job::Checkpoint => self.checkpoint(),
            Job::Retain => self.retain(),
        };
        if let Err(failure) = outcome {
            log::warn!("{job:?} of {}: {failure}", self.config.dir.display());
        }
    }

    /// Without threads, background work is done on the stack that asked for it.
    pub(crate) fn run_jobs_here(&self) {
        if self.environment.has_threads {
            return;
        }
        loop {
            let job = {
                let mut jobs = self.shared.jobs();
                if jobs.is_running {
                    return;
                }
                let Some(job) = jobs.waiting.pop_front() else { return };
                jobs.is_running = true;
                job
            };
            self.run_job(job);
            self.shared.jobs().is_running = false;
        }
    }
}
