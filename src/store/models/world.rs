//! A log with its thread on a simulated disk, its senders, and a book of what each of them was told.

use super::{Answer, panic_quietly};
use crate::protocol::failure::{Completion, Failure, FailureKind, Submitted};
use crate::protocol::record::{Record, RecordHead};
use crate::protocol::request::{SendAnswer, SendSink};
use crate::store::Append;
use crate::store::Appended;
use crate::store::commit_log::CommitLog;
use crate::store::config::{FlushMode, StoreConfig};
use crate::store::envelope::ENVELOPE_BYTES;
use crate::store::queue::{LOST, Queue};
use crate::store::segments::Segments;
use crate::store::shared::Shared;
use crate::store::threads::run_log;
use crate::sys::clock::SystemClock;
use crate::sys::disk::Disk;
use crate::sys::sim_disk::{Cause, Fault, OperationKind, SimDisk};
use crate::sys::sync::model::step_disk::StepDisk;
use crate::sys::sync::thread;
use crate::sys::thread::NamedThread;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DIR: &str = "/data/log";
/// No sender gives up: whoever is forgotten waits for ever.
const TIMEOUT: Duration = Duration::MAX;

/// By sender and number: what it was told, each time.
type Book = BTreeMap<(u8, u8), Vec<Answer>>;

#[derive(Clone)]
pub(super) struct World {
    disk: SimDisk,
    pub(super) shared: Arc<Shared>,
    log: Arc<CommitLog>,
    queue: Arc<Queue>,
    log_thread: Arc<Mutex<Option<NamedThread>>>,
    // The book's lock is no step of the model.
    book: Arc<Mutex<Book>>,
    sink: Arc<dyn SendSink>,
    /// Sends that nobody is told of.
    detached: Arc<AtomicUsize>,
}

