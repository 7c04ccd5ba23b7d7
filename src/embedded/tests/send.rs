//! Sends of every kind: results, ids, limits, refusals, callbacks exactly once.

use super::*;
use crate::protocol::failure::FailureKind;
use crate::protocol::failure::Submitted;
use crate::protocol::limits::BODY_BYTES_MAX;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::thread::Thread;

struct Unpark(Thread);
impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(LIMIT),
        }
    }
}

#[test]
fn a_send_has_an_id_and_a_place() {
    let place = Place::new();
    let producer = place.producer(&[("ProducerId", "PID_test")]);
    let mut ids = std::collections::BTreeSet::new();
    for number in 0..20 {
        let mut message = Message::new("Topic", "TagA", format!("body {number}"));
        let result = producer.send(&mut message).unwrap();
        assert_eq!(result.message_id.as_str(), message.message_id());
        assert_eq!((result.message_id.len(), &*result.topic), (32, "Topic"));
        assert!(result.message_id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()));
        assert!((0..8).contains(&result.queue_id) && result.queue_offset >= 0);
        assert!(message.born_timestamp_ms() > 0);
        ids.insert(result.message_id);
    }
    assert_eq!(ids.len(), 20);
    producer.shutdown().unwrap();
}

#[test]
fn the_state_of_a_producer_is_told_with_what_to_do() {
    let place = Place::new();
    let producer = Factory::create_producer(&place.property(&[("ProducerId", "PID_test")])).unwrap();
    let mut message = Message::new("Topic", "", "body");
    let early = producer.send(&mut message).unwrap_err();
    assert_eq!(early.kind, FailureKind::InvalidState);
    assert!(early.message.contains("PID_test") && early.message.contains("call start()"), "{early}");
    producer.start().unwrap();
    producer.start().unwrap();
    assert!(producer.is_started() && !producer.is_closed());
    producer.send(&mut message).unwrap();
    producer.shutdown().unwrap();
    producer.shutdown().unwrap();
    assert!(!producer.is_started() && producer.is_closed());
    for late in [producer.send(&mut message).unwrap_err(), producer.start().unwrap_err()] {
        assert_eq!(late.kind, FailureKind::InvalidState);
        assert!(late.message.contains("shut down") && late.message.contains("create a new one"), "{late}");
    }
    assert!(matches!(producer.send_with(&mut message, |_| ()), Submitted::Done(Err(_))));
    assert!(block_on(producer.send_async(&mut message)).is_err());
    assert!(producer.send_oneway(&mut message).is_err());
}

#[test]
fn bodies_are_one_byte_to_four_mib() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let empty = producer.send(&mut Message::new("Topic", "", "")).unwrap_err();
    assert!(empty.message.contains("'Topic' is empty"), "{empty}");
    producer.send(&mut Message::new("Topic", "", vec![7; BODY_BYTES_MAX])).unwrap();
    let over = producer.send(&mut Message::new("Topic", "", vec![7; BODY_BYTES_MAX + 1])).unwrap_err();
    assert!(over.message.contains("4194305 bytes, the limit is 4194304"), "{over}");
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let mut timed = Message::new("Topic", "", "body");
    timed.set_start_deliver_time_ms(1_900_000_000_000);
    let refused = producer.send(&mut timed).unwrap_err();
    assert_eq!(refused.kind, FailureKind::NotSupported);
    assert!(refused.message.contains("1900000000000"), "{refused}");
    let bad_topic = producer.send(&mut Message::new("no such topic", "", "body")).unwrap_err();
    assert!(bad_topic.message.contains("'no such topic'"), "{bad_topic}");
    assert!(producer.send(&mut Message::new("", "", "body")).is_err());
}

#[test]
fn futures_resolve_and_a_dropped_one_sends_all_the_same() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let futures: Vec<_> = (0..100)
        .map(|number| {
            let mut message = Message::new("Topic", "", format!("{number}"));
            let future = producer.send_async(&mut message);
            (message.message_id().to_owned(), future)
        })
        .collect();
    for (id, future) in futures {
        assert_eq!(block_on(future).unwrap().message_id.as_str(), id);
    }
    drop(producer.send_async(&mut Message::new("Topic", "", "dropped")));
    producer.shutdown().unwrap();
    let broker = place.broker(ClockKind::System);
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    let received = collect(&consumer, "Topic", "*");
    consumer.start().unwrap();
    let bodies: Vec<_> = receive(&received, 101).iter().map(body).collect();
    assert!(bodies.contains(&"dropped".to_owned()));
    consumer.shutdown().unwrap();
    broker.close().unwrap();
}

