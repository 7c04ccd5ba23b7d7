//! Tests of the binary header: a captured one byte for byte, its widths, and what must be refused.

use super::*;

/// GET_ROUTEINFO_BY_TOPIC for TopicTest as RocketMQ 4.9.8 sends it.
const ROUTE: &[u8] = b"\x00\x69\x00\x01\x99\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\x05topic\0\0\0\x09TopicTest";

fn encoded(command: &Command) -> BytesMut {
    let mut out = BytesMut::new();
    encode(command, &mut out).unwrap();
    out
}

fn sample() -> Command {
    let mut command = Command { flag: 1, remark: Some("\u{e9}".into()), ..Command::request(11, -2) };
    command.set_field("topic", "T");
    command.set_field("b", "\u{1F980}");
    command
}

#[test]
fn layout() {
    let command = decode(ROUTE).unwrap();
    assert_eq!((command.code, command.language, command.version), (105, Language::Java, 409));
    assert_eq!((command.opaque, command.flag, &command.remark), (0, 0, &None));
    assert_eq!(command.field("topic"), Some("TopicTest"));
    assert_eq!(encoded(&command), ROUTE);
}

#[test]
fn roundtrip_keeps_the_order_of_fields() {
    assert_eq!(decode(&encoded(&sample())), Ok(sample()));
}

#[test]
fn truncation_at_every_byte_and_a_byte_too_many() {
    let bytes = encoded(&sample());
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "{len}");
    }
    let mut longer = bytes;
    longer.put_u8(0);
    assert_eq!(decode(&longer), Err(HeaderError::BadLength("end")));
}

#[test]
fn lengths_that_lie() {
    for claimed in [i32::MAX, i32::MIN, -1, 21] {
        let mut remark = ROUTE.to_vec();
        remark[13..17].copy_from_slice(&claimed.to_be_bytes());
        assert!(decode(&remark).is_err(), "remark {claimed}");
        let mut fields = ROUTE.to_vec();
        fields[17..21].copy_from_slice(&claimed.to_be_bytes());
        assert_eq!(decode(&fields), Err(HeaderError::BadLength("fields")), "{claimed}");
        let mut value = ROUTE.to_vec();
        value[28..32].copy_from_slice(&claimed.to_be_bytes());
        assert_eq!(decode(&value), Err(HeaderError::BadLength("field value")), "{claimed}");
    }
    let mut name = ROUTE.to_vec();
    name[21..23].copy_from_slice(&(-1i16).to_be_bytes());
    assert_eq!(decode(&name), Err(HeaderError::BadLength("field name")));
}

#[test]
fn texts_must_be_utf8() {
    let mut name = ROUTE.to_vec();
    name[23] = 0xFF;
    assert_eq!(decode(&name), Err(HeaderError::BadText("field name")));
    let mut value = ROUTE.to_vec();
    value[32] = 0xFF;
    assert_eq!(decode(&value), Err(HeaderError::BadText("field value")));
    assert_eq!(
        decode(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xFF\0\0\0\0"),
        Err(HeaderError::BadText("remark"))
    );
}

#[test]
fn an_empty_value_or_remark_is_an_absent_one() {
    let mut command = sample();
    command.remark = Some(String::new());
    command.set_field("empty", "");
    let read = decode(&encoded(&command)).unwrap();
    assert_eq!((read.remark.as_deref(), read.field("empty"), read.field("topic")), (None, None, Some("T")));
    assert_eq!(
        decode(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\x01x\0\0\0\0").unwrap().field("x"),
        None
    );
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(
        encode(&Command::request(i32::from(i16::MAX) + 1, 0), &mut out),
        Err(HeaderError::TooLarge("code"))
    );
    let mut command = Command::request(1, 0);
    command.set_field("n".repeat(32_768), "v");
    assert_eq!(encode(&command, &mut out), Err(HeaderError::TooLarge("field name")));
    assert_eq!(out, &b"before"[..]);
    encode(&Command::request(i32::from(i16::MAX), 0), &mut out).unwrap();
    let version = Command { version: i32::MAX, ..Command::request(1, 0) };
    assert_eq!(decode(&encoded(&version)).unwrap().version, i32::from(i16::MAX));
}

#[test]
fn fields_up_to_the_limit_and_one_over() {
    let with_fields = |count: usize| {
        let mut command = Command::request(1, 0);
        (0..count).for_each(|n| command.set_field(n.to_string(), "v"));
        encoded(&command)
    };
    assert!(decode(&with_fields(EXT_FIELDS_MAX)).is_ok());
    assert_eq!(decode(&with_fields(EXT_FIELDS_MAX + 1)), Err(HeaderError::TooLarge("number of fields")));
}

#[test]
fn a_repeated_name_takes_the_last_value() {
    let mut bytes = ROUTE.to_vec();
    bytes.extend_from_slice(b"\0\x05topic\0\0\0\x01U");
    bytes[20] += 12;
    let command = decode(&bytes).unwrap();
    assert_eq!(command.ext_fields.unwrap().iter().collect::<Vec<_>>(), [("topic", "U")]);
}
