//! `ons find`: messages by message id or by key.

use crate::cli::Error;
use crate::cli::stat;
use crate::cli::to_stdout;
use crate::client::message::Message;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::record::Record;
use crate::protocol::unique_id::created_ms;
use serde_json::Value;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The broker's data directory
    dir: PathBuf,
    /// Topic
    topic: String,
    /// A message id, or one of a message's keys
    key: String,
    /// Show at most so many, the newest
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 32)]
    count: usize,
    /// Print one JSON object a message, with its body
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Error> {
    let broker = stat::open(&arguments.dir)?;
    let found = broker.find_by_key(&arguments.topic, &arguments.key, arguments.count);
    broker.close()?;
    let found = found?;
    if found.is_empty() {
        let (topic, key) = (&arguments.topic, &arguments.key);
        return Err(
            Failure::invalid(format!("topic '{topic}' has no message with the id or key '{key}'")).into()
        );
    }
    let topic: Arc<str> = arguments.topic.as_str().into();
    for bytes in &found {
        let record = Record::decode(bytes).map_err(|error| {
            Failure::new(FailureKind::Corrupt, format!("a message cannot be read: {error}"))
        })?;
        let row = row(&topic, record);
        let written = if arguments.json { writeln!(out, "{row}") } else { write_text(&row, out) };
        written.map_err(to_stdout)?;
    }
    Ok(())
}

fn row(topic: &Arc<str>, record: Record) -> Value {
    let stored_ms = record.head.store_timestamp_ms;
    let message = Message::from_record(record, topic.clone());
    json!({
        "id": message.message_id(),
        "topic": message.topic(),
        "queue": message.queue_id(),
        "offset": message.queue_offset(),
        "tag": message.tag(),
        "key": message.key(),
        "made_ms": created_ms(message.message_id(), stored_ms),
        "stored_ms": stored_ms,
        "reconsume_times": message.reconsume_times(),
        "body_bytes": message.body().len(),
        "body": String::from_utf8_lossy(message.body()),
    })
}

fn write_text(row: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    for (name, value) in row.as_object().into_iter().flatten().filter(|(name, _)| *name != "body") {
        match value {
            Value::String(text) => writeln!(out, "{name:>16}  {text}")?,
            other => writeln!(out, "{name:>16}  {other}")?,
        }
    }
    writeln!(out)
}
