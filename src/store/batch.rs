//! Records on their way to the disk: the bytes of one write, and what is known of each record in them.

use super::append::{Appended, Noted, Waiter, Written};
use super::blocks::RECENT_BYTES_MAX;
use super::envelope::{self, ENVELOPE_BYTES};
use super::publishing::tell;
use super::queue::{Entry, Queue};
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::protocol::request::{SendAnswer, SendSink};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;

/// Buffers are cut from chunks of this size; the parts already written stay in memory as recent blocks.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks become larger, up to this, once a batch outgrows them: it has to be copied each time.
const CHUNK_BYTES_MAX: usize = 4 << 20;
/// How many bytes of full chunks are kept to be used again: fresh memory costs a page fault every 4 KiB. Those that hold
/// the recent blocks, one that is written and one that is over.
const CHUNKS_KEPT_BYTES: usize = RECENT_BYTES_MAX + 2 * CHUNK_BYTES_MAX;
/// How many lists of records are kept to be used again, and how long ones: there is one being filled and one written.
const LISTS_KEPT_MAX: usize = 2;
const LIST_RECORDS_KEPT_MAX: usize = 8192;
/// Among so many queues that a batch met last the next record's is looked for.
const QUEUES_LOOKED_AT: usize = 16;

/// Memory that batches have used and will use again.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// Full chunks, parts of which may still be read; oldest first.
    full: VecDeque<BytesMut>,
    chunk_bytes: usize,
    /// For what is known of the records.
    lists: Vec<Vec<Pending>>,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { full: VecDeque::new(), chunk_bytes: CHUNK_BYTES, lists: Vec::new() }
    }
}

impl Chunks {
    /// Takes back the list of a batch that is written.
    pub(crate) fn put_list(&mut self, list: Vec<Pending>) {
        if self.lists.len() < LISTS_KEPT_MAX && list.capacity() <= LIST_RECORDS_KEPT_MAX {
            self.lists.push(list);
        }
    }

    /// A chunk for a batch that needs `bytes`, and will grow.
    fn take(&mut self, bytes: usize) -> BytesMut {
        if bytes > self.chunk_bytes {
            if bytes > CHUNK_BYTES_MAX {
                return BytesMut::with_capacity(2 * bytes);
            }
            self.chunk_bytes = bytes.next_power_of_two();
        }
        let bytes = self.chunk_bytes;
        let free = self.full.iter_mut().position(|chunk| chunk.try_reclaim(bytes));
        free.and_then(|at| self.full.remove(at)).unwrap_or_else(|| BytesMut::with_capacity(bytes))
    }

    /// Keeps a full chunk until nobody reads it any more, or until others have taken its place.
    fn retire(&mut self, mut chunk: BytesMut) {
        chunk.clear();
        self.full.push_back(chunk);
        if self.full.len() * self.chunk_bytes > CHUNKS_KEPT_BYTES {
            self.full.pop_front();
        }
    }
}

/// A record that was encoded but is not written yet.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Which of the batch's queues; set by [`Batch::push`].
    queue: u32,
    pub(crate) queue_offset: u64,
    pub(crate) entry: Entry,
    pub(crate) store_timestamp_ms: i64,
    pub(crate) noted: Noted,
    waiter: Waiter,
}

impl Pending {
    pub(crate) fn new(queue_offset: u64, entry: Entry, store_timestamp_ms: i64, noted: Noted) -> Self {
        Self { queue: 0, queue_offset, entry, store_timestamp_ms, noted, waiter: Waiter::None }
    }

    fn appended(&self) -> Appended {
        Appended {
            queue_offset: self.queue_offset,
            position: self.entry.address + ENVELOPE_BYTES as u64,
            store_timestamp_ms: self.store_timestamp_ms,
        }
    }
}

/// Records that are written together, all in one segment.
#[derive(Debug)]
pub(crate) struct Batch {
    segment: Arc<Segment>,
    start: u64,
    /// Of all its records.
    generation: u32,
    bytes: BytesMut,
    pending: Vec<Pending>,
    queues: Vec<Arc<Queue>>,
    /// What the blocked callers among the senders wait for.
    written: Option<Arc<Written>>,
    /// Who hears of the sends among the records.
    sinks: Vec<Arc<dyn SendSink>>,
    completions: usize,
}

