//! The `ons` tool: what an embedded broker holds, and sending and receiving from the shell.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage; of `ons verify`:
//! 0 intact, 1 damage found, 2 could not be checked.
//!
//! *Architecture Invariant:* nothing in the library uses `cli`.

mod consume;
mod find;
mod send;
mod stat;
mod verify;

use crate::client::factory_property::FactoryProperty;
use crate::client::factory_property::keys;
use crate::client::log;
use crate::protocol::failure::Failure;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// RocketMQ that fits in your process: the tool.
#[derive(Debug, Parser)]
#[command(name = "ons", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the version.
    Version,
    /// Shows what the broker of a directory holds: topics, groups, log. No other process may have it open.
    Stat(stat::Arguments),
    /// Shows messages by message id or key. No other process may have the directory open.
    Find(find::Arguments),
    /// Checks every byte of a directory's store without changing one, and says of each damage in which file and at which
    /// offset it is, and what opening will do about it. No other process may have the directory open.
    ///
    /// Exit code 0: intact, 1: damage found, 2: could not be checked.
    Verify(verify::Arguments),
    /// Sends messages: one given body, or each line of standard input.
    Send(send::Arguments),
    /// Receives messages and prints their bodies, one a line.
    Consume(consume::Arguments),
}

/// Where a command finds its broker.
#[derive(Debug, Args)]
struct Address {
    /// Data directory of the embedded broker [default: $ONS_ADDR, else $ONS_HOME, else the user's data directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Address {
    /// A factory property that leads there.
    fn property(&self) -> Result<FactoryProperty, Error> {
        let mut property = FactoryProperty::new();
        if let Some(dir) = &self.dir {
            let Some(dir) = dir.to_str() else {
                return Err(Error::Usage(format!("the name of directory {} is not UTF-8", dir.display())));
            };
            property.set(keys::ONS_ADDR, &format!("embedded:{dir}"))?;
        }
        Ok(property)
    }
}

/// Why a command ended early.
#[derive(Debug)]
enum Error {
    Failure(Failure),
    Usage(String),
    Io(&'static str, io::Error),
    /// `verify` has printed damage.
    Found,
    /// `verify` could not be done.
    NotDone(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    log::install();
    let arguments = Arguments::parse();
    let mut out = io::stdout().lock();
    let done = match arguments.command {
        Command::Version => writeln!(out, "ons {}", env!("CARGO_PKG_VERSION")).map_err(to_stdout),
        Command::Stat(arguments) => stat::run(&arguments, &mut out),
        Command::Find(arguments) => find::run(&arguments, &mut out),
        Command::Verify(arguments) => verify::run(&arguments, &mut out),
        Command::Send(arguments) => send::run(&arguments, io::stdin().lock(), &mut out),
        Command::Consume(arguments) => {
            // Listeners print from their own threads.
            drop(out);
            consume::run(&arguments, io::stdout())
        }
    };
    let (code, message) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(Error::Io(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(Error::Io(what, error)) => (1, format!("{what}: {error}")),
        Err(Error::Failure(failure)) => (1, failure.message),
        Err(Error::Found) => return ExitCode::from(1),
        Err(Error::Usage(message) | Error::NotDone(message)) => (2, message),
    };
    let _ = writeln!(io::stderr(), "ons: {message}");
    ExitCode::from(code)
}

fn to_stdout(error: io::Error) -> Error {
    Error::Io("writing to standard output", error)
}
