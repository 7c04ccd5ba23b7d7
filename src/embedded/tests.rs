//! Whole clients over a real broker on a real disk: what is lost, doubled, left hanging or left behind shows here.

mod consume;
mod lifecycle;
mod send;
mod share;

use crate::client::factory_property::FactoryProperty;
use crate::client::message::Message;
use crate::client::producer::Producer;
use crate::client::push_consumer::Action;
use crate::client::push_consumer::PushConsumer;
use crate::embedded::broker_handle::ClockKind;
use crate::embedded::broker_handle::EmbeddedBroker;
use crate::embedded::factory::Factory;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tempfile::TempDir;

/// How long a test waits for what must happen; it fails then instead of hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// A directory of its own with the properties that lead to it.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn property(&self, pairs: &[(&str, &str)]) -> FactoryProperty {
        let mut property = FactoryProperty::new();
        property.set("ONSAddr", &format!("embedded:{}", self.dir.path().display())).unwrap();
        for (key, value) in pairs {
            property.set(key, value).unwrap();
        }
        property
    }

    fn producer(&self, pairs: &[(&str, &str)]) -> Producer {
        let producer = Factory::create_producer(&self.property(pairs)).unwrap();
        producer.start().unwrap();
        producer
    }

    fn consumer(&self, pairs: &[(&str, &str)]) -> PushConsumer {
        Factory::create_push_consumer(&self.property(pairs)).unwrap()
    }

    fn broker(&self, clock: ClockKind) -> EmbeddedBroker {
        EmbeddedBroker::open(self.dir.path(), &self.property(&[]), clock).unwrap()
    }
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

/// Subscribes with a listener that passes every message on and commits it.
fn collect(consumer: &PushConsumer, topic: &str, expression: &str) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    let listener = move |message: &mut Message| {
        let _ = sender.send(message.clone());
        Action::Commit
    };
    consumer.subscribe(topic, expression, listener).unwrap();
    receiver
}

fn receive(receiver: &Receiver<Message>, count: usize) -> Vec<Message> {
    (0..count).map(|_| receiver.recv_timeout(LIMIT).expect("a message within the limit")).collect()
}
