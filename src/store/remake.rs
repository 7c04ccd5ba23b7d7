//! An index file that turns out damaged when it is read is made anew from its segment, then and there.

use super::index_file::{IndexContent, IndexFile, Key, QueuePart};
use super::inner::Inner;
use super::queue::{Entry, LOST, Queue, Span};
use super::segment::Segment;
use super::shared::{Shared, lock};
use super::walk::{Step, Walk};
use crate::protocol::failure::{Failure, FailureKind};
use crate::sys::disk::Disk;
use std::sync::Arc;

impl Inner {
    /// [`Queue::entries`], with a damaged index file made anew.
    pub(crate) fn entries(&self, queue: &Queue, offset: u64, max: usize) -> Result<Vec<Entry>, Failure> {
        let file = queue.index_at(offset);
        match (queue.entries(offset, max), file) {
            (Err(failure), Some(file)) if failure.kind == FailureKind::Corrupt => {
                self.remake(&file, &failure)?;
                queue.entries(offset, max)
            }
            (outcome, _) => outcome,
        }
    }

    /// [`IndexFile::keys`], with a damaged file made anew.
    pub(crate) fn keys(&self, file: &Arc<IndexFile>) -> Result<Vec<Key>, Failure> {
        match file.keys() {
            Err(failure) if failure.kind == FailureKind::Corrupt => match self.remake(file, &failure)? {
                Some(anew) => anew.keys(),
                None => Ok(Vec::new()),
            },
            outcome => outcome,
        }
    }

    /// The file in place of a damaged one. `None`: its segment is gone.
    fn remake(&self, damaged: &Arc<IndexFile>, why: &Failure) -> Result<Option<Arc<IndexFile>>, Failure> {
        let _one_at_a_time = lock(&self.remaking);
        let held = self.shared.segments.used().into_iter().find(|held| held.segment.base() == damaged.base);
        let Some((segment, Some(index))) = held.map(|held| (held.segment, held.index)) else {
            return Ok(None);
        };
        if !Arc::ptr_eq(&index, damaged) {
            return Ok(Some(index));
        }
        log::error!("{why}: it is made anew from the log");
        let known = derive(&self.environment.disk, &segment, damaged.end)?;
        let spans: Vec<(Arc<Queue>, Span)> = self
            .shared
            .queues()
            .into_iter()
            .filter_map(|queue| queue.span_of(damaged).map(|span| (queue, span)))
            .collect();
        let content = content(&known, &segment, damaged, &spans);
        let written = IndexFile::write(self.environment.disk.as_ref(), segment.path(), &content);
        let anew = written.or_else(|failure| {
            log::warn!("{failure}: what it should say is kept in memory until the store is opened again");
            damaged.in_memory(&content)
        })?;
        let mut at = 0;
        for (queue, span) in spans {
            queue.replace_span(damaged, Span { at, file: anew.clone(), ..span });
            at += span.count;
        }
        self.shared.segments.set_index(segment.base(), anew.clone());
        Ok(Some(anew))
    }
}

/// What a finished segment's own records say, up to `end`.
fn derive(disk: &Arc<dyn Disk>, segment: &Segment, end: u64) -> Result<Shared, Failure> {
    let known = Shared::scratch(disk.clone());
    let mut walk = Walk::new(segment, segment.base(), segment.generation());
    while walk.at() < end {
        match walk.step()? {
            Step::Record { address, record, .. } => {
                // What has no place is lost to the queue, as it is at the next open.
                let _ = known.adopt_record(segment, address, &record);
            }
            Step::Damaged { .. } => {}
            Step::EndOfSegment | Step::End { .. } => break,
        }
    }
    Ok(known)
}

/// The queues' parts are as long as they were: what the log does not have any more is lost.
fn content(
    known: &Shared,
    segment: &Segment,
    damaged: &IndexFile,
    spans: &[(Arc<Queue>, Span)],
) -> IndexContent {
    let (mut content, _) = known.content_of(segment, true);
    content.end = damaged.end;
    content.last_stored_ms = damaged.last_stored_ms;
    content.log_generation = damaged.log_generation;
    let lost = Entry { address: LOST, len: 0, tag_hash: 0 };
    content.queues = spans
        .iter()
        .map(|(queue, span)| {
            let own = known.queue(queue.topic(), queue.id());
            let (first, found) = own.map_or((span.first, Vec::new()), |own| own.recent_below(segment.end()));
            let entry = |offset: u64| {
                let at = usize::try_from(offset.checked_sub(first)?).ok()?;
                found.get(at).copied()
            };
            QueuePart {
                topic: queue.topic().clone(),
                queue_id: queue.id(),
                first: span.first,
                entries: (span.first..span.first + span.count).map(|at| entry(at).unwrap_or(lost)).collect(),
            }
        })
        .collect();
    content
}
