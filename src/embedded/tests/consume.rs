//! Consuming: each message once over threads and queues, tags, retry, panics, limits of the prefetch.

use super::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn each_message_comes_once_over_eight_threads_and_stays_consumed() {
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    for number in 0..2000 {
        let mut message = Message::with_key("Topic", "TagA", &format!("key{number}"), format!("{number}"));
        message.set_property("number", &number.to_string()).unwrap();
        drop(producer.send_async(&mut message));
    }
    producer.shutdown().unwrap();
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", "8")]);
    let received = collect(&consumer, "Topic", "*");
    consumer.start().unwrap();
    let messages = receive(&received, 2000);
    let numbers: BTreeSet<usize> = messages.iter().map(|message| body(message).parse().unwrap()).collect();
    assert_eq!(numbers.len(), 2000);
    for message in &messages {
        assert_eq!(message.property("number"), Some(body(message).as_str()));
        assert_eq!((message.topic(), message.tag(), message.message_id().len()), ("Topic", "TagA", 32));
        assert!(message.store_timestamp_ms() > 0 && message.born_timestamp_ms() > 0);
        assert_eq!(message.reconsume_times(), 0);
    }
    consumer.shutdown().unwrap();
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 0);
    // A second instance begins behind the committed offsets.
    let again = place.consumer(&[("ConsumerId", "CID_test")]);
    let received = collect(&again, "Topic", "*");
    again.start().unwrap();
    let producer = place.producer(&[]);
    producer.send(&mut Message::new("Topic", "TagA", "new")).unwrap();
    assert_eq!(body(&receive(&received, 1)[0]), "new");
    again.shutdown().unwrap();
    assert!(received.try_recv().is_err());
}

#[test]
fn listeners_run_on_all_threads_at_once() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("ConsumeThreadNums", "8")]);
    let (meeting, names) = (Arc::new(Barrier::new(8)), mpsc::channel());
    consumer
        .subscribe("Topic", "*", move |_| {
            meeting.wait();
            names.0.send(std::thread::current().name().unwrap().to_owned()).unwrap();
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    for _ in 0..64 {
        producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    }
    let seen: BTreeSet<String> = (0..64).map(|_| names.1.recv_timeout(LIMIT).unwrap()).collect();
    assert_eq!(seen, (0..8).map(|n| format!("ons-consume-{n}")).collect());
    consumer.shutdown().unwrap();
}

#[test]
fn tags_are_matched_exactly_even_where_their_hashes_are_equal() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    let received = collect(&consumer, "Topic", " Aa || TagC ");
    consumer.start().unwrap();
    // "BB" has the hash of "Aa".
    for tag in ["BB", "TagB", "", "Aa", "TagC"] {
        producer.send(&mut Message::new("Topic", tag, format!("with {tag}"))).unwrap();
    }
    let bodies: BTreeSet<_> = receive(&received, 2).iter().map(body).collect();
    assert_eq!(bodies, BTreeSet::from(["with Aa".to_owned(), "with TagC".to_owned()]));
    consumer.shutdown().unwrap();
    assert!(received.try_recv().is_err());
}

#[test]
fn what_a_listener_gives_back_comes_again_after_the_documented_waits() {
    let place = Place::new();
    let broker = place.broker(ClockKind::Manual);
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("MaxReconsumeTimes", "3")]);
    let (sender, received) = mpsc::channel();
    consumer
        .subscribe("Topic", "*", move |message| {
            sender.send(message.clone()).unwrap();
            Action::ReconsumeLater
        })
        .unwrap();
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "TagA", "body")).unwrap();
    let first = receive(&received, 1).remove(0);
    for (attempt, seconds) in [(1, 10), (2, 30), (3, 60)] {
        wait_for_timer(&broker);
        let again = advance_until(&broker, Duration::from_secs(seconds), &received);
        assert_eq!((again.topic(), again.tag(), body(&again).as_str()), ("Topic", "TagA", "body"));
        assert_eq!((again.reconsume_times(), again.message_id()), (attempt, first.message_id()));
    }
    // The fourth failure is the last: the message lies in the dead letters.
    consumer.shutdown().unwrap();
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 0);
    assert_eq!(broker.statistic("timers_waiting").unwrap(), 0);
    broker.close().unwrap();
}