impl Batch {
    pub(crate) fn new(segment: Arc<Segment>, start: u64, generation: u32) -> Self {
        Self {
            segment,
            start,
            generation,
            bytes: BytesMut::new(),
            pending: Vec::new(),
            queues: Vec::new(),
            written: None,
            sinks: Vec::new(),
            completions: 0,
        }
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The address behind the last record.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn records(&self) -> usize {
        self.pending.len()
    }

    /// How many of the records have a completion.
    pub(crate) fn completions(&self) -> usize {
        self.completions
    }

    pub(crate) fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Adds a record of `queue`, `len` bytes with its envelope; `encode` writes it behind the place of the envelope,
    /// which [`Batch::close_envelopes`] fills in.
    pub(crate) fn push(
        &mut self,
        chunks: &mut Chunks,
        len: usize,
        queue: &Arc<Queue>,
        mut pending: Pending,
        encode: impl FnOnce(&mut BytesMut),
    ) {
        if self.bytes.capacity() - self.bytes.len() < len {
            let mut next = chunks.take(self.bytes.len() + len);
            next.extend_from_slice(&self.bytes);
            chunks.retire(std::mem::replace(&mut self.bytes, next));
        }
        self.bytes.put_bytes(0, ENVELOPE_BYTES);
        encode(&mut self.bytes);
        pending.queue = self.number_of(queue);
        self.pending.push(pending);
    }

    fn number_of(&mut self, queue: &Arc<Queue>) -> u32 {
        let first = self.queues.len().saturating_sub(QUEUES_LOOKED_AT);
        let known = self.queues.iter().skip(first).position(|known| Arc::ptr_eq(known, queue));
        let number = known.map_or(self.queues.len(), |at| first + at);
        if known.is_none() {
            self.queues.push(queue.clone());
        }
        number as u32
    }

    /// Each record's queue.
    pub(crate) fn queue_of(&self, pending: &Pending) -> Option<&Arc<Queue>> {
        self.queues.get(pending.queue as usize)
    }

    /// Adds the mark that ends the segment.
    pub(crate) fn push_mark(&mut self, mark: &[u8]) {
        self.bytes.extend_from_slice(mark);
    }

    /// Completes the records: a checksum reads each once more, which need not happen under the log's lock.
    pub(crate) fn close_envelopes(&mut self) {
        for pending in &self.pending {
            let address = pending.entry.address;
            let from = (address - self.start) as usize;
            let to = from + ENVELOPE_BYTES + pending.entry.len as usize;
            if let Some(bytes) = self.bytes.get_mut(from..to) {
                envelope::close(bytes, address, self.generation);
            }
        }
    }

    /// Says who waits for the record added last.
    pub(crate) fn wait_with(&mut self, waiter: Waiter) {
        self.completions += usize::from(matches!(waiter, Waiter::Completion(_) | Waiter::Sink { .. }));
        if let Some(last) = self.pending.last_mut() {
            last.waiter = waiter;
        }
    }

    /// What the caller who added the last record may wait for, together with the others of the batch.
    pub(crate) fn written(&mut self) -> Arc<Written> {
        self.written.get_or_insert_default().clone()
    }

    /// Says that `sink` waits for the record added last, and calls it `token`.
    pub(crate) fn answer_to(&mut self, sink: &Arc<dyn SendSink>, token: u64) {
        // A batch has the sends of one or two producers as a rule.
        let known = self.sinks.iter().rposition(|known| Arc::ptr_eq(known, sink));
        let index = known.unwrap_or_else(|| {
            self.sinks.push(sink.clone());
            self.sinks.len() - 1
        });
        self.wait_with(Waiter::Sink { index: index as u32, token });
    }

    /// Takes everything out, leaving an empty batch behind it that goes on in the same chunk of memory.
    pub(crate) fn take(&mut self, chunks: &mut Chunks) -> Self {
        let start = self.start;
        self.start = self.end();
        Self {
            segment: self.segment.clone(),
            start,
            generation: self.generation,
            bytes: self.bytes.split(),
            queues: std::mem::take(&mut self.queues),
            pending: std::mem::replace(&mut self.pending, chunks.lists.pop().unwrap_or_default()),
            written: self.written.take(),
            sinks: std::mem::take(&mut self.sinks),
            completions: std::mem::take(&mut self.completions),
        }
    }

    /// The bytes to write. The batch keeps what it knows of the records.
    pub(crate) fn freeze(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }

    /// Tells everybody who waits that the record is stored. Returns the queues that grew (one of many may be named more
    /// than once) and the emptied list.
    pub(crate) fn succeed(self) -> (Vec<Arc<Queue>>, Vec<Pending>) {
        self.finish(None)
    }

    /// Tells everybody who waits that it is not.
    pub(crate) fn fail(self, failure: &Failure) {
        self.finish(Some(failure));
    }

    fn finish(mut self, failure: Option<&Failure>) -> (Vec<Arc<Queue>>, Vec<Pending>) {
        if let Some(written) = self.written.take() {
            written.finish(failure.cloned());
        }
        let result = |pending: &Pending| failure.map_or_else(|| Ok(pending.appended()), |f| Err(f.clone()));
        let mut answers: Vec<Vec<SendAnswer>> = self.sinks.iter().map(|_| Vec::new()).collect();
        if let [only] = answers.as_mut_slice() {
            only.reserve(self.completions);
        }
        for mut pending in self.pending.drain(..) {
            match std::mem::replace(&mut pending.waiter, Waiter::None) {
                Waiter::Sink { index, token } => {
                    let queue_id = self.queues.get(pending.queue as usize).map_or(0, |queue| queue.id());
                    let result = result(&pending).map(|appended| appended.response(queue_id));
                    if let Some(answers) = answers.get_mut(index as usize) {
                        answers.push(SendAnswer { token, result });
                    }
                }
                Waiter::None => {}
                waiter => waiter.finish(result(&pending)),
            }
        }
        for (sink, answers) in self.sinks.into_iter().zip(answers) {
            tell("a receiver of answers", || sink.answered(answers));
        }
        (self.queues, self.pending)
    }

    /// Gives the places in the queues back. The caller holds the log's lock.
    pub(crate) fn unassign(&self) {
        for pending in &self.pending {
            if let Some(queue) = self.queue_of(pending) {
                queue.unassign(pending.queue_offset);
            }
        }
    }
}
