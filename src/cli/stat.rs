//! `ons stat`: what lies in a data directory.

use crate::broker::Broker;
use crate::broker::BrokerConfig;
use crate::broker::TopicReport;
use crate::cli::Error;
use crate::cli::to_stdout;
use crate::protocol::failure::Failure;
use crate::protocol::request::QueueKey;
use crate::store::FORMAT_FILE;
use crate::store::config::Environment;
use crate::sys::clock::Clock;
use crate::sys::clock::SystemClock;
use crate::sys::real_disk::RealDisk;
use crate::sys::scheduler::Scheduler;
use serde_json::Value;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything was ever kept.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The broker's data directory
    dir: PathBuf,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Error> {
    let broker = open(&arguments.dir)?;
    let report = Report::of(&arguments.dir, &broker)?;
    broker.close()?;
    let written = if arguments.json { report.write_json(out) } else { report.write_tables(out) };
    written.map_err(to_stdout)
}

/// Opens what is there; a broker is neither made nor cleaned up by looking at it.
pub(super) fn open(dir: &Path) -> Result<Arc<Broker>, Failure> {
    if !dir.is_dir() {
        return Err(Failure::invalid(format!("{} is not a directory", dir.display())));
    }
    if !dir.join(FORMAT_FILE).exists() {
        return Err(Failure::invalid(format!(
            "{} holds no broker: {} is missing in it",
            dir.display(),
            FORMAT_FILE
        )));
    }
    let mut config = BrokerConfig::new(dir);
    // How long messages are kept is the business of the program they belong to.
    config.store.reserved = FOR_EVER;
    config.store.disk_used_percent_max = 100;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Scheduler::new("ons-stat", clock.clone())
        .map_err(|error| Failure::state(format!("no thread can be started: {error}")))?;
    let environment =
        Environment { disk: Arc::new(RealDisk), clock, scheduler: Arc::new(scheduler), has_threads: true };
    Broker::open(config, environment)
}

struct Report {
    dir: PathBuf,
    segments: u64,
    log_bytes: u64,
    timers_waiting: u64,
    topics: Vec<TopicReport>,
    groups: Vec<GroupRows>,
}

/// What a group has committed, queue by queue.
struct GroupRows {
    group: Arc<str>,
    queues: Vec<CommittedQueue>,
}

struct CommittedQueue {
    topic: Arc<str>,
    queue_id: i32,
    committed: i64,
    backlog: i64,
}

impl Report {
    fn of(dir: &Path, broker: &Broker) -> Result<Self, Failure> {
        let store = broker.statistics().store;
        let topics = broker.topics();
        let groups = broker
            .groups()
            .into_iter()
            .map(|report| GroupRows::of(report.group, &topics, broker))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            dir: dir.to_path_buf(),
            segments: store.segments,
            log_bytes: store.log_bytes,
            timers_waiting: store.timers_waiting,
            topics,
            groups,
        })
    }

    fn write_tables(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "directory  {}", self.dir.display())?;
        writeln!(out, "log        {} bytes in {} segments", self.log_bytes, self.segments)?;
        writeln!(out, "timers     {} waiting", self.timers_waiting)?;

        let rows = self.topics.iter().flat_map(|topic| {
            topic.queues.iter().map(|queue| {
                let messages = queue.max_offset - queue.min_offset;
                let numbers = [i64::from(queue.queue_id), queue.min_offset, queue.max_offset, messages];
                (vec![topic.topic.to_string()], numbers.map(|number| number.to_string()).to_vec())
            })
        });
        write_table(out, &["topic"], &["queue", "min offset", "max offset", "messages"], rows.collect())?;

        let rows = self.groups.iter().flat_map(|group| {
            group.queues.iter().map(|queue| {
                let numbers = [i64::from(queue.queue_id), queue.committed, queue.backlog];
                let names = vec![group.group.to_string(), queue.topic.to_string()];
                (names, numbers.map(|number| number.to_string()).to_vec())
            })
        });
        write_table(out, &["group", "topic"], &["queue", "committed", "backlog"], rows.collect())?;
        for group in self.groups.iter().filter(|group| group.queues.is_empty()) {
            writeln!(out, "{}: nothing committed yet", group.group)?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let topics: Vec<Value> = self
            .topics
            .iter()
            .map(|topic| {
                let queues: Vec<Value> = topic
                    .queues
                    .iter()
                    .map(|queue| {
                        json!({
                            "queue_id": queue.queue_id,
                            "min_offset": queue.min_offset,
                            "max_offset": queue.max_offset,
                        })
                    })
                    .collect();
                json!({ "topic": &*topic.topic, "queues": queues })
            })
            .collect();
        let report = json!({
            "directory": self.dir.display().to_string(),
            "segments": self.segments,
            "log_bytes": self.log_bytes,
            "timers_waiting": self.timers_waiting,
            "topics": topics,
            "groups": self.groups.iter().map(GroupRows::json).collect::<Vec<_>>(),
        });
        writeln!(out, "{report:#}")
    }
}

impl GroupRows {
    fn of(group: Arc<str>, topics: &[TopicReport], broker: &Broker) -> Result<Self, Failure> {
        let mut queues = Vec::new();
        for topic in topics {
            for queue in &topic.queues {
                let key = QueueKey { topic: topic.topic.clone(), queue_id: queue.queue_id };
                if let Some(committed) = broker.query_offset(&group, &key)? {
                    // What retention took away is no backlog any more.
                    let backlog = (queue.max_offset - committed.max(queue.min_offset)).max(0);
                    let (topic, queue_id) = (topic.topic.clone(), queue.queue_id);
                    queues.push(CommittedQueue { topic, queue_id, committed, backlog });
                }
            }
        }
        Ok(Self { group, queues })
    }

    fn json(&self) -> Value {
        let queues: Vec<Value> = self
            .queues
            .iter()
            .map(|queue| {
                json!({
                    "topic": &*queue.topic,
                    "queue_id": queue.queue_id,
                    "committed_offset": queue.committed,
                    "backlog": queue.backlog,
                })
            })
            .collect();
        json!({ "group": &*self.group, "queues": queues })
    }
}

/// Columns as wide as their widest cell, names to the left, numbers to the right; nothing without rows.
fn write_table(
    out: &mut dyn Write,
    name_titles: &[&str],
    number_titles: &[&str],
    rows: Vec<Row>,
) -> std::io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let titles = |titles: &[&str]| titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>();
    let head = (titles(name_titles), titles(number_titles));
    let all: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |column: &dyn Fn(&Row) -> Option<usize>| all.iter().filter_map(column).max().unwrap_or(0);
    let name_widths: Vec<usize> = (0..name_titles.len())
        .map(|at| width(&|row| row.0.get(at).map(|cell| cell.chars().count())))
        .collect();
    let number_widths: Vec<usize> =
        (0..number_titles.len()).map(|at| width(&|row| row.1.get(at).map(String::len))).collect();
    writeln!(out)?;
    for (names, numbers) in &all {
        let mut line = String::new();
        for (cell, width) in names.iter().zip(&name_widths) {
            line += &format!("{cell:<width$}  ");
        }
        for (cell, width) in numbers.iter().zip(&number_widths) {
            line += &format!("{cell:>width$}  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Names, left-aligned, and numbers, right-aligned.
type Row = (Vec<String>, Vec<String>);

#[cfg(test)]
mod tests;
