//! Guards against properties that get lost, leak into the wrong list, or are told too late to be too long.

use super::slice::COPIED_BYTES_MAX;
use super::*;
use crate::protocol::record::RecordHead;
use crate::protocol::record::encode;
use bytes::BytesMut;

fn received(head: RecordHead, topic: &str, properties: &str, body: &[u8]) -> Message {
    let mut out = BytesMut::new();
    encode(&head, topic, properties, body, &mut out);
    Message::from_record(Record::decode(&out.freeze()).unwrap(), Arc::from("Original"))
}

fn wire(message: &Message) -> String {
    let mut out = String::new();
    message.write_properties(&mut out).unwrap();
    out
}

#[test]
fn what_is_set_is_read_back_and_written_in_wire_form() {
    let mut message = Message::with_key("T", "TagA", "Key1", "body");
    message.set_property("colour", "red").unwrap();
    message.set_message_id("ID");
    assert_eq!((message.tag(), message.key(), message.topic()), ("TagA", "Key1", "T"));
    assert_eq!(message.properties().collect::<Vec<_>>(), [("colour", "red")]);
    assert_eq!(wire(&message), "TAGS\u{1}TagA\u{2}KEYS\u{1}Key1\u{2}colour\u{1}red\u{2}UNIQ_KEY\u{1}ID\u{2}");
    message.set_tag("").unwrap();
    message.clear_properties();
    assert_eq!(wire(&message), "KEYS\u{1}Key1\u{2}UNIQ_KEY\u{1}ID\u{2}");
}

#[test]
fn tag_and_key_have_128_characters_at_most() {
    for limit in ["ü".repeat(TAG_CHARS_MAX), "t".repeat(KEY_CHARS_MAX)] {
        let mut message = Message::new("T", "", "body");
        message.set_tag(&limit).unwrap();
        message.set_key(&limit).unwrap();
        let over = limit.clone() + "x";
        assert!(message.set_tag(&over).unwrap_err().message.contains("129 characters, the limit is 128"));
        assert!(message.set_key(&over).unwrap_err().message.contains("129 characters, the limit is 128"));
        assert_eq!(message.tag(), limit);
    }
}

#[test]
fn a_constructor_with_a_bad_tag_or_key_is_told_by_the_send_until_both_are_mended() {
    let mut message = Message::with_key("T", &"t".repeat(129), "a\u{1}b", "body");
    assert!(message.check_constructed().unwrap_err().message.contains("tag"));
    message.set_tag("good").unwrap();
    assert!(message.check_constructed().unwrap_err().message.contains("KEYS"));
    message.set_key("good").unwrap();
    message.check_constructed().unwrap();
}

#[test]
fn reserved_names_cannot_be_set_by_a_user() {
    let mut message = Message::new("T", "A", "body");
    for name in ["TAGS", "UNIQ_KEY", "__TAG", "RETRY_TOPIC", "TIMER_OUT_MS"] {
        assert!(message.set_property(name, "x").unwrap_err().message.contains(name));
        assert_eq!(message.property(name), None);
    }
    assert!(message.set_property("", "x").is_err());
    assert!(message.set_property("", "").is_err());
    assert!(message.set_system_property("UNIQ_KEY", "x").is_err());
}

#[test]
fn an_empty_value_takes_a_property_away() {
    let mut message = Message::new("T", "A", "body");
    message.set_property("color", "red").unwrap();
    for _ in 0..2 {
        message.set_property("color", "").unwrap();
        assert_eq!((message.property("color"), message.properties().count()), (None, 0));
    }
    message.set_system_property("__OTHER", "red").unwrap();
    message.set_system_property("__OTHER", "").unwrap();
    assert_eq!((message.system_property("__OTHER").unwrap_or_default(), message.tag()), ("", "A"));
}

#[test]
fn the_properties_of_a_message_have_a_limit_with_its_id() {
    let mut message = Message::new("T", "", "body");
    message.set_message_id(&"F".repeat(32));
    let of_id = wire(&message).len();
    let room = PROPERTIES_BYTES_MAX - of_id - "p\u{1}\u{2}".len();
    message.set_property("p", &"v".repeat(room)).unwrap();
    assert_eq!(wire(&message).len(), PROPERTIES_BYTES_MAX);
    message.set_property("p", &"v".repeat(room + 1)).unwrap();
    let over = message.write_properties(&mut String::new()).unwrap_err();
    assert!(over.message.contains("32768 bytes") && over.message.contains("32767"), "{over}");
}

#[test]
fn system_properties_are_names_for_the_fields() {
    let mut message = Message::new("T", "A", "body");
    message.set_system_property("__TAG", "B").unwrap();
    message.set_system_property("__KEY", "K").unwrap();
    message.set_system_property("__MSGID", "ID").unwrap();
    message.set_system_property("__RECONSUMETIMES", "3").unwrap();
    message.set_system_property("__STARTDELIVERTIME", "1700000000000").unwrap();
    message.set_system_property("mine", "kept").unwrap();
    assert_eq!((message.tag(), message.key(), message.message_id()), ("B", "K", "ID"));
    assert_eq!((message.reconsume_times(), message.start_deliver_time_ms()), (3, 1_700_000_000_000));
    assert_eq!(message.system_properties().count(), 6);
    assert_eq!(message.system_property("__RECONSUMETIMES"), Some("3"));
    message.set_reconsume_times(4);
    assert_eq!(message.system_property("__RECONSUMETIMES"), Some("4"));
    assert!(message.set_system_property("__RECONSUMETIMES", "many").is_err());
    assert_eq!(message.properties().count(), 0);
    message.clear_system_properties();
    assert_eq!(message.system_properties().count(), 0);
    assert_eq!((message.tag(), message.message_id()), ("", ""));
}

