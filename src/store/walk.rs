//! Going through a segment record by record, over places that are damaged.

use super::envelope::{self, ENVELOPE_BYTES, Envelope};
use super::segment::Segment;
use crate::protocol::failure::Failure;
use crate::protocol::record::{RECORD_BYTES_MAX, peek_len, peek_position};
use bytes::Bytes;

/// How much of a segment is read at once.
const SCAN_BYTES: usize = 1 << 20;
/// So many zero bytes in a row are taken for the part of a segment that was never written. Longer than any record.
const ZEROES_END: u64 = RECORD_BYTES_MAX as u64 + (4 << 10);
/// Enough of a record to see whether one may begin there.
const PEEK_BYTES: usize = ENVELOPE_BYTES + 36;

/// What comes next in a segment.
#[derive(Debug)]
pub(crate) enum Step {
    Record {
        address: u64,
        generation: u32,
        record: Bytes,
    },
    /// What stands from `from` to `to` is no record; an intact one, or the end mark, follows.
    Damaged {
        from: u64,
        to: u64,
    },
    /// The mark that the log went on in the next segment.
    EndOfSegment,
    /// Nothing intact follows.
    End {
        at: u64,
        tail: Tail,
    },
}

/// What stands where nothing intact follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeroes, or no room: nothing was ever written there.
    Blank,
    /// Bytes that say they are a record of this place: its append was cut off, or it was damaged later.
    Record,
    /// Anything else, such as what a recycled file held before.
    Other,
}

#[derive(Debug)]
pub(crate) struct Walk<'a> {
    segment: &'a Segment,
    window: Window,
    at: u64,
    generation: u32,
}

impl<'a> Walk<'a> {
    /// From the address `at` on; records of lower generations than `generation` are left over from before.
    pub(crate) fn new(segment: &'a Segment, at: u64, generation: u32) -> Self {
        Self { segment, window: Window { start: at, bytes: Bytes::new() }, at, generation }
    }

    /// The address behind the last step.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// From here on, records of lower generations than this are left over as well.
    pub(crate) fn raise_generation(&mut self, generation: u32) {
        self.generation = self.generation.max(generation);
    }

    /// The next step. After [`Step::EndOfSegment`] and [`Step::End`] the walk is over.
    pub(crate) fn step(&mut self) -> Result<Step, Failure> {
        let at = self.at;
        if at + ENVELOPE_BYTES as u64 > self.segment.end() {
            return Ok(Step::End { at, tail: Tail::Blank });
        }
        let bytes = self.window.at(self.segment, at)?;
        match envelope::open(&bytes, at, self.generation) {
            Envelope::Record { len, generation } => {
                self.generation = generation;
                self.at += (ENVELOPE_BYTES + len) as u64;
                let record = bytes.slice(ENVELOPE_BYTES..ENVELOPE_BYTES + len);
                Ok(Step::Record { address: at, generation, record })
            }
            Envelope::EndOfSegment => Ok(Step::EndOfSegment),
            found @ (Envelope::Nothing | Envelope::Damaged { .. }) => match self.find_next(at)? {
                Some(to) => {
                    self.at = to;
                    Ok(Step::Damaged { from: at, to })
                }
                None if found == Envelope::Nothing => Ok(Step::End { at, tail: Tail::Blank }),
                None => Ok(Step::End { at, tail: tail_of(&bytes, at, self.generation) }),
            },
        }
    }

    /// Whether an intact record comes next, with no damage in front of it.
    pub(crate) fn is_record_next(&mut self) -> Result<bool, Failure> {
        let bytes = self.window.at(self.segment, self.at)?;
        Ok(matches!(envelope::open(&bytes, self.at, self.generation), Envelope::Record { .. }))
    }

