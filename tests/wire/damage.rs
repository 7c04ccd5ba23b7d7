//! Damaged and hostile bytes are an error or another value, never a panic: cut at every byte, every bit flipped, noise.

use crate::captured;
use crate::headers;
use crate::messages;
use bytes::Bytes;
use bytes::BytesMut;
use ons::protocol::frame::FrameDecoder;
use ons::protocol::header_binary;
use ons::protocol::header_json;
use ons::protocol::offset_id::OffsetId;
use ons::protocol::properties;
use ons::protocol::properties::Properties;
use ons::protocol::record;
use ons::protocol::record::Record;
use ons::protocol::tags::TagExpression;
use ons::protocol::unique_id;

/// SplitMix64: the same noise in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// What every decoder must survive. Whatever decodes must also encode, and decode to itself again.
fn swallow(bytes: &[u8]) {
    let mut decoder = FrameDecoder::new();
    decoder.feed(bytes);
    while let Ok(Some(frame)) = decoder.next_frame() {
        let mut out = BytesMut::new();
        frame.encode(&mut out).unwrap();
        let mut again = FrameDecoder::new();
        again.feed(&out);
        assert_eq!(again.next_frame().unwrap().unwrap(), frame);
    }
    if let Ok(command) = header_json::decode(bytes) {
        let mut out = BytesMut::new();
        header_json::encode(&command, &mut out);
        assert_eq!(header_json::decode(&out), Ok(command));
    }
    if let Ok(command) = header_binary::decode(bytes) {
        let mut out = BytesMut::new();
        header_binary::encode(&command, &mut out).unwrap();
        // Fields that were all empty are none at all the second time.
        assert_eq!(header_binary::decode(&out).unwrap().code, command.code);
    }
    swallow_record(bytes);
    let text = String::from_utf8_lossy(bytes);
    let pairs = properties::iter(&text).count();
    for (name, _) in properties::iter(&text).take(8) {
        let last = properties::iter(&text).filter(|(own, _)| *own == name).last();
        assert_eq!(properties::get(&text, name), last.map(|(_, value)| value), "{text:?}");
    }
    let mut own = Properties::from_text(&*text);
    if text.len() < 30_000 {
        own.set("never there", "x").unwrap();
        assert_eq!(own.iter().count(), pairs + 1);
    }
    own.remove("never there");
    let _ = TagExpression::parse(&text).map(|expression| expression.matches(&text));
    let _ = text.parse::<OffsetId>();
    let _ = unique_id::created_ms(&text, i64::MAX);
}

fn swallow_record(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(record) = Record::decode(&bytes) else { return };
    let mut out = BytesMut::new();
    record::encode(&record.head, record.topic(), record.properties(), record.body(), &mut out);
    assert_eq!(Record::decode(&out.freeze()), Ok(record));
}

/// One frame of each shape is enough where every bit is tried.
fn shapes() -> Vec<captured::Captured> {
    let mut seen = std::collections::HashSet::new();
    let mut frames = captured::all();
    frames.retain(|captured| {
        let command = headers::decoded(captured).command;
        let has_records = !messages::records(captured).is_empty();
        captured.bytes.len() < 1200
            && seen.insert((captured.is_javas(), captured.is_binary, command.code, command.flag, has_records))
    });
    assert!(frames.len() > 40, "{}", frames.len());
    frames
}

#[test]
fn cut_at_every_byte() {
    for captured in captured::all() {
        for len in 0..captured.bytes.len() {
            let mut decoder = FrameDecoder::new();
            decoder.feed(&captured.bytes[..len]);
            assert_eq!(decoder.next_frame(), Ok(None), "{}: a frame of {len} bytes", captured.place);
        }
        for len in 0..captured.header.len() {
            let cut = &captured.header[..len];
            if captured.is_binary {
                assert!(header_binary::decode(cut).is_err(), "{}: {len}", captured.place);
            } else if !captured.header.ends_with(b"\n") || len + 1 < captured.header.len() {
                assert!(header_json::decode(cut).is_err(), "{}: {len}", captured.place);
            }
        }
        for (bytes, _) in messages::records(&captured) {
            for len in 0..bytes.len() {
                assert!(Record::decode(&bytes.slice(..len)).is_err(), "{}: {len}", captured.place);
            }
        }
    }
}

#[test]
fn every_bit_flipped() {
    for captured in shapes() {
        for pristine in [&captured.bytes, &captured.header] {
            let mut bytes = pristine.clone();
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                swallow(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

#[test]
fn every_bit_of_a_record_flipped() {
    let mut refused = 0;
    let mut changed = 0;
    for (pristine, record) in captured::all().iter().flat_map(messages::records) {
        let mut bytes = pristine.to_vec();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Record::decode(&Bytes::copy_from_slice(&bytes)) {
                Ok(other) => {
                    // The record has no checksum of its own but of the body; what decodes differs visibly.
                    assert_ne!(other, record);
                    changed += 1;
                }
                Err(_) => refused += 1,
            }
            swallow_record(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert!(refused > 1000 && changed > 1000, "{refused} {changed}");
}

#[test]
fn a_few_bytes_replaced() {
    let mut noise = Noise(1);
    let interesting = [0u8, 1, 2, 0x7F, 0x80, 0xFF, b'"', b'{', b'}', b'[', b'\\', b','];
    for captured in captured::all() {
        for _ in 0..60 {
            let mut bytes =
                if noise.below(2) == 0 { captured.bytes.clone() } else { captured.header.clone() };
            for _ in 0..=noise.below(4) {
                let at = noise.below(bytes.len());
                bytes[at] = interesting[noise.below(interesting.len())];
            }
            swallow(&bytes);
        }
    }
}

#[test]
fn noise() {
    let mut noise = Noise(2);
    for round in 0..20_000 {
        let len = noise.below(200);
        let mut bytes = noise.bytes(len);
        // Now and then what lets it past the first checks.
        match (round % 4, bytes.len()) {
            (0, 92..) => {
                let len = bytes.len() as u32;
                bytes[..4].copy_from_slice(&len.to_be_bytes());
                bytes[4..8].copy_from_slice(&record::MAGIC_V1.to_be_bytes());
            }
            (1, 8..) => {
                let len = bytes.len() as u32 - 4;
                bytes[..4].copy_from_slice(&len.to_be_bytes());
                bytes[4..8].copy_from_slice(&(noise.next() as u32 & 0x0100_00FF).to_be_bytes());
            }
            _ => {}
        }
        swallow(&bytes);
    }
}

#[test]
fn a_broken_stream_says_so_however_it_is_cut() {
    let mut noise = Noise(3);
    for captured in shapes() {
        let mut stream = captured.bytes.clone();
        stream.extend_from_slice(&noise.bytes(64));
        let run = |piece: usize| {
            let mut decoder = FrameDecoder::new();
            let mut found = Vec::new();
            for bytes in stream.chunks(piece) {
                decoder.feed(bytes);
                loop {
                    match decoder.next_frame() {
                        Ok(Some(frame)) => found.push(Ok(frame)),
                        Ok(None) => break,
                        Err(error) => {
                            found.push(Err(error));
                            return found;
                        }
                    }
                }
            }
            found
        };
        let whole = run(stream.len());
        assert!(whole[0].is_ok());
        for piece in [1, 3, 17] {
            assert_eq!(run(piece), whole, "{}", captured.place);
        }
    }
}
