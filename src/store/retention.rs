//! Old segments go as a whole, consumed or not; earlier when the disk fills, and then the log says so.

use super::config::DISK_USED_PERCENT_REFUSE;
use super::error::io_failure;
use super::inner::Inner;
use super::metadata::{Batch, MetaTable};
use super::segments::Held;
use crate::protocol::failure::{Failure, FailureKind};

impl Inner {
    pub(crate) fn retain(&self) -> Result<(), Failure> {
        let now = self.environment.clock.wall_ms();
        let reserved_ms = i64::try_from(self.config.reserved.as_millis()).unwrap_or(i64::MAX);
        let finished = self.finished();
        let stored_ms = stored_before(&finished, now);
        for (held, stored_ms) in finished.into_iter().zip(stored_ms) {
            if stored_ms.saturating_add(reserved_ms) >= now {
                break;
            }
            log::info!(
                "{} is deleted: everything in it is older than {reserved_ms} ms",
                held.segment.path().display()
            );
            self.delete(held, true)?;
        }
        self.heed_space()
    }

    fn heed_space(&self) -> Result<(), Failure> {
        let limit = self.config.disk_used_percent_max;
        let mut used = self.used_percent()?;
        if used >= u64::from(limit) && self.shared.segments.remove_spare()? {
            used = self.used_percent()?;
        }
        for held in self.finished() {
            if used < u64::from(limit) {
                break;
            }
            let path = held.segment.path().display();
            log::warn!(
                "{path} is deleted before its time: the disk is {used} % full, DiskMaxUsedSpaceRatio is {limit}"
            );
            self.delete(held, false)?;
            used = self.used_percent()?;
        }
        if used >= u64::from(DISK_USED_PERCENT_REFUSE) {
            let dir = self.config.dir.display();
            self.log.refuse_for_space(Failure::new(
                FailureKind::DiskFull,
                format!(
                    "the disk of {dir} is {used} % full, new messages are refused from {DISK_USED_PERCENT_REFUSE} % on. \
                     Free disk space, or lower FileReservedTime; reading goes on"
                ),
            ));
        } else {
            self.log.accept_again();
        }
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

    fn used_percent(&self) -> Result<u64, Failure> {
        let dir = &self.config.dir;
        let space =
            self.environment.disk.space(dir).map_err(|e| io_failure("measure the disk space of", dir, &e))?;
        let used = space.total_bytes.saturating_sub(space.available_bytes);
        Ok(used.saturating_mul(100).checked_div(space.total_bytes).unwrap_or(0))
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
        self.shared.segments.retire(base, may_keep_file)
    }
}

/// Of each segment a time before which all of it was stored. A clock that was ahead and was set right leaves times that
/// are still to come: such a segment was stored before the one behind it.
fn stored_before(finished: &[Held], now_ms: i64) -> Vec<i64> {
    let mut behind = i64::MAX;
    let mut times: Vec<i64> = Vec::with_capacity(finished.len());
    for held in finished.iter().rev() {
        let own = held.index.as_ref().map_or(i64::MAX, |index| index.last_stored_ms);
        behind = if own <= now_ms { own } else { behind };
        times.push(behind);
    }
    times.reverse();
    times
}

/// `topic@id`: '@' is in no topic.
pub(crate) fn floor_key(topic: &str, id: i32) -> String {
    format!("{topic}@{id}")
}

pub(crate) fn parse_floor_key(key: &[u8]) -> Option<(&str, i32)> {
    let (topic, id) = std::str::from_utf8(key).ok()?.rsplit_once('@')?;
    Some((topic, id.parse().ok()?))
}
