//! Guards against a prefetch that grows over its limits, strands messages in one thread's hands, or forgets queues.

use super::*;
use crate::client::process_queue::FINISHED_AHEAD_MAX;
use crate::client::slot::Slot;
use crate::protocol::request::QueueKey;
use crate::protocol::tags::TagExpression;

fn queue(id: i32) -> Arc<ProcessQueue> {
    let key = QueueKey { topic: "T".into(), queue_id: id };
    Arc::new(ProcessQueue::new(key, Arc::new(TagExpression::all()), 0, Some(0)))
}

fn prefetch(messages: usize, bytes: usize, threads: usize) -> Prefetch {
    Prefetch::new(Grant { messages, bytes }, threads)
}

fn records(count: usize, bytes: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![7; bytes]); count]
}

/// The next step of a thread that must not sleep.
fn next(prefetch: &Prefetch, finished: Grant, batch_max: usize, slot: &Slot) -> Step {
    let mut take = |queue: &Arc<ProcessQueue>, items: &mut dyn Iterator<Item = Item>| slot.fill(queue, items);
    prefetch.next(finished, false, batch_max, &mut take, &mut || panic!("there is nothing to do"))
}

fn pull_all(prefetch: &Prefetch, finished: Grant) -> (Vec<Arc<ProcessQueue>>, Grant) {
    match next(prefetch, finished, 1, &Slot::default()) {
        Step::Pull(queues, grant) => (queues, grant),
        other => panic!("not a pull: {other:?}"),
    }
}

/// A pull of one queue whose thread is through with asking.
fn pull(prefetch: &Prefetch, finished: Grant) -> (Arc<ProcessQueue>, Grant) {
    let (mut queues, grant) = pull_all(prefetch, finished);
    assert_eq!(queues.len(), 1);
    prefetch.update(|ready| ready.is_pulling = false);
    (queues.remove(0), grant)
}

#[test]
fn the_room_is_shared_evenly_by_the_pulls_under_way() {
    let prefetch = prefetch(1000, 64 << 20, 4);
    let queues: Vec<_> = (0..8).map(queue).collect();
    prefetch.update(|ready| queues.iter().for_each(|queue| ready.add(queue.clone())));
    let (pulled, grant) = pull_all(&prefetch, Grant::NONE);
    assert_eq!((pulled.len(), grant), (8, Grant { messages: 125, bytes: PULL_BYTES_MAX }));
    assert_eq!(prefetch.lock().granted.messages, 1000);
}

#[test]
fn one_thread_pulls_at_a_time_and_takes_all_queues() {
    let prefetch = prefetch(1000, 64 << 20, 4);
    let queues: Vec<_> = (0..PULLS_MAX as i32 + 1).map(queue).collect();
    prefetch.update(|ready| queues.iter().for_each(|queue| ready.add(queue.clone())));
    let (pulled, grant) = pull_all(&prefetch, Grant::NONE);
    assert_eq!((pulled.len(), grant.messages), (PULLS_MAX, 1000 / (PULLS_MAX + 1)));
    prefetch.pulled(&queues[0], grant, records(1, 10), 1);
    // Another thread consumes what has come already, and leaves the pulls to the one that is at it.
    let slot = Slot::default();
    assert!(matches!(next(&prefetch, Grant::NONE, 1, &slot), Step::Consume));
    assert!(prefetch.lock().next_grant().is_none());
    let mut take = |_: &Arc<ProcessQueue>, _: &mut dyn Iterator<Item = Item>| {};
    let step = prefetch.next(Grant::NONE, true, 1, &mut take, &mut || panic!("there are queues to pull"));
    let Step::Pull(rest, _) = step else { panic!("not a pull: {step:?}") };
    assert!(Arc::ptr_eq(&rest[0], &queues[PULLS_MAX]) && Arc::ptr_eq(&rest[1], &queues[0]));
}

#[test]
fn small_pulls_wait_while_the_threads_have_enough_to_do() {
    let prefetch = prefetch(80, 64 << 20, 1);
    prefetch.pulled(&queue(0), Grant::NONE, records(70, 10), 70);
    let slot = Slot::default();
    for _ in 0..60 {
        assert!(prefetch.lock().next_grant().is_none());
        assert!(matches!(next(&prefetch, Grant::NONE, 1, &slot), Step::Consume));
    }
    assert_eq!(pull(&prefetch, Grant::NONE).1.messages, 10, "hardly anything waits any more");
}

#[test]
fn pulling_stops_at_the_count_and_goes_on_below_it() {
    let prefetch = prefetch(10, 1 << 20, 1);
    let queue = queue(0);
    prefetch.update(|ready| ready.add(queue.clone()));
    let (_, grant) = pull(&prefetch, Grant::NONE);
    assert_eq!(grant.messages, 10);
    prefetch.pulled(&queue, grant, records(10, 100), 10);
    let slot = Slot::default();
    // All ten are taken, none is finished: there is no room, however short the wait.
    for _ in 0..10 {
        assert!(matches!(next(&prefetch, Grant::NONE, 1, &slot), Step::Consume));
    }
    assert_eq!(prefetch.lock().cached(), Grant { messages: 10, bytes: 1000 });
    let (_, grant) = pull(&prefetch, Grant { messages: 1, bytes: 100 });
    assert_eq!(grant.messages, 1);
}

