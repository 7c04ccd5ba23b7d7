//! One consume queue: which records, in order. It is derived from the log and never written by itself: entries of
//! segments in use are in memory, those of finished segments in the segment's index file ([`super::index_file`]).

use super::append::topic_hash;
use super::index_file::IndexFile;
use crate::protocol::failure::Failure;
use crate::sys::sync::atomic::{AtomicU64, Ordering};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

/// What a queue knows of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Log address of the record's envelope. [`LOST`]: the record was damaged, its place in the queue stays empty.
    pub(crate) address: u64,
    /// Length of the record, without envelope.
    pub(crate) len: u32,
    /// Java's 32-bit hash of the tag.
    pub(crate) tag_hash: i32,
}

/// The address of an entry whose record could not be recovered.
pub(crate) const LOST: u64 = u64::MAX;
const LOST_ENTRY: Entry = Entry { address: LOST, len: 0, tag_hash: 0 };
/// Behind the index files, so many missing records are no damaged ones, but those of segments that were deleted.
const HOLE_MIN: u64 = 1 << 16;

/// A topic's queue.
#[derive(Debug)]
pub struct Queue {
    topic: Arc<str>,
    id: i32,
    /// CRC-32C of the topic: where the key index starts from.
    topic_hash: u32,
    /// The offset the next appended record gets; only moved with the log's lock held.
    assigned: OwnLine<AtomicU64>,
    readable: OwnLine<Mutex<Readable>>,
}

/// Alone in its cache line: senders assign offsets while another thread makes records readable, and all read the rest.
#[derive(Debug, Default)]
#[repr(align(64))]
struct OwnLine<T>(T);

/// The records consumers may see.
#[derive(Debug, Default)]
struct Readable {
    /// Entries in index files, oldest first.
    spans: VecDeque<Span>,
    /// Offset of `recent[0]`.
    recent_first: u64,
    /// Entries of segments without an index file.
    recent: VecDeque<Entry>,
}

/// The part of a queue that lies in one finished segment.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Index of the first entry among the index file's entries.
    pub(crate) at: u64,
    pub(crate) file: Arc<IndexFile>,
}

impl Queue {
    pub(crate) fn new(topic: Arc<str>, id: i32) -> Self {
        let topic_hash = topic_hash(&topic);
        Self { topic, id, topic_hash, assigned: OwnLine::default(), readable: OwnLine::default() }
    }

    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub fn id(&self) -> i32 {
        self.id
    }

    pub(crate) fn topic_hash(&self) -> u32 {
        self.topic_hash
    }

    /// The oldest offset that can still be read.
    pub fn min_offset(&self) -> u64 {
        self.lock().min()
    }

    /// The offset the next readable message will have.
    pub fn max_offset(&self) -> u64 {
        self.lock().max()
    }

