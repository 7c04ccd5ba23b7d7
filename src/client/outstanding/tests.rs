//! Guards against a send whose outcome is told twice or never, whoever answers, fails or overtakes whom.

use super::*;
use crate::client::producer::BoxedCallback;
use crate::client::send_future::SendFuture;
use crate::protocol::unique_id::UniqueIdGenerator;
use crate::sys::clock::SystemClock;
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

const LIMIT: Duration = Duration::from_secs(60);
const RESPONSE: SendResponse = SendResponse { queue_id: 3, queue_offset: 7, position: 11 };

type Sends = Outstanding<BoxedCallback>;
type Told = mpsc::Receiver<SendOutcome>;

fn outstanding(timeout: Duration) -> Arc<Sends> {
    limited(timeout, ASYNC_SENDS_MAX)
}

fn limited(timeout: Duration, sends_max: usize) -> Arc<Sends> {
    let callbacks = Arc::new(CallbackThread::default());
    callbacks.ensure_started().unwrap();
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    Outstanding::new(callbacks, Arc::new(scheduler), timeout, sends_max)
}

fn id() -> UniqueId {
    UniqueIdGenerator::new(Ipv4Addr::LOCALHOST, 1, 2).generate(3)
}

fn list(outstanding: &Arc<Sends>, callback: impl FnOnce(SendOutcome) + Send + 'static) -> u64 {
    try_list(outstanding, callback).unwrap()
}

fn try_list(
    outstanding: &Arc<Sends>,
    callback: impl FnOnce(SendOutcome) + Send + 'static,
) -> Result<u64, Failure> {
    outstanding.list(outstanding.begin(), "Topic", id(), Box::new(callback))
}

fn send(outstanding: &Arc<Sends>) -> (u64, Told) {
    let (sender, told) = mpsc::channel();
    (list(outstanding, move |outcome| sender.send(outcome).unwrap()), told)
}

fn answer(outstanding: &Arc<Sends>, token: u64, result: Result<SendResponse, Failure>) {
    outstanding.clone().answered(vec![SendAnswer { token, result }]);
}

/// The outcome, and that nothing follows it.
fn only(told: &Told) -> SendOutcome {
    let outcome = told.recv_timeout(LIMIT).unwrap();
    assert_eq!(told.recv_timeout(LIMIT).unwrap_err(), mpsc::RecvTimeoutError::Disconnected);
    outcome
}

