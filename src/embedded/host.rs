//! The brokers this process hosts: one per directory, opened by its first user, closed when the last lets go.

use super::settings::Settings;
use super::transport::InProcess;
use crate::broker::Broker;
use crate::broker::BrokerConfig;
use crate::client::callbacks::CallbackThread;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::store::config::Environment;
use crate::sys::clock::Clock;
use crate::sys::clock::ManualClock;
use crate::sys::clock::SystemClock;
use crate::sys::disk::Disk;
use crate::sys::fork;
use crate::sys::real_disk::RealDisk;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::Mutex;
use log::warn;
use once_cell::sync::Lazy;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// What the time of a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    System,
    /// Stands still until it is told to advance; for tests of what takes hours.
    Manual,
}

/// By canonical path, so that no two names of a directory make two brokers.
static PLACES: Lazy<Mutex<HashMap<PathBuf, Arc<Place>>>> = Lazy::new(Mutex::default);

/// A directory that is or was hosted. Its lock is held while the broker is opened or closed, so that whoever comes
/// meanwhile waits for the outcome.
#[derive(Default)]
struct Place {
    hosted: Mutex<Option<Hosted>>,
}

struct Hosted {
    host: Arc<Host>,
    users: usize,
}

/// A running broker and what its users share.
pub(super) struct Host {
    pub(super) broker: Arc<Broker>,
    pub(super) transport: Arc<InProcess>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) callbacks: Arc<CallbackThread>,
    clock_kind: ClockKind,
    settings: Settings,
}

/// One user's hold on a hosted broker.
pub(super) struct Lease {
    pub(super) host: Arc<Host>,
    dir: PathBuf,
    place: Option<Arc<Place>>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Joins the broker of a directory, opening it if nobody has it open. Without `clock_kind` any clock will do.
pub(super) fn join(dir: &Path, settings: &Settings, clock_kind: Option<ClockKind>) -> Result<Lease, Failure> {
    let dir = canonical(dir)?;
    let place = {
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(dir.clone()).or_default().clone()
    };
    let mut hosted = place.hosted.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hosted) = hosted.as_mut() {
        hosted.host.check_join(&dir, settings, clock_kind)?;
        hosted.users += 1;
        return Ok(Lease { host: hosted.host.clone(), dir, place: Some(place.clone()) });
    }
    let opened = Host::open(&dir, settings, clock_kind.unwrap_or(ClockKind::System));
    let host = match opened {
        Ok(host) => Arc::new(host),
        Err(failure) => {
            drop(hosted);
            forget_unused(&dir, place);
            return Err(failure);
        }
    };
    *hosted = Some(Hosted { host: host.clone(), users: 1 });
    drop(hosted);
    Ok(Lease { host, dir, place: Some(place) })
}

/// The one name of the directory, which is created if it is missing.
fn canonical(dir: &Path) -> Result<PathBuf, Failure> {
    let made = RealDisk.create_dir_all(dir).and_then(|()| dir.canonicalize());
    made.map_err(|error| {
        let name = dir.display();
        Failure::new(
            FailureKind::Storage,
            format!("the data directory {name} cannot be created or entered: {error}"),
        )
    })
}

fn forget_unused(dir: &Path, place: Arc<Place>) {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    // The map's and our own: nobody else is about to use it, and new users come under the map's lock.
    if Arc::strong_count(&place) == 2 {
        places.remove(dir);
    }
}

impl Host {
    fn open(dir: &Path, settings: &Settings, clock_kind: ClockKind) -> Result<Self, Failure> {
        let system = SystemClock::new();
        let clock: Arc<dyn Clock> = match clock_kind {
            ClockKind::System => Arc::new(system),
            ClockKind::Manual => Arc::new(ManualClock::new(system.wall_ms())),
        };
        let scheduler = Scheduler::new("ons-timer", clock.clone()).map_err(|error| {
            Failure::new(FailureKind::Broker, format!("cannot start the thread ons-timer: {error}"))
        })?;
        let scheduler = Arc::new(scheduler);
        let environment =
            Environment { disk: Arc::new(RealDisk), clock, scheduler: scheduler.clone(), has_threads: true };
        let config = BrokerConfig { store: settings.store_config(dir), ..BrokerConfig::new(dir) };
        let broker = Broker::open(config, environment).inspect_err(|_| scheduler.stop())?;
        Ok(Self {
            transport: Arc::new(InProcess::new(broker.clone())),
            broker,
            scheduler,
            callbacks: Arc::default(),
            clock_kind,
            settings: settings.clone(),
        })
    }

    fn check_join(
        &self,
        dir: &Path,
        settings: &Settings,
        clock_kind: Option<ClockKind>,
    ) -> Result<(), Failure> {
        settings.check_join(&self.settings, dir)?;
        if let Some(wanted) = clock_kind.filter(|wanted| *wanted != self.clock_kind) {
            let (name, has) = (dir.display(), self.clock_kind);
            return Err(Failure::invalid(format!(
                "a broker with a {wanted:?} clock was asked for, but the one in {name} already runs in this process with a {has:?} clock"
            )));
        }
        Ok(())
    }

    /// In this order: the broker answers what waits, its callbacks run, then time ends.
    fn close(&self) -> Result<(), Failure> {
        let result = self.broker.close();
        self.transport.let_go();
        self.callbacks.stop();
        self.scheduler.stop();
        result
    }
}

impl Lease {
    /// Lets go. The last user closes the broker and hears how that went.
    pub(super) fn release(mut self) -> Result<(), Failure> {
        self.let_go()
    }

    fn let_go(&mut self) -> Result<(), Failure> {
        if fork::is_child() {
            // Nothing of the parent's may be closed here: not its files, not its threads.
            std::mem::forget((self.host.clone(), self.place.take()));
            return Ok(());
        }
        let Some(place) = self.place.take() else { return Ok(()) };
        let mut hosted = place.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut result = Ok(());
        if let Some(own) = hosted.as_mut() {
            own.users = own.users.saturating_sub(1);
            if own.users == 0 {
                result = own.host.close();
                *hosted = None;
            }
        }
        drop(hosted);
        forget_unused(&self.dir, place);
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(failure) = self.let_go() {
            warn!("closing the broker in {}: {failure}", self.dir.display());
        }
    }
}
