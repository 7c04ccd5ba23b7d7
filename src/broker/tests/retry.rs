//! Guards against a failed message that is lost, doubled, early, or tried a wrong number of times.

use super::fixture::*;
use crate::broker::send::SEND_PROPERTIES_BYTES_MAX;
use crate::protocol::failure::FailureKind;
use crate::protocol::limits::TOPIC_BYTES_MAX;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use crate::protocol::record::Record;
use crate::protocol::request::ConsumerData;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullStatus;
use crate::protocol::request::SendBackRequest;
use crate::protocol::request::SendRequest;
use std::time::Duration;

const GROUP: &str = "CID_retry";
const RETRY: &str = "%RETRY%CID_retry";
const DEAD: &str = "%DLQ%CID_retry";
const WAITS_S: [u64; 16] = [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];

fn back(position: i64) -> SendBackRequest {
    SendBackRequest { group: GROUP.into(), position, record: None, delay_level: 0, reconsume_times_max: -1 }
}

fn world() -> World {
    let world = World::new();
    world.join("client", vec![consumer(GROUP, &[("T", "*")])]);
    world
}

/// The next message of the retry topic, which must come exactly when `wait` has passed.
fn comes_after(world: &World, offset: i64, wait: Duration) -> Record {
    let answer = world.pull(PullRequest { offset, suspend: LONG, ..pull(RETRY) });
    world.advance(wait - Duration::from_millis(1));
    assert!(answer.is_waiting(), "the retry came before {wait:?}");
    world.advance(Duration::from_millis(1));
    let response = answer.now();
    assert_eq!((response.status, response.records.len()), (PullStatus::Found, 1));
    Record::decode(&response.records[0]).unwrap()
}

#[test]
fn sixteen_retries_at_their_times_then_the_dead_letters() {
    let world = world();
    let mut text = tagged("A");
    for (name, value) in [("UNIQ_KEY", "0123456789ABCDEF0123456789ABCDEF"), ("mine", "kept")] {
        text.set(name, value).unwrap();
    }
    let message = SendRequest { properties: text.as_text(), flag: 7, queue_id: 3, ..request("T", "body") };
    let sent = world.broker.send(&message, TIMEOUT).unwrap();
    let mut position = sent.position;
    let mut origin_ids = Vec::new();
    for (offset, wait_s) in WAITS_S.into_iter().enumerate() {
        world.send_back(back(position)).unwrap();
        let record = comes_after(&world, offset as i64, Duration::from_secs(wait_s));
        assert_eq!(record.head.reconsume_times, offset as i32 + 1);
        assert_eq!((record.topic(), record.property(properties::RETRY_TOPIC)), (RETRY, Some("T")));
        assert_eq!(record.property("UNIQ_KEY"), Some("0123456789ABCDEF0123456789ABCDEF"));
        assert_eq!((record.property("TAGS"), record.property("mine")), (Some("A"), Some("kept")));
        assert_eq!((record.head.flag, record.head.born_timestamp_ms), (7, START_MS));
        assert_eq!(body_of(&record), "body");
        for spent in [properties::REAL_TOPIC, properties::REAL_QID, properties::TIMER_OUT_MS] {
            assert_eq!(record.property(spent), None);
        }
        origin_ids.push(record.property(properties::ORIGIN_MESSAGE_ID).unwrap().to_owned());
        position = record.head.position;
    }
    assert_eq!(world.now_ms() - START_MS, 1000 * (4 * 3600 + 45 * 60 + 40));
    origin_ids.dedup();
    assert_eq!(origin_ids.len(), 1);
    assert!(origin_ids[0].ends_with(&format!("{:016X}", sent.position)), "{origin_ids:?}");

    world.send_back(back(position)).unwrap();
    let dead = world.read_all(DEAD, 0);
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].property(properties::DLQ_ORIGIN_TOPIC), Some("T"));
    assert_eq!(dead[0].property(properties::DLQ_ORIGIN_MESSAGE_ID), Some(origin_ids[0].as_str()));
    assert_eq!((dead[0].head.reconsume_times, body_of(&dead[0]).as_str()), (16, "body"));
    world.advance(Duration::from_secs(24 * 3600));
    assert_eq!((world.read_all(RETRY, 0).len(), world.read_all(DEAD, 0).len()), (16, 1));
    assert_eq!(world.broker.statistics().store.timers_waiting, 0);
}

#[test]
fn the_groups_own_count_of_retries_wins_and_goes_beyond_the_table() {
    let world = World::new();
    let data = ConsumerData { reconsume_times_max: 18, ..consumer(GROUP, &[("T", "*")]) };
    world.join("client", vec![data]);
    let message = SendRequest { reconsume_times: 16, ..request("T", "body") };
    let sent = world.broker.send(&message, TIMEOUT).unwrap();
    world.send_back(SendBackRequest { reconsume_times_max: 3, ..back(sent.position) }).unwrap();
    let record = comes_after(&world, 0, Duration::from_secs(7200));
    world.send_back(back(record.head.position)).unwrap();
    let record = comes_after(&world, 1, Duration::from_secs(7200));
    assert_eq!(record.head.reconsume_times, 18);
    world.send_back(back(record.head.position)).unwrap();
    assert_eq!(world.read_all(DEAD, 0).len(), 1);
}