    /// Takes the next offset. The caller holds the log's lock.
    pub(crate) fn assign(&self) -> u64 {
        self.assigned.0.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives back `offset` and all after it: their records were not written. The caller holds the log's lock.
    pub(crate) fn unassign(&self, offset: u64) {
        self.assigned.0.fetch_min(offset, Ordering::Relaxed);
    }

    /// Makes a record readable. Records of a queue come in order; an offset that was jumped over is a lost record.
    /// False: another record has the offset, or none can have it.
    pub(crate) fn publish(&self, offset: u64, entry: Entry) -> bool {
        let mut readable = self.lock();
        if readable.max() == 0 && readable.spans.is_empty() && readable.recent.is_empty() {
            // The first record this queue sees again after older ones were deleted.
            readable.recent_first = offset;
        }
        if is_too_far(readable.max(), offset, entry.address) {
            return false;
        }
        readable.go_on_at(offset);
        let is_next = readable.max() == offset;
        if is_next {
            readable.recent.push_back(entry);
        }
        // As a rule it is further already: only recovery publishes what was not assigned before.
        if self.assigned.0.load(Ordering::Relaxed) <= offset {
            self.assigned.0.fetch_max(offset + 1, Ordering::Relaxed);
        }
        is_next
    }

    /// Whether `first` is the offset behind all that is known, or nothing is known.
    pub(crate) fn goes_on_at(&self, first: u64) -> bool {
        let readable = self.lock();
        readable.max() == first || readable.max() == 0
    }

    /// A queue whose youngest records were deleted goes on at `next`; one that has some beyond it stays as it is.
    pub(crate) fn raise(&self, next: u64) {
        let mut readable = self.lock();
        if readable.spans.is_empty() && readable.recent.is_empty() {
            readable.recent_first = readable.recent_first.max(next);
        }
        // Older ones are left if the file of their segment could not be removed.
        readable.go_on_at(next);
        self.assigned.0.fetch_max(readable.max(), Ordering::Relaxed);
    }

    /// Adds the part of the queue that an index file holds; spans come oldest first, before any `publish`. One that
    /// begins below the end of the one before is not added: what that one's file is called.
    pub(crate) fn add_span(&self, span: Span) -> Result<(), PathBuf> {
        let mut readable = self.lock();
        let next = span.first + span.count;
        match readable.spans.back() {
            Some(before) if span.first < readable.recent_first => return Err(before.file.path().to_owned()),
            _ => {}
        }
        readable.spans.push_back(span);
        readable.recent_first = next;
        self.assigned.0.fetch_max(next, Ordering::Relaxed);
        Ok(())
    }

    /// Entries below the address `end`, which a finished segment's index file is about to hold: first offset, entries.
    pub(crate) fn recent_below(&self, end: u64) -> (u64, Vec<Entry>) {
        let readable = self.lock();
        let count = readable.count_below(end);
        (readable.recent_first, readable.recent.iter().take(count).copied().collect())
    }

    /// Replaces the oldest entries in memory by their index file.
    pub(crate) fn finish_span(&self, span: Span) {
        let mut readable = self.lock();
        let count = (span.count as usize).min(readable.recent.len());
        readable.recent.drain(..count);
        readable.recent_first += count as u64;
        // Gives memory back after a burst.
        if readable.recent.capacity() > 4 * readable.recent.len() + 1024 {
            readable.recent.shrink_to_fit();
        }
        readable.spans.push_back(span);
    }

    /// Forgets all records, because the store is gone.
    pub(crate) fn forget(&self) {
        let mut readable = self.lock();
        *readable = Readable { recent_first: readable.max(), ..Readable::default() };
    }

    /// The part of the queue that an index file holds, if it does.
    pub(crate) fn span_of(&self, file: &Arc<IndexFile>) -> Option<Span> {
        self.lock().spans.iter().find(|span| Arc::ptr_eq(&span.file, file)).cloned()
    }

    /// Goes on with another file of the same entries.
    pub(crate) fn replace_span(&self, file: &Arc<IndexFile>, by: Span) {
        let mut readable = self.lock();
        if let Some(span) = readable.spans.iter_mut().find(|span| Arc::ptr_eq(&span.file, file)) {
            *span = by;
        }
    }

    /// The index file that holds an offset's entry, if one does.
    pub(crate) fn index_at(&self, offset: u64) -> Option<Arc<IndexFile>> {
        let readable = self.lock();
        let at = readable.spans.partition_point(|span| span.first + span.count <= offset);
        readable.spans.get(at).filter(|span| span.first <= offset).map(|span| span.file.clone())
    }

    /// Its offsets segment by segment, oldest first; with the latest store time in the segment, where an index file says
    /// it. `ends`: where the segments without one end.
    pub(crate) fn parts(&self, ends: &[u64]) -> Vec<(Range<u64>, Option<i64>)> {
        let readable = self.lock();
        let in_file = |span: &Span| (span.first..span.first + span.count, Some(span.file.last_stored_ms));
        let mut parts: Vec<_> = readable.spans.iter().map(in_file).collect();
        let mut from = readable.recent_first;
        // Behind all of them is what came since they were looked up.
        let behind = |end: &u64| readable.recent_first + readable.count_below(*end) as u64;
        for to in ends.iter().map(behind).chain([readable.max()]) {
            if from < to {
                parts.push((from..to, None));
                from = to;
            }
        }
        parts
    }

    /// The youngest index file that holds entries.
    pub(crate) fn last_index(&self) -> Option<PathBuf> {
        self.lock().spans.back().map(|span| span.file.path().to_owned())
    }

    /// Forgets what an index file held, because its segment goes away.
    pub(crate) fn drop_spans_of(&self, file: &Arc<IndexFile>) {
        self.lock().spans.retain(|span| !Arc::ptr_eq(&span.file, file));
    }

    /// Up to `max` entries from `offset` on. Empty outside the queue.
    pub(crate) fn entries(&self, offset: u64, max: usize) -> Result<Vec<Entry>, Failure> {
        let span = {
            let readable = self.lock();
            if offset >= readable.recent_first {
                let skip = usize::try_from(offset - readable.recent_first).unwrap_or(usize::MAX);
                return Ok(readable.recent.iter().skip(skip).take(max).copied().collect());
            }
            let at = readable.spans.partition_point(|span| span.first + span.count <= offset);
            match readable.spans.get(at) {
                Some(span) if span.first <= offset => span.clone(),
                _ => return Ok(Vec::new()),
            }
        };
        // Outside the lock: this reads a file.
        let skip = offset - span.first;
        let count = (span.count - skip).min(max as u64);
        span.file.entries(span.at + skip, count)
    }

    /// The first offset from `offset` on that has an entry, or the end of the queue. There are holes when the file of an
    /// old segment could not be removed and those of younger ones could.
    pub(crate) fn behind_hole(&self, offset: u64) -> u64 {
        let readable = self.lock();
        let behind = readable.spans.partition_point(|span| span.first + span.count <= offset);
        let next = readable.spans.get(behind).map_or(readable.recent_first, |span| span.first);
        next.max(offset).min(readable.max())
    }

    fn lock(&self) -> MutexGuard<'_, Readable> {
        self.readable.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether more records would be missing in front of the one at a log address than there can be in the log.
pub(crate) fn is_too_far(next: u64, offset: u64, address: u64) -> bool {
    next > 0 && offset.saturating_sub(next) > address
}

impl Readable {
    fn min(&self) -> u64 {
        self.spans.front().map_or(self.recent_first, |span| span.first)
    }

    fn max(&self) -> u64 {
        self.recent_first + self.recent.len() as u64
    }

    /// Makes `next` the end, unless it is further already. What is missing in front of it is lost, or is a hole.
    fn go_on_at(&mut self, next: u64) {
        if self.recent.is_empty() && next.saturating_sub(self.max()) >= HOLE_MIN {
            self.recent_first = next;
        }
        while self.max() < next {
            self.recent.push_back(LOST_ENTRY);
        }
    }

    /// How many of the oldest entries in memory lie below a log address; a lost record goes with its successor.
    fn count_below(&self, end: u64) -> usize {
        let is_below = |entry: &Entry| entry.address < end;
        self.recent.iter().rposition(is_below).map_or(0, |last| last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index_file::IndexContent;
    use crate::sys::sim_disk::SimDisk;
    use std::path::Path;

    const ENTRY: Entry = Entry { address: 1 << 40, len: 1, tag_hash: 0 };

    /// One that has ten entries in an index file.
    fn queue() -> Queue {
        let queue = Queue::new("T".into(), 0);
        let file = IndexFile::write(&SimDisk::new(), Path::new("/0.log"), &IndexContent::default()).unwrap();
        queue.add_span(Span { first: 0, count: 10, at: 0, file }).unwrap();
        queue
    }

    #[test]
    fn what_deleted_segments_held_takes_no_memory() {
        const FAR: u64 = 1 << 24;
        let (published, raised) = (queue(), queue());
        assert!(published.publish(FAR, ENTRY));
        raised.raise(FAR);
        assert!(raised.publish(FAR, ENTRY));
        for queue in [published, raised] {
            assert_eq!((queue.min_offset(), queue.max_offset(), queue.lock().recent.len()), (0, FAR + 1, 1));
            assert_eq!((queue.behind_hole(9), queue.behind_hole(10), queue.behind_hole(FAR)), (9, FAR, FAR));
            assert_eq!(queue.entries(10, 9).unwrap(), []);
            assert_eq!(queue.entries(FAR, 9).unwrap(), [ENTRY]);
            assert!(!queue.publish(FAR - 1, ENTRY));
        }
    }

    #[test]
    fn a_damaged_record_behind_an_index_file_keeps_its_place() {
        let queue = queue();
        assert!(queue.publish(12, ENTRY));
        assert_eq!(queue.entries(10, 9).unwrap(), [LOST_ENTRY, LOST_ENTRY, ENTRY]);
    }
}
