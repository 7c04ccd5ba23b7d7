//! Sends ten messages to the broker in this process: no server, no address, no account.

#![allow(clippy::print_stdout)]

use ons::{Factory, FactoryProperty, Failure, Message, keys};

fn main() -> Result<(), Failure> {
    let mut property = FactoryProperty::new();
    property.set(keys::PRODUCER_ID, "GID_example")?;
    let producer = Factory::create_producer(&property)?;
    producer.start()?;
    for number in 1..=10 {
        let mut message = Message::new("greetings", "greeting", format!("hello {number}"));
        let result = producer.send(&mut message)?;
        println!("sent {}", result.message_id);
    }
    producer.shutdown()
}
