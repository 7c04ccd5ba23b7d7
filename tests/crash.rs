//! Guards against losing, doubling or reordering acknowledged messages when the process is killed.
//!
//! A writer process with eight sending threads is killed with SIGKILL at random moments until twenty kills in each flush
//! mode met it while it sent. After every kill, those included that met it while it opened, the whole history of the
//! directory is consumed and compared with what was acknowledged. A directory lives through several kills, then a fresh
//! one takes its place: the first life of a directory has its own ways to fail.
// Its figures, or its answer to the parent process.
#![allow(clippy::print_stdout)]

mod child;

use ons::Action;
use ons::ClockKind;
use ons::EmbeddedBroker;
use ons::Factory;
use ons::FactoryProperty;
use ons::FailureKind;
use ons::Message;
use ons::Producer;
use ons::Submitted;
use ons::keys;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

const KILLS_WHILE_SENDING: u32 = 20;
const KILLS_MAX: u32 = 100;
const KILLS_PER_DIRECTORY: u32 = 5;
const TOPIC: &str = "crash";
const SYNC_THREADS: u64 = 4;
const ASYNC_THREADS: u64 = 4;
/// Asynchronous sends a thread may have on the way.
const OUTSTANDING_MAX: usize = 100;
/// From the start of the writer to its death; the shorter ones hit it while it recovers.
const LIFE_MAX_MS: u64 = 300;
const CONSUME_MAX: Duration = Duration::from_secs(120);

/// `THREAD NUMBER`, the beginning of every body and the words of every acknowledgement.
type Name = (u64, u64);

#[test]
fn sync_flush_survives_kills() {
    survives_kills("SYNC_FLUSH", "writer_sync");
}

#[test]
fn async_flush_survives_kills() {
    survives_kills("ASYNC_FLUSH", "writer_async");
}

#[test]
#[ignore = "the writer, in a process of its own"]
fn writer_sync() {
    if let Some(dir) = child::dir_of("writer_sync") {
        write(&dir, "SYNC_FLUSH");
    }
}

#[test]
#[ignore = "the writer, in a process of its own"]
fn writer_async() {
    if let Some(dir) = child::dir_of("writer_async") {
        write(&dir, "ASYNC_FLUSH");
    }
}

fn survives_kills(flush: &str, part: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let mut random = Random::new();
    let mut acknowledged: Vec<Name> = Vec::new();
    let (mut kills, mut kills_while_sending, mut count) = (0, 0, 0);
    while kills_while_sending < KILLS_WHILE_SENDING {
        assert!(kills < KILLS_MAX, "only {kills_while_sending} of {kills} kills met a sending writer");
        let dir = scratch.path().join(format!("data-{}", kills / KILLS_PER_DIRECTORY));
        if kills % KILLS_PER_DIRECTORY == 0 {
            acknowledged.clear();
        }
        let life = Duration::from_millis(random.below(LIFE_MAX_MS));
        let acks = write_until_killed(part, &dir, kills, life);
        kills_while_sending += u32::from(!acks.is_empty());
        count += acks.len();
        acknowledged.extend(acks);
        check(&dir, flush, kills, &acknowledged);
        kills += 1;
    }
    let seed = random.seed;
    println!(
        "{flush}: {kills} kills, {kills_while_sending} of them while sending (seed {seed}), {count} messages acknowledged"
    );
}

fn write_until_killed(part: &str, dir: &Path, kill: u32, life: Duration) -> Vec<Name> {
    let mut writer = child::command(part, dir).env("ONS_TEST_RUN", kill.to_string()).spawn().unwrap();
    let output = writer.stdout.take().unwrap();
    let reader = std::thread::spawn(|| read_acknowledgements(output));
    // No wait for an event: the moment of the kill is the point.
    std::thread::sleep(life);
    writer.kill().unwrap();
    let status = writer.wait().unwrap();
    assert_eq!(status.code(), None, "the writer ended by itself, {status}");
    reader.join().unwrap()
}

fn read_acknowledgements(output: ChildStdout) -> Vec<Name> {
    let mut names = Vec::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["ack", thread, number, "."] => names.push((thread.parse().unwrap(), number.parse().unwrap())),
            ["failed", ..] => panic!("{line}"),
            // The test runner's own lines.
            _ => {}
        }
    }
    names
}

