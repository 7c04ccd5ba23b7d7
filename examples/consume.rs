//! Receives the ten messages of `send`, whichever language sent them.

use ons::{Action, Factory, FactoryProperty, Failure, keys};
use std::sync::mpsc;

fn main() -> Result<(), Failure> {
    let mut property = FactoryProperty::new();
    property.set(keys::CONSUMER_ID, "CID_greeted")?;
    let consumer = Factory::create_push_consumer(&property)?;

    // The listener runs on the library's threads; this channel brings what it saw back to ours.
    let (seen, received) = mpsc::channel();
    consumer.subscribe("greetings", "*", move |message| {
        println!("received {}", String::from_utf8_lossy(message.body()));
        match seen.send(()) {
            Ok(()) => Action::Commit,
            Err(_) => Action::ReconsumeLater,
        }
    })?;
    consumer.start()?;
    received.iter().take(10).for_each(drop);
    consumer.shutdown()
}
