//! What this machine can do at all: a lock, one buffer and a leader on a preallocated file, without index, futures or
//! consumers. It is the upper bound of the commit log's append path, measured in the same run and on the same disk.

use crate::measure::Sampler;
use crate::measure::run_threads;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

const FILE_BYTES: u64 = 512 << 20;
/// Writing starts over here, so that the largest batch still fits.
const WRAP_BYTES: u64 = FILE_BYTES - (32 << 20);
/// An asynchronous sender that has filled this much writes it.
const BATCH_BYTES: usize = 32 << 10;
/// More than this may not pile up behind a leader.
const BUFFER_BYTES_MAX: usize = 512 << 10;

/// The least an append-only log needs.
pub struct Log {
    state: Mutex<State>,
    file: File,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    spare: Vec<u8>,
    offset: u64,
    has_leader: bool,
    sync: bool,
    waiters: Vec<Arc<Waiter>>,
}

/// A caller blocked until its record is written.
struct Waiter {
    done: AtomicBool,
    thread: Thread,
}

impl Log {
    /// Preallocates and zeroes the file: rewriting blocks is faster than growing.
    pub fn new(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
        for mib in 0..FILE_BYTES >> 20 {
            file.write_all_at(&[0; 1 << 20], mib << 20)?;
        }
        file.sync_all()?;
        Ok(Log { state: Mutex::default(), file })
    }

    /// Records a second, and the latencies, of `threads` callers that block until their record is written (and, with
    /// `sync`, flushed).
    pub fn blocked(&self, body_bytes: usize, sync: bool, threads: usize, length: Duration) -> Sampler {
        self.lock().sync = sync;
        run_threads(threads, length, |is_over, sampler| {
            let me = Arc::new(Waiter { done: AtomicBool::new(false), thread: std::thread::current() });
            let body = vec![7; body_bytes];
            while !is_over() {
                let began = Instant::now();
                self.send(&body, &me);
                sampler.add(began.elapsed());
            }
        })
    }

    /// Records a second of `threads` callers that return at once.
    pub fn asynchronous(&self, body_bytes: usize, sync: bool, threads: usize, length: Duration) -> Sampler {
        self.lock().sync = sync;
        run_threads(threads, length, |is_over, sampler| {
            let body = vec![7; body_bytes];
            while !is_over() {
                self.send_async(&body);
                sampler.count += 1;
            }
        })
    }

    /// Records a second of one thread that writes `record_bytes` and flushes them, again and again.
    pub fn bare_sync(&self, record_bytes: usize, length: Duration) -> Sampler {
        run_threads(1, length, |is_over, sampler| {
            let bytes = vec![1; record_bytes];
            let mut offset = 0;
            while !is_over() {
                let began = Instant::now();
                self.file.write_all_at(&bytes, offset).expect("probe: write");
                self.file.sync_data().expect("probe: fdatasync");
                sampler.add(began.elapsed());
                offset = (offset + bytes.len() as u64) % WRAP_BYTES;
            }
        })
    }

    /// Records a second of one thread that writes `record_bytes`, without flushing.
    pub fn bare_write(&self, record_bytes: usize, length: Duration) -> Sampler {
        run_threads(1, length, |is_over, sampler| {
            let bytes = vec![1; record_bytes];
            let mut offset = 0;
            while !is_over() {
                self.file.write_all_at(&bytes, offset).expect("probe: write");
                sampler.count += 1;
                offset = (offset + bytes.len() as u64) % WRAP_BYTES;
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first to find the log idle writes for all.
    fn send(&self, body: &[u8], me: &Arc<Waiter>) {
        let mut state = self.lock();
        encode(&mut state.buffer, body);
        if !state.has_leader {
            return self.lead(state);
        }
        me.done.store(false, Ordering::Relaxed);
        state.waiters.push(me.clone());
        drop(state);
        while !me.done.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Whoever fills the batch writes it.
    fn send_async(&self, body: &[u8]) {
        let mut state = self.lock();
        while state.has_leader && state.buffer.len() > BUFFER_BYTES_MAX {
            drop(state);
            std::thread::yield_now();
            state = self.lock();
        }
        encode(&mut state.buffer, body);
        if !state.has_leader && state.buffer.len() >= BATCH_BYTES {
            self.lead(state);
        }
    }

    fn lead<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        state.has_leader = true;
        while !state.buffer.is_empty() {
            let spare = std::mem::take(&mut state.spare);
            let mut batch = std::mem::replace(&mut state.buffer, spare);
            let waiters = std::mem::take(&mut state.waiters);
            let (offset, sync) = (state.offset, state.sync);
            state.offset = (offset + batch.len() as u64) % WRAP_BYTES;
            drop(state);
            self.file.write_all_at(&batch, offset).expect("probe: write");
            if sync {
                self.file.sync_data().expect("probe: fdatasync");
            }
            for waiter in waiters {
                waiter.done.store(true, Ordering::Release);
                waiter.thread.unpark();
            }
            batch.clear();
            state = self.lock();
            state.spare = batch;
        }
        state.has_leader = false;
    }
}

/// A record as long as RocketMQ's: fixed part, topic, properties, checksum.
fn encode(out: &mut Vec<u8>, body: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0; 84]);
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(b"\x05bench\x00\x30UNIQ_KEY\x017F00000100001234567890ABCDEF0000\x02TAGS\x01A\x02");
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    out[start + 8..start + 12].copy_from_slice(&crc32c::crc32c(body).to_be_bytes());
}

/// Bytes of the record that carries a body of so many.
pub fn record_bytes(body_bytes: usize) -> usize {
    let mut record = Vec::new();
    encode(&mut record, &vec![0; body_bytes]);
    record.len()
}

/// One wake of a sleeping thread by another: what nothing that crosses threads can go below. Half of a round trip over
/// two condition variables, with a pause before each so that the other thread really sleeps.
pub fn cross_thread_wake(length: Duration) -> Sampler {
    let shared = (Mutex::new(None::<Instant>), Condvar::new(), Condvar::new());
    let (slot, given, taken) = &shared;
    let lock = || slot.lock().unwrap_or_else(PoisonError::into_inner);
    let wakes = Mutex::new(Sampler::default());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = lock();
            while !is_over.load(Ordering::Relaxed) {
                match state.take() {
                    Some(sent) => {
                        wakes.lock().unwrap_or_else(PoisonError::into_inner).add(sent.elapsed());
                        taken.notify_one();
                    }
                    None => state = given.wait(state).unwrap_or_else(PoisonError::into_inner),
                }
            }
        });
        let began = Instant::now();
        while began.elapsed() < length {
            std::thread::sleep(crate::rows::IDLE_PAUSE);
            let mut state = lock();
            *state = Some(Instant::now());
            given.notify_one();
            while state.is_some() {
                state = taken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let _state = lock();
        is_over.store(true, Ordering::Relaxed);
        given.notify_one();
    });
    wakes.into_inner().unwrap_or_else(PoisonError::into_inner)
}
