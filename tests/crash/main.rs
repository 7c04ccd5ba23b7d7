//! Guards against losing, doubling or reordering acknowledged messages when the process is killed.
//!
//! A writer process with eight sending threads and a consumer is killed with SIGKILL: while it opens the directory, right
//! after that, while it makes a segment of the log ready, and in the middle of sending. After every kill the whole
//! history of the directory is consumed and compared with what was acknowledged, and the consumer's group with what it
//! was given: a message that was never delivered must not lie behind its offset. A directory lives through several kills,
//! then a fresh one takes its place: the first life of a directory has its own ways to fail.
// Its figures, or its answer to the parent process.
#![allow(clippy::print_stdout)]

mod checker;
#[path = "../child/mod.rs"]
mod child;
#[path = "../proof/mod.rs"]
mod proof;
mod writer;

use checker::History;
use ons::FactoryProperty;
use ons::keys;
use proof::Random;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::ChildStdout;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const KILLS_PER_DIRECTORY: u32 = 5;
/// Of all kills, at least so many per hundred must meet a writer that sends.
const SENDING_PERCENT_MIN: u32 = 25;
const TOPIC: &str = "crash";
/// The group of the consumer in the writer.
const GROUP: &str = "CID_inside";
/// Longest wait for the writer to come to the point at which it is killed; one that takes longer hangs.
const WRITER_MAX: Duration = Duration::from_secs(60);
/// Sizes of the writer's segments; 0: as ever. Small ones roll many times in a life.
const SEGMENT_BYTES: [u64; 3] = [0, 256 << 10, 1 << 20];
/// The checker's own, so that directories hold segments of several sizes.
const CHECKER_SEGMENT_BYTES: u64 = 512 << 10;

/// `THREAD NUMBER`, the beginning of every body and the words of every line of the writer.
type Name = (u64, u64);

/// When the writer is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Opening,
    Opened,
    Sending,
    /// A segment of the log is being made ready.
    Preparing,
    /// Late enough for the consumer's offsets to be written.
    Committed,
}

const MOMENTS: [Moment; 12] = [
    Moment::Committed,
    Moment::Committed,
    Moment::Opening,
    Moment::Opening,
    Moment::Opened,
    Moment::Preparing,
    Moment::Preparing,
    Moment::Preparing,
    Moment::Sending,
    Moment::Sending,
    Moment::Sending,
    Moment::Sending,
];

/// What the writer said until it died.
#[derive(Default)]
struct Told {
    acknowledged: Vec<Name>,
    delivered: Vec<Name>,
}

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
        writer::run(&dir, "SYNC_FLUSH");
    }
}

#[test]
#[ignore = "the writer, in a process of its own"]
fn writer_async() {
    if let Some(dir) = child::dir_of("writer_async") {
        writer::run(&dir, "ASYNC_FLUSH");
    }
}

