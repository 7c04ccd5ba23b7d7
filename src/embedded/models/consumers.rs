//! Consumers: prefetch, hand-over between instances, shutdown.

use super::world::{GROUP, World, send};
use crate::client::push_consumer::Action;
use crate::store::config::FlushMode;
use crate::sys::sync::model::explore::{explore, is_patient};
use crate::sys::sync::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SCHEDULES: usize = 20_000;
/// Without a timeout nothing takes time but the models' own waits: not the 15 s of a pull, not the 20 s to the next
/// look at the queues. Whoever needed one of those to go on was forgotten.
const SOON: Duration = Duration::from_secs(2);

/// That what began then did not have to wait for the next look through the queues.
#[track_caller]
fn check_soon(world: &World, begun: Duration) {
    if is_patient() {
        assert!(world.now() - begun < SOON, "the messages waited for {:?}", world.now() - begun);
    }
}

#[test]
fn every_message_is_consumed_once_within_the_bounds_of_the_cache() {
    explore("consumer: two threads, a cache of one and of many", SCHEDULES, || {
        for cache in ["1", "1000"] {
            let world = World::new(2, FlushMode::Async);
            let producer = world.producer();
            let consumer = world.consumer(1, "2", cache);
            let begun = world.now();
            let sender = {
                let producer = producer.clone();
                thread::spawn(move || (0..4).for_each(|number| send(&producer, number)))
            };
            consumer.start().unwrap();
            world.wait_for_seen(4);
            check_soon(&world, begun);
            if is_patient() {
                // A pull may bring one message more than there is room for.
                assert!(consumer.cached_messages() <= if cache == "1" { 2 } else { 4 });
            }
            sender.join().unwrap();
            consumer.shutdown().unwrap();
            producer.shutdown().unwrap();
            world.check_seen(4);
            world.close();
        }
    });
}

#[test]
fn two_instances_hand_over_without_loss_doubles_or_delay() {
    explore("consumer: a second instance comes, the first one goes", SCHEDULES, || {
        let world = World::new(2, FlushMode::Async);
        let producer = world.producer();
        let (first, second) = (world.consumer(1, "1", "1000"), world.consumer(2, "2", "1000"));
        let begun = world.now();
        let sender = {
            let producer = producer.clone();
            thread::spawn(move || (0..6).for_each(|number| send(&producer, number)))
        };
        first.start().unwrap();
        let comer = {
            let second = second.clone();
            thread::spawn(move || second.start().unwrap())
        };
        world.wait_for_seen(2);
        first.shutdown().unwrap();
        sender.join().unwrap();
        comer.join().unwrap();
        world.wait_for_seen(6);
        check_soon(&world, begun);
        second.shutdown().unwrap();
        producer.shutdown().unwrap();
        if is_patient() {
            world.check_seen(6);
        }
        world.close();
    });
}

#[test]
fn two_instances_that_stay_share_at_once() {
    explore("consumer: a second instance comes, both stay", SCHEDULES, || {
        let world = World::new(2, FlushMode::Async);
        let producer = world.producer();
        let (first, second) = (world.consumer(1, "2", "1000"), world.consumer(2, "1", "1000"));
        let begun = world.now();
        first.start().unwrap();
        (0..2).for_each(|number| send(&producer, number));
        let comer = {
            let second = second.clone();
            thread::spawn(move || second.start().unwrap())
        };
        (2..6).for_each(|number| send(&producer, number));
        comer.join().unwrap();
        world.wait_for_seen(6);
        // Both hold a queue now, whoever consumed what was sent until then.
        (6..8).for_each(|number| send(&producer, number));
        world.wait_for_seen(8);
        check_soon(&world, begun);
        first.shutdown().unwrap();
        second.shutdown().unwrap();
        producer.shutdown().unwrap();
        if is_patient() {
            world.check_seen(8);
        }
        world.close();
    });
}

#[test]
fn a_queue_is_handed_over_while_every_listener_is_busy() {
    explore("consumer: hands over while its only listener runs", SCHEDULES, || {
        let world = World::new(2, FlushMode::Async);
        let producer = world.producer();
        let begun = world.now();
        let is_other_here = Arc::new(AtomicUsize::new(0));
        let (seen, waits_for) = (world.seen.clone(), is_other_here.clone());
        let first = world.consumer_with(1, "1", "1000", move |body| {
            // The first message blocks its listener until another instance has got one.
            while body == "0" && waits_for.load(Ordering::SeqCst) == 0 {
                thread::sleep(Duration::from_millis(20));
            }
            seen.lock().unwrap().push((body, 1));
            Action::Commit
        });
        let (seen, tells) = (world.seen.clone(), is_other_here.clone());
        let second = world.consumer_with(2, "1", "1000", move |body| {
            tells.store(1, Ordering::SeqCst);
            seen.lock().unwrap().push((body, 2));
            Action::Commit
        });
        first.start().unwrap();
        send(&producer, 0);
        let comer = {
            let second = second.clone();
            thread::spawn(move || second.start().unwrap())
        };
        (1..4).for_each(|number| send(&producer, number));
        comer.join().unwrap();
        // Whichever message the first one holds, some of these go to the queue of the second.
        let mut sent = 4;
        while is_other_here.load(Ordering::SeqCst) == 0 {
            send(&producer, sent);
            sent += 1;
            thread::sleep(Duration::from_millis(100));
        }
        world.wait_for_seen(sent);
        check_soon(&world, begun);
        first.shutdown().unwrap();
        second.shutdown().unwrap();
        producer.shutdown().unwrap();
        if is_patient() {
            world.check_seen(sent);
        }
        world.close();
    });
}