#[test]
fn pulling_stops_at_the_bytes() {
    let prefetch = prefetch(1000, 1000, 1);
    let queue = queue(0);
    prefetch.update(|ready| ready.add(queue.clone()));
    let (_, grant) = pull(&prefetch, Grant::NONE);
    assert_eq!(grant, Grant { messages: 1000, bytes: 1000 });
    // One message is always granted, and may be larger than the room.
    prefetch.pulled(&queue, grant, records(1, 1500), 1);
    let slot = Slot::default();
    assert!(matches!(next(&prefetch, Grant::NONE, 1, &slot), Step::Consume));
    assert!(prefetch.lock().next_grant().is_none());
    assert_eq!(pull(&prefetch, Grant { messages: 1, bytes: 1500 }).1.bytes, 1000);
}

#[test]
fn a_batch_leaves_enough_for_the_other_threads() {
    let prefetch = prefetch(1000, 1 << 20, 4);
    let queue = queue(0);
    prefetch.pulled(&queue, Grant::NONE, records(10, 1), 10);
    prefetch.update(|ready| ready.to_pull.clear());
    let taken = |batch_max| {
        let slot = Slot::default();
        assert!(matches!(next(&prefetch, Grant::NONE, batch_max, &slot), Step::Consume));
        std::iter::from_fn(|| slot.lock().pop()).map(|item| item.number).collect::<Vec<_>>()
    };
    assert_eq!(taken(32), [0, 1]);
    assert_eq!(taken(1), [2]);
    assert_eq!(taken(32), [3], "seven are left for four threads");
}

#[test]
fn what_a_thread_has_not_started_can_be_taken_over() {
    let (queue, slot) = (queue(0), Slot::default());
    queue.extend(3, 3);
    let items = (0..3).map(|number| Item { number, record: Bytes::new() });
    slot.fill(&queue, &mut items.into_iter());
    assert_eq!(slot.lock().pop().unwrap().number, 0);
    let stolen: Vec<_> = std::iter::from_fn(|| slot.steal()).map(|(_, item)| item.number).collect();
    assert_eq!(stolen, [2, 1]);
}

#[test]
fn a_queue_that_is_given_up_takes_only_its_own_messages_along() {
    let prefetch = prefetch(1000, 1 << 20, 1);
    let (lost, kept) = (queue(0), queue(1));
    prefetch.pulled(&lost, Grant::NONE, records(3, 10), 3);
    prefetch.pulled(&kept, Grant::NONE, records(2, 10), 2);
    prefetch.forget(&lost);
    assert!(lost.is_dropped() && !lost.is_busy() && lost.uncommitted().is_none());
    assert_eq!(prefetch.lock().cached(), Grant { messages: 2, bytes: 20 });
    // An answer that comes too late is dropped, and the queue is not pulled again.
    prefetch.pulled(&lost, Grant::NONE, records(1, 10), 4);
    prefetch.pull_again(lost.clone());
    assert!(!prefetch.consume_again(&lost, Item { number: 0, record: Bytes::new() }));
    assert!(Arc::ptr_eq(&pull(&prefetch, Grant::NONE).0, &kept));
    assert!(prefetch.lock().to_pull.is_empty());
}

#[test]
fn balancing_is_one_threads_task_at_a_time() {
    let prefetch = prefetch(1000, 1 << 20, 1);
    assert!(!prefetch.request_balance(), "no thread is idle");
    assert!(matches!(next(&prefetch, Grant::NONE, 1, &Slot::default()), Step::Balance));
    prefetch.request_balance();
    assert!(!prefetch.begin_balance());
    assert!(!prefetch.end_balance(), "one was wished for meanwhile");
    assert!(!prefetch.begin_balance(), "whoever is at it does that one too");
    assert!(prefetch.end_balance());
    prefetch.request_balance();
    assert!(prefetch.begin_balance());
}

#[test]
fn after_the_close_nothing_is_started() {
    let prefetch = prefetch(1000, 1 << 20, 1);
    let queue = queue(0);
    prefetch.pulled(&queue, Grant::NONE, records(3, 10), 3);
    prefetch.close();
    prefetch.pulled(&queue, Grant::NONE, records(3, 10), 6);
    let step = |steal: &mut dyn FnMut() -> bool| {
        prefetch.next(Grant::NONE, false, 1, &mut |_, _| panic!("nothing is taken any more"), steal)
    };
    assert!(matches!(step(&mut || true), Step::Consume), "what another thread has not started is shared out");
    assert!(matches!(step(&mut || false), Step::End));
}

#[test]
fn a_queue_is_not_pulled_while_too_much_is_finished_behind_a_message_that_is_not() {
    let prefetch = prefetch(10_000, 1 << 20, 1);
    let queue = queue(0);
    let finish = |numbers: std::ops::Range<u64>| {
        queue.finish(numbers.map(|number| (number, Some(number as i64))));
        prefetch.update(|ready| ready.finished(Grant::NONE));
    };
    let count = FINISHED_AHEAD_MAX + 1;
    prefetch.pulled(&queue, Grant::NONE, records(count, 10), count as i64);
    let (pulled, grant) = pull(&prefetch, Grant::NONE);
    finish(1..FINISHED_AHEAD_MAX as u64);
    prefetch.pulled(&pulled, grant, Vec::new(), count as i64);
    let (pulled, grant) = pull(&prefetch, Grant::NONE);
    finish(FINISHED_AHEAD_MAX as u64..count as u64);
    prefetch.pulled(&pulled, grant, Vec::new(), count as i64);
    assert!(prefetch.lock().to_pull.is_empty(), "the first message is not finished");
    finish(0..1);
    assert_eq!(prefetch.lock().to_pull.len(), 1);
}
