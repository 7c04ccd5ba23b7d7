//! Rows against SQLite as a message store: WAL, prepared statements, a commit for each message or for a thousand, on
//! the same file system in the same run.

use crate::abi::Flush;
use crate::measure::Sampler;
use crate::measure::run_threads;
use crate::report::Row;
use crate::rows::Place;
use crate::rows::ROUND;
use crate::rows::against;
use crate::rows::asynchronous;
use crate::rows::blocked;
use crate::rows::rate;
use crate::rows::remove;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

const INSERT: &str = "INSERT INTO message (topic, body) VALUES ('bench', ?1)";
const BODY_BYTES: usize = 1024;
const BATCH: u64 = 1_000;
const THREADS: usize = 64;

/// When SQLite makes a commit durable.
#[derive(Debug, Clone, Copy)]
enum Synchronous {
    /// At every commit.
    Full,
    /// At checkpoints.
    Normal,
}

pub fn rows(place: &Place) -> Vec<Row> {
    use Synchronous::{Full, Normal};
    vec![
        against(
            rate("sqlite_durable_1t", "SQLite, FULL", 1.2),
            || one_by_one(place, Full).per_second(),
            || blocked(place, Flush::Sync, BODY_BYTES, 1).per_second(),
        ),
        against(
            rate("sqlite_durable_64t", "SQLite, FULL, 64 threads", 5.0),
            || one_connection(place).per_second().max(connection_each(place).per_second()),
            || blocked(place, Flush::Sync, BODY_BYTES, THREADS).per_second(),
        ),
        against(
            rate("sqlite_send_1t", "SQLite, NORMAL", 3.0),
            || one_by_one(place, Normal).per_second(),
            || blocked(place, Flush::Async, BODY_BYTES, 1).per_second(),
        ),
        against(
            rate("sqlite_async", "SQLite, NORMAL, by 1000", 8.0),
            || in_batches(place).per_second(),
            || asynchronous(place, Flush::Async, BODY_BYTES).per_second(),
        ),
    ]
}

fn one_by_one(place: &Place, synchronous: Synchronous) -> Sampler {
    measure(place, |dir| {
        let connection = Mutex::new(create(dir, synchronous));
        run_threads(1, ROUND, |is_over, sampler| {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let mut insert = connection.prepare(INSERT).expect("SQLite: prepare");
            while !is_over() {
                insert.execute([body()]).expect("SQLite: insert");
                sampler.count += 1;
            }
        })
    })
}

fn in_batches(place: &Place) -> Sampler {
    measure(place, |dir| {
        let connection = Mutex::new(create(dir, Synchronous::Normal));
        run_threads(1, ROUND, |is_over, sampler| {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let mut insert = connection.prepare(INSERT).expect("SQLite: prepare");
            while !is_over() {
                let transaction = connection.unchecked_transaction().expect("SQLite: begin");
                for _ in 0..BATCH {
                    insert.execute([body()]).expect("SQLite: insert");
                }
                transaction.commit().expect("SQLite: commit");
                sampler.count += BATCH;
            }
        })
    })
}

/// 64 threads take turns with one connection and its prepared statement.
fn one_connection(place: &Place) -> Sampler {
    measure(place, |dir| {
        let connection = Mutex::new(create(dir, Synchronous::Full));
        run_threads(THREADS, ROUND, |is_over, sampler| {
            while !is_over() {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                connection
                    .prepare_cached(INSERT)
                    .and_then(|mut insert| insert.execute([body()]))
                    .expect("SQLite: insert");
                sampler.count += 1;
            }
        })
    })
}

/// 64 threads with a connection each; who finds the database locked waits as SQLite waits.
fn connection_each(place: &Place) -> Sampler {
    measure(place, |dir| {
        create(dir, Synchronous::Full);
        let connections =
            Mutex::new((0..THREADS).map(|_| connect(dir, Synchronous::Full)).collect::<Vec<_>>());
        run_threads(THREADS, ROUND, |is_over, sampler| {
            let connection =
                connections.lock().unwrap_or_else(PoisonError::into_inner).pop().expect("its own");
            let mut insert = connection.prepare(INSERT).expect("SQLite: prepare");
            while !is_over() {
                insert.execute([body()]).expect("SQLite: insert");
                sampler.count += 1;
            }
        })
    })
}

fn body() -> &'static [u8] {
    &[7; BODY_BYTES]
}

/// Runs on a directory of its own.
fn measure(place: &Place, run: impl FnOnce(&Path) -> Sampler) -> Sampler {
    let dir = place.fresh("sqlite");
    std::fs::create_dir(&dir).expect("SQLite's directory");
    let sampler = run(&dir);
    remove(&dir);
    sampler
}

fn create(dir: &Path, synchronous: Synchronous) -> Connection {
    let connection = connect(dir, synchronous);
    connection
        .execute_batch(
            "CREATE TABLE message (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, body BLOB NOT NULL)",
        )
        .expect("SQLite: create");
    connection
}

/// Without SQLite's own locks around a connection: no two threads use one at once.
fn connect(dir: &Path, synchronous: Synchronous) -> Connection {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join("messages.db"), flags).expect("SQLite: open");
    connection.busy_timeout(Duration::from_secs(60)).expect("SQLite: busy_timeout");
    connection.pragma_update(None, "journal_mode", "WAL").expect("SQLite: WAL");
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", level).expect("SQLite: synchronous");
    connection
}
