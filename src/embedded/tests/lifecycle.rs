//! Coming and going: states, shutdown from everywhere, who keeps a broker open, and nothing left behind.

use super::*;
use crate::protocol::failure::FailureKind;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn the_state_of_a_consumer_is_told_with_what_to_do() {
    let place = Place::new();
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    assert!(!consumer.is_started() && !consumer.is_closed());
    consumer.start().unwrap();
    consumer.start().unwrap();
    assert!(consumer.is_started());
    consumer.shutdown().unwrap();
    consumer.shutdown().unwrap();
    assert!(!consumer.is_started() && consumer.is_closed());
    let refused = [
        consumer.start().unwrap_err(),
        consumer.subscribe("Topic", "*", |_| Action::Commit).unwrap_err(),
        consumer.unsubscribe("Topic").unwrap_err(),
    ];
    for late in refused {
        assert_eq!(late.kind, FailureKind::InvalidState);
        assert!(late.message.contains("'CID_test' was shut down"), "{late}");
    }
    let never_started = place.consumer(&[("ConsumerId", "CID_test")]);
    never_started.shutdown().unwrap();
    assert!(never_started.start().is_err());
}

#[test]
fn subscriptions_are_checked_and_the_later_replaces_the_earlier() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    assert!(consumer.subscribe("", "*", |_| Action::Commit).unwrap_err().message.contains("topic is empty"));
    assert!(consumer.subscribe("Topic", "||", |_| Action::Commit).unwrap_err().message.contains("'||'"));
    let earlier = collect(&consumer, "Topic", "*");
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "A", "1")).unwrap();
    receive(&earlier, 1);
    let later = collect(&consumer, "Topic", "B");
    assert!(
        matches!(earlier.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected)),
        "its listener is dropped"
    );
    for (tag, text) in [("A", "2"), ("B", "3"), ("A", "4"), ("B", "5")] {
        producer.send(&mut Message::new("Topic", tag, text)).unwrap();
    }
    let mut bodies: Vec<_> = receive(&later, 2).iter().map(body).collect();
    bodies.sort();
    assert_eq!(bodies, ["3", "5"]);
    consumer.unsubscribe("Topic").unwrap();
    consumer.unsubscribe("Topic").unwrap();
    assert!(matches!(later.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected)));
    consumer.shutdown().unwrap();
}

#[test]
fn a_shutdown_inside_a_listener_is_refused_and_dropping_the_consumer_there_works() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let own = Arc::new(Mutex::new(None::<PushConsumer>));
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    let (sender, receiver) = mpsc::channel();
    let inside = own.clone();
    consumer
        .subscribe("Topic", "*", move |_| {
            let consumer = inside.lock().unwrap().take().unwrap();
            sender.send(consumer.shutdown().unwrap_err()).unwrap();
            drop(consumer);
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    *own.lock().unwrap() = Some(consumer);
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    let failure = receiver.recv_timeout(LIMIT).unwrap();
    assert_eq!(failure.kind, FailureKind::InvalidState);
    assert!(failure.message.contains("from inside a listener"), "{failure}");
    // The listener is dropped when the shutdown that goes on without it is through.
    assert!(matches!(receiver.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected)));
}

#[test]
fn a_shutdown_waits_for_running_listeners_and_commits_what_they_did() {
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", "1")]);
    let (entered, has_entered) = mpsc::channel();
    let is_closing = Arc::new(OnceLock::new());
    let seen = is_closing.clone();
    consumer
        .subscribe("Topic", "*", move |_| {
            entered.send(()).unwrap();
            // Returns only while the shutdown is under way.
            let begun = std::time::Instant::now();
            while seen.get().is_none() && begun.elapsed() < LIMIT {
                std::thread::yield_now();
            }
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    has_entered.recv_timeout(LIMIT).unwrap();
    std::thread::scope(|scope| {
        let shutdown = scope.spawn(|| consumer.shutdown().unwrap());
        while !consumer.is_closed() {
            std::thread::yield_now();
        }
        assert!(!shutdown.is_finished());
        is_closing.set(()).unwrap();
    });
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 0);
}

#[test]
fn a_listener_that_does_not_return_is_left_behind_and_its_message_comes_again() {
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", "2")]);
    consumer.set_shutdown_wait(Duration::from_millis(50));
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (left, has_left) = mpsc::channel();
    let released = Mutex::new(released);
    consumer
        .subscribe("Topic", "*", move |_| {
            entered.send(()).unwrap();
            let _ = released.lock().unwrap().recv();
            left.send(()).unwrap();
            Action::ReconsumeLater
        })
        .unwrap();
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    has_entered.recv_timeout(LIMIT).unwrap();
    consumer.shutdown().unwrap();
    drop(consumer);
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 1);
    let again = place.consumer(&[("ConsumerId", "CID_test")]);
    let received = collect(&again, "Topic", "*");
    again.start().unwrap();
    assert_eq!(body(&receive(&received, 1)[0]), "body");
    again.shutdown().unwrap();
    producer.shutdown().unwrap();
    broker.close().unwrap();
    // Only now does it return, into a library that has long gone.
    release.send(()).unwrap();
    has_left.recv_timeout(LIMIT).unwrap();
}

