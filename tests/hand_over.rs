//! Guards against messages that stay where they are, get lost or come twice while instances of a group come and go:
//! lost wake-ups between sender, broker and consumer, queues whose lock nobody gives back, offsets that jump.
//!
//! Instances start and end at random while a sender keeps a few messages on the way, one only in some rounds, so that each
//! has to be woken for. Senders and listeners yield and spin at random, and threads that only burn time push them off
//! the processor. A lost wake-up would be healed by the next long poll or balance: so the longest silence fails the
//! test well before those come.
// Its figures.
#![allow(clippy::print_stdout)]

mod proof;

use ons::Action;
use ons::Factory;
use ons::FactoryProperty;
use ons::Message;
use ons::Producer;
use ons::PushConsumer;
use ons::keys;
use proof::Random;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// A long poll ends after 15 s, queues are balanced again after 20 s.
const SILENCE_MAX: Duration = Duration::from_secs(12);
/// Messages that others consume meanwhile.
const STARVED_AFTER: u64 = 200;
const TOPIC: &str = "hand-over";
const INSTANCES_MAX: usize = 3;
/// Threads that only burn time.
const NOISE_THREADS: u64 = 2;

enum Event {
    Consumed(usize),
    SendFailed(ons::Failure),
}

/// Random yields and spins, each thread from its own numbers.
#[derive(Clone)]
struct Schedule {
    seed: u64,
    threads: Arc<AtomicU64>,
}

thread_local! {
    static RANDOM: RefCell<Option<Random>> = const { RefCell::new(None) };
}

impl Schedule {
    fn pause(&self) {
        RANDOM.with_borrow_mut(|random| {
            let random = random.get_or_insert_with(|| {
                Random::from_seed(self.seed ^ self.threads.fetch_add(1, Ordering::Relaxed) << 32)
            });
            match random.below(16) {
                0..10 => {}
                10..15 => (0..=random.below(8)).for_each(|_| thread::yield_now()),
                _ => burn(Duration::from_micros(random.below(300))),
            }
        });
    }
}

