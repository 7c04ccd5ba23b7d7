//! Guards against topics that are lost with a crash, and against a closed broker that half works.

use super::fixture::*;
use crate::broker::Broker;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::store::Table;
use crate::store::config::Environment;
use std::sync::Arc;

#[test]
fn topics_and_their_queues_come_back() {
    let world = World::new();
    world.send_to("T", 2, "body");
    world.join("client", vec![consumer("CID_a", &[("T", "*")])]);
    let world = world.reopen_with(|config| config.default_queues = 3);
    let shown: Vec<_> =
        world.broker.topics().into_iter().map(|t| (t.topic.to_string(), t.queues.len())).collect();
    assert_eq!(shown, [("%RETRY%CID_a".to_owned(), 1), ("T".to_owned(), 8)]);
    assert_eq!(world.broker.topics()[1].queues[2].max_offset, 1);
    assert_eq!(world.broker.statistics().topics, 2);
}

#[test]
fn a_topic_whose_row_was_not_durable_is_known_from_the_log() {
    let world = World::new();
    world.send_to("T", 2, "body");
    let world = world.kill();
    assert_eq!(world.broker.read_queues("T").unwrap().len(), 8);
    assert_eq!(world.read_all("T", 2).len(), 1);
    world.broker.store.put_row(Table::Topics, "T", &[1, 0, 0, 0, 1]);
    let world = world.reopen();
    assert_eq!(world.broker.read_queues("T").unwrap(), [0, 1, 2]);
}

#[test]
fn a_damaged_row_is_told_and_the_directory_let_go() {
    let world = World::new();
    world.broker.store.put_row(Table::Topics, "T", &[9]);
    world.broker.close().unwrap();
    let environment = || Environment {
        disk: Arc::new(world.disk.clone()),
        clock: world.clock.clone(),
        scheduler: world.scheduler.clone(),
        has_threads: false,
    };
    let config = || crate::broker::BrokerConfig::new("/data");
    for _ in 0..2 {
        let failure = Broker::open(config(), environment()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Corrupt, "{failure}");
        assert!(failure.message.contains("topic 'T'"), "{failure}");
    }
}

#[test]
fn after_close_every_call_says_that_it_is_closed() {
    let world = World::new();
    world.send("T", "", "body");
    world.broker.close().unwrap();
    world.broker.close().unwrap();
    assert!(world.broker.is_closed());
    let broker = &world.broker;
    let queue = key("T", 0);
    let all: [Result<(), Failure>; 12] = [
        broker.send(&request("T", "b"), TIMEOUT).map(drop),
        world.send_async(&request("T", "b")).map(drop),
        broker.send_oneway(&request("T", "b"), TIMEOUT),
        world.pull(pull("T")).result_now().map(drop),
        broker.unregister("client"),
        broker.group_members("CID_a").map(drop),
        broker.read_queues("T").map(drop),
        broker.lock_queues("CID_a", "client", &[]).map(drop),
        broker.query_offset("CID_a", &queue).map(drop),
        broker.commit_offsets("CID_a", &[]),
        broker.max_offset(&queue).map(drop),
        broker.backlog("CID_a", "T").map(drop),
    ];
    for result in all {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidState);
        assert_eq!(failure.message, "the broker of /data is closed");
    }
}

#[test]
fn no_listener_outlives_the_close() {
    let world = World::new();
    let ears = world.join("client", vec![consumer("CID_a", &[("T", "*")])]);
    assert_eq!(Arc::strong_count(&ears), 2);
    world.broker.close().unwrap();
    assert_eq!(Arc::strong_count(&ears), 1);
}

#[test]
fn a_broker_that_is_dropped_lets_go_of_its_directory() {
    let World { disk, clock, scheduler, broker, .. } = World::new();
    drop(broker);
    let environment = Environment { disk: Arc::new(disk), clock, scheduler, has_threads: false };
    Broker::open(crate::broker::BrokerConfig::new("/data"), environment).unwrap();
}
