//! Tests of the stored record: layout at fixed offsets, both magics, both address families, and lengths that lie.

use super::*;
use crate::protocol::limits::GROUP_BYTES_MAX;
use crate::protocol::names::retry_topic;

const PROPERTIES: &str = "TAGS\u{1}A\u{2}";

fn head() -> RecordHead {
    RecordHead {
        queue_id: 3,
        flag: -9,
        queue_offset: 7,
        position: 99,
        sys_flag: 0x1,
        born_timestamp_ms: 1_795_354_755_365,
        born_host: "192.0.2.2:45956".parse().unwrap(),
        store_timestamp_ms: 1_795_354_755_366,
        store_host: "127.0.0.1:10911".parse().unwrap(),
        reconsume_times: 2,
        prepared_transaction_offset: -1,
        body_crc: body_crc(b"Hello"),
    }
}

fn encoded(head: &RecordHead, topic: &str) -> Bytes {
    let mut out = BytesMut::new();
    encode(head, topic, PROPERTIES, b"Hello", &mut out);
    assert_eq!(out.len(), encoded_len(head, topic, PROPERTIES, b"Hello"));
    out.freeze()
}

fn patched(offset: usize, bytes: &[u8]) -> Bytes {
    let mut record = encoded(&head(), "T").to_vec();
    record[offset..offset + bytes.len()].copy_from_slice(bytes);
    record.into()
}

#[test]
fn layout() {
    let bytes = encoded(&head(), "T");
    let int = |at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!(int(0) as usize, FIXED_BYTES + 5 + 1 + PROPERTIES.len());
    assert_eq!((int(4), int(8)), (-626_843_481, 0x77D1_8982));
    assert_eq!((int(12), int(16), long(20), long(28), int(36)), (3, -9, 7, 99, 1));
    assert_eq!((long(40), &bytes[48..56]), (1_795_354_755_365, &[192, 0, 2, 2, 0, 0, 0xB3, 0x84][..]));
    assert_eq!((long(56), &bytes[64..72]), (1_795_354_755_366, &[127, 0, 0, 1, 0, 0, 0x2A, 0x9F][..]));
    assert_eq!((int(72), long(76), int(84), &bytes[88..93]), (2, -1, 5, &b"Hello"[..]));
    assert_eq!(bytes[93..], *b"\x01T\x00\x07TAGS\x01A\x02");
}

#[test]
fn roundtrip_of_both_families_and_truncation_at_every_byte() {
    for (born, store) in [
        ("192.0.2.2:1", "127.0.0.1:2"),
        ("[::1]:1", "127.0.0.1:2"),
        ("192.0.2.2:1", "[::1]:2"),
        ("[::1]:65535", "[::2]:0"),
    ] {
        let mut head =
            RecordHead { born_host: born.parse().unwrap(), store_host: store.parse().unwrap(), ..head() };
        let bytes = encoded(&head, "T");
        let record = Record::decode(&bytes).unwrap();
        if born.starts_with('[') {
            head.sys_flag |= SYS_FLAG_BORN_HOST_V6;
        }
        if store.starts_with('[') {
            head.sys_flag |= SYS_FLAG_STORE_HOST_V6;
        }
        assert_eq!(record.head, head);
        assert_eq!(
            (record.topic(), record.properties(), &record.body()[..]),
            ("T", PROPERTIES, &b"Hello"[..])
        );
        assert_eq!((record.property("TAGS"), record.property("KEYS")), (Some("A"), None));
        assert!(record.is_body_intact());
        for len in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes.slice(..len)), Err(RecordError::Truncated));
        }
        let followed: Bytes = [&bytes[..], b"next"].concat().into();
        assert_eq!(Record::decode(&followed), Ok(record));
    }
}

#[test]
fn a_host_flag_that_lies_is_corrected_when_written() {
    let lying = RecordHead { sys_flag: SYS_FLAG_BORN_HOST_V6 | SYS_FLAG_STORE_HOST_V6 | 1, ..head() };
    assert_eq!(Record::decode(&encoded(&lying, "T")).unwrap().head.sys_flag, 1);
}