#[test]
fn the_first_answer_is_told_and_no_other() {
    let outstanding = outstanding(LIMIT);
    let (token, told) = send(&outstanding);
    answer(&outstanding, token, Ok(RESPONSE));
    answer(&outstanding, token, Err(Failure::state("too late")));
    let result = only(&told).unwrap();
    assert_eq!((&*result.topic, result.message_id), ("Topic", id()));
    assert_eq!((result.queue_id, result.queue_offset), (3, 7));
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn answers_that_come_together_find_each_their_own_send() {
    let outstanding = outstanding(LIMIT);
    let sends: Vec<_> = (0..100).map(|_| send(&outstanding)).collect();
    let answers = sends.iter().enumerate().map(|(number, (token, _))| SendAnswer {
        token: *token,
        result: Ok(SendResponse { queue_offset: number as i64, ..RESPONSE }),
    });
    outstanding.clone().answered(answers.rev().collect());
    for (number, (_, told)) in sends.iter().enumerate() {
        assert_eq!(only(told).unwrap().queue_offset, number as i64);
    }
    assert!(outstanding.wait_for_all(LIMIT));
}

/// Notes the thread it was told on.
struct Note {
    is_light: bool,
    told: mpsc::Sender<(bool, std::thread::ThreadId)>,
}

impl SendCallback for Note {
    fn call(self, outcome: SendOutcome) {
        self.told.send((outcome.is_ok(), std::thread::current().id())).unwrap();
    }

    fn is_light(&self) -> bool {
        self.is_light
    }
}

#[test]
fn light_callbacks_are_told_where_the_answer_came_in_and_the_others_as_ever() {
    let callbacks = Arc::new(CallbackThread::default());
    callbacks.ensure_started().unwrap();
    let scheduler = Scheduler::new("test", Arc::new(SystemClock::new())).unwrap();
    let outstanding = Outstanding::<Note>::new(callbacks, Arc::new(scheduler), LIMIT, ASYNC_SENDS_MAX);
    let sends: Vec<_> = (0..100)
        .map(|number| {
            let (told, is_told) = mpsc::channel();
            let note = Note { is_light: number % 3 != 0, told };
            (outstanding.list(outstanding.begin(), "Topic", id(), note).unwrap(), is_told)
        })
        .collect();
    let answers = || sends.iter().map(|(token, _)| SendAnswer { token: *token, result: Ok(RESPONSE) });
    outstanding.clone().answered(answers().collect());
    outstanding.clone().answered(answers().collect());
    for (number, (_, is_told)) in sends.iter().enumerate() {
        let (is_ok, thread) = is_told.recv_timeout(LIMIT).unwrap();
        assert!(is_ok && is_told.recv_timeout(LIMIT).is_err(), "once");
        assert_eq!(thread == std::thread::current().id(), number % 3 != 0);
    }
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn what_is_done_at_once_is_not_told_again() {
    let outstanding = outstanding(LIMIT);
    let (token, told) = send(&outstanding);
    let (unused, outcome) = outstanding.answered_at_once(token, Ok(RESPONSE)).unwrap();
    assert_eq!(outcome.unwrap().message_id, id());
    answer(&outstanding, token, Ok(RESPONSE));
    drop(unused);
    assert_eq!(told.recv_timeout(LIMIT).unwrap_err(), mpsc::RecvTimeoutError::Disconnected);
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_send_in_the_same_slot() {
    let outstanding = outstanding(LIMIT);
    let (first, told) = send(&outstanding);
    answer(&outstanding, first, Ok(RESPONSE));
    only(&told).unwrap();
    let (second, told) = send(&outstanding);
    assert_ne!(first, second);
    answer(&outstanding, first, Err(Failure::state("of the first")));
    answer(&outstanding, second, Ok(RESPONSE));
    only(&told).unwrap();
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn a_shutdown_fails_what_still_waits_and_a_late_answer_changes_nothing() {
    let outstanding = outstanding(LIMIT);
    let sends: Vec<_> = (0..20).map(|_| send(&outstanding)).collect();
    assert!(!outstanding.wait_for_all(Duration::ZERO));
    outstanding.fail_all(&Failure::state("shut down").with_stored(Stored::Unknown));
    assert!(outstanding.wait_for_all(LIMIT));
    for (token, told) in sends {
        answer(&outstanding, token, Ok(RESPONSE));
        assert_eq!(only(&told).unwrap_err().message, "shut down");
        assert!(outstanding.answered_at_once(token, Ok(RESPONSE)).is_none(), "it was told already");
    }
}

#[test]
fn a_send_that_is_never_answered_times_out_with_its_fate_unknown() {
    let outstanding = outstanding(Duration::from_millis(5));
    let (token, told) = send(&outstanding);
    outstanding.sweep_later();
    let failure = told.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.stored), (FailureKind::Timeout, Stored::Unknown));
    assert!(failure.message.contains("SendMsgTimeoutMillis = 5"), "{failure}");
    answer(&outstanding, token, Ok(RESPONSE));
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn a_panic_in_a_callback_does_not_keep_the_next_from_being_told() {
    let outstanding = outstanding(LIMIT);
    let first = list(&outstanding, |_| panic!("on purpose"));
    let (second, told) = send(&outstanding);
    let answers = [first, second].map(|token| SendAnswer { token, result: Ok(RESPONSE) });
    outstanding.clone().answered(answers.into());
    only(&told).unwrap();
    assert!(outstanding.wait_for_all(LIMIT));
}

#[test]
fn the_send_beyond_the_limit_is_refused_after_the_timeout_and_the_next_goes_on() {
    let outstanding = limited(Duration::from_millis(5), 2 * SHARDS);
    let (first, first_told) = send(&outstanding);
    let (second, second_told) = send(&outstanding);
    let failure = try_list(&outstanding, |_| panic!("it was refused")).unwrap_err();
    assert_eq!((failure.kind, failure.stored), (FailureKind::Timeout, Stored::No));
    for part in ["'Topic' was not sent", ": 2 asynchronous sends", "SendMsgTimeoutMillis = 5"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    answer(&outstanding, first, Ok(RESPONSE));
    only(&first_told).unwrap();
    let (third, third_told) = send(&outstanding);
    outstanding
        .clone()
        .answered([second, third].map(|token| SendAnswer { token, result: Ok(RESPONSE) }).into());
    only(&second_told).unwrap();
    only(&third_told).unwrap();
    assert!(outstanding.wait_for_all(LIMIT), "the refused one is not waited for");
}

#[test]
fn a_send_that_is_done_at_once_lets_one_through_that_waits() {
    let outstanding = limited(LIMIT, SHARDS);
    let (sender, sent) = mpsc::channel();
    let waiter = std::thread::spawn({
        let outstanding = outstanding.clone();
        move || [(); 2].map(|()| sender.send(send(&outstanding)).unwrap())
    });
    let (first, first_told) = sent.recv_timeout(LIMIT).unwrap();
    while outstanding.shards.iter().all(|shard| shard.slots.lock().unwrap().awaited_by == 0) {
        std::thread::yield_now();
    }
    assert!(sent.try_recv().is_err(), "it waits");
    drop(outstanding.answered_at_once(first, Ok(RESPONSE)).unwrap());
    assert!(first_told.recv_timeout(LIMIT).is_err(), "who was done at once is not told");
    let (second, told) = sent.recv_timeout(LIMIT).unwrap();
    answer(&outstanding, second, Ok(RESPONSE));
    only(&told).unwrap();
    waiter.join().unwrap();
}

#[test]
fn a_callback_may_send_beyond_the_limit() {
    let outstanding = limited(LIMIT, SHARDS);
    let inner = outstanding.clone();
    let (told, sent) = mpsc::channel();
    let first = list(&outstanding, move |_| told.send([send(&inner), send(&inner)]).unwrap());
    answer(&outstanding, first, Ok(RESPONSE));
    let sent = sent.recv_timeout(LIMIT).unwrap();
    let has_more_than_one = |shard: &&Shard<_>| shard.slots.lock().unwrap().all.len() > 1;
    assert!(outstanding.shards.iter().any(|shard| has_more_than_one(&shard)));
    for (token, told) in sent {
        answer(&outstanding, token, Ok(RESPONSE));
        only(&told).unwrap();
    }
    assert!(outstanding.wait_for_all(LIMIT));
    // The place it took is not one more for everybody.
    let is_full_with_one = |shard: &Shard<_>| {
        let mut slots = shard.slots.lock().unwrap();
        slots.free.pop();
        slots.is_full(outstanding.slots_max)
    };
    assert!(outstanding.shards.iter().filter(has_more_than_one).all(is_full_with_one));
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
    let (mut future, complete) = SendFuture::pending();
    let token = list(&outstanding, complete);
    let (sender, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(sender)));
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut future).poll(&mut context).is_pending());
    assert!(Pin::new(&mut future).poll(&mut context).is_pending());
    answer(&outstanding, token, Ok(RESPONSE));
    assert!(outstanding.wait_for_all(LIMIT));
    assert_eq!(woken.try_iter().count(), 1);
    let Poll::Ready(Ok(result)) = Pin::new(&mut future).poll(&mut context) else { panic!("not ready") };
    assert_eq!(result.message_id, id());
    let Poll::Ready(Err(again)) = Pin::new(&mut future).poll(&mut context) else { panic!("not refused") };
    assert!(again.message.contains("polled again"), "{again}");
}
