//! The writer: sends on eight threads and consumes until it is killed, and says what was acknowledged and delivered.

use super::GROUP;
use super::Name;
use super::TOPIC;
use super::checker::name;
use super::property;
use super::use_segments_of;
use ons::Action;
use ons::Factory;
use ons::FactoryProperty;
use ons::Message;
use ons::Producer;
use ons::Submitted;
use ons::keys;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::mpsc;

const SYNC_THREADS: u64 = 4;
const ASYNC_THREADS: u64 = 4;
/// Asynchronous sends a thread may have on the way.
const OUTSTANDING_MAX: usize = 100;

pub fn run(dir: &Path, flush: &str) {
    let number_in = |variable: &str| std::env::var(variable).unwrap().parse::<u64>().unwrap();
    let run = number_in("ONS_TEST_RUN");
    use_segments_of(number_in("ONS_TEST_SEGMENT_BYTES"));
    let mut property = property(dir, flush);
    property.set(keys::PRODUCER_ID, "PID_writer").unwrap();
    // A retried send may store a message twice, which is another matter.
    property.set(keys::SEND_MSG_RETRY_TIMES, "0").unwrap();
    property.set(keys::SEND_MSG_TIMEOUT_MILLIS, "60000").unwrap();
    let producer = Factory::create_producer(&property).unwrap();
    // The test runner has begun a line.
    say("\nopening .");
    producer.start().unwrap();
    say("open .");
    property.set(keys::CONSUMER_ID, GROUP).unwrap();
    property.set(keys::CONSUME_THREAD_NUMS, "2").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for messages in [3, 50, 700].into_iter().cycle() {
                consume(&property, messages);
            }
        });
        for thread in 0..SYNC_THREADS + ASYNC_THREADS {
            let (producer, thread) = (&producer, run * 100 + thread);
            scope.spawn(move || {
                if thread % 100 < SYNC_THREADS {
                    send_blocked(producer, thread);
                } else {
                    send_asynchronously(producer, thread);
                }
            });
        }
    });
}

/// Consumes so many messages and ends, whatever else was fetched: that is when offsets are committed. What is said before
/// the listener returns, the parent knows, whatever becomes of the offset.
fn consume(property: &FactoryProperty, count: usize) {
    let (told, consumed) = mpsc::channel();
    let consumer = Factory::create_push_consumer(property).unwrap();
    consumer
        .subscribe(TOPIC, "*", move |message| {
            let (thread, number) = name(message);
            say(&format!("got {thread} {number} ."));
            let _ = told.send(());
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    consumed.iter().take(count).for_each(drop);
    consumer.shutdown().unwrap();
}

fn message(name: Name) -> Message {
    // Bodies of many sizes: a word, a page, more than one write.
    let padding = match name.1 % 50 {
        0 => 40_000,
        1..5 => 4_000,
        _ => 20,
    };
    Message::new(TOPIC, "tag", format!("{} {} {}", name.0, name.1, "x".repeat(padding)))
}

fn send_blocked(producer: &Producer, thread: u64) {
    for number in 0.. {
        let outcome = producer.send(&mut message((thread, number)));
        tell((thread, number), outcome.err());
    }
}

fn send_asynchronously(producer: &Producer, thread: u64) {
    let outstanding = Arc::new((Mutex::new(0), Condvar::new()));
    for number in 0.. {
        let (count, changed) = &*outstanding;
        let mut count = changed.wait_while(count.lock().unwrap(), |count| *count == OUTSTANDING_MAX).unwrap();
        *count += 1;
        drop(count);
        let done = outstanding.clone();
        let submitted = producer.send_with(&mut message((thread, number)), move |outcome| {
            tell((thread, number), outcome.err());
            *done.0.lock().unwrap() -= 1;
            done.1.notify_one();
        });
        if let Submitted::Done(outcome) = submitted {
            tell((thread, number), outcome.err());
            *outstanding.0.lock().unwrap() -= 1;
        }
    }
}

fn tell((thread, number): Name, failure: Option<ons::Failure>) {
    match failure {
        None => say(&format!("ack {thread} {number} .")),
        Some(failure) => say(&format!("failed {thread} {number}: {failure}")),
    }
}

/// One line in one write, so that a kill cannot cut it.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}