#[test]
fn a_topic_over_127_bytes_makes_a_v2_record() {
    for (len, magic) in
        [(TOPIC_BYTES_MAX, MAGIC_V1), (TOPIC_BYTES_MAX + 1, MAGIC_V2), (RECORD_TOPIC_BYTES_MAX, MAGIC_V2)]
    {
        let topic = "t".repeat(len);
        let bytes = encoded(&head(), &topic);
        assert_eq!(bytes[4..8], magic.to_be_bytes());
        assert_eq!(Record::decode(&bytes).unwrap().topic(), topic);
    }
}

#[test]
fn the_limits_are_those_of_the_fields() {
    let topic = retry_topic(&"g".repeat(GROUP_BYTES_MAX));
    assert_eq!(topic.len(), RECORD_TOPIC_BYTES_MAX);
    let properties = format!("a\u{1}{}\u{2}", "v".repeat(PROPERTIES_BYTES_MAX - 3));
    let body = vec![0; BODY_BYTES_MAX];
    check_lengths(&topic, &properties, &body).unwrap();
    let v6 =
        RecordHead { born_host: "[::]:1".parse().unwrap(), store_host: "[::]:1".parse().unwrap(), ..head() };
    let mut out = BytesMut::new();
    encode(&v6, &topic, &properties, &body, &mut out);
    assert_eq!(out.len(), RECORD_BYTES_MAX);
    let record = Record::decode(&out.freeze()).unwrap();
    assert_eq!(
        (record.topic(), record.properties(), record.body().len()),
        (&*topic, &*properties, BODY_BYTES_MAX)
    );

    let over = check_lengths("T", "", &vec![0; BODY_BYTES_MAX + 1]).unwrap_err();
    assert!(
        over.message.contains("body of a message for topic 'T' has 4194305 bytes, the limit is 4194304"),
        "{over}"
    );
    assert!(check_lengths("T", &format!("{properties}x"), b"").unwrap_err().message.contains("32768 bytes"));
    assert!(check_lengths(&format!("{topic}x"), "", b"").unwrap_err().message.contains("the limit is 262"));
}

#[test]
fn a_flipped_body_is_not_intact() {
    let record = Record::decode(&patched(88, b"J")).unwrap();
    assert!(!record.is_body_intact());
}

#[test]
fn lengths_that_lie_are_refused() {
    for total in [i32::MIN, -1, i32::MAX, 105] {
        assert_eq!(Record::decode(&patched(0, &total.to_be_bytes())), Err(RecordError::Truncated), "{total}");
    }
    for total in [0, 4, 8, 90, 91, 103] {
        assert_eq!(
            Record::decode(&patched(0, &i32::to_be_bytes(total))),
            Err(RecordError::BadLength),
            "{total}"
        );
    }
    for body in [i32::MIN, -1, 4, 6, 1000, i32::MAX] {
        assert!(Record::decode(&patched(84, &body.to_be_bytes())).is_err(), "{body}");
    }
    for topic in [0, 2, 127, 128, 255] {
        assert!(Record::decode(&patched(93, &[topic])).is_err(), "{topic}");
    }
    for properties in [i16::MIN, -1, 6, 8, i16::MAX] {
        let refused = Record::decode(&patched(95, &properties.to_be_bytes()));
        assert_eq!(refused, Err(RecordError::BadLength), "{properties}");
    }
    // IPv6 hosts announced, but no room for them.
    assert!(Record::decode(&patched(36, &0x30i32.to_be_bytes())).is_err());
}

#[test]
fn foreign_bytes_are_refused() {
    // The blank that ends a file of RocketMQ's log.
    let blank = 0xCBD4_3194_u32.to_be_bytes();
    assert_eq!(Record::decode(&patched(4, &blank)), Err(RecordError::BadMagic(-875_286_124)));
    assert_eq!(Record::decode(&patched(52, &65_536i32.to_be_bytes())), Err(RecordError::BadPort));
    assert_eq!(Record::decode(&patched(68, &(-1i32).to_be_bytes())), Err(RecordError::BadPort));
    assert_eq!(Record::decode(&patched(94, b"\xFF")), Err(RecordError::BadText));
    assert_eq!(Record::decode(&patched(97, b"\xFF")), Err(RecordError::BadText));
    assert_eq!(
        (peek_len(b"\0\0\0"), peek_len(b"\0\0\x01\0"), peek_len(b"\xFF\0\0\0")),
        (None, Some(256), None)
    );
}