    /// The next intact envelope behind a damaged place, unless only zeroes follow.
    fn find_next(&self, damaged: u64) -> Result<Option<u64>, Failure> {
        let mut window = self.window.clone();
        let mut inside = Window { start: damaged, bytes: Bytes::new() };
        let mut at = damaged + 1;
        let mut zeroes = 0;
        while at + ENVELOPE_BYTES as u64 <= self.segment.end() {
            let bytes = window.peek(self.segment, at)?;
            if bytes.len() < ENVELOPE_BYTES {
                // The file is shorter than its header says.
                return Ok(None);
            }
            // What begins in the last bytes is looked at with the next piece, unless there is none.
            let is_last = at + bytes.len() as u64 >= self.segment.end() || bytes.len() < PEEK_BYTES;
            let starts = if is_last { bytes.len() } else { bytes.len() - (PEEK_BYTES - 1) };
            let mut offset = 0;
            while let Some(rest) = bytes.get(offset..).filter(|_| offset < starts) {
                if rest.first_chunk() == Some(&[0; 16]) {
                    // Not all 16: the length of an envelope may begin with zeroes itself.
                    (zeroes, offset) = (zeroes + 12, offset + 12);
                    if zeroes > ZEROES_END {
                        return Ok(None);
                    }
                    continue;
                }
                if rest.first() != Some(&0) {
                    zeroes = 0;
                }
                let candidate = at + offset as u64;
                if may_begin(rest) && self.is_intact(&mut inside, candidate)? {
                    return Ok(Some(candidate));
                }
                offset += 1;
            }
            if is_last {
                return Ok(None);
            }
            at += offset as u64;
        }
        Ok(None)
    }

    fn is_intact(&self, window: &mut Window, at: u64) -> Result<bool, Failure> {
        let found = envelope::open(&window.at(self.segment, at)?, at, self.generation);
        Ok(matches!(found, Envelope::Record { .. } | Envelope::EndOfSegment))
    }
}

/// Whether a record or an end mark may begin here. Its checksum is only computed then: bytes of a body easily look like
/// a length, and the one of four megabytes is not computed for each of them.
fn may_begin(bytes: &[u8]) -> bool {
    let Some((head, record)) = bytes.split_first_chunk::<ENVELOPE_BYTES>() else { return false };
    let len = envelope::claimed_len(head) as usize;
    (len > 0 && len <= RECORD_BYTES_MAX && peek_len(record) == Some(len)) || envelope::claims_end(head)
}

/// Whether bytes that are no intact envelope were written as the record of this very place. One wrong byte, or one wrong
/// field, does not hide that; a whole record of another place that a recycled file held here before is none, and neither is
/// a whole one that a failed write left here.
fn tail_of(bytes: &[u8], address: u64, generation: u32) -> Tail {
    if matches!(envelope::open(bytes, address, 0), Envelope::Record { .. } | Envelope::EndOfSegment) {
        return Tail::Other;
    }
    let Some((head, record)) = bytes.split_first_chunk::<ENVELOPE_BYTES>() else { return Tail::Other };
    let is_position = peek_position(record) == Some(address + ENVELOPE_BYTES as u64);
    let len = envelope::claimed_len(head);
    let is_own = envelope::claimed_generation(head) >= generation;
    let is_length = is_own && len > 0 && peek_len(record) == Some(len as usize);
    let is_end = is_own && envelope::claims_end(head);
    if is_position || is_length || is_end { Tail::Record } else { Tail::Other }
}

/// A piece of the segment in memory, moved along.
#[derive(Debug, Clone)]
struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    /// Everything in memory from `at` on: at least one whole record if there is one.
    fn at(&mut self, segment: &Segment, at: u64) -> Result<Bytes, Failure> {
        let rest = self.peek(segment, at)?;
        let needed = ENVELOPE_BYTES + claimed(&rest);
        if rest.len() >= needed || at + rest.len() as u64 >= segment.end() {
            return Ok(rest);
        }
        self.bytes = segment.read(at, SCAN_BYTES.max(needed))?;
        self.start = at;
        Ok(self.bytes.clone())
    }

    /// Everything in memory from `at` on: enough to see whether a record may begin there.
    fn peek(&mut self, segment: &Segment, at: u64) -> Result<Bytes, Failure> {
        let rest = self.rest(at);
        if at >= self.start && (rest.len() >= PEEK_BYTES || at + rest.len() as u64 >= segment.end()) {
            return Ok(rest);
        }
        self.bytes = segment.read(at, SCAN_BYTES)?;
        self.start = at;
        Ok(self.bytes.clone())
    }

    fn rest(&self, at: u64) -> Bytes {
        let from = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        if from >= self.bytes.len() { Bytes::new() } else { self.bytes.slice(from..) }
    }
}

/// The record length that an envelope claims, if it is one that may be.
fn claimed(rest: &[u8]) -> usize {
    let len = rest.first_chunk::<ENVELOPE_BYTES>().map_or(0, envelope::claimed_len) as usize;
    if len <= RECORD_BYTES_MAX { len } else { 0 }
}

#[cfg(test)]
mod tests;
