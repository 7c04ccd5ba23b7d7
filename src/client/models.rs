//! Guards against an asynchronous send whose program hears twice or never: its answer, its timeout and the shutdown all
//! come at once, and each believes to be the one that decides.

use super::callbacks::CallbackThread;
use super::outstanding::{ASYNC_SENDS_MAX, Outstanding, SHARDS, SendOutcome};
use super::producer::BoxedCallback;
use super::send_future::SendFuture;
use crate::protocol::failure::{Failure, FailureKind, Stored};
use crate::protocol::request::{SendAnswer, SendResponse, SendSink};
use crate::protocol::unique_id::{UniqueId, UniqueIdGenerator};
use crate::sys::clock::SystemClock;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::model::explore::{explore, is_patient};
use crate::sys::sync::thread::{self, Thread};
use std::future::Future;
use std::net::Ipv4Addr;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

const SCHEDULES: usize = 50_000;
const TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE: SendResponse = SendResponse { queue_id: 0, queue_offset: 7, position: 99 };

#[derive(Clone)]
struct World {
    callbacks: Arc<CallbackThread>,
    scheduler: Arc<Scheduler>,
    outstanding: Arc<Outstanding<BoxedCallback>>,
    /// What was told, by the sends' numbers. Its lock is no step of the model.
    told: Arc<Mutex<Vec<(usize, SendOutcome)>>>,
    sent: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        Self::limited(ASYNC_SENDS_MAX)
    }

    fn limited(sends_max: usize) -> Self {
        let callbacks = Arc::<CallbackThread>::default();
        let scheduler = Arc::new(Scheduler::new("ons-timer", Arc::new(SystemClock::new())).unwrap());
        let outstanding = Outstanding::new(callbacks.clone(), scheduler.clone(), TIMEOUT, sends_max);
        Self { callbacks, scheduler, outstanding, told: Arc::default(), sent: Arc::default() }
    }

    /// As a producer begins a send; returns its number and token.
    fn begin(&self) -> (usize, u64) {
        let (number, token) = self.try_begin();
        (number, token.unwrap())
    }

    fn try_begin(&self) -> (usize, Result<u64, Failure>) {
        self.callbacks.ensure_started().unwrap();
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let told = self.told.clone();
        (number, self.try_list(move |outcome| told.lock().unwrap().push((number, outcome))))
    }

    fn list(&self, callback: impl FnOnce(SendOutcome) + Send + 'static) -> u64 {
        self.try_list(callback).unwrap()
    }

    fn try_list(&self, callback: impl FnOnce(SendOutcome) + Send + 'static) -> Result<u64, Failure> {
        self.outstanding.list(self.outstanding.begin(), "T", id(), Box::new(callback))
    }

    /// As a producer whose broker answers later.
    fn send(&self) -> u64 {
        let (_, token) = self.begin();
        self.outstanding.sweep_later();
        token
    }

    /// As a producer whose broker is done at once.
    fn send_at_once(&self) {
        let (number, token) = self.begin();
        if let Some((_unused, outcome)) = self.outstanding.answered_at_once(token, Ok(RESPONSE)) {
            self.told.lock().unwrap().push((number, outcome));
        }
    }

    fn answer(&self, token: u64) {
        self.answer_with(token, RESPONSE);
    }

    fn answer_with(&self, token: u64, response: SendResponse) {
        self.outstanding.clone().answered(vec![SendAnswer { token, result: Ok(response) }]);
    }

    fn fail_all(&self) {
        self.outstanding.fail_all(&Failure::state("shut down"));
    }

    /// As a producer and its broker are shut down: whatever has not been told by then is told now.
    fn shut_down(&self) {
        if !self.outstanding.wait_for_all(4 * TIMEOUT) {
            self.fail_all();
        }
        while !self.outstanding.wait_for_all(TIMEOUT) {
            assert!(!is_patient(), "somebody is never told");
        }
        self.callbacks.stop();
        self.scheduler.stop();
        self.check();
    }

    /// Each was told once.
    fn check(&self) {
        let mut numbers: Vec<_> = self.told.lock().unwrap().iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..self.sent.load(Ordering::SeqCst)).collect::<Vec<_>>());
    }
}

