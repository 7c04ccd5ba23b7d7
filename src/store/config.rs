//! Settings of a store and what it runs on.

use crate::sys::clock::Clock;
use crate::sys::disk::Disk;
use crate::sys::scheduler::Scheduler;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What an acknowledged message has survived (RocketMQ's `flushDiskType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlushMode {
    /// `SYNC_FLUSH`: acknowledged = on the device.
    #[default]
    Sync,
    /// `ASYNC_FLUSH`: acknowledged = in the operating system; synced every [`StoreConfig::async_flush_interval`].
    Async,
}

#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The data directory; created when missing.
    pub dir: PathBuf,
    pub flush: FlushMode,
    /// How long messages are kept at the least after they were stored (`fileReservedTime`).
    pub reserved: Duration,
    /// From this share of the file system on, the oldest segments go early (`diskMaxUsedSpaceRatio`), percent.
    pub disk_used_percent_max: u8,
    /// Size of the first segment and of the largest, bytes: segments grow with the load.
    pub segment_bytes_min: u64,
    pub segment_bytes_max: u64,
    /// How long after an ASYNC_FLUSH message its sync is asked for; background work asked for before goes first.
    pub async_flush_interval: Duration,
}

/// From this share of the file system on, new messages are refused, percent.
pub const DISK_USED_PERCENT_REFUSE: u8 = 95;

impl StoreConfig {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            flush: FlushMode::Sync,
            reserved: Duration::from_secs(72 * 3600),
            disk_used_percent_max: 75,
            segment_bytes_min: 16 << 20,
            segment_bytes_max: 256 << 20,
            async_flush_interval: Duration::from_millis(500),
        }
    }
}

/// The outside world of a store, injected.
#[derive(Debug, Clone)]
pub struct Environment {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub scheduler: Arc<Scheduler>,
    /// False: no thread is started, background work runs on the caller's stack at the point that asks for it, so that
    /// a whole run replays from its inputs.
    pub has_threads: bool,
}