#[test]
fn a_group_that_never_said_its_count_takes_the_requests() {
    let world = World::new();
    let sent = world.send("T", "", "body");
    world.send_back(SendBackRequest { reconsume_times_max: 0, ..back(sent.position) }).unwrap();
    assert_eq!(world.read_all(DEAD, 0).len(), 1);
}

#[test]
fn what_the_log_does_not_hold_any_more_is_tried_again_from_what_the_consumer_has() {
    let world = world();
    world.send_to("T", 0, "body");
    let gone = back(-1);
    assert_eq!(world.send_back(gone.clone()).unwrap_err().kind, FailureKind::InvalidArgument);
    let record = world.pull(pull("T")).now().records.pop();
    world.send_back(SendBackRequest { record, ..gone }).unwrap();
    let record = comes_after(&world, 0, Duration::from_secs(10));
    assert_eq!((record.head.reconsume_times, body_of(&record).as_str()), (1, "body"));
}

#[test]
fn a_level_is_waited_for_and_a_negative_one_is_the_end() {
    let world = world();
    let sent = world.send("T", "", "body");
    world.send_back(SendBackRequest { delay_level: 1, ..back(sent.position) }).unwrap();
    comes_after(&world, 0, Duration::from_secs(1));
    world.send_back(SendBackRequest { delay_level: -1, ..back(sent.position) }).unwrap();
    let dead = world.read_all(DEAD, 0);
    assert_eq!((dead.len(), dead[0].head.reconsume_times), (1, 0));
}

#[test]
fn waits_go_on_over_a_restart_and_a_kill() {
    let mut world = world();
    let sent = world.send("T", "", "body");
    world.send_back(back(sent.position)).unwrap();
    let due_ms = world.now_ms() + 10_000;
    let restarts: [fn(World) -> World; 4] = [World::reopen, World::kill, World::reopen, World::kill];
    for restart in restarts {
        world.advance(Duration::from_secs(2));
        world = restart(world);
        assert!(world.read_all(RETRY, 0).is_empty());
        assert_eq!(world.broker.statistics().store.timers_waiting, 1);
    }
    world.advance(Duration::from_secs(2));
    assert_eq!(world.now_ms(), due_ms);
    assert_eq!(world.read_all(RETRY, 0).len(), 1);
    for restart in restarts {
        world = restart(world);
        world.advance(Duration::from_secs(3600));
        assert_eq!(world.read_all(RETRY, 0).len(), 1, "delivered a second time");
    }
}

#[test]
fn what_became_due_while_the_broker_was_away_comes_at_once_in_order() {
    let world = world();
    for (level, body) in [(5, "later"), (3, "first"), (4, "second")] {
        let sent = world.send("T", "", body);
        world.send_back(SendBackRequest { delay_level: level, ..back(sent.position) }).unwrap();
    }
    world.broker.close().unwrap();
    world.advance(Duration::from_secs(3600));
    let world = world.reopen();
    world.advance(Duration::ZERO);
    let stored: Vec<String> = world.read_all(RETRY, 0).iter().map(body_of).collect();
    assert_eq!(stored, ["first", "second", "later"]);
}

#[test]
fn the_largest_message_of_the_longest_topic_can_be_retried_to_the_end() {
    let world = world();
    let topic = "t".repeat(TOPIC_BYTES_MAX);
    let text = Properties::from_text(format!("k\u{1}{}\u{2}", "v".repeat(SEND_PROPERTIES_BYTES_MAX - 3)));
    assert_eq!(text.as_text().len(), SEND_PROPERTIES_BYTES_MAX);
    let message = SendRequest { properties: text.as_text(), ..request(&topic, "body") };
    let sent = world.broker.send(&message, TIMEOUT).unwrap();
    world.send_back(back(sent.position)).unwrap();
    let record = comes_after(&world, 0, Duration::from_secs(10));
    assert_eq!(record.property(properties::RETRY_TOPIC), Some(topic.as_str()));
    world.send_back(SendBackRequest { delay_level: -1, ..back(record.head.position) }).unwrap();
    assert_eq!(world.read_all(DEAD, 0)[0].property(properties::DLQ_ORIGIN_TOPIC), Some(topic.as_str()));
}

#[test]
fn what_a_message_claims_of_its_origin_is_not_believed() {
    let world = world();
    let claims = "RETRY_TOPIC\u{1}elsewhere\u{2}ORIGIN_MESSAGE_ID\u{1}00\u{2}REAL_TOPIC\u{1}elsewhere\u{2}";
    let sent =
        world.broker.send(&SendRequest { properties: claims, ..request("T", "body") }, TIMEOUT).unwrap();
    world.send_back(back(sent.position)).unwrap();
    let record = comes_after(&world, 0, Duration::from_secs(10));
    assert_eq!(record.property(properties::RETRY_TOPIC), Some("T"));
    assert_eq!(record.property(properties::ORIGIN_MESSAGE_ID).unwrap().len(), 32);
}

#[test]
fn a_position_that_holds_no_message_is_named() {
    let world = world();
    let sent = world.send("T", "", "body");
    for position in [-1, sent.position + 1, sent.position + 1_000_000] {
        let failure = world.send_back(back(position)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArgument, "{failure}");
        assert!(failure.message.contains(&format!("position {position} ")), "{failure}");
    }
    world.advance(Duration::from_secs(3600));
    assert!(world.read_all(RETRY, 0).is_empty());
}