fn burn(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

/// What one round is made of.
struct Round {
    dir: std::path::PathBuf,
    schedule: Schedule,
    /// Messages sent and not consumed, at most.
    window: u64,
    /// How often each message was consumed.
    seen: Arc<Mutex<Vec<u32>>>,
    consumed: Arc<AtomicU64>,
    is_done: Arc<AtomicBool>,
    tell: mpsc::Sender<Event>,
    told: mpsc::Receiver<Event>,
    longest: Duration,
}

impl Round {
    fn new(dir: &Path, random: &mut Random) -> Self {
        let (tell, told) = mpsc::channel();
        Self {
            dir: dir.to_owned(),
            schedule: Schedule { seed: random.next(), threads: Arc::default() },
            window: random.pick(&[1, 2, 16, 2000]),
            seen: Arc::default(),
            consumed: Arc::default(),
            is_done: Arc::default(),
            tell,
            told,
            longest: Duration::ZERO,
        }
    }

    fn property(&self) -> FactoryProperty {
        let mut property = FactoryProperty::new();
        property.set(keys::ONS_ADDR, &format!("embedded:{}", self.dir.display())).unwrap();
        property.set(keys::FLUSH_DISK_TYPE, "ASYNC_FLUSH").unwrap();
        property
    }

    fn start_sender(&self, producer: Arc<Producer>) -> thread::JoinHandle<u64> {
        let (consumed, is_done, tell) = (self.consumed.clone(), self.is_done.clone(), self.tell.clone());
        let (schedule, window) = (self.schedule.clone(), self.window);
        thread::spawn(move || {
            let mut count = 0;
            while !is_done.load(Ordering::SeqCst) {
                if count - consumed.load(Ordering::SeqCst) >= window {
                    thread::yield_now();
                    continue;
                }
                schedule.pause();
                if let Err(failure) = producer.send(&mut Message::new(TOPIC, "", format!("{count}"))) {
                    let _ = tell.send(Event::SendFailed(failure));
                    return count;
                }
                count += 1;
            }
            count
        })
    }

    fn start_noise(&self) -> Vec<thread::JoinHandle<()>> {
        let noise = |_| {
            let (is_done, schedule) = (self.is_done.clone(), self.schedule.clone());
            thread::spawn(move || {
                while !is_done.load(Ordering::SeqCst) {
                    burn(Duration::from_micros(500));
                    schedule.pause();
                    thread::yield_now();
                }
            })
        };
        (0..NOISE_THREADS).map(noise).collect()
    }

    fn start_instance(&self, number: usize, random: &mut Random) -> PushConsumer {
        let mut property = self.property();
        property.set(keys::CONSUMER_ID, "CID_hand_over").unwrap();
        property.set(keys::CONSUME_THREAD_NUMS, random.pick(&["1", "2", "4"])).unwrap();
        let consumer = Factory::create_push_consumer(&property).unwrap();
        let (seen, consumed, tell) = (self.seen.clone(), self.consumed.clone(), self.tell.clone());
        let schedule = self.schedule.clone();
        let listener = move |message: &mut Message| {
            schedule.pause();
            let index: usize = std::str::from_utf8(message.body()).unwrap().parse().unwrap();
            let mut seen = seen.lock().unwrap();
            if seen.len() <= index {
                seen.resize(index + 1, 0);
            }
            seen[index] += 1;
            drop(seen);
            consumed.fetch_add(1, Ordering::SeqCst);
            let _ = tell.send(Event::Consumed(number));
            schedule.pause();
            Action::Commit
        };
        consumer.subscribe(TOPIC, "*", listener).unwrap();
        consumer.start().unwrap();
        consumer
    }

    /// The instance that consumed the next message.
    fn next(&mut self, state: &dyn Fn() -> String) -> usize {
        let begun = Instant::now();
        match self.told.recv_timeout(SILENCE_MAX) {
            Ok(Event::Consumed(number)) => {
                self.longest = self.longest.max(begun.elapsed());
                number
            }
            Ok(Event::SendFailed(failure)) => panic!("{}: a send failed: {failure}", state()),
            Err(_) => {
                let stacks = proof::stacks_of(std::process::id());
                panic!("{}: nothing was consumed for {SILENCE_MAX:?}\n{stacks}", state())
            }
        }
    }

    /// Every running instance has a share of the queues and must come by messages.
    fn wait_until_all_consume(&mut self, running: &[usize], each: u64, state: &dyn Fn() -> String) {
        let mut waiting: Vec<Waiting> = running.iter().map(|&number| Waiting::new(number, each)).collect();
        while !waiting.is_empty() {
            let number = self.next(state);
            for own in &mut waiting {
                own.heard_of(number);
            }
            if let Some(starved) = waiting.iter().find(|own| own.is_starved()) {
                let stacks = proof::stacks_of(std::process::id());
                panic!("{}: {starved:?}, others come by theirs\n{stacks}", state());
            }
            waiting.retain(|own| own.missing > 0);
        }
    }

    fn check(&self, sent: u64) {
        let seen = self.seen.lock().unwrap();
        let lost: Vec<_> =
            (0..sent as usize).filter(|&index| seen.get(index).is_none_or(|&n| n == 0)).collect();
        let doubled: Vec<_> = (0..seen.len()).filter(|&index| seen[index] > 1).collect();
        assert!(lost.is_empty() && doubled.is_empty(), "of {sent} lost: {lost:?}, doubled: {doubled:?}");
    }
}

/// An instance that has to consume a number of messages.
#[derive(Debug)]
struct Waiting {
    number: usize,
    missing: u64,
    last: Instant,
    /// Messages that others consumed since its own last one.
    of_others: u64,
}

impl Waiting {
    fn new(number: usize, missing: u64) -> Self {
        Self { number, missing, last: Instant::now(), of_others: 0 }
    }

    fn heard_of(&mut self, number: usize) {
        if number == self.number {
            *self = Self::new(number, self.missing.saturating_sub(1));
        } else {
            self.of_others += 1;
        }
    }

    /// Messages go to the queues in turn: by their number alone a slow machine cannot starve one.
    fn is_starved(&self) -> bool {
        self.of_others >= STARVED_AFTER && self.last.elapsed() > SILENCE_MAX
    }
}

#[derive(Default)]
struct Figures {
    seed: u64,
    rounds: u64,
    moves: u64,
    messages: u64,
    longest: Duration,
}

impl Figures {
    fn place(&self) -> String {
        format!("seed {} (ONS_TEST_SEED), round {}", self.seed, self.rounds)
    }
}

fn play(dir: &Path, mut random: Random, figures: &mut Figures) {
    let mut round = Round::new(dir, &mut random);
    let mut property = round.property();
    property.set(keys::PRODUCER_ID, "PID_hand_over").unwrap();
    let producer = Arc::new(Factory::create_producer(&property).unwrap());
    producer.start().unwrap();
    let (sender, noise) = (round.start_sender(producer.clone()), round.start_noise());
    let mut running: Vec<(usize, PushConsumer)> = Vec::new();
    let moves = 4 + random.below(8) as usize;
    for number in 0..moves {
        let starts = running.is_empty() || running.len() < INSTANCES_MAX && random.below(2) == 0;
        if starts {
            running.push((number, round.start_instance(number, &mut random)));
        } else {
            let (_, gone) = running.swap_remove(random.below(running.len() as u64) as usize);
            if random.below(2) == 0 {
                gone.shutdown().unwrap();
            }
            drop(gone);
        }
        let numbers: Vec<usize> = running.iter().map(|own| own.0).collect();
        let (window, place) = (round.window, figures.place());
        let state = || format!("{place}, window {window}, move {number} of {moves}, running {numbers:?}");
        round.wait_until_all_consume(&numbers, 1 + random.below(40), &state);
    }
    round.is_done.store(true, Ordering::SeqCst);
    let sent = sender.join().unwrap();
    noise.into_iter().for_each(|thread| thread.join().unwrap());
    if running.is_empty() {
        running.push((moves, round.start_instance(moves, &mut random)));
    }
    while round.consumed.load(Ordering::SeqCst) < sent {
        round.next(&|| format!("{}, the end, {} running", figures.place(), running.len()));
    }
    running.iter().for_each(|(_, consumer)| consumer.shutdown().unwrap());
    producer.shutdown().unwrap();
    round.check(sent);
    figures.rounds += 1;
    figures.moves += moves as u64;
    figures.messages += sent;
    figures.longest = figures.longest.max(round.longest);
}

#[test]
fn instances_that_come_and_go_leave_no_message_behind() {
    let begun = Instant::now();
    let duration = proof::size(Duration::from_secs(5), Duration::from_secs(120));
    let mut random = Random::new();
    let mut figures = Figures { seed: random.seed, ..Figures::default() };
    while begun.elapsed() < duration {
        let scratch = tempfile::tempdir().unwrap();
        play(&scratch.path().join("data"), Random::from_seed(random.next()), &mut figures);
    }
    let Figures { rounds, moves, messages, longest, .. } = figures;
    println!(
        "prove: hand-over between instances: {rounds} rounds, {moves} starts and ends under {messages} messages, 0 lost, 0 doubled, longest silence {} ms",
        longest.as_millis()
    );
}