#[test]
fn a_received_message_shows_the_users_part_only_and_its_original_topic() {
    let head = RecordHead {
        queue_id: 2,
        queue_offset: 9,
        reconsume_times: 1,
        born_timestamp_ms: 5,
        store_timestamp_ms: 7,
        ..RecordHead::default()
    };
    let text = "TAGS\u{1}A\u{2}UNIQ_KEY\u{1}ID\u{2}RETRY_TOPIC\u{1}Original\u{2}colour\u{1}red\u{2}";
    let message = received(head, "%RETRY%G", text, b"body");
    assert_eq!((message.topic(), message.tag(), message.message_id()), ("Original", "A", "ID"));
    assert_eq!(message.properties().collect::<Vec<_>>(), [("colour", "red")]);
    assert_eq!((message.queue_id(), message.queue_offset(), message.reconsume_times()), (2, 9, 1));
    assert_eq!((message.born_timestamp_ms(), message.store_timestamp_ms()), (5, 7));
    assert_eq!(message.system_property("__RECONSUMETIMES"), Some("1"));
}

#[test]
fn a_received_message_can_be_changed_and_sent_on_without_the_brokers_marks() {
    let text = "TAGS\u{1}A\u{2}UNIQ_KEY\u{1}ID\u{2}RETRY_TOPIC\u{1}Original\u{2}colour\u{1}red\u{2}";
    let mut message = received(RecordHead::default(), "T", text, b"body");
    let untouched = message.clone();
    message.set_property("size", "9").unwrap();
    assert_eq!(message.message_id(), "ID");
    message.set_message_id("NEW");
    assert_eq!(wire(&message), "TAGS\u{1}A\u{2}colour\u{1}red\u{2}size\u{1}9\u{2}UNIQ_KEY\u{1}NEW\u{2}");
    assert_eq!((untouched.message_id(), untouched.property("size")), ("ID", None));
}

#[test]
fn the_id_of_a_received_message_can_be_taken_away() {
    let text = "TAGS\u{1}A\u{2}UNIQ_KEY\u{1}OLD\u{2}colour\u{1}red\u{2}";
    let mut message = received(RecordHead::default(), "T", text, b"body");
    message.set_message_id("");
    assert_eq!((message.message_id(), message.labels().message_id), ("", ""));
    assert_eq!(message.system_property("__MSGID"), None);
    assert!(!wire(&message).contains("OLD"));
    message.set_property("size", "9").unwrap();
    assert_eq!((message.message_id(), message.tag()), ("", "A"));
    assert!(!wire(&message).contains("OLD"));
}

/// A record of the program, and the message that was received with it.
fn received_in_block(body: &[u8]) -> (Bytes, Message) {
    let mut out = BytesMut::new();
    encode(&RecordHead::default(), "T", "TAGS\u{1}A\u{2}colour\u{1}red\u{2}", body, &mut out);
    let block = out.freeze();
    let message = Message::from_record(Record::decode(&block).unwrap(), Arc::from("T"));
    (block, message)
}

fn is_within(block: &Bytes, part: &[u8]) -> bool {
    block.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn a_clone_of_a_received_message_does_not_keep_the_block_it_was_read_in() {
    let (block, message) = received_in_block(&vec![b'x'; COPIED_BYTES_MAX]);
    assert!(is_within(&block, message.body()) && is_within(&block, message.text.as_text().as_bytes()));
    let copy = message.clone();
    assert!(!is_within(&block, copy.body()) && !is_within(&block, copy.text.as_text().as_bytes()));
    assert_eq!((copy.body(), copy.property("colour"), copy.tag()), (message.body(), Some("red"), "A"));
    drop(message);
    assert!(block.is_unique());
    assert_eq!(copy.clone().body().as_ptr(), copy.body().as_ptr());
}

#[test]
fn a_clone_shares_a_long_received_body_and_any_of_the_programs_own() {
    let (block, message) = received_in_block(&vec![b'x'; COPIED_BYTES_MAX + 1]);
    let copy = message.clone();
    assert!(is_within(&block, copy.body()) && !is_within(&block, copy.text.as_text().as_bytes()));
    let own = Message::new("T", "A", "body");
    assert_eq!(own.clone().body().as_ptr(), own.body().as_ptr());
    let mut changed = message;
    changed.set_body("body");
    assert_eq!(changed.clone().body().as_ptr(), changed.body().as_ptr());
}

#[test]
fn labels_are_what_the_single_questions_answer() {
    let head = RecordHead { reconsume_times: 2, ..RecordHead::default() };
    let text = "TAGS\u{1}A\u{2}PGROUP\u{1}g\u{2}colour\u{1}red\u{2}KEYS\u{1}k\u{2}UNIQ_KEY\u{1}ID\u{2}TAGS\u{1}B\u{2}size\u{1}7";
    let mut own = Message::with_key("T", "TagA", "Key1", "body");
    own.set_system_property("__OTHER", "x").unwrap();
    own.set_message_id("OWN");
    let mut changed = received(head, "T", text, b"body");
    changed.set_property("weight", "3").unwrap();
    for message in [Message::default(), own, received(head, "T", text, b"body"), changed] {
        let labels = message.labels();
        assert_eq!((labels.tag, labels.key), (message.tag(), message.key()));
        assert_eq!(labels.message_id, message.message_id());
        assert_eq!(labels.user_properties, message.properties().count());
        let of_fields = ["__TAG", "__KEY", "__MSGID", "__RECONSUMETIMES", "__STARTDELIVERTIME"].into_iter();
        let of_fields = of_fields.filter(|name| message.system_property(name).is_some()).count();
        assert_eq!(labels.other_system_properties, message.system_properties().count() - of_fields);
    }
}
