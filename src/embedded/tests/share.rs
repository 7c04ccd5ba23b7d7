//! Several instances of a group: queues are shared, handed over, and nothing is lost or doubled on the way.

use super::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How often each body was consumed, and by which instances.
#[derive(Default)]
struct Seen {
    bodies: Mutex<BTreeMap<String, Vec<usize>>>,
}

impl Seen {
    fn listen(self: &Arc<Self>, consumer: &PushConsumer, instance: usize, told: mpsc::Sender<usize>) {
        let seen = self.clone();
        let listener = move |message: &mut Message| {
            seen.bodies.lock().unwrap().entry(body(message)).or_default().push(instance);
            let _ = told.send(instance);
            Action::Commit
        };
        consumer.subscribe("Topic", "*", listener).unwrap();
    }

    fn assert_each_once(&self, count: usize) {
        let bodies = self.bodies.lock().unwrap();
        let doubled: Vec<_> = bodies.iter().filter(|(_, by)| by.len() > 1).collect();
        assert!(doubled.is_empty(), "consumed more than once: {doubled:?}");
        assert_eq!(bodies.len(), count);
    }
}

#[test]
fn two_instances_share_and_hand_over_without_loss_or_doubles() {
    let place = Place::new();
    let producer = Arc::new(place.producer(&[("FlushDiskType", "ASYNC_FLUSH")]));
    let (seen, (told, consumed)) = (Arc::<Seen>::default(), mpsc::channel());
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeThreadNums", "4")];
    let (first, second) = (place.consumer(&pairs), place.consumer(&pairs));
    seen.listen(&first, 1, told.clone());
    seen.listen(&second, 2, told);
    let is_done = Arc::new(AtomicBool::new(false));
    let sender = thread::spawn({
        let (producer, is_done) = (producer.clone(), is_done.clone());
        move || {
            let mut count = 0;
            while !is_done.load(Ordering::SeqCst) {
                producer.send(&mut Message::new("Topic", "", format!("{count}"))).unwrap();
                count += 1;
            }
            count
        }
    });
    first.start().unwrap();
    let next = || consumed.recv_timeout(LIMIT).unwrap();
    for _ in 0..500 {
        next();
    }
    second.start().unwrap();
    // Both have to come by their messages.
    let mut of_second = 0;
    while of_second < 300 {
        of_second += usize::from(next() == 2);
    }
    first.shutdown().unwrap();
    for _ in 0..500 {
        next();
    }
    is_done.store(true, Ordering::SeqCst);
    let sent = sender.join().unwrap();
    while seen.bodies.lock().unwrap().len() < sent {
        next();
    }
    second.shutdown().unwrap();
    producer.shutdown().unwrap();
    seen.assert_each_once(sent);
}

#[test]
fn a_queue_moves_only_after_its_running_listener_has_returned() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeThreadNums", "1")];
    let (first, second) = (place.consumer(&pairs), place.consumer(&pairs));
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    first
        .subscribe("Topic", "*", move |message| {
            entered.send(message.queue_id()).unwrap();
            let _ = released.lock().unwrap().recv();
            Action::Commit
        })
        .unwrap();
    let of_second = collect(&second, "Topic", "*");
    first.start().unwrap();
    // One message per queue; the only thread of the first instance holds one of them.
    for number in 0..8 {
        producer.send(&mut Message::new("Topic", "", format!("{number}"))).unwrap();
    }
    let held = has_entered.recv_timeout(LIMIT).unwrap();
    second.start().unwrap();
    // The second instance owns queues 4 to 7; the one the listener is in stays where it is.
    let at_once = if held >= 4 { 3 } else { 4 };
    let before: Vec<i32> = receive(&of_second, at_once).iter().map(Message::queue_id).collect();
    assert!(!before.contains(&held) && before.iter().all(|queue| *queue >= 4), "{before:?} with {held}");
    drop(release);
    if held >= 4 {
        producer.send(&mut Message::new("Topic", "", "next round")).unwrap();
    }
    first.shutdown().unwrap();
    second.shutdown().unwrap();
    let of_held =
        of_second.try_iter().filter(|message| message.queue_id() == held && body(message) != "next round");
    assert_eq!(of_held.count(), 0, "what the first instance consumed must not come again");
}

#[test]
fn an_instance_that_leaves_hands_its_queues_to_the_other() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let pairs = [("ConsumerId", "CID_test"), ("ConsumeThreadNums", "2")];
    let (first, second) = (place.consumer(&pairs), place.consumer(&pairs));
    let (of_first, of_second) = (collect(&first, "Topic", "*"), collect(&second, "Topic", "*"));
    first.start().unwrap();
    second.start().unwrap();
    for number in 0..16 {
        producer.send(&mut Message::new("Topic", "", format!("{number}"))).unwrap();
    }
    receive(&of_first, 8);
    receive(&of_second, 8);
    drop(first);
    for number in 0..16 {
        producer.send(&mut Message::new("Topic", "", format!("{number}"))).unwrap();
    }
    receive(&of_second, 16);
    second.shutdown().unwrap();
    assert!(of_first.try_recv().is_err() && of_second.try_recv().is_err());
}

#[test]
fn another_group_receives_everything_as_well() {
    let place = Place::new();
    let producer = place.producer(&[]);
    let consumers: Vec<_> =
        ["CID_one", "CID_two"].map(|group| place.consumer(&[("ConsumerId", group)])).into();
    let received: Vec<_> = consumers.iter().map(|consumer| collect(consumer, "Topic", "*")).collect();
    consumers.iter().for_each(|consumer| consumer.start().unwrap());
    for number in 0..50 {
        producer.send(&mut Message::new("Topic", "", format!("{number}"))).unwrap();
    }
    for receiver in &received {
        receive(receiver, 50);
    }
    consumers.iter().for_each(|consumer| consumer.shutdown().unwrap());
    assert!(received.iter().all(|receiver| receiver.try_recv().is_err()));
}