impl World {
    pub(super) fn new(flush: FlushMode) -> Self {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new(DIR)).unwrap();
        // Three records fill a segment.
        let config = StoreConfig {
            flush,
            segment_bytes_min: 512,
            segment_bytes_max: 512,
            ..StoreConfig::new("/data")
        };
        let stepping = Arc::new(StepDisk::new(Arc::new(disk.clone()), DIR));
        let segments = Segments::new(stepping, DIR.into(), &config, BTreeMap::new(), None, 1);
        let first = segments.make_first().unwrap();
        let (base, generation) = (first.base(), first.generation());
        let shared = Arc::new(Shared::new(segments, true));
        let clock = Arc::new(SystemClock::new());
        let log = Arc::new(CommitLog::new(flush, clock, shared.clone(), first, base, generation));
        let (for_shared, for_log) = (shared.clone(), log.clone());
        let thread = NamedThread::spawn("ons-log", move || run_log(&for_shared, &for_log)).unwrap();
        let queue = shared.open_queue("T", 0);
        let log_thread = Arc::new(Mutex::new(Some(thread)));
        let book = Arc::<Mutex<Book>>::default();
        let sink = Arc::new(Sink { book: book.clone() });
        Self { disk, shared, log, queue, log_thread, book, sink, detached: Arc::default() }
    }

    /// Operations of that kind on the log fail, from number `first` on, `times` times.
    pub(super) fn fail(&self, kind: OperationKind, first: usize, times: usize, cause: Cause) {
        let seen = AtomicUsize::new(0);
        self.disk.set_plan(move |_, operation| {
            // Preparing a segment is not the matter here.
            let is_log = operation.kind == kind && operation.path.extension().is_some_and(|ext| ext == "log");
            let number = if is_log { seen.fetch_add(1, Ordering::SeqCst) } else { return None };
            (number >= first && number - first < times).then_some(Fault::Error(cause))
        });
    }

    /// Each sender on a thread of its own, each sending so many; then waits until all is told.
    pub(super) fn run(&self, senders: &[fn(&Self, u8, u8)], count: u8) {
        let threads = (0..).zip(senders.iter().copied()).map(|(sender, send)| {
            let world = self.clone();
            thread::spawn(move || (0..count).for_each(|number| send(&world, sender, number)))
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    pub(super) fn send_blocked(&self, sender: u8, number: u8) {
        self.begin(sender, number);
        let answer = self.log.append_blocking(&self.append(&[sender, number]), TIMEOUT);
        self.note(sender, number, answer);
    }

    pub(super) fn send_async(&self, sender: u8, number: u8) {
        self.send_with(sender, number, |_| {});
    }

    /// As a producer does.
    pub(super) fn send_for_sink(&self, sender: u8, number: u8) {
        self.begin(sender, number);
        let token = u64::from(sender) << 8 | u64::from(number);
        let submitted = self.log.append_for(&self.append(&[sender, number]), &self.sink, token, TIMEOUT);
        if let Submitted::Done(answer) = submitted {
            self.note(sender, number, answer);
        }
    }

    pub(super) fn send_async_and_panic(&self, sender: u8, number: u8) {
        self.send_with(sender, number, |_| panic_quietly());
    }

    pub(super) fn send_async_and_again(&self, sender: u8, number: u8) {
        self.send_with(sender, number, move |world| {
            let refused = world.log.append_blocking(&world.append(&[0]), TIMEOUT).unwrap_err();
            assert_eq!(refused.kind, FailureKind::InvalidState, "it would wait for itself");
            world.send_async(sender, number + 100);
        });
    }

    fn send_with(&self, sender: u8, number: u8, and: impl Fn(&Self) + Send + 'static) {
        self.begin(sender, number);
        let world = self.clone();
        let completion: Completion<Appended> = Box::new(move |answer| {
            world.note(sender, number, answer);
            and(&world);
        });
        if let Submitted::Done(answer) = self.log.append(&self.append(&[sender, number]), completion) {
            self.note(sender, number, answer);
        }
    }

    pub(super) fn send_detached(&self, _sender: u8, _number: u8) {
        if self.log.append_detached(&self.append(b"detached"), TIMEOUT).is_ok() {
            self.detached.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn last_answer(&self, sender: u8) -> Answer {
        let book = self.book.lock().unwrap();
        let (_, answers) = book.range((sender, 0)..=(sender, u8::MAX)).next_back().expect("it has sent");
        answers.last().expect("it was answered").clone()
    }

    /// As a store closes: the log, then its thread.
    pub(super) fn close(&self) {
        self.log.close(Failure::state("the model's store is closed"));
        self.shared.log_thread().is_stopped = true;
        self.shared.log_thread_woken.notify_all();
        let thread = self.log_thread.lock().unwrap().take();
        thread.into_iter().for_each(|mut thread| thread.join());
    }

    /// That nothing is taken and not written.
    pub(super) fn check_all_written(&self) {
        assert_eq!(self.shared.published_end(), self.log.end().1);
    }

    /// Checks the book against the log, and says how many records are stored.
    pub(super) fn stored(&self) -> usize {
        let bodies = self.readable();
        let book = self.book.lock().unwrap();
        let mut acknowledged = 0;
        for ((sender, number), answers) in book.iter() {
            assert_eq!(answers.len(), 1, "sender {sender} was told of its message {number}: {answers:?}");
            let Ok(appended) = &answers[0] else { continue };
            acknowledged += 1;
            let body = bodies.get(&appended.queue_offset).map(Vec::as_slice);
            assert_eq!(body, Some(&[*sender, *number][..]), "at {}", appended.queue_offset);
        }
        self.check_order(&book);
        // Those without an answer of success were not stored either: nobody timed out here.
        assert_eq!(bodies.len(), acknowledged + self.detached.load(Ordering::SeqCst), "{bodies:?} {book:?}");
        bodies.len()
    }

    /// Each sender's own messages are in the order it sent them.
    fn check_order(&self, book: &Book) {
        let mut last: BTreeMap<u8, u64> = BTreeMap::new();
        for ((sender, number), answers) in book.iter().filter(|((_, number), _)| *number < 100) {
            let Some(Ok(appended)) = answers.first() else { continue };
            let before = last.insert(*sender, appended.queue_offset);
            assert!(before < Some(appended.queue_offset), "sender {sender}, message {number}: {before:?}");
        }
    }

    /// The bodies in the queue, read from the disk.
    fn readable(&self) -> BTreeMap<u64, Vec<u8>> {
        let (first, end) = (self.queue.min_offset(), self.queue.max_offset());
        let entries = self.queue.entries(first, usize::MAX).unwrap();
        assert_eq!(entries.len() as u64, end - first);
        let bodies = (first..).zip(entries).map(|(offset, entry)| {
            assert_ne!(entry.address, LOST, "offset {offset} was jumped over");
            let segment = self.shared.segments.find(entry.address).expect("its segment is there");
            let record = segment.read_record(entry.address, entry.len as usize).unwrap();
            let record = Record::decode(&record).unwrap();
            assert_eq!(record.head.queue_offset as u64, offset);
            assert_eq!(record.head.position as u64, entry.address + ENVELOPE_BYTES as u64);
            (offset, record.body().to_vec())
        });
        bodies.collect()
    }

    fn append<'a>(&'a self, body: &'a [u8]) -> Append<'a> {
        Append {
            queue: &self.queue,
            head: RecordHead::default(),
            properties: "",
            body,
            tag_hash: 0,
            noted: None,
        }
    }

    fn begin(&self, sender: u8, number: u8) {
        let again = self.book.lock().unwrap().insert((sender, number), Vec::new());
        assert!(again.is_none());
    }

    fn note(&self, sender: u8, number: u8, answer: Answer) {
        note(&self.book, sender, number, answer);
    }
}

fn note(book: &Mutex<Book>, sender: u8, number: u8, answer: Answer) {
    book.lock().unwrap().get_mut(&(sender, number)).expect("it was sent").push(answer);
}

/// Writes down what the log answers to tokens.
#[derive(Debug)]
struct Sink {
    book: Arc<Mutex<Book>>,
}

impl SendSink for Sink {
    fn answered(self: Arc<Self>, answers: Vec<SendAnswer>) {
        for SendAnswer { token, result } in answers {
            let answer = result.map(|response| Appended {
                queue_offset: response.queue_offset as u64,
                position: response.position as u64,
                store_timestamp_ms: 0,
            });
            note(&self.book, (token >> 8) as u8, token as u8, answer);
        }
    }
}
