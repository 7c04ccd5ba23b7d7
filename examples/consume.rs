//! Receives ten messages from the broker in this process, as examples/send.* left them.

#![allow(clippy::print_stdout)]

use ons::{Action, Factory, FactoryProperty, Failure, keys};
use std::sync::Mutex;
use std::sync::mpsc;

fn main() -> Result<(), Failure> {
    let mut property = FactoryProperty::new();
    property.set(keys::CONSUMER_ID, "GID_example")?;
    let consumer = Factory::create_push_consumer(&property)?;

    // The listener runs on the library's threads; the channel tells this one when it has seen enough.
    let (done, is_done) = mpsc::channel();
    let received = Mutex::new(0);
    consumer.subscribe("greetings", "*", move |message| {
        let Ok(mut received) = received.lock() else { return Action::ReconsumeLater };
        if *received == 10 {
            // More than this program asked for: leave it for the next.
            return Action::ReconsumeLater;
        }
        println!("received {}", String::from_utf8_lossy(message.body()));
        *received += 1;
        if *received == 10 {
            let _ = done.send(());
        }
        Action::Commit
    })?;
    consumer.start()?;
    let _ = is_done.recv();
    consumer.shutdown()
}