#[test]
fn every_asynchronous_send_is_told_exactly_once_whatever_the_flush_mode() {
    for flush in ["SYNC_FLUSH", "ASYNC_FLUSH"] {
        let place = Place::new();
        let producer = place.producer(&[("FlushDiskType", flush)]);
        let (told, done) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..250 {
                        let mut message = Message::new("Topic", "", "body");
                        let told = told.clone();
                        let outcome = producer.send_with(&mut message, move |result| {
                            result.unwrap();
                            assert_eq!(thread::current().name(), Some("ons-callback"));
                            told.fetch_add(1, Ordering::SeqCst);
                        });
                        match outcome {
                            Submitted::Pending => {}
                            Submitted::Done(result) => {
                                result.unwrap();
                                done.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                });
            }
        });
        producer.shutdown().unwrap();
        assert_eq!(told.load(Ordering::SeqCst) + done.load(Ordering::SeqCst), 2000, "{flush}");
    }
}

#[test]
fn send_with_callback_always_calls_back_on_success() {
    let place = Place::new();
    let producer = place.producer(&[("FlushDiskType", "ASYNC_FLUSH")]);
    let (sender, receiver) = mpsc::channel();
    for _ in 0..100 {
        let sender = sender.clone();
        let told = move |result: Result<_, _>| sender.send(result.is_ok()).unwrap();
        producer.send_with_callback(&mut Message::new("Topic", "", "body"), told).unwrap();
    }
    let refused = producer.send_with_callback(&mut Message::new("Topic", "", ""), |_| panic!("must not run"));
    assert!(refused.is_err());
    producer.shutdown().unwrap();
    drop(sender);
    assert_eq!(receiver.iter().filter(|is_ok| *is_ok).count(), 100);
}

#[test]
fn a_shutdown_races_with_sends_and_every_send_still_has_one_outcome() {
    for round in 0..20 {
        let place = Place::new();
        let flush = if round % 2 == 0 { "SYNC_FLUSH" } else { "ASYNC_FLUSH" };
        let producer = place.producer(&[("FlushDiskType", flush)]);
        let outcomes = Arc::new(AtomicUsize::new(0));
        let (ready, start) = (std::sync::Barrier::new(9), 40);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    ready.wait();
                    for _ in 0..start {
                        let outcomes_of_callback = outcomes.clone();
                        let told = move |_| {
                            outcomes_of_callback.fetch_add(1, Ordering::SeqCst);
                        };
                        let mut message = Message::new("Topic", "", "body");
                        if let Submitted::Done(_) = producer.send_with(&mut message, told) {
                            outcomes.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            ready.wait();
            producer.shutdown().unwrap();
        });
        assert_eq!(outcomes.load(Ordering::SeqCst), 8 * start);
    }
}

#[test]
fn a_shutdown_waits_for_callbacks_as_long_as_they_keep_returning() {
    const CALLBACKS: usize = 200;
    let place = Place::new();
    let producer = place.producer(&[("SendMsgTimeoutMillis", "100"), ("FlushDiskType", "ASYNC_FLUSH")]);
    let told = Arc::new(AtomicUsize::new(0));
    for _ in 0..CALLBACKS {
        let told = told.clone();
        // Together longer than what a shutdown waits for answers and for one callback.
        let slow = move |_| {
            thread::sleep(Duration::from_millis(15));
            told.fetch_add(1, Ordering::SeqCst);
        };
        producer.send_with_callback(&mut Message::new("Topic", "", "body"), slow).unwrap();
    }
    producer.shutdown().unwrap();
    assert_eq!(told.load(Ordering::SeqCst), CALLBACKS);
}

#[test]
fn a_shutdown_inside_a_callback_is_refused_and_dropping_the_producer_there_works() {
    let place = Place::new();
    let producer = Arc::new(place.producer(&[]));
    let (sender, receiver) = mpsc::channel();
    let own = producer.clone();
    let told = move |_| sender.send((own.shutdown().unwrap_err(), own)).unwrap();
    producer.send_with_callback(&mut Message::new("Topic", "", "body"), told).unwrap();
    let (failure, own) = receiver.recv_timeout(LIMIT).unwrap();
    assert_eq!(failure.kind, FailureKind::InvalidState);
    assert!(failure.message.contains("from inside a listener or callback"), "{failure}");
    drop(own);
    let last = Arc::into_inner(producer).unwrap();
    let (sender, receiver) = mpsc::channel();
    let second = place.producer(&[]);
    let told = move |_| {
        drop(last);
        sender.send(()).unwrap();
    };
    second.send_with_callback(&mut Message::new("Topic", "", "body"), told).unwrap();
    receiver.recv_timeout(LIMIT).unwrap();
    second.shutdown().unwrap();
}

#[test]
fn a_callback_that_panics_harms_nobody_else() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let (sender, receiver) = mpsc::channel();
    producer.send_with_callback(&mut Message::new("Topic", "", "1"), |_| panic!("on purpose")).unwrap();
    producer
        .send_with_callback(&mut Message::new("Topic", "", "2"), move |_| sender.send(()).unwrap())
        .unwrap();
    receiver.recv_timeout(LIMIT).unwrap();
    producer.shutdown().unwrap();
}