/// Threads that were fast have many messages in hand when all of them hang: none of them begins another one, or looks for
/// one without end, once they are left behind.
#[test]
fn threads_that_are_left_behind_end_as_soon_as_their_listeners_return() {
    const FAST: usize = 4_000;
    const THREADS: usize = 16;
    let place = Place::new();
    let producer = place.producer(&[]);
    for _ in 0..2 * FAST {
        drop(producer.send_async(&mut Message::new("Topic", "", "body")));
    }
    producer.shutdown().unwrap();
    let threads = THREADS.to_string();
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", &threads)]);
    consumer.set_shutdown_wait(Duration::from_millis(50));
    let count = AtomicUsize::new(0);
    let (entered, has_entered) = mpsc::channel();
    let is_released = Arc::new(AtomicBool::new(false));
    let seen = is_released.clone();
    consumer
        .subscribe("Topic", "*", move |_| {
            if count.fetch_add(1, Ordering::SeqCst) >= FAST {
                entered.send(()).unwrap();
                let begun = std::time::Instant::now();
                while !seen.load(Ordering::SeqCst) && begun.elapsed() < LIMIT {
                    std::thread::yield_now();
                }
            }
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    (0..THREADS).for_each(|_| has_entered.recv_timeout(LIMIT).unwrap());
    consumer.shutdown().unwrap();
    assert_eq!(consumer.living_threads(), THREADS);
    is_released.store(true, Ordering::SeqCst);
    let begun = std::time::Instant::now();
    while consumer.living_threads() > 0 {
        assert!(begun.elapsed() < LIMIT, "{} threads go on", consumer.living_threads());
        std::thread::yield_now();
    }
}

#[test]
fn the_last_user_closes_the_broker() {
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    broker.close().unwrap();
    broker.close().unwrap();
    assert_eq!(broker.statistic("topics").unwrap_err().kind, FailureKind::InvalidState);
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    producer.shutdown().unwrap();
    // A closed store can be opened anew, with other settings even.
    let producer = place.producer(&[("FlushDiskType", "ASYNC_FLUSH")]);
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    let broker = EmbeddedBroker::open(place.dir.path(), &FactoryProperty::new(), ClockKind::System).unwrap();
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 2);
}

#[test]
fn who_joins_with_other_settings_or_another_clock_is_refused() {
    let place = Place::new();
    let broker = place.broker(ClockKind::Manual);
    let asynchronous = place.property(&[("FlushDiskType", "ASYNC_FLUSH")]);
    let producer = Factory::create_producer(&asynchronous).unwrap();
    let conflict = producer.start().unwrap_err();
    assert!(
        conflict.message.contains("'ASYNC_FLUSH'") && conflict.message.contains("'SYNC_FLUSH'"),
        "{conflict}"
    );
    let other =
        EmbeddedBroker::open(place.dir.path(), &FactoryProperty::new(), ClockKind::System).unwrap_err();
    assert!(other.message.contains("System") && other.message.contains("Manual"), "{other}");
    broker.close().unwrap();
    producer.start().unwrap();
    let timed = EmbeddedBroker::open(place.dir.path(), &FactoryProperty::new(), ClockKind::System).unwrap();
    assert_eq!(timed.advance_time(Duration::from_secs(1)).unwrap_err().kind, FailureKind::InvalidState);
}

#[test]
fn statistics_are_there_by_name() {
    let place = Place::new();
    let broker = place.broker(ClockKind::Manual);
    let producer = place.producer(&[]);
    for _ in 0..10 {
        producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    }
    for name in crate::embedded::broker_handle::STATISTICS {
        assert!(broker.statistic(name).unwrap() >= 0, "{name}");
    }
    assert_eq!(broker.statistic("messages_appended").unwrap(), 10);
    assert!(broker.statistic("syncs").unwrap() > 0 && broker.statistic("log_bytes").unwrap() > 0);
    let unknown = broker.statistic("messages").unwrap_err();
    assert!(
        unknown.message.contains("'messages'") && unknown.message.contains("messages_appended"),
        "{unknown}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_told_by_name() {
    let place = Place::new();
    let file = place.dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let below = file.join("below");
    let failure = EmbeddedBroker::open(&below, &FactoryProperty::new(), ClockKind::System).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.message.contains(&below.display().to_string()), "{failure}");
    assert!(EmbeddedBroker::open("".as_ref(), &FactoryProperty::new(), ClockKind::System).is_err());
}

/// Runs one ignored test alone in a process of its own, where nothing else starts threads.
fn in_own_process(name: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("embedded::tests::lifecycle::{name}"), "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_cycles_leave_no_thread_and_no_descriptor() {
    in_own_process("a_hundred_cycles");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "counts the threads of its process: run by the test above in one of its own"]
fn a_hundred_cycles() {
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let place = Place::new();
    let cycle = || {
        let producer = place.producer(&[("FlushDiskType", "ASYNC_FLUSH")]);
        let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", "4")]);
        let received = collect(&consumer, "Topic", "*");
        consumer.start().unwrap();
        let (told, callback) = mpsc::channel();
        let mut message = Message::new("Topic", "", "body");
        producer.send_with_callback(&mut message, move |result| told.send(result.unwrap()).unwrap()).unwrap();
        callback.recv_timeout(LIMIT).unwrap();
        assert_eq!(receive(&received, 1)[0].message_id(), message.message_id());
        consumer.shutdown().unwrap();
        producer.shutdown().unwrap();
    };
    cycle();
    let before = (count("task"), count("fd"));
    for _ in 0..100 {
        cycle();
    }
    // A joined thread may still be listed for a moment.
    let begun = std::time::Instant::now();
    while (count("task"), count("fd")) != before && begun.elapsed() < LIMIT {
        std::thread::yield_now();
    }
    assert_eq!((count("task"), count("fd")), before);
}
