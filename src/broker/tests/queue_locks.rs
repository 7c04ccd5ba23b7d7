//! Guards against two instances of a group that read one queue, and against a queue that nobody may read.

use super::fixture::*;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::QueueKey;

fn group_of_two(world: &World) -> (std::sync::Arc<Ears>, std::sync::Arc<Ears>) {
    let of = || vec![consumer("CID_a", &[("T", "*")]), consumer("CID_b", &[("T", "*")])];
    let ears = (world.join("one", of()), world.join("two", of()));
    ears.0.take();
    ears.1.take();
    ears
}

fn queues(ids: &[i32]) -> Vec<QueueKey> {
    ids.iter().map(|id| key("T", *id)).collect()
}

#[test]
fn a_queue_has_one_owner_and_moves_when_it_is_given_up() {
    let world = World::new();
    let (one, two) = group_of_two(&world);
    let broker = &world.broker;
    assert_eq!(broker.lock_queues("CID_a", "one", &queues(&[0, 1])).unwrap(), queues(&[0, 1]));
    assert_eq!(broker.lock_queues("CID_a", "one", &queues(&[1])).unwrap(), queues(&[1]));
    assert_eq!(broker.lock_queues("CID_a", "two", &queues(&[1, 2])).unwrap(), queues(&[2]));
    broker.unlock_queues("CID_a", "two", &queues(&[1])).unwrap();
    assert!(broker.lock_queues("CID_a", "two", &queues(&[1])).unwrap().is_empty());
    assert_eq!((one.take(), two.take()), (vec![], vec![]));
    broker.unlock_queues("CID_a", "one", &queues(&[0, 1])).unwrap();
    assert_eq!((one.take(), two.take()), (vec!["CID_a".to_owned()], vec!["CID_a".to_owned()]));
    assert_eq!(broker.lock_queues("CID_a", "two", &queues(&[0, 1])).unwrap(), queues(&[0, 1]));
}

#[test]
fn a_lock_that_nobody_waits_for_comes_free_silently() {
    let world = World::new();
    let (one, two) = group_of_two(&world);
    world.broker.lock_queues("CID_a", "one", &queues(&[0])).unwrap();
    world.broker.unlock_queues("CID_a", "one", &queues(&[0])).unwrap();
    assert_eq!((one.take(), two.take()), (vec![], vec![]));
}

#[test]
fn each_group_has_its_own_locks() {
    let world = World::new();
    group_of_two(&world);
    assert_eq!(world.broker.lock_queues("CID_a", "one", &queues(&[0])).unwrap().len(), 1);
    assert_eq!(world.broker.lock_queues("CID_b", "two", &queues(&[0])).unwrap().len(), 1);
    // Leaving one group by a heartbeat leaves the locks of the other alone.
    world.join("one", vec![consumer("CID_b", &[("T", "*")])]);
    assert_eq!(world.broker.lock_queues("CID_a", "two", &queues(&[0])).unwrap().len(), 1);
    assert!(world.broker.lock_queues("CID_b", "one", &queues(&[0])).unwrap().is_empty());
}

#[test]
fn who_leaves_frees_its_queues_before_the_others_hear_of_it() {
    let world = World::new();
    let (_, two) = group_of_two(&world);
    world.broker.lock_queues("CID_a", "one", &queues(&[0, 1])).unwrap();
    world.broker.unregister("one").unwrap();
    assert_eq!(two.take(), ["CID_a", "CID_b"]);
    assert_eq!(world.broker.lock_queues("CID_a", "two", &queues(&[0, 1])).unwrap().len(), 2);
}

#[test]
fn only_members_can_lock() {
    let world = World::new();
    group_of_two(&world);
    world.broker.unregister("one").unwrap();
    let failure = world.broker.lock_queues("CID_a", "one", &queues(&[0])).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidState);
    assert!(failure.message.contains("'one'") && failure.message.contains("'CID_a'"), "{failure}");
}
