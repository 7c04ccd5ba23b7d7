//! The rows of the table: what each measures and against which limit of the machine.

use crate::abi::Consumer;
use crate::abi::Flush;
use crate::abi::Producer;
use crate::measure::Sampler;
use crate::measure::median;
use crate::measure::run_threads;
use crate::probe;
use crate::report::Better;
use crate::report::Row;
use ons::sys::disk::Disk;
use ons::sys::real_disk::RealDisk;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

/// Long enough for every thread to have gone to sleep.
pub const IDLE_PAUSE: Duration = Duration::from_millis(2);
const ROUNDS: usize = 3;
pub const ROUND: Duration = Duration::from_millis(1_000);
const BACKLOG_MESSAGES: u64 = 500_000;

/// Where a bench keeps its files, on the disk that is measured. Whatever ends the bench, they go with this.
pub struct Place {
    pub dir: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

impl Place {
    /// What a bench that was killed left behind goes first.
    pub fn new(dir: PathBuf) -> Self {
        remove(&dir);
        std::fs::create_dir_all(&dir).expect("the bench's directory");
        Self { dir }
    }

    /// Bytes that may still be written.
    pub fn free_bytes(&self) -> u64 {
        RealDisk.space(&self.dir).expect("the free space of the bench's directory").available_bytes
    }

    /// An empty data directory.
    pub fn fresh(&self, name: &str) -> PathBuf {
        let dir = self.dir.join(name);
        remove(&dir);
        dir
    }
}

pub fn remove(dir: &Path) {
    match std::fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => panic!("cannot remove {}: {error}", dir.display()),
    }
}

/// The rows that compare a way of sending with the probe's same way, round by round.
pub fn sending(place: &Place) -> Vec<Row> {
    let probe = probe::Log::new(&place.dir.join("probe.dat")).expect("the probe's file");
    let rows = vec![
        against(
            rate("send_async_256_8t", "probe async 8t", 0.3),
            || probe.asynchronous(256, false, 8, ROUND).per_second(),
            || asynchronous(place, Flush::Async, 256).per_second(),
        ),
        against(
            rate("send_async_1k_8t", "probe async 8t", 0.35),
            || probe.asynchronous(1024, false, 8, ROUND).per_second(),
            || asynchronous(place, Flush::Async, 1024).per_second(),
        ),
        against(
            time("send_1t_p50", "probe p50", 0.6),
            || probe.blocked(256, false, 1, ROUND).p50_us(),
            || blocked(place, Flush::Async, 256, 1).p50_us(),
        ),
        against(
            rate("durable_1t", "bare fdatasync", 0.9),
            || probe.bare_sync(probe::record_bytes(1024), ROUND).per_second(),
            || blocked(place, Flush::Sync, 1024, 1).per_second(),
        ),
        against(
            rate("durable_64t", "probe 64 blocked", 0.8),
            || probe.blocked(1024, true, 64, ROUND).per_second(),
            || blocked(place, Flush::Sync, 1024, 64).per_second(),
        ),
        against(
            rate("durable_async", "probe async 8t, synced", 0.5),
            || probe.asynchronous(1024, true, 8, ROUND).per_second(),
            || asynchronous(place, Flush::Sync, 1024).per_second(),
        ),
    ];
    let written =
        median((0..ROUNDS).map(|_| probe.bare_write(64 * 1180, ROUND).per_second() * 64.0).collect());
    println!("for comparison: raw pwrite of 64 records of 1180 B reaches {written:.0} records/s");
    rows
}

pub fn rate(name: &'static str, limit_name: &'static str, goal_ratio: f64) -> Row {
    Row { name, value: 0.0, unit: "/s", better: Better::Higher, limit_name, limit: 0.0, goal_ratio }
}

pub fn time(name: &'static str, limit_name: &'static str, goal_ratio: f64) -> Row {
    Row { unit: "us", better: Better::Lower, ..rate(name, limit_name, goal_ratio) }
}

/// Limit and value in turn, so that a slow minute of the machine slows both; then the median of each.
pub fn against(row: Row, mut limit: impl FnMut() -> f64, mut value: impl FnMut() -> f64) -> Row {
    let (limits, values) = (0..ROUNDS).map(|_| (limit(), value())).unzip();
    let row = Row { limit: median(limits), value: median(values), ..row };
    println!("{:<18} {:.2} of {:.2} {}", row.name, row.value, row.limit, row.unit);
    row
}

