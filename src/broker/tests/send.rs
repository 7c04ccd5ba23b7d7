//! Guards against a message stored that should be refused, or refused with an error that does not help.

use super::fixture::*;
use crate::broker::send::SEND_PROPERTIES_BYTES_MAX;
use crate::broker::send::append_of;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Stored;
use crate::protocol::limits::BODY_BYTES_MAX;
use crate::protocol::names;
use crate::protocol::names::TIMER_TOPIC;
use crate::protocol::properties::Properties;
use crate::protocol::record::SYS_FLAG_TRANSACTION_MASK;
use crate::protocol::request::SendRequest;

#[test]
fn queues_are_chosen_in_turn() {
    let world = World::new();
    let chosen: Vec<i32> = (0..16).map(|_| world.send("T", "", "body").queue_id).collect();
    assert_eq!(chosen, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(world.read_all("T", 7).len(), 2);
}

#[test]
fn the_answer_says_where_the_message_lies() {
    let world = World::new();
    let first = world.send_to("T", 5, "one");
    let second = world.send_to("T", 5, "two");
    assert_eq!((second.queue_id, first.queue_offset, second.queue_offset), (5, 0, 1));
    let records = world.read_all("T", 5);
    assert_eq!(records[1].head.position, second.position);
    assert_eq!((body_of(&records[1]).as_str(), records[1].topic()), ("two", "T"));
    assert_eq!(records[1].head.queue_id, 5);
}

#[test]
fn a_queue_outside_the_topic_is_refused_with_the_range() {
    let world = World::new();
    world.send_to("T", 7, "body");
    let failure = world.broker.send(&SendRequest { queue_id: 8, ..request("T", "b") }, TIMEOUT).unwrap_err();
    assert!(failure.message.contains("topic 'T' has no queue 8: its queues are 0 to 7"), "{failure}");
}

#[test]
fn the_body_has_a_lower_and_an_upper_limit() {
    let world = World::with(|config| config.store.segment_bytes_min = 16 << 20);
    let most = "b".repeat(BODY_BYTES_MAX);
    assert_eq!(world.send_to("T", 0, &most).queue_offset, 0);
    for (body, told) in [(String::new(), "is empty"), (most + "b", "4194305 bytes, the limit is 4194304")] {
        let failure = world.broker.send(&request("T", &body), TIMEOUT).unwrap_err();
        assert_eq!((failure.kind, failure.stored), (FailureKind::InvalidArgument, Stored::No));
        assert!(failure.message.contains(told) && failure.message.contains("'T'"), "{failure}");
    }
}

#[test]
fn properties_leave_room_for_what_a_retry_adds() {
    let world = World::new();
    let text = |len: usize| format!("k\u{1}{}\u{2}", "v".repeat(len - 3));
    let most = text(SEND_PROPERTIES_BYTES_MAX);
    world.broker.send(&SendRequest { properties: &most, ..request("T", "b") }, TIMEOUT).unwrap();
    let over = text(SEND_PROPERTIES_BYTES_MAX + 1);
    let failure =
        world.broker.send(&SendRequest { properties: &over, ..request("T", "b") }, TIMEOUT).unwrap_err();
    assert!(failure.message.contains("32256 bytes, the limit is 32255"), "{failure}");
}

#[test]
fn what_comes_later_is_refused_by_name_and_not_stored() {
    let world = World::new();
    world.send_to("T", 0, "body");
    for (name, value) in [
        ("__STARTDELIVERTIME", "1800000000000"),
        ("DELAY", "3"),
        ("TIMER_DELIVER_MS", "1800000000000"),
        ("TIMER_DELAY_MS", "5"),
        ("TIMER_DELAY_SEC", "5"),
        ("TRAN_MSG", "true"),
    ] {
        let mut text = Properties::new();
        text.set(name, value).unwrap();
        let timed = SendRequest { properties: text.as_text(), queue_id: 0, ..request("T", "b") };
        for failure in [
            world.broker.send(&timed, TIMEOUT).unwrap_err(),
            world.send_async(&timed).unwrap_err(),
            world.broker.send_oneway(&timed, TIMEOUT).unwrap_err(),
        ] {
            assert_eq!(failure.kind, FailureKind::NotSupported);
            assert!(failure.message.contains(name) && failure.message.contains("'T'"), "{failure}");
        }
    }
    let half = SendRequest { sys_flag: SYS_FLAG_TRANSACTION_MASK & 4, ..request("T", "b") };
    assert_eq!(world.broker.send(&half, TIMEOUT).unwrap_err().kind, FailureKind::NotSupported);
    assert_eq!(world.read_all("T", 0).len(), 1);
    let refused = SendRequest { properties: "DELAY\u{1}1\u{2}", ..request("U", "b") };
    world.broker.send(&refused, TIMEOUT).unwrap_err();
    assert!(world.broker.read_queues("U").unwrap().is_empty(), "a refused message made its topic");
}

#[test]
fn values_that_ask_for_nothing_pass_and_the_brokers_own_do_not() {
    let world = World::new();
    let plain = "TRAN_MSG\u{1}false\u{2}DELAY\u{1}0\u{2}TIMER_OF_MINE\u{1}7\u{2}";
    world.broker.send(&SendRequest { properties: plain, ..request("T", "b") }, TIMEOUT).unwrap();
    for own in ["TIMER_ORIGIN\u{1}17\u{2}", "TIMER_OUT_MS\u{1}17\u{2}"] {
        let forged = SendRequest { properties: own, ..request("T", "b") };
        let failure = world.broker.send(&forged, TIMEOUT).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArgument);
    }
}

