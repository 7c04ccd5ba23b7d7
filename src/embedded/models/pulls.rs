//! Pulls that wait, against what ends them: an arrival, their deadline, their client's leaving, the broker's close.

use super::world::{World, send};
use crate::protocol::failure::Failure;
use crate::protocol::request::{PullRequest, PullResponse, PullStatus};
use crate::protocol::tags::TagExpression;
use crate::store::config::FlushMode;
use crate::sys::sync::model::explore::{explore, is_patient};
use crate::sys::sync::thread;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SCHEDULES: usize = 20_000;
const SUSPEND: Duration = Duration::from_secs(3);

type Answers = Arc<Mutex<Vec<Result<PullResponse, Failure>>>>;

/// Pulls on a thread of its own; its answers come to the result.
fn pull(world: &World, client_id: &str) -> (Answers, shuttle::thread::JoinHandle<()>) {
    let answers = Answers::default();
    let (told, broker) = (answers.clone(), world.broker.clone());
    let request = PullRequest {
        group: "GID".into(),
        client_id: client_id.into(),
        topic: "T".into(),
        queue_id: 0,
        offset: 1,
        messages_max: 32,
        bytes_max: 1 << 20,
        filter: Arc::new(TagExpression::all()),
        suspend: SUSPEND,
    };
    let thread = thread::spawn(move || {
        broker.pull(request, Box::new(move |answer| told.lock().unwrap().push(answer)))
    });
    (answers, thread)
}

fn wait_for(answers: &Answers) {
    while answers.lock().unwrap().is_empty() {
        thread::sleep(SUSPEND);
    }
}

fn status(answers: &Answers) -> PullStatus {
    let answers = answers.lock().unwrap();
    assert_eq!(answers.len(), 1, "a pull is answered once");
    answers[0].as_ref().unwrap().status
}

#[test]
fn a_pull_does_not_sleep_beside_its_message() {
    explore("long poll: an arrival, a client that leaves, a deadline", SCHEDULES, || {
        let world = World::new(1, FlushMode::Sync);
        let producer = world.producer();
        send(&producer, 0);
        let (first, first_thread) = pull(&world, "first");
        let (second, second_thread) = pull(&world, "second");
        let broker = world.broker.clone();
        let leaver = thread::spawn(move || broker.unregister("second").unwrap());
        send(&producer, 1);
        wait_for(&first);
        wait_for(&second);
        for thread in [first_thread, second_thread, leaver] {
            thread.join().unwrap();
        }
        if is_patient() {
            assert_eq!(status(&first), PullStatus::Found);
        }
        assert!(matches!(status(&second), PullStatus::Found | PullStatus::NoNewMessage));
        producer.shutdown().unwrap();
        world.close();
        status(&first);
    });
}

#[test]
fn a_close_answers_the_pulls_that_wait() {
    explore("long poll: the broker closes", SCHEDULES, || {
        let world = World::new(1, FlushMode::Sync);
        let producer = world.producer();
        send(&producer, 0);
        let pulls = ["first", "second"].map(|client_id| pull(&world, client_id));
        producer.shutdown().unwrap();
        world.close();
        for (answers, thread) in pulls {
            thread.join().unwrap();
            assert_eq!(answers.lock().unwrap().len(), 1);
        }
    });
}
