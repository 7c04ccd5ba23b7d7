//! Guards against consumers that balance on a wrong picture of their group.

use super::fixture::*;
use crate::broker::groups::CONSUMER_GROUP_BYTES_MAX;
use crate::protocol::names;
use crate::protocol::request::ConsumerData;
use crate::protocol::request::Heartbeat;
use std::sync::Arc;

const NONE: [&str; 0] = [];

#[test]
fn members_are_sorted_and_everybody_hears_of_a_change() {
    let world = World::new();
    let of = || vec![consumer("CID_a", &[("T", "*")])];
    let second = world.join("client-2", of());
    assert_eq!(second.take(), ["CID_a"]);
    let first = world.join("client-1", of());
    assert_eq!((first.take(), second.take()), (vec!["CID_a".into()], vec!["CID_a".into()]));
    let names: Vec<Arc<str>> = world.broker.group_members("CID_a").unwrap();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["client-1", "client-2"]);
    world.broker.unregister("client-1").unwrap();
    assert_eq!((first.take(), second.take()), (vec![], vec!["CID_a".to_owned()]));
    assert_eq!(world.broker.group_members("CID_a").unwrap().len(), 1);
    assert!(world.broker.group_members("CID_unknown").unwrap().is_empty());
}

#[test]
fn a_heartbeat_that_changes_nothing_is_silent() {
    let world = World::new();
    let of = || vec![consumer("CID_a", &[("T", "A||B")])];
    let first = world.join("client-1", of());
    first.take();
    let renewed = world.join("client-1", of());
    assert_eq!((first.take(), renewed.take()), (vec![], vec![]));
    // The newer listener is the one that hears from now on.
    world.join("client-2", of());
    assert_eq!((first.take(), renewed.take()), (vec![], vec!["CID_a".to_owned()]));
}

#[test]
fn a_changed_subscription_and_a_left_group_are_told() {
    let world = World::new();
    let other =
        world.join("client-2", vec![consumer("CID_a", &[("T", "*")]), consumer("CID_b", &[("T", "*")])]);
    world.join("client-1", vec![consumer("CID_a", &[("T", "*")]), consumer("CID_b", &[("T", "*")])]);
    other.take();
    world.join(
        "client-1",
        vec![consumer("CID_a", &[("T", "*")]), consumer("CID_b", &[("T", "*"), ("U", "*")])],
    );
    assert_eq!(other.take(), ["CID_b"]);
    world.join("client-1", vec![consumer("CID_b", &[("T", "*"), ("U", "*")])]);
    assert_eq!(other.take(), ["CID_a"]);
    assert_eq!(world.broker.group_members("CID_a").unwrap().len(), 1);
}

#[test]
fn a_new_topic_is_told_to_who_subscribes_it() {
    let world = World::new();
    let waiting = world.join("client-1", vec![consumer("CID_a", &[("T", "*")])]);
    let other = world.join("client-2", vec![consumer("CID_b", &[("U", "*")])]);
    waiting.take();
    other.take();
    world.send("T", "", "first");
    assert_eq!((waiting.take(), other.take()), (vec!["CID_a".to_owned()], vec![]));
    world.send("T", "", "second");
    assert_eq!(waiting.take(), NONE);
}

#[test]
fn every_consumer_group_gets_its_retry_topic() {
    let world = World::new();
    world.join("client-1", vec![consumer("CID_a", &[("T", "*")])]);
    assert_eq!(world.broker.read_queues(&names::retry_topic("CID_a")).unwrap(), [0]);
    assert_eq!(world.broker.read_queues("T").unwrap(), [0; 0]);
}

#[test]
fn a_group_name_leaves_room_for_its_retry_topic() {
    let world = World::new();
    let longest = "g".repeat(CONSUMER_GROUP_BYTES_MAX);
    world.join("client-1", vec![consumer(&longest, &[("T", "*")])]);
    let over = Heartbeat {
        client_id: "client-2".into(),
        producer_groups: Vec::new(),
        consumers: vec![consumer(&"g".repeat(CONSUMER_GROUP_BYTES_MAX + 1), &[("T", "*")])],
    };
    let failure = world.broker.heartbeat(&over, Arc::new(Ears::default())).unwrap_err();
    assert!(failure.message.contains("121 bytes, the limit is 120"), "{failure}");
    let nameless = Heartbeat { client_id: "".into(), consumers: Vec::new(), ..over };
    assert!(world.broker.heartbeat(&nameless, Arc::new(Ears::default())).is_err());
}

#[test]
fn members_that_disagree_are_shown_with_both_names() {
    let world = World::new();
    let of_group = |world: &World| world.broker.groups().into_iter().next().unwrap();
    world.join("client-1", vec![consumer("CID_a", &[("T", "A||B")])]);
    world.join("client-2", vec![consumer("CID_a", &[("T", "B || A")])]);
    assert_eq!(of_group(&world).disagreement, None);
    world.join("client-2", vec![consumer("CID_a", &[("T", "A")])]);
    let told = of_group(&world).disagreement.unwrap();
    assert!(told.contains("client 'client-1' subscribes topic 'T' with 'A||B'"), "{told}");
    assert!(told.contains("client 'client-2' topic 'T' with 'A'"), "{told}");
    world.join("client-2", vec![consumer("CID_a", &[("T", "A||B"), ("U", "*")])]);
    let told = of_group(&world).disagreement.unwrap();
    assert!(told.contains("client 'client-1' subscribes not topic 'U'"), "{told}");
    assert_eq!(of_group(&world).members.len(), 2);
}

#[test]
fn the_instance_started_last_sets_the_retries_for_good() {
    let with = |max| {
        let data = consumer("CID_a", &[("T", "*")]);
        vec![ConsumerData { reconsume_times_max: max, ..data }]
    };
    let world = World::new();
    let max = |world: &World| world.broker.groups()[0].reconsume_times_max;
    world.join("client-1", with(5));
    world.join("client-2", with(3));
    assert_eq!(max(&world), Some(3));
    // The older one goes on beating: that is no start.
    world.join("client-1", vec![with(5).remove(0), consumer("CID_b", &[("T", "*")])]);
    assert_eq!(max(&world), Some(3));
    let world = world.reopen();
    assert_eq!(max(&world), Some(3));
    assert!(world.broker.groups()[0].members.is_empty());
    world.join("client-3", with(-1));
    assert_eq!(max(&world), Some(3));
}
