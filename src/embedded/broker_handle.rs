//! The embedded broker as a handle of its own, for programs that want to hold it, ask it, or move its clock.

use super::factory::environment;
use super::host;
use super::host::Host;
use super::host::Lease;
use super::settings::Settings;
use crate::client::factory_property::FactoryProperty;
use crate::client::user_code;
use crate::protocol::failure::Failure;
use crate::sys::fork;
use crate::sys::sync::{Mutex, MutexGuard};
use crate::sys::thread::NamedThread;
use log::warn;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub use super::host::ClockKind;

/// The names [`EmbeddedBroker::statistic`] knows.
pub const STATISTICS: &[&str] = &[
    "messages_appended",
    "bytes_appended",
    "writes",
    "syncs",
    "segments",
    "log_bytes",
    "timers_waiting",
    "topics",
    "groups",
];

/// Most that one call moves a manual clock on: a year, in which what recurs every minute runs half a million times.
pub const ADVANCE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// Holds the broker of a directory open. Clients join it with `ONSAddr` = `embedded:DIRECTORY`.
#[derive(Debug)]
pub struct EmbeddedBroker {
    /// Empty once closed.
    lease: Mutex<Option<Lease>>,
}

impl EmbeddedBroker {
    /// Opens the broker of a directory, or joins it if this process has it open: then settings and clock must agree.
    pub fn open(dir: &Path, settings: &FactoryProperty, clock: ClockKind) -> Result<Self, Failure> {
        fork::watch();
        user_code::refuse_in_child()?;
        if dir.as_os_str().is_empty() {
            return Err(Failure::invalid("the directory of the embedded broker is an empty path"));
        }
        let settings = Settings::new(settings, &environment)?;
        let lease = host::join(dir, &settings, Some(clock))?;
        Ok(Self { lease: Mutex::new(Some(lease)) })
    }

    /// Moves a manual clock on, by at most [`ADVANCE_MAX`], and runs everything that becomes due, on this thread.
    pub fn advance_time(&self, by: Duration) -> Result<(), Failure> {
        if by > ADVANCE_MAX {
            let (by_ms, max_ms) = (by.as_millis(), ADVANCE_MAX.as_millis());
            return Err(Failure::invalid(format!(
                "the time to advance by is {by_ms} ms, the limit of one call is {max_ms}: all that becomes due on the way is done in turn"
            )));
        }
        let host = self.host()?;
        if host.scheduler.clock().as_manual().is_none() {
            return Err(Failure::state(
                "the broker runs on the system clock, which cannot be advanced: open it with a manual clock",
            ));
        }
        host.scheduler.advance(by);
        Ok(())
    }

    /// A figure of the broker, one of [`STATISTICS`].
    pub fn statistic(&self, name: &str) -> Result<i64, Failure> {
        let statistics = self.host()?.broker.statistics();
        let value = match name {
            "messages_appended" => statistics.store.messages_appended,
            "bytes_appended" => statistics.store.bytes_appended,
            "writes" => statistics.store.writes,
            "syncs" => statistics.store.syncs,
            "segments" => statistics.store.segments,
            "log_bytes" => statistics.store.log_bytes,
            "timers_waiting" => statistics.store.timers_waiting,
            "topics" => statistics.topics,
            "groups" => statistics.groups,
            _ => {
                let names = STATISTICS.join(", ");
                return Err(Failure::invalid(format!(
                    "statistic '{name}' is unknown: one of {names} is needed"
                )));
            }
        };
        Ok(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// How many messages of a topic a group has not consumed yet.
    pub fn backlog(&self, group: &str, topic: &str) -> Result<i64, Failure> {
        self.host()?.broker.backlog(group, topic)
    }

    /// Lets go of the broker, which ends with its last user. A second close does nothing.
    pub fn close(&self) -> Result<(), Failure> {
        user_code::refuse_in_child()?;
        user_code::refuse_inside("close() of a broker")?;
        let lease = self.lock().take();
        lease.map_or(Ok(()), Lease::release)
    }

    fn host(&self) -> Result<Arc<Host>, Failure> {
        user_code::refuse_in_child()?;
        match &*self.lock() {
            Some(lease) => Ok(lease.host.clone()),
            None => Err(Failure::state("this handle of the broker was closed: open a new one")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lease>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        if fork::is_child() || !user_code::is_running() {
            // The lease itself knows what to do in the child of a fork.
            return;
        }
        // Inside a callback its end cannot be waited for: a thread of its own does it.
        let Some(lease) = self.lock().take() else { return };
        let spawned = NamedThread::spawn("ons-shutdown", move || {
            if let Err(failure) = lease.release() {
                warn!("closing the broker: {failure}");
            }
        });
        if let Err(error) = spawned {
            warn!("the broker could not be closed from inside a callback: {error}");
        }
    }
}