/// Consumes everything with a new group and compares it with what was acknowledged.
fn check(dir: &Path, flush: &str, kill: u32, acknowledged: &[Name]) {
    // A writer that died before it made the directory left nothing to open.
    let mut property = property(dir, flush);
    let group = format!("CID_check_{kill}");
    property.set(keys::CONSUMER_ID, &group).unwrap();
    let broker = EmbeddedBroker::open(dir, &property, ClockKind::System)
        .unwrap_or_else(|failure| panic!("after kill {kill}: {failure}"));
    let stored = match broker.backlog(&group, TOPIC) {
        Ok(messages) => usize::try_from(messages).unwrap(),
        // The first message makes the topic; a kill may come before it.
        Err(failure) if failure.kind == FailureKind::TopicNotExist => 0,
        Err(failure) => panic!("after kill {kill}: {failure}"),
    };
    let log = if stored == 0 { BTreeMap::new() } else { consume(&property, stored) };
    broker.close().unwrap();

    let mut places: HashMap<Name, (i32, i64)> = HashMap::new();
    let mut last: HashMap<(i32, u64), u64> = HashMap::new();
    for (&place, &(thread, number)) in &log {
        if let Some(other) = places.insert((thread, number), place) {
            panic!("after kill {kill}: message {thread} {number} is stored at {other:?} and {place:?}");
        }
        // In the order of queue and offset, the numbers of one thread ascend.
        if let Some(before) = last.insert((place.0, thread), number) {
            assert!(before < number, "after kill {kill}: {thread} {before} stands before {thread} {number}");
        }
    }
    let lost: Vec<&Name> = acknowledged.iter().filter(|name| !places.contains_key(name)).collect();
    assert!(
        lost.is_empty(),
        "after kill {kill}: {} of {} acknowledged messages are lost, the first is {:?}",
        lost.len(),
        acknowledged.len(),
        lost[0]
    );
}

/// Place (queue, offset) -> message, until so many places were seen. A place may be delivered twice, that is allowed.
fn consume(property: &FactoryProperty, count: usize) -> BTreeMap<(i32, i64), Name> {
    let consumer = Factory::create_push_consumer(property).unwrap();
    let log = Arc::new(Mutex::new(BTreeMap::new()));
    let (complete, is_complete) = mpsc::channel();
    let seen = log.clone();
    consumer
        .subscribe(TOPIC, "*", move |message| {
            let mut seen = seen.lock().unwrap();
            seen.insert((message.queue_id(), message.queue_offset()), name(message));
            if seen.len() == count {
                let _ = complete.send(());
            }
            Action::Commit
        })
        .unwrap();
    consumer.start().unwrap();
    let outcome = is_complete.recv_timeout(CONSUME_MAX);
    assert!(outcome.is_ok(), "{} of {count} stored messages were consumed", log.lock().unwrap().len());
    consumer.shutdown().unwrap();
    std::mem::take(&mut log.lock().unwrap())
}

fn name(message: &Message) -> Name {
    let text = std::str::from_utf8(message.body()).unwrap();
    let mut words = text.split(' ');
    let mut number = || words.next().unwrap().parse().unwrap();
    (number(), number())
}

fn property(dir: &Path, flush: &str) -> FactoryProperty {
    let mut property = FactoryProperty::new();
    property.set(keys::ONS_ADDR, &format!("embedded:{}", dir.display())).unwrap();
    property.set(keys::FLUSH_DISK_TYPE, flush).unwrap();
    property
}

/// The writer: sends until it is killed, and says what was acknowledged.
fn write(dir: &Path, flush: &str) {
    let run: u64 = std::env::var("ONS_TEST_RUN").unwrap().parse().unwrap();
    let mut property = property(dir, flush);
    property.set(keys::PRODUCER_ID, "PID_writer").unwrap();
    // A retried send may store a message twice, which is another matter.
    property.set(keys::SEND_MSG_RETRY_TIMES, "0").unwrap();
    property.set(keys::SEND_MSG_TIMEOUT_MILLIS, "60000").unwrap();
    let producer = Factory::create_producer(&property).unwrap();
    producer.start().unwrap();
    std::thread::scope(|scope| {
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

/// One line in one write, so that a kill cannot cut it.
fn tell(name: Name, failure: Option<ons::Failure>) {
    let line = match failure {
        None => format!("ack {} {} .\n", name.0, name.1),
        Some(failure) => format!("failed {} {}: {failure}\n", name.0, name.1),
    };
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// A generator whose seed is told, so that a run can be looked at again.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = since.as_nanos() as u64 | 1;
        Self { seed, state: seed }
    }

    /// xorshift64
    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end
    }
}
