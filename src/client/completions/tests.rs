//! Guards against an outcome that is told twice or never, and against a reader that is not woken, or woken for each.

use super::*;
use crate::client::send_result::SendResult;
use crate::protocol::failure::Failure;
use crate::protocol::unique_id::UniqueIdGenerator;
use crate::sys::sync::atomic::{AtomicUsize, Ordering};
use crate::sys::sync::mpsc;
use crate::sys::sync::thread;
use std::net::Ipv4Addr;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn stored(queue_offset: i64) -> SendOutcome {
    let message_id = UniqueIdGenerator::new(Ipv4Addr::LOCALHOST, 1, 1).generate(0);
    Ok(SendResult { message_id, topic: "Topic".into(), queue_id: 0, queue_offset })
}

fn tell(completions: &Arc<Completions>, token: u64, outcome: SendOutcome) {
    Collected { token, completions: completions.clone() }.call(outcome);
}

fn counting() -> (Arc<Completions>, Arc<AtomicUsize>) {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let ready = move || {
        count.fetch_add(1, Ordering::SeqCst);
    };
    (Completions::new(ready), told)
}

fn offsets(completions: &Completions, max: usize) -> Vec<(u64, Option<i64>)> {
    let taken = completions.take(max).into_iter();
    taken.map(|(token, outcome)| (token, outcome.ok().map(|result| result.queue_offset))).collect()
}

#[test]
fn the_reader_is_woken_once_until_it_has_taken_everything() {
    let (completions, woken) = counting();
    (0..3).for_each(|token| tell(&completions, token, stored(10 * token as i64)));
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    assert_eq!(offsets(&completions, 2), [(0, Some(0)), (1, Some(10))]);
    tell(&completions, 3, Err(Failure::state("broken")));
    assert_eq!(woken.load(Ordering::SeqCst), 1, "something was left, so the reader is still at it");
    assert_eq!(offsets(&completions, 9), [(2, Some(20)), (3, None)]);
    assert_eq!(offsets(&completions, 9), []);
    tell(&completions, 4, stored(40));
    assert_eq!(woken.load(Ordering::SeqCst), 2);
    assert_eq!(offsets(&completions, 0), []);
    assert_eq!(offsets(&completions, 1), [(4, Some(40))]);
    tell(&completions, 5, stored(50));
    assert_eq!(woken.load(Ordering::SeqCst), 3, "the last was taken");
}

#[test]
fn nobody_is_woken_for_what_nobody_will_take() {
    let (completions, woken) = counting();
    completions.close();
    tell(&completions, 0, stored(0));
    assert_eq!((offsets(&completions, 9), woken.load(Ordering::SeqCst)), (vec![], 0));
}

#[test]
fn many_threads_lose_nothing_and_the_reader_never_sleeps_through() {
    const THREADS: u64 = 4;
    const EACH: u64 = 2_000;
    let (wake, woken) = mpsc::channel();
    let wake = Mutex::new(wake);
    let completions = Completions::new(move || wake.lock().unwrap().send(()).unwrap());
    let mut seen = vec![0; (THREADS * EACH) as usize];
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let completions = &completions;
            scope.spawn(move || {
                (0..EACH).for_each(|i| tell(completions, thread * EACH + i, stored(i as i64)));
            });
        }
        while seen.contains(&0) {
            woken.recv_timeout(LIMIT).unwrap();
            loop {
                let taken = completions.take(64);
                taken.iter().for_each(|(token, _)| seen[*token as usize] += 1);
                if taken.is_empty() {
                    break;
                }
            }
        }
    });
    assert!(seen.iter().all(|times| *times == 1));
}
