//! Guards against an end of a send that is told twice or never, and against a reader that is not woken or woken for each.

use super::*;
use crate::client::callbacks::CallbackThread;
use crate::client::outstanding::Outstanding;
use crate::protocol::failure::Failure;
use crate::protocol::request::SendResponse;
use crate::sys::clock::SystemClock;
use crate::sys::scheduler::Scheduler;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn outstanding() -> Arc<Outstanding> {
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    Outstanding::new(Arc::new(CallbackThread::default()), Arc::new(scheduler), LIMIT)
}

fn send(outstanding: &Arc<Outstanding>, completions: &Arc<Completions>, token: u64) -> Arc<PendingSend<Collected>> {
    outstanding.begin();
    PendingSend::new(outstanding.clone(), "Topic".into(), &format!("ID{token}"), completions.receiver(token))
}

fn end(send: Arc<PendingSend<Collected>>, queue_offset: i64) {
    send.clone().submitted();
    send.decide(Ok(SendResponse { queue_id: 0, queue_offset, position: 0 }));
}

fn counting() -> (Arc<Completions>, Arc<AtomicUsize>) {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    (Completions::new(move || drop(count.fetch_add(1, Ordering::SeqCst))), told)
}

fn offsets(completions: &Completions, max: usize) -> Vec<(u64, Option<i64>)> {
    let mut taken = Vec::new();
    let give = |token, outcome: SendOutcome| taken.push((token, outcome.ok().map(|result| result.queue_offset)));
    let count = completions.take(max, give);
    assert_eq!(count, taken.len());
    taken
}

#[test]
fn the_reader_is_woken_once_until_it_has_taken_everything() {
    let (outstanding, (completions, told)) = (outstanding(), counting());
    (0..3).for_each(|token| end(send(&outstanding, &completions, token), 10 * token as i64));
    assert_eq!(told.load(Ordering::SeqCst), 1);
    assert_eq!(offsets(&completions, 2), [(0, Some(0)), (1, Some(10))]);
    end(send(&outstanding, &completions, 3), 30);
    assert_eq!(told.load(Ordering::SeqCst), 1, "something was left, so the reader is still at it");
    assert_eq!(offsets(&completions, 9), [(2, Some(20)), (3, Some(30))]);
    assert_eq!(offsets(&completions, 9), []);
    end(send(&outstanding, &completions, 4), 40);
    assert_eq!(told.load(Ordering::SeqCst), 2);
    assert_eq!(offsets(&completions, 0), []);
    assert_eq!(offsets(&completions, 1), [(4, Some(40))]);
}

#[test]
fn a_failure_is_given_with_its_token_and_only_the_first_outcome_counts() {
    let (outstanding, (completions, _)) = (outstanding(), counting());
    let failing = send(&outstanding, &completions, 7);
    failing.clone().submitted();
    failing.clone().decide(Err(Failure::state("broken")));
    end(failing, 1);
    assert_eq!(offsets(&completions, 9), [(7, None)]);
    assert_eq!(offsets(&completions, 9), []);
}

#[test]
fn a_send_has_ended_for_a_shutdown_when_it_was_taken_or_nobody_will_take_it() {
    let (outstanding, (completions, told)) = (outstanding(), counting());
    end(send(&outstanding, &completions, 0), 0);
    assert!(!outstanding.wait_for_all(Duration::ZERO));
    assert_eq!(offsets(&completions, 9).len(), 1);
    assert!(outstanding.wait_for_all(Duration::ZERO));

    let late = send(&outstanding, &completions, 1);
    end(send(&outstanding, &completions, 2), 0);
    assert_eq!(told.load(Ordering::SeqCst), 2);
    completions.close();
    end(late, 0);
    assert!(outstanding.wait_for_all(Duration::ZERO));
    assert_eq!((offsets(&completions, 9), told.load(Ordering::SeqCst)), (vec![], 2));
}

#[test]
fn many_threads_lose_nothing_and_the_reader_never_sleeps_through() {
    const THREADS: u64 = 4;
    const EACH: u64 = 2_000;
    let (wake, woken) = mpsc::channel();
    let completions = Completions::new(move || drop(wake.send(())));
    let outstanding = outstanding();
    let mut seen = vec![0; (THREADS * EACH) as usize];
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (outstanding, completions) = (&outstanding, &completions);
            scope.spawn(move || {
                (0..EACH).for_each(|i| end(send(outstanding, completions, thread * EACH + i), i as i64));
            });
        }
        let mut left = seen.len();
        while left > 0 {
            woken.recv_timeout(LIMIT).unwrap();
            while completions.take(64, |token, _| seen[token as usize] += 1) > 0 {}
            left = seen.iter().filter(|times| **times == 0).count();
        }
    });
    assert!(seen.iter().all(|times| *times == 1));
    assert!(outstanding.wait_for_all(LIMIT));
}