fn id() -> UniqueId {
    UniqueIdGenerator::new(Ipv4Addr::LOCALHOST, 1, 2).generate(3)
}

fn on_thread(world: &World, body: impl FnOnce(&World) + Send + 'static) -> shuttle::thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || body(&world))
}

#[test]
fn an_answer_a_shutdown_and_a_send_that_is_done_at_once() {
    explore("sends: answered, done at once, failed by a shutdown", SCHEDULES, || {
        let world = World::new();
        let token = world.send();
        let threads = [
            on_thread(&world, move |world| world.answer(token)),
            on_thread(&world, World::fail_all),
            on_thread(&world, World::send_at_once),
        ];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        world.shut_down();
    });
}

#[test]
fn an_answer_at_the_time_of_its_timeout() {
    explore("sends: answers and the sweep of the overdue", SCHEDULES, || {
        let world = World::new();
        let senders = [0, 1].map(|_| {
            on_thread(&world, |world| {
                let tokens = [world.send(), world.send()];
                // The first is answered at the very time of the sweeps, the second never.
                thread::sleep(2 * TIMEOUT);
                world.answer(tokens[0]);
                world.send_at_once();
            })
        });
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        world.shut_down();
        let told = world.told.lock().unwrap();
        let timed_out = |(_, outcome): &&(usize, SendOutcome)| matches!(outcome, Err(failure) if failure.kind == FailureKind::Timeout);
        assert!(told.iter().filter(timed_out).count() >= if is_patient() { 2 } else { 0 });
    });
}

#[test]
fn a_late_answer_does_not_end_the_next_send_of_its_slot() {
    explore("sends: two answers to one token", SCHEDULES, || {
        let world = World::new();
        let token = world.send();
        let twice = [0, 1].map(|_| on_thread(&world, move |world| world.answer(token)));
        let next = world.send();
        twice.into_iter().for_each(|thread| thread.join().unwrap());
        world.answer_with(next, SendResponse { queue_offset: 8, ..RESPONSE });
        world.shut_down();
        for (number, outcome) in world.told.lock().unwrap().iter() {
            let own = [7, 8][*number];
            assert!(!is_patient() || outcome.as_ref().unwrap().queue_offset == own, "{number}: {outcome:?}");
        }
    });
}

#[test]
fn a_callback_that_panics_or_sends_on() {
    explore("sends: callbacks that panic and that send", SCHEDULES, || {
        let world = World::new();
        world.callbacks.ensure_started().unwrap();
        let token = world.list(|_| resume_unwind(Box::new("a callback's own panic")));
        let inner = world.clone();
        let other = world.list(move |_| inner.answer(inner.send()));
        let answerer = on_thread(&world, move |world| world.answer(token));
        world.answer(other);
        answerer.join().unwrap();
        world.shut_down();
    });
}

#[test]
fn a_send_without_a_free_slot_waits_for_one() {
    explore("sends: more than may be outstanding", SCHEDULES, || {
        // One slot for this thread, so that each send waits for the callback of the one before.
        let world = World::limited(SHARDS);
        let answerers = (0..3).filter_map(|_| match world.try_begin() {
            (_, Ok(token)) => Some(on_thread(&world, move |world| world.answer(token))),
            (number, Err(failure)) => {
                assert!(
                    !is_patient() && failure.kind == FailureKind::Timeout && failure.stored == Stored::No
                );
                world.told.lock().unwrap().push((number, Err(failure)));
                None
            }
        });
        answerers.collect::<Vec<_>>().into_iter().for_each(|answerer| answerer.join().unwrap());
        world.shut_down();
    });
}

#[test]
fn a_future_is_ready_whoever_comes_first() {
    explore("sends: a future that is polled while it is answered", SCHEDULES, || {
        let world = World::new();
        world.callbacks.ensure_started().unwrap();
        let (future, complete) = SendFuture::pending();
        let token = world.list(complete);
        world.outstanding.sweep_later();
        let waiter = thread::spawn(move || wait_for(future));
        let others =
            [on_thread(&world, move |world| world.answer(token)), on_thread(&world, World::fail_all)];
        world.shut_down();
        let _either = waiter.join().unwrap();
        others.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Polls as an executor of one thread does.
fn wait_for(future: SendFuture) -> SendOutcome {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}
