//! Guards against a send whose outcome is told twice or never, whoever drops, fails or overtakes whom.

use super::*;
use crate::client::callbacks::CallbackThread;
use crate::client::send_future::SendFuture;
use crate::sys::clock::SystemClock;
use crate::sys::scheduler::Scheduler;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const RESPONSE: SendResponse = SendResponse { queue_id: 3, queue_offset: 7, position: 11 };

fn outstanding(timeout: Duration) -> Arc<Outstanding> {
    let callbacks = Arc::new(CallbackThread::default());
    callbacks.ensure_started().unwrap();
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    Outstanding::new(callbacks, Arc::new(scheduler), timeout)
}

type Told = mpsc::Receiver<SendOutcome>;

type Send = Arc<PendingSend<Callback<Box<dyn FnOnce(SendOutcome) + std::marker::Send>>>>;

fn send(outstanding: &Arc<Outstanding>) -> (Send, Told) {
    let (sender, told) = mpsc::channel();
    outstanding.begin();
    let told_by = move |outcome| sender.send(outcome).unwrap();
    let callback: Callback<Box<dyn FnOnce(SendOutcome) + std::marker::Send>> =
        Callback(Some(Box::new(told_by)));
    (PendingSend::new(outstanding.clone(), "Topic".into(), "ID", callback), told)
}

/// The outcome, and that nothing follows it.
fn only(told: &Told) -> SendOutcome {
    let outcome = told.recv_timeout(LIMIT).unwrap();
    assert_eq!(told.recv_timeout(LIMIT).unwrap_err(), mpsc::RecvTimeoutError::Disconnected);
    outcome
}

#[test]
fn an_answer_before_or_after_the_transport_returns_is_told_once() {
    let outstanding = outstanding(LIMIT);
    for is_early in [true, false] {
        let (send, told) = send(&outstanding);
        let ticket = Ticket::new(send.clone());
        if is_early {
            ticket.complete(Ok(RESPONSE));
            send.clone().submitted();
        } else {
            send.clone().submitted();
            ticket.complete(Ok(RESPONSE));
        }
        send.decide(Err(Failure::state("too late")));
        let result = only(&told).unwrap();
        assert_eq!((&*result.topic, result.message_id.as_str()), ("Topic", "ID"));
        assert_eq!((result.queue_id, result.queue_offset), (3, 7));
    }
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn a_completion_that_is_dropped_unused_fails_the_send_with_its_fate_unknown() {
    let outstanding = outstanding(LIMIT);
    for is_early in [true, false] {
        let (send, told) = send(&outstanding);
        let ticket = Ticket::new(send.clone());
        if is_early {
            drop(ticket);
            send.submitted();
        } else {
            send.submitted();
            drop(ticket);
        }
        assert_eq!(only(&told).unwrap_err().stored, Stored::Unknown);
    }
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn what_is_done_at_once_is_not_told_again() {
    let outstanding = outstanding(LIMIT);
    let (send, told) = send(&outstanding);
    drop(Ticket::new(send.clone()));
    assert_eq!(send.into_done(Ok(RESPONSE)).unwrap().message_id, "ID");
    assert_eq!(told.recv_timeout(LIMIT).unwrap_err(), mpsc::RecvTimeoutError::Disconnected);
}

#[test]
fn a_shutdown_fails_what_still_waits_and_a_late_answer_changes_nothing() {
    let outstanding = outstanding(LIMIT);
    let sends: Vec<_> = (0..20).map(|_| send(&outstanding)).collect();
    let tickets: Vec<_> = sends.iter().map(|(send, _)| Ticket::new(send.clone())).collect();
    sends.iter().for_each(|(send, _)| send.clone().submitted());
    assert!(!outstanding.wait_for_all(Duration::ZERO));
    outstanding.fail_all(&Failure::state("shut down").with_stored(Stored::Unknown));
    assert!(outstanding.wait_for_all(LIMIT));
    tickets.into_iter().for_each(|ticket| ticket.complete(Ok(RESPONSE)));
    for (send, told) in sends {
        drop(send);
        assert_eq!(only(&told).unwrap_err().message, "shut down");
    }
}

#[test]
fn a_send_that_is_never_answered_times_out_with_its_fate_unknown() {
    let outstanding = outstanding(Duration::from_millis(5));
    let (send, told) = send(&outstanding);
    let ticket = Ticket::new(send.clone());
    send.submitted();
    let failure = told.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.stored), (FailureKind::Timeout, Stored::Unknown));
    assert!(failure.message.contains("SendMsgTimeoutMillis = 5"), "{failure}");
    ticket.complete(Ok(RESPONSE));
    assert!(outstanding.wait_for_all(LIMIT));
}

struct Woken(mpsc::Sender<()>);
impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
    }
}

#[test]
fn a_future_is_woken_once_and_gives_its_result_once() {
    let outstanding = outstanding(LIMIT);
    outstanding.begin();
    let send = PendingSend::new(outstanding.clone(), "Topic".into(), "ID", FutureWaker::default());
    let ticket = Ticket::new(send.clone());
    send.clone().submitted();
    let mut future = SendFuture::pending(send);
    let (sender, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(sender)));
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut future).poll(&mut context).is_pending());
    assert!(Pin::new(&mut future).poll(&mut context).is_pending());
    ticket.complete(Ok(RESPONSE));
    assert!(outstanding.wait_for_all(LIMIT));
    assert_eq!(woken.try_iter().count(), 1);
    let Poll::Ready(Ok(result)) = Pin::new(&mut future).poll(&mut context) else { panic!("not ready") };
    assert_eq!(result.message_id, "ID");
    let Poll::Ready(Err(again)) = Pin::new(&mut future).poll(&mut context) else { panic!("not refused") };
    assert!(again.message.contains("polled again"), "{again}");
}
