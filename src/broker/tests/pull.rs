//! Guards against an answer to a pull that would make its client skip, repeat or spin.

use super::fixture::*;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullStatus;
use std::time::Duration;

#[test]
fn found_messages_come_in_order_with_where_to_go_on() {
    let world = World::new();
    for body in ["a", "b", "c"] {
        world.send_to("T", 2, body);
    }
    let at = |offset| PullRequest { queue_id: 2, offset, messages_max: 2, ..pull("T") };
    let response = world.pull(at(0)).now();
    assert_eq!((response.status, bodies(&response)), (PullStatus::Found, vec!["a".into(), "b".into()]));
    assert_eq!((response.next_offset, response.min_offset, response.max_offset), (2, 0, 3));
    let response = world.pull(at(2)).now();
    assert_eq!((bodies(&response), response.next_offset), (vec!["c".into()], 3));
}

#[test]
fn an_answer_stops_before_its_bytes_but_holds_one_message() {
    let world = World::new();
    for _ in 0..3 {
        world.send_to("T", 0, &"b".repeat(1000));
    }
    let of = |bytes_max| world.pull(PullRequest { bytes_max, ..pull("T") }).now().records.len();
    assert_eq!((of(1), of(2500), of(1 << 20)), (1, 2, 3));
    let none_asked = world.pull(PullRequest { messages_max: 0, ..pull("T") }).now();
    assert_eq!(none_asked.records.len(), 1);
}

#[test]
fn an_offset_outside_the_queue_is_moved_to_the_nearest_inside() {
    let world = World::new();
    world.send_to("T", 0, "a");
    for (offset, next) in [(-1, 0), (2, 1), (i64::MAX, 1)] {
        let response = world.pull(PullRequest { offset, suspend: LONG, ..pull("T") }).now();
        assert_eq!((response.status, response.next_offset), (PullStatus::OffsetMoved, next));
    }
}

#[test]
fn nothing_new_is_told_at_once_to_who_does_not_wait() {
    let world = World::new();
    world.send_to("T", 0, "a");
    let response = world.pull(PullRequest { offset: 1, ..pull("T") }).now();
    assert_eq!((response.status, response.next_offset), (PullStatus::NoNewMessage, 1));
    assert_eq!((response.min_offset, response.max_offset), (0, 1));
    assert_eq!(world.broker.statistics().pulls_waiting, 0);
}

#[test]
fn only_wanted_tags_are_answered() {
    let world = World::with(|config| config.default_queues = 1);
    for tag in ["A", "B", "", "A", "C"] {
        world.send("T", tag, &format!("body {tag}"));
    }
    let of = |expression| world.pull(PullRequest { filter: filter(expression), ..pull("T") }).now();
    assert_eq!(bodies(&of("A")), ["body A", "body A"]);
    assert_eq!(bodies(&of("C || B")), ["body B", "body C"]);
    assert_eq!(bodies(&of("*")).len(), 5);
    let none = world.pull(PullRequest { filter: filter("D"), suspend: LONG, ..pull("T") }).now();
    assert_eq!((none.status, none.next_offset), (PullStatus::NoMatchedMessage, 5));
}

#[test]
fn two_groups_each_receive_everything() {
    let world = World::new();
    for number in 0..40 {
        world.send("T", "", &number.to_string());
    }
    for group in ["CID_one", "CID_two"] {
        let mut seen: Vec<i32> = (0..8)
            .flat_map(|queue_id| {
                let request = PullRequest { group: group.into(), queue_id, ..pull("T") };
                bodies(&world.pull(request).now())
            })
            .map(|body| body.parse().unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn a_topic_or_queue_that_is_not_there_is_named() {
    let world = World::new();
    let failure = world.pull(pull("nowhere")).result_now().unwrap_err();
    assert_eq!(failure.kind, FailureKind::TopicNotExist);
    assert!(failure.message.contains("'nowhere'") && failure.message.contains("'GID_test'"), "{failure}");
    assert_eq!(world.broker.read_queues("nowhere").unwrap(), [0; 0]);
    world.send("T", "", "a");
    let failure = world.pull(PullRequest { queue_id: 8, ..pull("T") }).result_now().unwrap_err();
    assert!(failure.message.contains("0 to 7"), "{failure}");
    assert_eq!(world.broker.read_queues("T").unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn bounds_and_times_of_a_queue() {
    let world = World::new();
    for body in ["a", "b", "c"] {
        world.send_to("T", 0, body);
        world.advance(Duration::from_secs(10));
    }
    let queue = key("T", 0);
    assert_eq!(world.broker.min_offset(&queue), Ok(0));
    assert_eq!(world.broker.max_offset(&queue), Ok(3));
    for (after_ms, offset) in [(-1, 0), (0, 0), (1, 1), (10_000, 1), (20_000, 2), (20_001, 3)] {
        assert_eq!(world.broker.search_offset(&queue, START_MS + after_ms), Ok(offset), "{after_ms}");
    }
    assert_eq!(world.broker.max_offset(&key("none", 0)).unwrap_err().kind, FailureKind::TopicNotExist);
}
