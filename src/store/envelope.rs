//! What stands around every record in the log, so that a torn, flipped or left-over byte is never taken for a message.
//!
//! ```text
//!  0 length      4   bytes of the record that follows; 0: nothing was written here
//!  4 generation  4   never falls within a segment, and is above everything a recycled file held before
//!  8 checksum    4   CRC-32C over address (8), length, generation, record
//! 12 record          RocketMQ's layout, see `protocol::record`
//! ```
//! Little-endian. The address is where the envelope begins in the log, so a record that was misplaced fails the
//! checksum as well. A segment that was left for the next one ends with an envelope of the length [`END_OF_SEGMENT`] and
//! no record: without it, recovery takes the segment for the last one in use.
//!
//! RocketMQ's own checksum covers the body only; this one covers every byte.

/// Bytes before each record.
pub(crate) const ENVELOPE_BYTES: usize = 12;
/// Length field of the envelope that closes a segment.
const END_OF_SEGMENT: u32 = u32::MAX;

/// What stands at an address of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    Record {
        len: usize,
        generation: u32,
    },
    EndOfSegment,
    /// Zeroes: nothing was ever written here.
    Nothing,
    /// Bytes that are no envelope, or whose checksum is wrong. `len` is what they claim.
    Damaged {
        len: u32,
    },
}

/// Fills in the envelope in front of the record that ends `bytes`.
pub(crate) fn close(bytes: &mut [u8], address: u64, generation: u32) {
    let Some((head, record)) = bytes.split_first_chunk_mut::<ENVELOPE_BYTES>() else { return };
    write_head(head, record.len() as u32, address, generation, record);
}

/// The envelope that ends a segment.
pub(crate) fn end_of_segment(address: u64, generation: u32) -> [u8; ENVELOPE_BYTES] {
    let mut head = [0; ENVELOPE_BYTES];
    write_head(&mut head, END_OF_SEGMENT, address, generation, &[]);
    head
}

fn write_head(head: &mut [u8; ENVELOPE_BYTES], len: u32, address: u64, generation: u32, record: &[u8]) {
    head[0..4].copy_from_slice(&len.to_le_bytes());
    head[4..8].copy_from_slice(&generation.to_le_bytes());
    head[8..12].copy_from_slice(&checksum(len, address, generation, record).to_le_bytes());
}

/// Reads the envelope at the start of `bytes` (which may go on behind its record) and checks it.
pub(crate) fn open(bytes: &[u8], address: u64, generation_min: u32) -> Envelope {
    let Some((head, rest)) = bytes.split_first_chunk::<ENVELOPE_BYTES>() else { return Envelope::Nothing };
    let (len, generation, sum) = (word(head, 0), word(head, 4), word(head, 8));
    if (len, generation, sum) == (0, 0, 0) {
        return Envelope::Nothing;
    }
    if len == END_OF_SEGMENT {
        let is_intact = sum == checksum(len, address, generation, &[]) && generation >= generation_min;
        return if is_intact { Envelope::EndOfSegment } else { Envelope::Damaged { len } };
    }
    match rest.get(..len as usize) {
        Some(record)
            if len > 0
                && generation >= generation_min
                && sum == checksum(len, address, generation, record) =>
        {
            Envelope::Record { len: len as usize, generation }
        }
        _ => Envelope::Damaged { len },
    }
}

/// The length field of an envelope, unchecked.
pub(crate) fn claimed_len(head: &[u8; ENVELOPE_BYTES]) -> u32 {
    word(head, 0)
}

/// The generation field of an envelope, unchecked.
pub(crate) fn claimed_generation(head: &[u8; ENVELOPE_BYTES]) -> u32 {
    word(head, 4)
}

/// Whether an envelope says, unchecked, that it ends its segment.
pub(crate) fn claims_end(head: &[u8; ENVELOPE_BYTES]) -> bool {
    word(head, 0) == END_OF_SEGMENT
}

fn word(head: &[u8; ENVELOPE_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn checksum(len: u32, address: u64, generation: u32, record: &[u8]) -> u32 {
    let mut head = [0; 16];
    head[..8].copy_from_slice(&address.to_le_bytes());
    head[8..12].copy_from_slice(&len.to_le_bytes());
    head[12..].copy_from_slice(&generation.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&head), record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = vec![0; ENVELOPE_BYTES];
        bytes.extend_from_slice(b"some record");
        close(&mut bytes, 4096, 7);
        bytes
    }

    #[test]
    fn an_intact_record_is_read_at_its_own_place_only() {
        let bytes = sample();
        assert_eq!(open(&bytes, 4096, 7), Envelope::Record { len: 11, generation: 7 });
        assert!(matches!(open(&bytes, 4097, 7), Envelope::Damaged { .. }), "misplaced");
        assert!(matches!(open(&bytes, 4096, 8), Envelope::Damaged { .. }), "left over from before");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes = sample();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(open(&flipped, 4096, 0), Envelope::Damaged { .. }), "bit {bit}");
        }
        for len in ENVELOPE_BYTES..bytes.len() {
            assert!(matches!(open(&bytes[..len], 4096, 0), Envelope::Damaged { .. }), "cut at {len}");
        }
    }

    #[test]
    fn zeroes_are_nothing_and_the_end_is_the_end() {
        assert_eq!(open(&[0; 64], 0, 0), Envelope::Nothing);
        assert_eq!(open(&end_of_segment(99, 3), 99, 3), Envelope::EndOfSegment);
        assert!(matches!(open(&end_of_segment(99, 3), 98, 3), Envelope::Damaged { .. }));
    }
}