fn survives_kills(flush: &str, part: &str) {
    use_segments_of(CHECKER_SEGMENT_BYTES);
    let scratch = tempfile::tempdir().unwrap();
    let mut random = Random::new();
    let seed = random.seed;
    let wanted = proof::size(10, 200);
    let (mut kills, mut sending, mut preparing, mut committed) = (0, 0, 0, 0);
    let (mut acknowledged, mut delivered) = (0, 0);
    let mut history = History::default();
    let mut segment_bytes = 0;
    while sending < wanted || committed == 0 {
        assert!(
            kills < 40 || sending * 100 >= kills * SENDING_PERCENT_MIN,
            "{flush}, seed {seed}: only {sending} of {kills} kills met a sending writer"
        );
        let dir = scratch.path().join(format!("data-{}", kills / KILLS_PER_DIRECTORY));
        if kills % KILLS_PER_DIRECTORY == 0 {
            history = History::default();
            segment_bytes = random.pick(&SEGMENT_BYTES);
        }
        let moment = random.pick(&MOMENTS);
        let mut life = Life { part, dir: &dir, kill: kills, segment_bytes, moment, met: false };
        let told = life.run(&mut random);
        sending += u32::from(!told.acknowledged.is_empty());
        preparing += u32::from(life.met && moment == Moment::Preparing);
        acknowledged += told.acknowledged.len();
        delivered += told.delivered.len();
        let place = format!("{flush}, seed {seed} (ONS_TEST_SEED), kill {kills} ({moment:?})");
        committed += u32::from(history.check(&dir, flush, &place, told));
        kills += 1;
        if kills % KILLS_PER_DIRECTORY == 0 {
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
    println!(
        "prove: kills of a Rust writer, {flush}: {kills} SIGKILLs, {sending} of them while 8 threads sent, {preparing} while a segment was made, {committed} behind committed offsets (seed {seed}), {acknowledged} messages acknowledged, {delivered} delivered before a kill, 0 lost, 0 doubled, 0 reordered, 0 passed over"
    );
}

struct Life<'a> {
    part: &'a str,
    dir: &'a Path,
    kill: u32,
    segment_bytes: u64,
    moment: Moment,
    /// The moment came.
    met: bool,
}

impl Life<'_> {
    fn run(&mut self, random: &mut Random) -> Told {
        let mut writer = child::command(self.part, self.dir)
            .env("ONS_TEST_RUN", self.kill.to_string())
            .env("ONS_TEST_SEGMENT_BYTES", self.segment_bytes.to_string())
            .spawn()
            .unwrap();
        let output = writer.stdout.take().unwrap();
        let (reached, milestones) = mpsc::channel();
        let reader = thread::spawn(move || read(output, &reached));
        if !self.wait_for_moment(&milestones, random) {
            let stacks = proof::stacks_of(writer.id());
            writer.kill().unwrap();
            panic!("kill {}: the writer did not come to {:?}\n{stacks}", self.kill, self.moment);
        }
        writer.kill().unwrap();
        let status = writer.wait().unwrap();
        assert_eq!(status.code(), None, "the writer ended by itself, {status}");
        reader.join().unwrap()
    }

    /// False: it does not come.
    fn wait_for_moment(&mut self, milestones: &mpsc::Receiver<&'static str>, random: &mut Random) -> bool {
        let milestone = match self.moment {
            Moment::Opening => "opening",
            Moment::Opened => "open",
            Moment::Sending | Moment::Preparing | Moment::Committed => "ack",
        };
        let deadline = Instant::now() + WRITER_MAX;
        loop {
            match milestones.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(reached) if reached == milestone => break,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        self.met = self.moment != Moment::Preparing || self.sees_segment_made();
        // No wait for an event: the moment of the kill is the point.
        thread::sleep(match self.moment {
            Moment::Opening => Duration::from_micros(random.below(20_000)),
            Moment::Opened => Duration::from_micros(random.below(3_000)),
            Moment::Preparing => Duration::from_micros(random.below(500)),
            Moment::Sending => Duration::from_micros(random.below(150_000)),
            Moment::Committed => Duration::from_micros(1_000_000 + random.below(1_500_000)),
        });
        true
    }

    /// Whether a segment was being made within a short time.
    fn sees_segment_made(&self) -> bool {
        let end = Instant::now() + Duration::from_millis(500);
        let log = self.dir.join("log");
        while Instant::now() < end {
            let mut files = log.read_dir().unwrap().flatten();
            if files.any(|file| file.path().extension().is_some_and(|extension| extension == "new")) {
                return true;
            }
        }
        false
    }
}

/// All the writer says; tells of the first line of each kind at once.
fn read(output: ChildStdout, reached: &mpsc::Sender<&'static str>) -> Told {
    let mut told = Told::default();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let name = |thread: &str, number: &str| (thread.parse().unwrap(), number.parse().unwrap());
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["ack", thread, number, "."] => {
                if told.acknowledged.is_empty() {
                    let _ = reached.send("ack");
                }
                told.acknowledged.push(name(thread, number));
            }
            ["got", thread, number, "."] => told.delivered.push(name(thread, number)),
            ["opening", "."] => drop(reached.send("opening")),
            ["open", "."] => drop(reached.send("open")),
            ["failed", ..] => panic!("{line}"),
            // The test runner's own lines.
            _ => {}
        }
    }
    told
}

fn property(dir: &Path, flush: &str) -> FactoryProperty {
    let mut property = FactoryProperty::new();
    property.set(keys::ONS_ADDR, &format!("embedded:{}", dir.display())).unwrap();
    property.set(keys::FLUSH_DISK_TYPE, flush).unwrap();
    property
}

/// Segments of the log opened by this process from now on have this size; 0: as ever.
#[cfg(feature = "testing")]
fn use_segments_of(bytes: u64) {
    ons::embedded::settings::SEGMENT_BYTES.store(bytes, std::sync::atomic::Ordering::SeqCst);
}

#[cfg(not(feature = "testing"))]
fn use_segments_of(_bytes: u64) {}
