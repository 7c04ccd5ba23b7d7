//! Guards against a scheduler that forgets a task, runs one too early or twice, or runs one after its end.

use super::clock::{Clock, SystemClock};
use super::scheduler::Scheduler;
use super::sync::model::explore::{explore, is_patient};
use super::sync::thread;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What ran, and when.
type Book = Arc<Mutex<Vec<(u64, Duration)>>>;

fn world() -> (Arc<Scheduler>, Arc<dyn Clock>, Book) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Arc::new(Scheduler::new("ons-timer", clock.clone()).unwrap());
    (scheduler, clock, Book::default())
}

/// Notes the second at which it is due, when it runs.
fn after(scheduler: &Scheduler, clock: &Arc<dyn Clock>, book: &Book, second: u64) {
    let (book, clock_of_task) = (book.clone(), clock.clone());
    let due = clock.monotonic() + Duration::from_secs(second);
    scheduler.at(due, move || {
        let now = clock_of_task.monotonic();
        assert!(now >= due, "{now:?} is before {due:?}");
        book.lock().unwrap().push((second, now));
    });
}

#[test]
fn every_task_runs_once_at_its_time() {
    explore("scheduler: tasks of two threads and of a task", 60_000, || {
        let (scheduler, clock, book) = world();
        let threads: Vec<_> = [[3, 1], [2, 4]]
            .into_iter()
            .map(|seconds| {
                let (scheduler, clock, book) = (scheduler.clone(), clock.clone(), book.clone());
                thread::spawn(move || {
                    for second in seconds {
                        after(&scheduler, &clock, &book, second);
                    }
                })
            })
            .collect();
        let (own, of_task, in_task) = (Arc::downgrade(&scheduler), clock.clone(), book.clone());
        scheduler
            .after(Duration::from_secs(1), move || after(&own.upgrade().unwrap(), &of_task, &in_task, 6));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        while book.lock().unwrap().len() < 5 {
            thread::sleep(Duration::from_secs(10));
        }
        scheduler.stop();
        let mut ran = book.lock().unwrap().clone();
        if is_patient() {
            let seconds: Vec<_> = ran.iter().map(|(second, _)| *second).collect();
            assert_eq!(seconds, [1, 2, 3, 4, 6], "in the order of their times");
        }
        ran.sort_unstable();
        assert_eq!(ran.iter().map(|(second, _)| *second).collect::<Vec<_>>(), [1, 2, 3, 4, 6]);
    });
}

#[test]
fn nothing_runs_behind_the_stop() {
    explore("scheduler: stopped by two threads at work", 60_000, || {
        let (scheduler, clock, book) = world();
        after(&scheduler, &clock, &book, 0);
        after(&scheduler, &clock, &book, 1);
        let other = scheduler.clone();
        let stopper = thread::spawn(move || other.stop());
        after(&scheduler, &clock, &book, 0);
        scheduler.stop();
        let ran = book.lock().unwrap().len();
        after(&scheduler, &clock, &book, 0);
        stopper.join().unwrap();
        thread::sleep(Duration::from_secs(5));
        assert_eq!(book.lock().unwrap().len(), ran, "the stop has returned");
    });
}

#[test]
fn a_task_may_stop_its_scheduler() {
    explore("scheduler: stopped by a task", 60_000, || {
        let (scheduler, clock, book) = world();
        let own = Arc::downgrade(&scheduler);
        scheduler.after(Duration::ZERO, move || {
            // Whoever drops it last may be this very task.
            if let Some(scheduler) = own.upgrade() {
                scheduler.stop();
            }
        });
        after(&scheduler, &clock, &book, 1);
        scheduler.stop();
        drop(scheduler);
        assert!(book.lock().unwrap().len() <= 1);
    });
}