pub fn blocked(place: &Place, flush: Flush, body_bytes: usize, threads: usize) -> Sampler {
    let dir = place.fresh("send");
    let producer = Producer::start(&dir, flush);
    producer.send(b"the first message makes the topic");
    let sampler = run_threads(threads, ROUND, |is_over, sampler| {
        let body = vec![7; body_bytes];
        while !is_over() {
            let began = Instant::now();
            producer.send(&body);
            sampler.add(began.elapsed());
        }
    });
    drop(producer);
    remove(&dir);
    sampler
}

/// Counts completions; the time ends when the last one is there.
pub fn asynchronous(place: &Place, flush: Flush, body_bytes: usize) -> Sampler {
    static COMPLETED: AtomicU64 = AtomicU64::new(0);
    let dir = place.fresh("send");
    let producer = Producer::start(&dir, flush);
    producer.send(b"the first message makes the topic");
    COMPLETED.store(0, Ordering::Relaxed);
    let began = Instant::now();
    let mut sampler = run_threads(8, ROUND, |is_over, sampler| {
        let body = vec![7; body_bytes];
        while !is_over() {
            producer.send_async(&body, &COMPLETED);
            sampler.count += 1;
        }
    });
    while COMPLETED.load(Ordering::Relaxed) < sampler.count {
        std::thread::sleep(Duration::from_micros(200));
    }
    sampler.elapsed = began.elapsed();
    drop(producer);
    remove(&dir);
    sampler
}

/// A new group eats a backlog that lies in the page cache; held against how fast it can be made.
pub fn consuming(place: &Place) -> Row {
    let dir = place.fresh("consume");
    fill(&dir, BACKLOG_MESSAGES);
    let mut groups = 0;
    let row = against(
        rate("consume_1k", "send_async_1k_8t", 1.0),
        || asynchronous(place, Flush::Async, 1024).per_second(),
        || {
            groups += 1;
            consume_all(&dir, &format!("CID_bench_{groups}"))
        },
    );
    remove(&dir);
    row
}

/// Puts so many messages of 1 KiB into the broker of `dir`, in ASYNC_FLUSH.
pub fn fill(dir: &Path, messages: u64) {
    let completed: &'static AtomicU64 = Box::leak(Box::default());
    let producer = Producer::start(dir, Flush::Async);
    let body = vec![7; 1024];
    for _ in 0..messages {
        producer.send_async(&body, completed);
    }
    while completed.load(Ordering::Relaxed) < messages {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn consume_all(dir: &Path, group: &str) -> f64 {
    let seen = Arc::new(AtomicU64::new(0));
    let (done, is_done) = mpsc::channel();
    let began = Instant::now();
    let consumer = Consumer::start(dir, Flush::Async, group, move || {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == BACKLOG_MESSAGES {
            let _ = done.send(());
        }
    });
    is_done.recv().expect("the consumer");
    let rate = BACKLOG_MESSAGES as f64 / began.elapsed().as_secs_f64();
    drop(consumer);
    rate
}

/// From the return of a send to the listener's entry, on a system where everybody sleeps.
pub fn end_to_end(place: &Place) -> Row {
    let dir = place.fresh("end_to_end");
    let producer = Producer::start(&dir, Flush::Async);
    producer.send(b"the first message makes the topic");
    let (entered, is_entered) = mpsc::channel();
    let entered = Mutex::new(entered);
    let consumer = Consumer::start(&dir, Flush::Async, "CID_bench", move || {
        let now = Instant::now();
        let _ = entered.lock().unwrap_or_else(PoisonError::into_inner).send(now);
    });
    is_entered.recv().expect("the first message");
    let row = against(
        time("end_to_end_p50", "one cross-thread wake", 0.45),
        || probe::cross_thread_wake(ROUND).p50_us(),
        || {
            let mut sampler = Sampler::default();
            let began = Instant::now();
            while began.elapsed() < ROUND {
                std::thread::sleep(IDLE_PAUSE);
                producer.send(&[7; 256]);
                let returned = Instant::now();
                let entered = is_entered.recv().expect("the message");
                // A listener may well be entered before the send returned.
                sampler.add(entered.saturating_duration_since(returned));
            }
            sampler.p50_us()
        },
    );
    drop(consumer);
    drop(producer);
    remove(&dir);
    row
}