#[test]
fn reserved_and_bad_topics_are_refused() {
    let world = World::new();
    for topic in [TIMER_TOPIC, "SCHEDULE_TOPIC_XXXX", "my topic", "", &"t".repeat(128)] {
        let failure = world.broker.send(&request(topic, "b"), TIMEOUT).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArgument, "{failure}");
    }
    assert_eq!(world.broker.statistics().topics, 0);
}

#[test]
fn without_automatic_creation_only_topics_that_exist_are_served() {
    let world = World::new();
    world.send("old", "", "b");
    let world = world.reopen_with(|config| config.auto_create_topic = false);
    world.send("old", "", "b");
    let failure = world.broker.send(&request("new", "b"), TIMEOUT).unwrap_err();
    assert_eq!(failure.kind, FailureKind::TopicNotExist);
    assert!(failure.message.contains("'new'") && failure.message.contains("autoCreateTopic"), "{failure}");
    assert!(failure.message.contains("'GID_test'"), "{failure}");
    // A group's own topics are the broker's matter, whatever the setting says.
    world.join("client", vec![consumer("CID_a", &[("old", "*")])]);
    assert_eq!(world.broker.read_queues(&names::retry_topic("CID_a")).unwrap(), [0]);
}

#[test]
fn asynchronous_and_one_way_sends_store_what_a_blocking_one_stores() {
    let world = World::new();
    world.send_to("T", 0, "blocking");
    let response = world.send_async(&SendRequest { queue_id: 0, ..request("T", "asynchronous") }).unwrap();
    assert_eq!((response.queue_id, response.queue_offset), (0, 1));
    let oneway = SendRequest { queue_id: 0, ..request("T", "one-way") };
    world.broker.send_oneway(&oneway, TIMEOUT).unwrap();
    let stored: Vec<String> = world.read_all("T", 0).iter().map(body_of).collect();
    assert_eq!(stored, ["blocking", "asynchronous", "one-way"]);
}

#[test]
fn a_send_to_a_known_topic_allocates_nothing_before_the_store() {
    let world = World::new();
    world.send("T", "A", "body");
    let text = "TAGS\u{1}A\u{2}KEYS\u{1}order-1\u{2}UNIQ_KEY\u{1}0123456789ABCDEF0123456789ABCDEF\u{2}mine\u{1}v\u{2}";
    let message = SendRequest { properties: text, ..request("T", "body") };
    let allocated = allocation_counter::measure(|| {
        let (topic, inspected) = world.broker.admit(&message).unwrap();
        assert_eq!(append_of(&topic, &message, inspected).unwrap().tag_hash, i64::from(b'A'));
    });
    assert_eq!(allocated.count_total, 0);
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!(counted.count_total, 1, "allocations are not counted");
}

#[test]
fn a_message_is_found_by_its_key() {
    let world = World::new();
    let keyed = "KEYS\u{1}order-1 order-2\u{2}";
    world.broker.send(&SendRequest { properties: keyed, ..request("T", "keyed") }, TIMEOUT).unwrap();
    world.send("T", "", "without");
    let found = world.broker.find_by_key("T", "order-2", 8).unwrap();
    assert_eq!(found.len(), 1);
    assert!(world.broker.find_by_key("T", "order-3", 8).unwrap().is_empty());
    assert_eq!(world.broker.find_by_key("U", "order-2", 8).unwrap_err().kind, FailureKind::TopicNotExist);
}
