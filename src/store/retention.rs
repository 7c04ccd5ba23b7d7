//! Old segments go as a whole, consumed or not; earlier when the disk fills, and then the log says so.

use super::age::Ages;
use super::config::DISK_USED_PERCENT_REFUSE;
use super::error::io_failure;
use super::inner::Inner;
use super::metadata::{Batch, MetaTable};
use super::segments::Held;
use super::shared::lock;
use crate::protocol::failure::{Failure, FailureKind};
use std::path::PathBuf;

/// So many looks at the disk go by at the most before deleting for space, which was in vain, is tried again: an hour.
const SKIPPED_MAX: u32 = 60;

/// What retention remembers from one look to the next.
#[derive(Debug)]
pub(crate) struct Retention {
    pub(crate) ages: Ages,
    relief: Relief,
}

impl Retention {
    pub(crate) fn new(ages: Ages) -> Self {
        Self { ages, relief: Relief::default() }
    }
}

/// Whether deleting for space helps.
#[derive(Debug, Default)]
struct Relief {
    /// What all but the log takes, should no more than a quarter have come back of what was deleted last: what comes and
    /// goes beside it on the disk does not count, and a file system that compresses gives back less than a segment's size.
    in_vain: Option<i64>,
    /// Looks that went by since, and how many are to.
    skipped: u32,
    to_skip: u32,
}

impl Relief {
    /// Whether to delete at this look, at which all but the log takes so many bytes.
    fn is_due(&mut self, others: i64) -> bool {
        if self.in_vain.is_none_or(|in_vain| others < in_vain) {
            *self = Self { to_skip: 1, ..Self::default() };
            return true;
        }
        if self.skipped < self.to_skip {
            self.skipped += 1;
            return false;
        }
        (self.skipped, self.to_skip) = (0, (2 * self.to_skip).min(SKIPPED_MAX));
        true
    }

    fn deleted(&mut self, others: i64, bytes: u64) {
        if bytes > 0 {
            self.in_vain = Some(others.saturating_add_unsigned(bytes - bytes / 4));
        }
    }
}

/// How full the disk of the log is.
#[derive(Debug)]
struct Look {
    used: u64,
    total: u64,
    /// Used by all but the segments; only how it changes means something, because a file system may compress.
    others: i64,
}

impl Look {
    /// The share in use once so many bytes more have come back.
    fn percent_without(&self, freed: u64) -> u64 {
        self.used.saturating_sub(freed).saturating_mul(100).checked_div(self.total).unwrap_or(0)
    }
}

impl Inner {
    pub(crate) fn retain(&self) -> Result<(), Failure> {
        let look = self.look();
        let limit = u64::from(self.config.disk_used_percent_max);
        let is_short = look.as_ref().is_ok_and(|look| look.percent_without(0) >= limit);
        if look.is_ok() && !is_short {
            // What was in vain once need not be the next time.
            lock(&self.retention).relief = Relief::default();
        }
        // First of all: on a full disk it may be the room that the metadata need, without which nothing is deleted. What
        // it has given shows at the next look.
        let gave_spare = is_short && self.shared.segments.remove_spare()?;
        let outcome = match (self.delete_old(!is_short), look) {
            (Ok(freed), Ok(look)) if is_short && !gave_spare => self.delete_for_space(&look, freed),
            (Err(failure), _) if failure.kind == FailureKind::DiskFull => {
                self.shared.segments.remove_spare().and(Err(failure))
            }
            (deleted, _) => deleted.map(drop),
        };
        self.refuse_or_accept()?;
        outcome
    }

    /// Deletes what is past its time. How many bytes came back.
    fn delete_old(&self, may_keep_file: bool) -> Result<u64, Failure> {
        let finished = self.finished();
        let ages = lock(&self.retention).ages.of(&finished, self.environment.clock.as_ref());
        let mut freed = 0;
        for (held, age) in finished.into_iter().zip(ages) {
            if age <= self.config.reserved {
                break;
            }
            let (path, hours) = (held.segment.path().display(), self.config.reserved.as_secs_f64() / 3600.0);
            log::info!("{path} is deleted: everything in it is older than {hours} h");
            let bytes = held.segment.capacity();
            self.delete(held, may_keep_file)?;
            freed += if may_keep_file { 0 } else { bytes };
        }
        Ok(freed)
    }

