//! Guards against progress that is lost, or that runs ahead of the messages.

use super::fixture::*;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::QueueOffset;
use crate::store::Table;

fn at(queue_id: i32, offset: i64) -> QueueOffset {
    QueueOffset { queue: key("T", queue_id), offset }
}

fn three_messages() -> World {
    let world = World::new();
    for body in ["a", "b", "c"] {
        world.send_to("T", 0, body);
    }
    world
}

#[test]
fn a_group_goes_on_where_it_was_after_a_restart() {
    let world = three_messages();
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(None));
    world.broker.commit_offsets("CID_a", &[at(0, 2), at(1, 0)]).unwrap();
    let world = world.reopen();
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(Some(2)));
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 1)), Ok(Some(0)));
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 2)), Ok(None));
    assert_eq!(world.broker.query_offset("CID_b", &key("T", 0)), Ok(None));
    // The client's word counts, backwards too: a reset to an earlier time is one.
    world.broker.commit_offsets("CID_a", &[at(0, 1)]).unwrap();
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(Some(1)));
}

#[test]
fn an_offset_ahead_of_its_queue_is_refused_and_the_others_are_kept() {
    let world = three_messages();
    let failure = world.broker.commit_offsets("CID_a", &[at(1, 1), at(0, 3)]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArgument);
    let told = "'CID_a' cannot commit offset 1 of queue 1 of topic 'T': 0 to 0 are possible";
    assert!(failure.message.contains(told), "{failure}");
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(Some(3)));
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 1)), Ok(None));
    for wrong in [at(0, 4), at(0, -1), at(8, 0)] {
        world.broker.commit_offsets("CID_a", &[wrong]).unwrap_err();
    }
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(Some(3)));
}

#[test]
fn a_stored_offset_ahead_of_its_queue_is_taken_back_at_open() {
    let world = three_messages();
    world.broker.store.put_row(Table::Offsets, "CID_a@T@0", &99_i64.to_be_bytes());
    world.broker.store.put_row(Table::Offsets, "CID_a@gone@0", &5_i64.to_be_bytes());
    let world = world.reopen().reopen();
    assert_eq!(world.broker.query_offset("CID_a", &key("T", 0)), Ok(Some(3)));
    assert_eq!(world.broker.query_offset("CID_a", &key("gone", 0)), Ok(Some(0)));
}

#[test]
fn the_backlog_is_what_is_not_committed() {
    let world = three_messages();
    world.send_to("T", 1, "d");
    let backlog = |world: &World| world.broker.backlog("CID_a", "T").unwrap();
    assert_eq!(backlog(&world), 4);
    world.broker.commit_offsets("CID_a", &[at(0, 2)]).unwrap();
    assert_eq!(backlog(&world), 2);
    world.broker.commit_offsets("CID_a", &[at(0, 3), at(1, 1)]).unwrap();
    assert_eq!(backlog(&world), 0);
    assert_eq!(world.broker.backlog("CID_a", "U").unwrap_err().kind, FailureKind::TopicNotExist);
    assert_eq!(world.broker.statistics().groups, 1);
}