#[test]
fn instances_that_come_and_go_at_once_leave_no_queue_behind() {
    explore("consumer: three instances come and go at once", SCHEDULES, || {
        let world = World::new(2, FlushMode::Async);
        let producer = world.producer();
        let begun = world.now();
        let passing = [1, 2].map(|instance| {
            let consumer = world.consumer(instance, "1", "1000");
            thread::spawn(move || {
                consumer.start().unwrap();
                thread::yield_now();
                consumer.shutdown().unwrap();
            })
        });
        let stays = world.consumer(3, "2", "1000");
        stays.start().unwrap();
        (0..4).for_each(|number| send(&producer, number));
        passing.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(world.broker.group_members(GROUP).unwrap().len(), 1);
        world.wait_for_seen(4);
        check_soon(&world, begun);
        stays.shutdown().unwrap();
        producer.shutdown().unwrap();
        if is_patient() {
            world.check_seen(4);
        }
        world.close();
    });
}

#[test]
fn a_subscription_does_not_bring_back_a_consumer_that_was_shut_down() {
    explore("consumer: subscribes while it is shut down", SCHEDULES, || {
        let world = World::new(1, FlushMode::Async);
        let consumer = world.consumer(1, "1", "1000");
        consumer.start().unwrap();
        let other = consumer.clone();
        // Refused if it comes too late.
        let subscriber = thread::spawn(move || drop(other.subscribe("U", "*", |_| Action::Commit)));
        consumer.shutdown().unwrap();
        subscriber.join().unwrap();
        world.close();
    });
}

#[test]
fn the_timer_does_not_bring_back_a_consumer_that_was_shut_down() {
    explore("consumer: shut down at the time of a heartbeat", SCHEDULES, || {
        let world = World::new(1, FlushMode::Async);
        let consumer = world.consumer(1, "1", "1000");
        consumer.start().unwrap();
        thread::sleep(Duration::from_secs(30));
        consumer.shutdown().unwrap();
        world.close();
    });
}

#[test]
fn what_a_listener_gives_back_comes_again() {
    explore("consumer: a message that is given back", SCHEDULES, || {
        let world = World::new(1, FlushMode::Async);
        let producer = world.producer();
        let (seen, times) = (world.seen.clone(), AtomicUsize::new(0));
        let consumer = world.consumer_with(1, "2", "1000", move |body| {
            if body == "0" && times.fetch_add(1, Ordering::SeqCst) == 0 {
                return Action::ReconsumeLater;
            }
            seen.lock().unwrap().push((body, 1));
            Action::Commit
        });
        consumer.start().unwrap();
        (0..2).for_each(|number| send(&producer, number));
        world.wait_for_seen(2);
        consumer.shutdown().unwrap();
        producer.shutdown().unwrap();
        world.check_seen(2);
        world.close();
    });
}

#[test]
fn a_shutdown_from_a_listener_is_refused_and_one_beside_it_waits() {
    explore("consumer: shut down from its listener and beside it", SCHEDULES, || {
        let world = World::new(1, FlushMode::Async);
        let producer = world.producer();
        let itself = Arc::new(std::sync::Mutex::new(None::<Arc<crate::client::push_consumer::PushConsumer>>));
        let (own, running) = (itself.clone(), Arc::new(AtomicUsize::new(0)));
        let (runs, world_seen) = (running.clone(), world.seen.clone());
        let consumer = world.consumer_with(1, "2", "1000", move |body| {
            runs.fetch_add(1, Ordering::SeqCst);
            let consumer = own.lock().unwrap().clone().unwrap();
            consumer.shutdown().unwrap_err();
            thread::yield_now();
            world_seen.lock().unwrap().push((body, 1));
            runs.fetch_sub(1, Ordering::SeqCst);
            Action::Commit
        });
        *itself.lock().unwrap() = Some(consumer.clone());
        consumer.start().unwrap();
        (0..3).for_each(|number| send(&producer, number));
        let others = [0, 1].map(|_| {
            let consumer = consumer.clone();
            thread::spawn(move || consumer.shutdown().unwrap())
        });
        others.into_iter().for_each(|thread| thread.join().unwrap());
        if is_patient() {
            assert_eq!(running.load(Ordering::SeqCst), 0, "the shutdown has returned");
        }
        producer.shutdown().unwrap();
        itself.lock().unwrap().take();
        world.close();
    });
}
