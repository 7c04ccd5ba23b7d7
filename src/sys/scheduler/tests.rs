//! Tasks run in time order, on their thread or on a manual clock, and the scheduler ends from anywhere.

use super::*;
use crate::sys::clock::{ManualClock, SystemClock};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{RecvError, Sender, channel};

#[test]
fn a_manual_clock_runs_tasks_in_time_order_on_the_callers_thread() {
    let clock = Arc::new(ManualClock::new(1_000));
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    for delay in [30, 10, 20] {
        let (seen, clock) = (seen.clone(), clock.clone());
        scheduler.after(Duration::from_millis(delay), move || {
            seen.lock().unwrap().push((delay, clock.wall_ms()));
        });
    }
    scheduler.advance(Duration::from_millis(25));
    assert_eq!(*seen.lock().unwrap(), [(10, 1_010), (20, 1_020)]);
    assert_eq!(clock.wall_ms(), 1_025);
    scheduler.advance(Duration::from_millis(5));
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn a_task_may_schedule_the_next_one() {
    let clock = Arc::new(ManualClock::new(0));
    let scheduler = Arc::new(Scheduler::new("test", clock).unwrap());
    let count = Arc::new(Mutex::new(0));
    fn tick(scheduler: &Arc<Scheduler>, count: Arc<Mutex<u32>>) {
        let again = scheduler.clone();
        scheduler.after(Duration::from_secs(1), move || {
            *count.lock().unwrap() += 1;
            tick(&again, count);
        });
    }
    tick(&scheduler, count.clone());
    scheduler.advance(Duration::from_secs(60));
    assert_eq!(*count.lock().unwrap(), 60);
    scheduler.stop();
}

#[test]
fn the_system_clock_thread_runs_tasks_and_stops() {
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    scheduler.after(Duration::from_millis(1), move || sender.send(()).unwrap());
    receiver.recv().unwrap();
    scheduler.after(Duration::from_secs(3600), || panic!("must not run"));
    scheduler.stop();
}

#[test]
fn a_manual_clock_stops_at_times_between_milliseconds() {
    let clock = Arc::new(ManualClock::new(0));
    let scheduler = Scheduler::new("test", clock.clone()).unwrap();
    let seen = Arc::new(Mutex::new(None));
    let (out, now) = (seen.clone(), clock.clone());
    scheduler.after(Duration::from_micros(1_500), move || *out.lock().unwrap() = Some(now.monotonic()));
    scheduler.advance(Duration::from_millis(2));
    assert_eq!(*seen.lock().unwrap(), Some(Duration::from_micros(1_500)));
    assert_eq!(clock.monotonic(), Duration::from_millis(2));
}

#[test]
fn a_panicking_task_does_not_keep_the_next_one_from_running() {
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    let (sender, receiver) = channel();
    scheduler.after(Duration::ZERO, || panic!("reported and survived"));
    scheduler.after(Duration::ZERO, move || sender.send(()).unwrap());
    receiver.recv().unwrap();
    scheduler.stop();
}

#[test]
fn a_task_may_stop_its_scheduler() {
    let scheduler = Arc::new(Scheduler::new("test", Arc::new(SystemClock::new())).unwrap());
    let (sender, receiver) = channel();
    // Dropped with the tasks, unrun: then the receiver sees the end.
    let unrun = sender.clone();
    scheduler.after(Duration::from_secs(3600), move || unrun.send("late").unwrap());
    let inside = scheduler.clone();
    scheduler.after(Duration::ZERO, move || {
        inside.stop();
        inside.after(Duration::ZERO, || panic!("must not run"));
        sender.send("stopped").unwrap();
    });
    assert_eq!(receiver.recv().unwrap(), "stopped");
    // From outside it waits for the end of the thread, and with it of the task.
    scheduler.stop();
    assert_eq!(receiver.recv(), Err(RecvError));
    assert!(scheduler.thread.as_ref().unwrap().lock().unwrap().is_finished());
}

/// A clock that tells of its end: the scheduler's thread holds it for as long as it runs.
#[derive(Debug)]
struct TellingClock(SystemClock, Sender<&'static str>);

impl Clock for TellingClock {
    fn wall_ms(&self) -> i64 {
        self.0.wall_ms()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

impl Drop for TellingClock {
    fn drop(&mut self) {
        self.1.send("thread ended").unwrap();
    }
}

#[test]
fn a_task_may_drop_the_last_reference_to_its_scheduler() {
    let (sender, receiver) = channel();
    let clock = Arc::new(TellingClock(SystemClock::new(), sender.clone()));
    let scheduler = Arc::new(Scheduler::new("test", clock).unwrap());
    let (go, may_go) = channel();
    let inside = scheduler.clone();
    scheduler.after(Duration::ZERO, move || {
        may_go.recv().unwrap();
        drop(Arc::into_inner(inside).expect("the last reference"));
        sender.send("dropped").unwrap();
    });
    drop(scheduler);
    go.send(()).unwrap();
    assert_eq!(receiver.recv().unwrap(), "dropped");
    assert_eq!(receiver.recv().unwrap(), "thread ended");
}

#[test]
fn all_who_stop_wait_for_the_running_task() {
    let scheduler = Arc::new(Scheduler::new("test", Arc::new(SystemClock::new())).unwrap());
    let (started, has_started) = channel();
    let (go, may_go) = channel::<()>();
    let is_done = Arc::new(AtomicBool::new(false));
    let done = is_done.clone();
    scheduler.after(Duration::ZERO, move || {
        started.send(()).unwrap();
        let _ = may_go.recv();
        done.store(true, SeqCst);
    });
    has_started.recv().unwrap();
    let stop = || {
        let (scheduler, is_done) = (scheduler.clone(), is_done.clone());
        std::thread::spawn(move || {
            scheduler.stop();
            assert!(is_done.load(SeqCst));
        })
    };
    let stoppers = [stop(), stop()];
    drop(go);
    for stopper in stoppers {
        stopper.join().unwrap();
    }
}

#[test]
#[should_panic(expected = "told to the caller")]
fn a_panic_on_a_manual_clock_reaches_the_caller() {
    let scheduler = Scheduler::new("test", Arc::new(ManualClock::new(0))).unwrap();
    scheduler.after(Duration::ZERO, || panic!("told to the caller"));
    scheduler.advance(Duration::ZERO);
}
