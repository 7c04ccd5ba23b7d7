//! Guards against a pull that waits although there is something to say, or is told something that is none.

use super::fixture::*;
use crate::broker::Broker;
use crate::broker::BrokerConfig;
use crate::protocol::failure::Failure;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::PullStatus;
use crate::protocol::request::SendRequest;
use crate::store::config::Environment;
use crate::sys::clock::Clock;
use crate::sys::clock::SystemClock;
use crate::sys::scheduler::Scheduler;
use crate::sys::sim_disk::SimDisk;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

fn one_queue() -> World {
    let world = World::with(|config| config.default_queues = 1);
    world.send("T", "A", "first");
    world
}

fn waiting(suspend: Duration) -> PullRequest {
    PullRequest { offset: 1, suspend, ..pull("T") }
}

#[test]
fn a_waiting_pull_is_answered_by_the_next_message() {
    let world = one_queue();
    let (one, other) = (world.pull(waiting(LONG)), world.pull(waiting(LONG)));
    assert!(one.is_waiting() && other.is_waiting());
    assert_eq!(world.broker.statistics().pulls_waiting, 2);
    world.send("T", "A", "second");
    for answer in [one, other] {
        let response = answer.now();
        assert_eq!((response.status, bodies(&response)), (PullStatus::Found, vec!["second".into()]));
        assert_eq!((response.next_offset, response.max_offset), (2, 2));
    }
    assert_eq!(world.broker.statistics().pulls_waiting, 0);
}

#[test]
fn messages_of_other_queues_and_other_tags_wake_nobody() {
    let world = one_queue();
    world.send("U", "A", "elsewhere");
    let answer = world.pull(PullRequest { filter: filter("B"), ..waiting(LONG) });
    world.send("U", "B", "elsewhere");
    world.send("T", "A", "not wanted");
    world.send("T", "", "not wanted");
    assert!(answer.is_waiting());
    world.send("T", "B", "wanted");
    let response = answer.now();
    assert_eq!((bodies(&response), response.next_offset), (vec!["wanted".into()], 4));
}

#[test]
fn a_wait_ends_at_its_time_and_not_before() {
    let world = one_queue();
    for suspend in [Duration::from_millis(1), Duration::from_millis(999), Duration::from_secs(15)] {
        let answer = world.pull(waiting(suspend));
        world.advance(suspend - Duration::from_millis(1));
        if suspend < Duration::from_secs(1) {
            assert!(answer.is_waiting());
        }
        world.advance(Duration::from_millis(1));
        let response = answer.now();
        assert_eq!((response.status, response.next_offset), (PullStatus::NoNewMessage, 1));
    }
}

#[test]
fn later_and_earlier_deadlines_each_end_in_their_turn() {
    let world = one_queue();
    let seconds = [30_u64, 10, 20, 40];
    let answers = seconds.map(|s| (s, world.pull(waiting(Duration::from_secs(s)))));
    for now in 1..=40 {
        world.advance(Duration::from_secs(1));
        for (due, answer) in &answers {
            if *due == now {
                assert_eq!(answer.now().status, PullStatus::NoNewMessage);
            } else if *due > now {
                assert!(answer.is_waiting(), "the wait of {due} s ended after {now} s");
            }
        }
    }
    assert_eq!(world.broker.statistics().pulls_waiting, 0);
}

#[test]
fn a_wait_that_passed_messages_over_says_so_at_its_end() {
    let world = one_queue();
    let suspend = Duration::from_secs(15);
    let answer = world.pull(PullRequest { filter: filter("B"), ..waiting(suspend) });
    world.send("T", "A", "not wanted");
    world.advance(suspend);
    let response = answer.now();
    assert_eq!((response.status, response.next_offset), (PullStatus::NoMatchedMessage, 2));
}

#[test]
fn unregistering_ends_the_pulls_of_that_client_only() {
    let world = one_queue();
    let of = |client: &str| world.pull(PullRequest { client_id: client.into(), ..waiting(LONG) });
    let (leaving, staying) = (of("leaving"), of("staying"));
    world.broker.unregister("leaving").unwrap();
    assert_eq!(leaving.now().status, PullStatus::NoNewMessage);
    assert!(staying.is_waiting());
    world.send("T", "A", "second");
    assert_eq!(staying.now().status, PullStatus::Found);
}

#[test]
fn close_answers_the_waiting_pulls() {
    let world = one_queue();
    let answer = world.pull(waiting(LONG));
    world.broker.close().unwrap();
    let response = answer.now();
    assert_eq!((response.status, response.next_offset), (PullStatus::NoNewMessage, 1));
}

#[test]
fn a_completion_may_pull_again() {
    let world = one_queue();
    let (sender, receiver) = mpsc::channel();
    let broker = world.broker.clone();
    let first = waiting(LONG);
    let again = PullRequest { offset: 2, ..first.clone() };
    let second = sender.clone();
    world.broker.pull(
        first,
        Box::new(move |result| {
            sender.send(result.unwrap()).unwrap();
            broker.pull(again, Box::new(move |result| second.send(result.unwrap()).unwrap()));
        }),
    );
    for body in ["second", "third"] {
        world.send("T", "A", body);
        assert_eq!(bodies(&receiver.try_recv().unwrap()), [body]);
    }
}

/// Pulls for ever, one request after the other, and hands on what it finds.
fn follow(broker: Arc<Broker>, offset: i64, found: mpsc::Sender<usize>) {
    let request = PullRequest { offset, suspend: LONG, ..pull("T") };
    let next = broker.clone();
    let done = move |result: Result<PullResponse, Failure>| {
        let Ok(response) = result else { return };
        let is_going_on = found.send(response.records.len()).is_ok();
        if is_going_on && response.status == PullStatus::Found {
            follow(next, response.next_offset, found);
        }
    };
    broker.pull(request, Box::new(done));
}

#[test]
fn no_wake_up_is_lost_between_a_reading_and_a_waiting_thread() {
    const MESSAGES: usize = 3000;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let disk = Arc::new(SimDisk::new());
    let environment = Environment { disk, clock, scheduler, has_threads: true };
    let mut config = BrokerConfig::new("/data");
    config.default_queues = 1;
    let broker = Broker::open(config, environment).unwrap();
    broker.send(&request("T", "0"), TIMEOUT).unwrap();
    let (found, receiver) = mpsc::channel();
    let following = broker.clone();
    let follower = std::thread::spawn(move || follow(following, 0, found));
    let sender = broker.clone();
    let sending = std::thread::spawn(move || {
        for number in 1..MESSAGES {
            let body = number.to_string();
            sender.send(&SendRequest { queue_id: 0, ..request("T", &body) }, TIMEOUT).unwrap();
        }
    });
    let mut seen = 0;
    while seen < MESSAGES {
        seen += receiver.recv_timeout(Duration::from_secs(60)).expect("a waiting pull was woken");
    }
    assert_eq!(seen, MESSAGES);
    sending.join().unwrap();
    follower.join().unwrap();
    broker.close().unwrap();
}
