//! Records on their way to the disk: the bytes of one write, and what is known of each record in them.

use super::append::{Appended, Noted, Waiter};
use super::envelope::ENVELOPE_BYTES;
use super::publishing::tell;
use super::queue::{Entry, Queue};
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::protocol::request::{SendAnswer, SendSink};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// Buffers are cut from chunks of this size; the parts already written stay in memory as recent blocks.
const CHUNK_BYTES: usize = 1 << 20;

/// A record that was encoded but is not written yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) queue: Arc<Queue>,
    pub(crate) queue_offset: u64,
    pub(crate) entry: Entry,
    pub(crate) store_timestamp_ms: i64,
    pub(crate) noted: Noted,
    pub(crate) waiter: Waiter,
}

impl Pending {
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
    bytes: BytesMut,
    pending: Vec<Pending>,
    /// Who hears of the sends among the records.
    sinks: Vec<Arc<dyn SendSink>>,
    completions: usize,
}

impl Batch {
    pub(crate) fn new(segment: Arc<Segment>, start: u64) -> Self {
        Self {
            segment,
            start,
            bytes: BytesMut::new(),
            pending: Vec::new(),
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

    /// Adds a record of `len` bytes, written by `encode`.
    pub(crate) fn push(&mut self, len: usize, pending: Pending, encode: impl FnOnce(&mut BytesMut)) {
        if self.bytes.capacity() - self.bytes.len() < len {
            self.bytes.reserve(len.max(CHUNK_BYTES));
        }
        encode(&mut self.bytes);
        self.pending.push(pending);
    }

    /// Adds bytes that are no record.
    pub(crate) fn push_mark(&mut self, mark: &[u8]) {
        self.bytes.extend_from_slice(mark);
    }

    /// Says who waits for the record added last.
    pub(crate) fn wait_with(&mut self, waiter: Waiter) {
        self.completions += usize::from(matches!(waiter, Waiter::Completion(_) | Waiter::Sink { .. }));
        if let Some(last) = self.pending.last_mut() {
            last.waiter = waiter;
        }
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
    pub(crate) fn take(&mut self) -> Self {
        let start = self.start;
        self.start = self.end();
        let capacity = self.pending.len().min(1024);
        Self {
            segment: self.segment.clone(),
            start,
            bytes: self.bytes.split(),
            pending: std::mem::replace(&mut self.pending, Vec::with_capacity(capacity)),
            sinks: std::mem::take(&mut self.sinks),
            completions: std::mem::take(&mut self.completions),
        }
    }

    /// The bytes to write. The batch keeps what it knows of the records.
    pub(crate) fn freeze(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }

    /// Tells everybody who waits that the record is stored.
    pub(crate) fn succeed(self) {
        self.finish(|pending| Ok(pending.appended()));
    }

    /// Tells everybody who waits that it is not.
    pub(crate) fn fail(self, failure: &Failure) {
        self.finish(|_| Err(failure.clone()));
    }

    fn finish(self, result: impl Fn(&Pending) -> Result<Appended, Failure>) {
        let mut answers: Vec<Vec<SendAnswer>> = self.sinks.iter().map(|_| Vec::new()).collect();
        if let [only] = answers.as_mut_slice() {
            only.reserve(self.completions);
        }
        for mut pending in self.pending {
            match std::mem::replace(&mut pending.waiter, Waiter::None) {
                Waiter::Sink { index, token } => {
                    let result = result(&pending).map(|appended| appended.response(pending.queue.id()));
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
    }

    /// Gives the places in the queues back. The caller holds the log's lock.
    pub(crate) fn unassign(&self) {
        for pending in &self.pending {
            pending.queue.unassign(pending.queue_offset);
        }
    }
}
