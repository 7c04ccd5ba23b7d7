//! `ons send`: messages from the command line or from standard input.

use crate::cli::Address;
use crate::cli::Error;
use crate::cli::to_stdout;
use crate::client::factory_property::keys;
use crate::client::message::Message;
use crate::client::producer::Producer;
use crate::embedded::factory::Factory;
use std::io::BufRead;
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Topic; made at its first message
    topic: String,
    /// The message's text; without it, each line of standard input is a message
    body: Option<String>,
    /// Tag to select messages by
    #[arg(long, default_value = "")]
    tag: String,
    /// Business key to find the message by
    #[arg(long, default_value = "")]
    key: String,
    /// Send the given body so many times
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1, requires = "body")]
    count: u64,
    /// Producer id
    #[arg(long, value_name = "ID", default_value = "PID_ons_tool")]
    group: String,
    #[command(flatten)]
    address: Address,
}

/// Prints the id of each message once it is stored.
pub(super) fn run(arguments: &Arguments, input: impl BufRead, out: &mut dyn Write) -> Result<(), Error> {
    let mut property = arguments.address.property()?;
    property.set(keys::PRODUCER_ID, &arguments.group)?;
    let producer = Factory::create_producer(&property)?;
    producer.start()?;
    let sent = send_all(arguments, &producer, input, out);
    // Told first: a failed send is the cause, whatever the shutdown says then.
    sent?;
    Ok(producer.shutdown()?)
}

fn send_all(
    arguments: &Arguments,
    producer: &Producer,
    input: impl BufRead,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut send = |body: Vec<u8>| {
        let mut message = Message::with_key(&arguments.topic, &arguments.tag, &arguments.key, body);
        let result = producer.send(&mut message)?;
        writeln!(out, "{}", result.message_id).map_err(to_stdout)
    };
    if let Some(body) = &arguments.body {
        for _ in 0..arguments.count {
            send(body.clone().into_bytes())?;
        }
        return Ok(());
    }
    for line in input.split(b'\n') {
        let line = line.map_err(|error| Error::Io("reading standard input", error))?;
        // A message has a body; an empty line has nothing to say.
        if !line.is_empty() {
            send(line)?;
        }
    }
    Ok(())
}
