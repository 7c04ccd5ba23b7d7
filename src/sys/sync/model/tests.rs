//! What the models stand on: that the checker sees a lost wake-up and a deadlock, and that time ends waits.

use super::explore::{explore, is_patient};
use crate::sys::sync::atomic::{AtomicBool, Ordering};
use crate::sys::sync::{Condvar, Instant, Mutex, thread};
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
struct Door {
    is_open: Mutex<bool>,
    is_open_too: AtomicBool,
    opened: Condvar,
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wake_up_is_found() {
    explore("self-test: a lost wake-up", 100_000, || {
        let door = Arc::new(Door::default());
        let inside = door.clone();
        let opener = thread::spawn(move || {
            // The mistake: not under the lock, so that it may come between the look and the wait.
            inside.is_open_too.store(true, Ordering::SeqCst);
            inside.opened.notify_one();
        });
        let mut guard = door.is_open.lock().unwrap();
        while !door.is_open_too.load(Ordering::SeqCst) {
            guard = door.opened.wait(guard).unwrap();
        }
        drop(guard);
        opener.join().unwrap();
    });
}

#[test]
fn a_timed_wait_ends_by_notice_or_by_time() {
    explore("self-test: timed waits", 100_000, || {
        let door = Arc::new(Door::default());
        let inside = door.clone();
        let begun = Instant::now();
        let opener = thread::spawn(move || {
            thread::sleep(Duration::from_secs(5));
            *inside.is_open.lock().unwrap() = true;
            inside.opened.notify_all();
        });
        let guard = door.is_open.lock().unwrap();
        let (guard, waited) =
            door.opened.wait_timeout_while(guard, Duration::from_secs(2), |is_open| !*is_open).unwrap();
        assert_eq!(waited.timed_out(), !*guard);
        assert!(*guard || begun.elapsed() >= Duration::from_secs(2));
        let (guard, waited) =
            door.opened.wait_timeout_while(guard, Duration::from_secs(200), |is_open| !*is_open).unwrap();
        assert_eq!(waited.timed_out(), !*guard);
        assert!(*guard || !is_patient());
        drop(guard);
        opener.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "stuck")]
fn a_model_that_only_time_keeps_going_is_stuck() {
    explore("self-test: stuck", 100_000, || {
        loop {
            thread::sleep(Duration::from_secs(5));
        }
    });
}
