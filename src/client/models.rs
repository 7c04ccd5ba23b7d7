//! Guards against an asynchronous send whose program hears twice or never: its completion, its timeout, the end of its
//! connection and the shutdown all come at once, and each believes to be the one that decides.

use super::callbacks::CallbackThread;
use super::outstanding::Outstanding;
use super::pending_send::{Callback, FutureWaker, PendingSend, SendOutcome, Ticket};
use super::send_future::SendFuture;
use crate::protocol::failure::Failure;
use crate::protocol::request::SendResponse;
use crate::sys::clock::SystemClock;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::model::explore::explore;
use crate::sys::sync::thread::{self, Thread};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

const SCHEDULES: usize = 60_000;
const TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE: SendResponse = SendResponse { queue_id: 0, queue_offset: 7, position: 99 };

struct World {
    callbacks: Arc<CallbackThread>,
    scheduler: Arc<Scheduler>,
    outstanding: Arc<Outstanding>,
}

impl World {
    fn new() -> Self {
        let callbacks = Arc::<CallbackThread>::default();
        callbacks.ensure_started().unwrap();
        let scheduler = Arc::new(Scheduler::new("ons-timer", Arc::new(SystemClock::new())).unwrap());
        let outstanding = Outstanding::new(callbacks.clone(), scheduler.clone(), TIMEOUT);
        Self { callbacks, scheduler, outstanding }
    }

    /// As a shutdown does: whatever has not been told by then is told now.
    fn shut_down(&self) {
        if !self.outstanding.wait_for_all(2 * TIMEOUT) {
            self.outstanding.fail_all(&Failure::state("shut down"));
        }
        // A timeout may have struck before anybody ran.
        while !self.outstanding.wait_for_all(TIMEOUT) {}
        self.callbacks.stop();
        self.scheduler.stop();
    }
}

/// What becomes of the transport's end of a send.
#[derive(Clone, Copy)]
enum End {
    Answered,
    Lost,
    /// Kept until everything is over.
    Silent,
}

fn end(end: End, ticket: Ticket<impl super::pending_send::Receiver>) {
    match end {
        End::Answered => ticket.complete(Ok(RESPONSE)),
        End::Lost => drop(ticket),
        End::Silent => {
            thread::sleep(10 * TIMEOUT);
            ticket.complete(Ok(RESPONSE));
        }
    }
}

#[test]
fn a_callback_hears_once_whoever_comes_first() {
    for (name, how) in [("answered", End::Answered), ("lost", End::Lost), ("overdue", End::Silent)] {
        explore(&format!("pending send: a callback, {name}"), SCHEDULES, move || {
            let world = World::new();
            let told = Arc::new(AtomicUsize::new(0));
            let heard = told.clone();
            world.outstanding.begin();
            let callback = Callback(Some(move |_: SendOutcome| {
                heard.fetch_add(1, Ordering::SeqCst);
            }));
            let send = PendingSend::new(world.outstanding.clone(), "T".into(), "id", callback);
            let ticket = Ticket::new(send.clone());
            let transport = thread::spawn(move || end(how, ticket));
            let outstanding = world.outstanding.clone();
            let other = thread::spawn(move || outstanding.fail_all(&Failure::state("shut down")));
            send.submitted();
            world.shut_down();
            assert_eq!(told.load(Ordering::SeqCst), 1);
            transport.join().unwrap();
            other.join().unwrap();
            assert_eq!(told.load(Ordering::SeqCst), 1);
        });
    }
}

#[test]
fn a_future_is_ready_once_whoever_comes_first() {
    for (name, how) in [("answered", End::Answered), ("lost", End::Lost), ("overdue", End::Silent)] {
        explore(&format!("pending send: a future, {name}"), SCHEDULES, move || {
            let world = World::new();
            world.outstanding.begin();
            let send = PendingSend::new(world.outstanding.clone(), "T".into(), "id", FutureWaker::default());
            let ticket = Ticket::new(send.clone());
            let transport = thread::spawn(move || end(how, ticket));
            send.clone().submitted();
            let waiter = thread::spawn(move || wait_for(SendFuture::pending(send)));
            world.shut_down();
            let outcome = waiter.join().unwrap();
            if matches!(how, End::Lost) {
                assert!(outcome.is_err());
            }
            transport.join().unwrap();
        });
    }
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

#[test]
fn many_sends_and_a_sweep() {
    explore("pending send: two senders, the sweep of the overdue", SCHEDULES, || {
        let world = World::new();
        let told = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..2)
            .map(|_| {
                let (outstanding, told) = (world.outstanding.clone(), told.clone());
                thread::spawn(move || {
                    let mut tickets = Vec::new();
                    for _ in 0..2 {
                        outstanding.begin();
                        let heard = told.clone();
                        let callback = Callback(Some(move |_: SendOutcome| {
                            heard.fetch_add(1, Ordering::SeqCst);
                        }));
                        let send = PendingSend::new(outstanding.clone(), "T".into(), "id", callback);
                        tickets.push(Ticket::new(send.clone()));
                        send.submitted();
                    }
                    // The first is answered at the very time of the sweeps, the second never.
                    thread::sleep(2 * TIMEOUT);
                    tickets.remove(0).complete(Ok(RESPONSE));
                    tickets
                })
            })
            .collect();
        let tickets: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
        world.shut_down();
        assert_eq!(told.load(Ordering::SeqCst), 4);
        drop(tickets);
        assert_eq!(told.load(Ordering::SeqCst), 4);
    });
}

struct Note(Arc<std::sync::Mutex<Vec<u32>>>, u32);

impl super::callbacks::Job for Note {
    fn run(self: Arc<Self>) {
        self.0.lock().unwrap().push(self.1);
    }
}

#[test]
fn callbacks_run_once_and_in_order() {
    explore("callback thread: two that push, one that stops", SCHEDULES, || {
        let callbacks = Arc::<CallbackThread>::default();
        let ran = Arc::<std::sync::Mutex<Vec<u32>>>::default();
        let pushers: Vec<_> = [0, 100]
            .into_iter()
            .map(|base| {
                let (callbacks, ran) = (callbacks.clone(), ran.clone());
                thread::spawn(move || {
                    callbacks.ensure_started().unwrap();
                    (base..base + 3).for_each(|number| callbacks.push(Arc::new(Note(ran.clone(), number))));
                })
            })
            .collect();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        callbacks.stop();
        // In a hurry the stop may have given up on a thread that did not get to run.
        while ran.lock().unwrap().len() < 6 {
            thread::sleep(TIMEOUT);
        }
        let ran = ran.lock().unwrap();
        let of =
            |base: u32| ran.iter().copied().filter(move |n| (base..base + 3).contains(n)).collect::<Vec<_>>();
        assert_eq!((of(0), of(100), ran.len()), (vec![0, 1, 2], vec![100, 101, 102], 6));
    });
}
