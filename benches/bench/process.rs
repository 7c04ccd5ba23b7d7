//! Rows that need a process of their own: opening after a kill, and what an idle library costs.

use crate::abi::Broker;
use crate::abi::Consumer;
use crate::abi::Flush;
use crate::abi::Producer;
use crate::measure::median;
use crate::report::Better;
use crate::report::Row;
use crate::rows::Place;
use crate::rows::fill;
use crate::rows::remove;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

/// Which part a process started by this program plays, and on which directory.
const ROLE: &str = "ONS_BENCH_ROLE";
const DIR: &str = "ONS_BENCH_DIR";
/// 2 GiB of bodies of 1 KiB.
const FILL_MESSAGES: u64 = 2 << 20;
const IDLE_SETTLE: Duration = Duration::from_secs(2);
const IDLE_WATCHED: Duration = Duration::from_secs(5);

/// True if this process is a child with a part to play, which is then over.
pub fn play_role() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let dir = std::env::var(DIR).expect("the child's directory");
    match role.as_str() {
        "fill" => {
            let producer = Producer::start(Path::new(&dir), Flush::Async);
            fill(Path::new(&dir), FILL_MESSAGES);
            wait_for_the_end();
            drop(producer);
        }
        "idle" => idle(Path::new(&dir)),
        other => panic!("no such role: {other}"),
    }
    true
}

fn wait_for_the_end() {
    println!("ready");
    let _ = std::io::stdin().read(&mut [0]);
}

fn idle(dir: &Path) {
    let producer = Producer::start(dir, Flush::Sync);
    let (seen, is_seen) = mpsc::sync_channel(1);
    let consumer = Consumer::start(dir, Flush::Sync, "CID_bench", move || {
        let _ = seen.send(());
    });
    producer.send(b"so that everything has run once");
    is_seen.recv().expect("the message");
    wait_for_the_end();
    drop(consumer);
    drop(producer);
}

/// Starts this program once more in a role; returns when it is ready.
fn start(role: &str, dir: &Path) -> Child {
    let program = std::env::current_exe().expect("this program's path");
    let mut child = Command::new(program)
        .env(ROLE, role)
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child process");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its output");
    assert_eq!(line, "ready\n", "the child in the role {role} failed");
    child
}

/// Time to open 2 GiB of messages after a kill, and after a clean close.
pub fn opening(place: &Place) -> Vec<Row> {
    let dir = place.fresh("open");
    let mut child = start("fill", &dir);
    child.kill().expect("to kill the child");
    child.wait().expect("the child's end");
    let (broker, killed) = open(&dir);
    broker.close();
    let clean = (0..3)
        .map(|_| {
            let (broker, clean) = open(&dir);
            broker.close();
            clean
        })
        .collect();
    remove(&dir);
    vec![lower("open_clean", median(clean), "ms", 100.0), lower("open_killed", killed, "ms", 1_000.0)]
}

fn open(dir: &Path) -> (Broker, f64) {
    let began = Instant::now();
    let broker = Broker::open(dir, Flush::Async);
    (broker, began.elapsed().as_secs_f64() * 1e3)
}

/// Memory and wake-ups of a process with an open producer and consumer and nothing to do.
pub fn idling(place: &Place) -> Vec<Row> {
    let dir = place.fresh("idle");
    let mut child = start("idle", &dir);
    std::thread::sleep(IDLE_SETTLE);
    let before = wakeups(child.id());
    std::thread::sleep(IDLE_WATCHED);
    let wakeups = (wakeups(child.id()) - before) / IDLE_WATCHED.as_secs_f64();
    let rss_mb = status(&format!("/proc/{}/status", child.id()), "VmRSS:") * 1024.0 / 1e6;
    drop(child.stdin.take());
    assert!(child.wait().expect("the child's end").success(), "the idle child failed");
    remove(&dir);
    vec![lower("idle_rss", rss_mb, "MB", 20.0), lower("idle_wakeups", wakeups, "/s", 5.0)]
}

/// How often the threads of a process came back from waiting, up to now.
fn wakeups(process: u32) -> f64 {
    std::fs::read_dir(format!("/proc/{process}/task"))
        .expect("the threads of the idle process")
        .map(|thread| thread.expect("a thread").path().join("status"))
        .map(|path| status(&path.display().to_string(), "voluntary_ctxt_switches:"))
        .sum()
}

fn status(path: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line =
        text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{path}: no {name}"));
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).expect("a number")
}

pub fn lower(name: &'static str, value: f64, unit: &'static str, limit: f64) -> Row {
    // A figure of 0 would give an endless ratio, which JSON cannot hold.
    let value = value.max(0.01);
    println!("{name:<18} {value:.2} of {limit:.2} {unit}");
    Row { name, value, unit, better: Better::Lower, limit_name: "fixed", limit, goal_ratio: 1.0 }
}
