//! Decoders allocate in proportion to what they are given, never to what it claims; the send path does not allocate.

use crate::captured;
use crate::messages;
use allocation_counter::measure;
use bytes::Bytes;
use bytes::BytesMut;
use ons::protocol::frame::FrameDecoder;
use ons::protocol::header_binary;
use ons::protocol::header_json;
use ons::protocol::properties::KEYS;
use ons::protocol::properties::Properties;
use ons::protocol::properties::TAGS;
use ons::protocol::record;
use ons::protocol::record::Record;
use ons::protocol::record::RecordHead;
use ons::protocol::unique_id::UniqueIdGenerator;
use std::hint::black_box;
use std::net::Ipv4Addr;

/// Most bytes a decoder may hold for each byte of input, and a constant for small inputs.
const BYTES_PER_BYTE: usize = 16;
const BYTES_FREE: usize = 1024;

fn assert_modest(what: &str, input: &[u8], decode: impl Fn(&[u8])) {
    let used = measure(|| decode(input)).bytes_max as usize;
    let allowed = BYTES_FREE + BYTES_PER_BYTE * input.len();
    assert!(used <= allowed, "{what}: {used} bytes allocated for {} of input {input:02X?}", input.len());
}

fn decode_frame(bytes: &[u8]) {
    let mut decoder = FrameDecoder::new();
    decoder.feed(bytes);
    let _ = black_box(decoder.next_frame());
}

fn decode_record(bytes: &[u8]) {
    let _ = black_box(Record::decode(&Bytes::copy_from_slice(bytes)));
}

#[test]
fn a_claimed_length_allocates_nothing() {
    const HUGE: [[u8; 4]; 5] = [
        [0x7F, 0xFF, 0xFF, 0xFF],
        [0xFF; 4],
        [0x80, 0, 0, 0],
        [0, 0xFF, 0xFF, 0xF0],
        [0x3F, 0xFF, 0xFF, 0xFF],
    ];
    let plant = |pristine: &[u8], decode: fn(&[u8])| {
        for at in 0..pristine.len().saturating_sub(4) {
            for huge in HUGE {
                let mut bytes = pristine.to_vec();
                bytes[at..at + 4].copy_from_slice(&huge);
                assert_modest("a planted length", &bytes, decode);
            }
        }
    };
    for captured in captured::file("bin") {
        if captured.is_binary {
            plant(&captured.bytes[..captured.bytes.len() - captured.body.len()], decode_frame);
            plant(&captured.header, |bytes| drop(black_box(header_binary::decode(bytes))));
        }
    }
    let (record, _) = captured::all().iter().flat_map(messages::records).next().unwrap();
    plant(&record, decode_record);
    // Only a claim, and a claim with the beginning of a header behind it.
    for len in [16u32 << 20, (16 << 20) - 4, 1 << 20, 100, 8, 4] {
        assert_modest("a lonely prefix", &len.to_be_bytes(), decode_frame);
        let mut begun = len.to_be_bytes().to_vec();
        begun.extend_from_slice(b"\0\0\0\x60{\"code\":1");
        assert_modest("a header that begins", &begun, decode_frame);
    }
}

#[test]
fn a_header_of_many_small_parts_stays_modest() {
    let many = 100_000;
    let json = [
        format!("{{\"code\":1,\"extFields\":{{{}", "\"a\":\"\",".repeat(many)),
        format!("{{\"code\":1,\"x\":[{}", "[],".repeat(many)),
        format!("{{\"code\":1,\"x\":{}", "[".repeat(many)),
        format!("{{\"code\":1,\"extFields\":{{\"x\":{}", "{\"a\":".repeat(many)),
        format!("{{\"code\":1,\"remark\":\"{}", "\\n".repeat(many)),
    ];
    for text in json {
        assert_modest("JSON", text.as_bytes(), |bytes| drop(black_box(header_json::decode(bytes))));
    }
}

#[test]
fn a_unique_id_allocates_nothing() {
    let ids = UniqueIdGenerator::new(Ipv4Addr::LOCALHOST, 7, 9);
    let used = measure(|| {
        for now_ms in 1_795_354_755_365..1_795_354_756_365 {
            assert_eq!(black_box(ids.generate(now_ms)).as_str().len(), 32);
        }
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn properties_and_a_record_cost_one_allocation_each() {
    let mut out = BytesMut::with_capacity(1024);
    let used = measure(|| {
        let mut properties = Properties::with_capacity(128);
        properties.push(TAGS, "TagA").unwrap();
        properties.push(KEYS, "order-4711").unwrap();
        properties.set(KEYS, "order-4712").unwrap();
        properties.set("color", "red").unwrap();
        record::encode(&RecordHead::default(), "TopicTest", properties.as_text(), b"Hello", &mut out);
    });
    assert_eq!(used.count_total, 1, "the text of the properties, nothing else");
}

#[test]
fn a_record_is_decoded_in_place() {
    let (bytes, _) = captured::all().iter().flat_map(messages::records).next().unwrap();
    // A `Bytes` made of a vector allocates its counter once, when it is first shared.
    let bytes = bytes.slice(..);
    drop(bytes.clone());
    let used = measure(|| drop(black_box(Record::decode(&bytes))));
    assert_eq!(used.count_total, 0);
}