/// Where listeners wait until it is opened.
#[derive(Default)]
struct Gate {
    is_open: std::sync::Mutex<bool>,
    opened: std::sync::Condvar,
}

impl Gate {
    fn wait(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_timeout_while(is_open, LIMIT, |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Moves the clock on until the message is there. Who moves it while the timer of the message is just being set may
/// find it set for a wait that begins now: so it is moved on a little more.
fn advance_until(broker: &EmbeddedBroker, by: Duration, received: &Receiver<Message>) -> Message {
    broker.advance_time(by).unwrap();
    let begun = std::time::Instant::now();
    loop {
        if let Ok(message) = received.recv_timeout(Duration::from_millis(10)) {
            return message;
        }
        assert!(begun.elapsed() < LIMIT, "the message did not come again");
        broker.advance_time(Duration::from_secs(1)).unwrap();
    }
}

/// Until the message that was given back waits for its time: the listener's answer is settled on other threads.
fn wait_for_timer(broker: &EmbeddedBroker) {
    let begun = std::time::Instant::now();
    while broker.statistic("timers_waiting").unwrap() == 0 {
        assert!(begun.elapsed() < LIMIT, "no message waits for its time");
        std::thread::yield_now();
    }
}

#[test]
fn a_listener_that_panics_has_its_message_delivered_again() {
    let place = Place::new();
    let broker = place.broker(ClockKind::Manual);
    let producer = place.producer(&[]);
    let consumer = place.consumer(&[("ConsumerId", "CID_test")]);
    let (sender, received) = mpsc::channel();
    consumer
        .subscribe("Topic", "*", move |message| {
            assert!(message.reconsume_times() > 0, "on purpose");
            sender.send(message.clone()).unwrap();
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    wait_for_timer(&broker);
    assert_eq!(advance_until(&broker, Duration::from_secs(10), &received).reconsume_times(), 1);
    consumer.shutdown().unwrap();
}

#[test]
fn a_listener_that_runs_too_long_has_its_message_delivered_again_and_its_word_ignored() {
    let place = Place::new();
    let broker = place.broker(ClockKind::Manual);
    let producer = place.producer(&[]);
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeTimeout", "1"), ("ConsumeThreadNums", "3")];
    let consumer = place.consumer(&pairs);
    let (entered, has_entered) = mpsc::channel();
    let release = Arc::new(Gate::default());
    let released = release.clone();
    consumer
        .subscribe("Topic", "*", move |message| {
            entered.send(message.clone()).unwrap();
            if message.reconsume_times() < 2 {
                released.wait();
            }
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    let mut before = receive(&has_entered, 1).remove(0);
    for (attempt, seconds) in [(1, 10), (2, 30)] {
        broker.advance_time(Duration::from_secs(70)).unwrap();
        wait_for_timer(&broker);
        let again = advance_until(&broker, Duration::from_secs(10), &has_entered);
        assert_eq!(again.reconsume_times(), attempt);
        let waited_ms = again.store_timestamp_ms() - before.store_timestamp_ms();
        assert!(waited_ms >= (60 + seconds) * 1000, "attempt {attempt} came after {waited_ms} ms");
        before = again;
    }
    release.open();
    consumer.shutdown().unwrap();
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 0);
}

#[test]
fn prefetch_stops_at_its_limits() {
    let place = Place::new();
    let producer = place.producer(&[("FlushDiskType", "ASYNC_FLUSH")]);
    for _ in 0..500 {
        producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    }
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeThreadNums", "2"), ("MaxMsgCacheSize", "20")];
    let consumer = place.consumer(&pairs);
    let count = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    let counted = count.clone();
    consumer
        .subscribe("Topic", "*", move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            sender.send(()).unwrap();
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    for _ in 0..500 {
        receiver.recv_timeout(LIMIT).unwrap();
        assert!(consumer.cached_messages() <= 20 + 8, "one message a queue more than the limit at most");
    }
    consumer.shutdown().unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 500);
}

#[test]
fn what_no_listener_has_looked_at_when_it_is_unsubscribed_waits_for_the_next() {
    const MESSAGES: usize = 5_000;
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    for _ in 0..MESSAGES {
        drop(producer.send_async(&mut Message::new("Topic", "", "body")));
    }
    producer.shutdown().unwrap();
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeThreadNums", "4"), ("MaxReconsumeTimes", "0")];
    let consumer = Arc::new(place.consumer(&pairs));
    let (consumed, own) = (Arc::new(AtomicUsize::new(0)), Arc::downgrade(&consumer));
    let (count, (told, is_unsubscribed)) = (consumed.clone(), mpsc::channel());
    let listener = move |_: &mut Message| {
        if count.fetch_add(1, Ordering::SeqCst) == MESSAGES / 4 {
            own.upgrade().unwrap().unsubscribe("Topic").unwrap();
            told.send(()).unwrap();
        }
        Action::Commit
    };
    consumer.subscribe("Topic", "*", listener).unwrap();
    consumer.start().unwrap();
    is_unsubscribed.recv_timeout(LIMIT).unwrap();
    consumer.shutdown().unwrap();
    let consumed = consumed.load(Ordering::SeqCst);
    let backlog = broker.backlog("CID_test", "Topic").unwrap() as usize;
    // What another thread had finished behind one that was left comes again.
    assert!(consumed < MESSAGES && consumed + backlog >= MESSAGES, "{consumed} and {backlog}");
    assert!(broker.backlog("CID_test", "%DLQ%CID_test").is_err(), "none has failed");
}

#[test]
fn a_message_that_is_left_comes_again_without_an_attempt_used_up() {
    let place = Place::new();
    let broker = place.broker(ClockKind::System);
    let producer = place.producer(&[]);
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    let consumer = place.consumer(&[("ConsumerId", "CID_test"), ("MaxReconsumeTimes", "0")]);
    let (sender, received) = mpsc::channel();
    let times = AtomicUsize::new(0);
    consumer
        .subscribe("Topic", "*", move |message| {
            sender.send(message.reconsume_times()).unwrap();
            if times.fetch_add(1, Ordering::SeqCst) < 2 { Action::Leave } else { Action::Commit }
        })
        .unwrap();
    consumer.start().unwrap();
    let attempts: Vec<i32> = (0..3).map(|_| received.recv_timeout(LIMIT).unwrap()).collect();
    assert_eq!(attempts, [0, 0, 0]);
    consumer.shutdown().unwrap();
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 0);
}

#[test]
fn where_a_new_group_begins() {
    let place = Place::new();
    let producer = place.producer(&[]);
    producer.send(&mut Message::new("Topic", "", "old")).unwrap();
    let last = place.consumer(&[("ConsumerId", "CID_last"), ("ConsumeFromWhere", "LAST")]);
    let of_last = collect(&last, "Topic", "*");
    last.start().unwrap();
    let first = place.consumer(&[("ConsumerId", "CID_first")]);
    let of_first = collect(&first, "Topic", "*");
    first.start().unwrap();
    producer.send(&mut Message::new("Topic", "", "new")).unwrap();
    assert_eq!(body(&receive(&of_last, 1)[0]), "new");
    let bodies: BTreeSet<_> = receive(&of_first, 2).iter().map(body).collect();
    assert_eq!(bodies, BTreeSet::from(["new".to_owned(), "old".to_owned()]));
    // A topic that appears after the start is new as a whole: nothing of it is passed over.
    let later = collect(&last, "Later", "*");
    producer.send(&mut Message::new("Later", "", "made by this send")).unwrap();
    assert_eq!(body(&receive(&later, 1)[0]), "made by this send");
    last.shutdown().unwrap();
    first.shutdown().unwrap();
}
