//! Producers: sends of all kinds against the shutdown, the broker's close, and callbacks that use their producer.

use super::world::World;
use crate::client::message::Message;
use crate::client::outstanding::SendOutcome;
use crate::client::producer::Producer;
use crate::protocol::failure::Submitted;
use crate::store::config::FlushMode;
use crate::sys::sync::model::explore::{explore, is_patient};
use crate::sys::sync::thread;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SCHEDULES: usize = 20_000;

/// What each send was told, by its number. Its lock is no step of the model.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<(usize, SendOutcome)>>>);

impl Book {
    fn note(&self, number: usize, outcome: SendOutcome) {
        self.0.lock().unwrap().push((number, outcome));
    }

    /// Waits for callbacks that a hurried shutdown has left behind.
    fn wait_for(&self, count: usize) {
        while !is_patient() && self.0.lock().unwrap().len() < count {
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// That all were told once; how many of them are stored.
    fn check(&self, count: usize) -> usize {
        let book = self.0.lock().unwrap();
        let mut numbers: Vec<_> = book.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "{book:?}");
        book.iter().filter(|(_, outcome)| outcome.is_ok()).count()
    }
}

fn send_blocked(producer: &Producer, book: &Book, number: usize) {
    book.note(number, producer.send(&mut Message::new("T", "", "blocked")));
}

fn send_async(producer: &Producer, book: &Book, number: usize) {
    let told = book.clone();
    let submitted =
        producer.send_with(&mut Message::new("T", "", "callback"), move |outcome| told.note(number, outcome));
    if let Submitted::Done(outcome) = submitted {
        book.note(number, outcome);
    }
}

fn send_telling(producer: &Producer, book: &Book, number: usize) {
    let told = book.clone();
    let submitted = producer
        .send_with_callback(&mut Message::new("T", "", "told"), move |outcome| told.note(number, outcome));
    if let Err(failure) = submitted {
        book.note(number, Err(failure));
    }
}

fn stored(world: &World) -> usize {
    let topics = world.broker.topics();
    let queues = topics.iter().filter(|topic| &*topic.topic == "T").flat_map(|topic| &topic.queues);
    queues.map(|queue| usize::try_from(queue.max_offset).unwrap()).sum()
}

#[test]
fn a_shutdown_answers_every_send() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        explore(&format!("producer: shut down while three threads send, {flush:?}"), SCHEDULES, move || {
            let world = World::new(1, flush);
            let (producer, book) = (world.producer(), Book::default());
            let kinds: [fn(&Producer, &Book, usize); 3] = [send_blocked, send_async, send_telling];
            let senders: Vec<_> = kinds
                .into_iter()
                .enumerate()
                .map(|(index, send)| {
                    let (producer, book) = (producer.clone(), book.clone());
                    thread::spawn(move || {
                        send(&producer, &book, 2 * index);
                        send(&producer, &book, 2 * index + 1);
                    })
                })
                .collect();
            producer.shutdown().unwrap();
            let late = book.0.lock().unwrap().len();
            assert!(producer.send(&mut Message::new("T", "", "late")).is_err());
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            book.wait_for(6);
            assert!(late <= 6);
            let acknowledged = book.check(6);
            let stored = stored(&world);
            assert!(stored == acknowledged || (!is_patient() && stored > acknowledged));
            world.close();
        });
    }
}

#[test]
fn a_broker_that_closes_answers_every_send() {
    explore("producer: its broker closes while it sends", SCHEDULES, || {
        let world = World::new(1, FlushMode::Sync);
        let (producer, book) = (world.producer(), Book::default());
        let kinds: [fn(&Producer, &Book, usize); 2] = [send_blocked, send_async];
        let senders: Vec<_> = kinds
            .into_iter()
            .enumerate()
            .map(|(number, send)| {
                let (producer, book) = (producer.clone(), book.clone());
                thread::spawn(move || send(&producer, &book, number))
            })
            .collect();
        world.broker.close().unwrap();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        producer.shutdown().unwrap();
        book.wait_for(2);
        book.check(2);
        world.end();
    });
}

#[test]
fn a_callback_may_use_and_drop_its_producer_but_not_shut_it_down() {
    explore("producer: callbacks that send, shut down and drop", SCHEDULES, || {
        let world = World::new(1, FlushMode::Sync);
        let (producer, book) = (world.producer(), Book::default());
        let (own, told) = (producer.clone(), book.clone());
        let callback = move |outcome| {
            told.note(0, outcome);
            own.shutdown().unwrap_err();
            send_async(&own, &told, 1);
            // Perhaps the last reference: a thread of its own shuts it down then.
            drop(own);
        };
        if let Submitted::Done(outcome) = producer.send_with(&mut Message::new("T", "", "first"), callback) {
            book.note(0, outcome);
            send_async(&producer, &book, 1);
        }
        drop(producer);
        while book.0.lock().unwrap().len() < 2 {
            thread::sleep(Duration::from_secs(1));
        }
        book.check(2);
        world.close();
    });
}
