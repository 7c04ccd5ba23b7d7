//! `ons consume`: message bodies on standard output.

use crate::cli::Address;
use crate::cli::Error;
use crate::cli::to_stdout;
use crate::client::factory_property::keys;
use crate::client::message::Message;
use crate::client::push_consumer::Action;
use crate::embedded::factory::Factory;
use crate::sys::sync::Mutex;
use crate::sys::sync::mpsc;
use crate::sys::sync::mpsc::RecvTimeoutError;
use crate::sys::sync::thread;
use serde_json::json;
use std::io;
use std::io::Write;
use std::sync::PoisonError;
use std::time::Duration;

/// Ample time for the command's thread to wake and begin the shutdown.
const SHUTDOWN_BEGINS: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Topic
    topic: String,
    /// Tags to receive: `*`, or a list like `TagA||TagB`
    #[arg(long, default_value = "*", value_name = "EXPRESSION")]
    tag: String,
    /// End after so many messages; without it, only a signal ends the command
    #[arg(short = 'n', long, value_name = "COUNT")]
    count: Option<u64>,
    /// End when nothing has come for so many seconds
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Print one JSON object a message, with id, tag, key and offsets
    #[arg(long)]
    json: bool,
    /// Consumer id, whose progress is kept
    #[arg(long, value_name = "ID", default_value = "CID_ons_tool")]
    group: String,
    #[command(flatten)]
    address: Address,
}

/// Prints messages as they come; what could not be printed is not committed.
pub(super) fn run(arguments: &Arguments, out: impl Write + Send + 'static) -> Result<(), Error> {
    if arguments.count == Some(0) {
        return Ok(());
    }
    let mut property = arguments.address.property()?;
    property.set(keys::CONSUMER_ID, &arguments.group)?;
    // One message after the other: the order of the lines is the order of the queue.
    property.set(keys::CONSUME_THREAD_NUMS, "1")?;
    let consumer = Factory::create_push_consumer(&property)?;
    let (told, printed) = mpsc::channel();
    let left = arguments.count.unwrap_or(u64::MAX);
    let printer = Mutex::new(Printer { out, told, left, is_json: arguments.json });
    consumer.subscribe(&arguments.topic, &arguments.tag, move |message| {
        printer.lock().unwrap_or_else(PoisonError::into_inner).take(message)
    })?;
    consumer.start()?;
    let done = wait(arguments, &printed);
    consumer.shutdown()?;
    done
}

/// Until enough was printed, nothing came for long enough, or printing failed.
fn wait(arguments: &Arguments, printed: &mpsc::Receiver<io::Result<()>>) -> Result<(), Error> {
    let longest = arguments.wait.map(Duration::from_secs);
    let mut count = 0;
    while arguments.count != Some(count) {
        let next = match longest {
            Some(longest) => printed.recv_timeout(longest),
            None => printed.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(result) => result.map_err(to_stdout)?,
            Err(_) => break,
        }
        count += 1;
    }
    Ok(())
}

struct Printer<W> {
    out: W,
    told: mpsc::Sender<io::Result<()>>,
    /// How many more are wanted.
    left: u64,
    is_json: bool,
}

impl<W: Write> Printer<W> {
    fn take(&mut self, message: &Message) -> Action {
        if self.left == 0 {
            return Action::ReconsumeLater;
        }
        let printed = self.print(message);
        let action = match printed {
            Ok(()) => Action::Commit,
            Err(_) => Action::ReconsumeLater,
        };
        self.left = if printed.is_ok() { self.left - 1 } else { 0 };
        // Nobody waits any more only when the command is over.
        let _ = self.told.send(printed);
        if self.left == 0 {
            // The consumer is being shut down now. While this thread is busy it is not given another message, which it
            // could only send back.
            thread::sleep(SHUTDOWN_BEGINS);
        }
        action
    }

    fn print(&mut self, message: &Message) -> io::Result<()> {
        if self.is_json {
            let line = json!({
                "message_id": message.message_id(),
                "topic": message.topic(),
                "tag": message.tag(),
                "key": message.key(),
                "queue_id": message.queue_id(),
                "queue_offset": message.queue_offset(),
                "reconsume_times": message.reconsume_times(),
                "store_timestamp_ms": message.store_timestamp_ms(),
                "body": String::from_utf8_lossy(message.body()),
            });
            writeln!(self.out, "{line}")?;
        } else {
            self.out.write_all(message.body())?;
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}