    /// Deletes the oldest, so much of it as brings the disk below its limit by the sizes of the segments: what the file
    /// system says is not asked in between. Some show only after a while what a deleted file has given back, and as long
    /// as somebody else holds the file (a snapshot, a forked child), nothing comes back at all. `freed`: so many bytes are
    /// to come back already.
    fn delete_for_space(&self, look: &Look, mut freed: u64) -> Result<(), Failure> {
        let limit = self.config.disk_used_percent_max;
        let used = look.percent_without(0);
        if !lock(&self.retention).relief.is_due(look.others) {
            let log_dir = self.log_dir();
            log::warn!(
                "the disk of {} is {used} % full, DiskMaxUsedSpaceRatio is {limit}, and what was deleted last has \
                 not come back: no more is deleted for now",
                log_dir.display()
            );
            return Ok(());
        }
        let mut outcome = Ok(());
        for held in self.finished() {
            if outcome.is_err() || look.percent_without(freed) < u64::from(limit) {
                break;
            }
            let path = held.segment.path().display();
            log::warn!(
                "{path} is deleted before its time: the disk is {used} % full, DiskMaxUsedSpaceRatio is {limit}"
            );
            freed += held.segment.capacity();
            outcome = self.delete(held, false);
        }
        lock(&self.retention).relief.deleted(look.others, freed);
        outcome
    }

    fn refuse_or_accept(&self) -> Result<(), Failure> {
        let used = self.look()?.percent_without(0);
        if used < u64::from(DISK_USED_PERCENT_REFUSE) {
            self.log.accept_again();
            return Ok(());
        }
        let log_dir = self.log_dir();
        self.log.refuse_for_space(Failure::new(
            FailureKind::DiskFull,
            format!(
                "the disk of {} is {used} % full, new messages are refused from {DISK_USED_PERCENT_REFUSE} % on. \
                 Free disk space, or lower FileReservedTime; reading goes on",
                log_dir.display()
            ),
        ));
        Ok(())
    }

    /// Segments with an index, oldest first, without the one in use.
    fn finished(&self) -> Vec<Held> {
        let (current, _) = self.log.end();
        let used = self.shared.segments.used();
        used.into_iter()
            .take_while(|held| {
                held.index.as_ref().is_some_and(|i| i.is_complete) && held.segment.base() < current.base()
            })
            .collect()
    }

    /// Of the log's directory itself: it may be a link, or have a disk of its own.
    fn look(&self) -> Result<Look, Failure> {
        let log_dir = self.log_dir();
        let space = self.environment.disk.space(&log_dir);
        let space = space.map_err(|e| io_failure("measure the disk space of", &log_dir, &e))?;
        let used = space.total_bytes.saturating_sub(space.available_bytes);
        let others =
            i64::try_from(used).unwrap_or(i64::MAX).saturating_sub_unsigned(self.shared.segments.bytes());
        Ok(Look { used, total: space.total_bytes, others })
    }

    fn log_dir(&self) -> PathBuf {
        self.config.dir.join("log")
    }

    /// First the queues' next offsets, durably: a queue that loses its last record must not begin at 0 again.
    /// `may_keep_file`: for the next segment.
    fn delete(&self, held: Held, may_keep_file: bool) -> Result<(), Failure> {
        let Some(index) = &held.index else { return Ok(()) };
        let mut batch = Batch::default();
        for queue in self.shared.queues() {
            if queue.span_of(index).is_some() {
                let key = floor_key(queue.topic(), queue.id());
                batch.put(MetaTable::QueueFloors, key.as_bytes(), &queue.max_offset().to_be_bytes());
            }
        }
        // No next offset runs ahead of the log.
        self.sync_log()?;
        // Twice: should the last commit be damaged and the file go back to the one before, this is in there too.
        self.commit(&batch)?;
        self.commit(&batch)?;
        self.shared.queues().iter().for_each(|queue| queue.drop_spans_of(index));
        self.cold.clear();
        let base = held.segment.base();
        drop(held);
        lock(&self.retention).ages.forget(base);
        self.shared.segments.retire(base, may_keep_file)
    }
}

/// `topic@id`: '@' is in no topic.
pub(crate) fn floor_key(topic: &str, id: i32) -> String {
    format!("{topic}@{id}")
}

pub(crate) fn parse_floor_key(key: &[u8]) -> Option<(&str, i32)> {
    let (topic, id) = std::str::from_utf8(key).ok()?.rsplit_once('@')?;
    Some((topic, id.parse().ok()?))
}
