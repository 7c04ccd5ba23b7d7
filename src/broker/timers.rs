//! Delivers waiting messages when their time has come.
//!
//! Due records are read from the store in batches and appended to their real queues, each with the property
//! TIMER_ORIGIN, by which the store knows that a record waits no longer. A record that was taken is *held* until the
//! store stops naming it, so none is delivered twice. Due times are wall time, the scheduler is monotonic: while
//! anything waits, the wall clock is looked at again every minute.

use crate::broker::retry;
use crate::broker::send_back::Copy;
use crate::broker::send_back::append_copy;
use crate::broker::topics::Topics;
use crate::protocol::failure::Failure;
use crate::protocol::properties;
use crate::protocol::record::Record;
use crate::store::Appended;
use crate::store::Store;
use crate::store::Waiting;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::Mutex;
use crate::sys::sync::MutexGuard;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

/// Most records that one turn on the scheduler's thread delivers, and after how many bytes of bodies it takes no more.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 16 << 20;
/// Longest time between two looks at the wall clock while something waits: it may be set forward.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// After a record could not be read or delivered.
const RETRY_FAILED: Duration = Duration::from_secs(1);
/// While the store still names records whose delivery is under way.
const WAIT_FOR_STORE: Duration = Duration::from_millis(25);

pub(super) struct Timers {
    store: Arc<Store>,
    topics: Arc<Topics>,
    scheduler: Arc<Scheduler>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Records that were taken and may still be named by the store.
    held: HashSet<u64>,
    /// Those of `held` whose delivery failed.
    failed: Vec<u64>,
    /// Deliveries of this turn that are not finished.
    in_flight: usize,
    /// A turn is running, or its deliveries are.
    is_busy: bool,
    /// When the scheduler will call next.
    wake_at: Option<Duration>,
    is_stopped: bool,
}

impl Timers {
    pub(super) fn new(store: Arc<Store>, topics: Arc<Topics>, scheduler: Arc<Scheduler>) -> Self {
        Self { store, topics, scheduler, state: Mutex::default() }
    }

    /// Hears of new waiting records from now on, and delivers what became due before.
    pub(super) fn start(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.store.set_timer_added(Arc::new(move |due_ms| {
            if let Some(timers) = weak.upgrade() {
                timers.wake_at(timers.time_of(due_ms));
            }
        }));
        self.wake_for_next();
    }

    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.scheduler.clock().monotonic()
    }

    /// The monotonic time of an epoch time, or of the next look at the wall clock if that comes before. Should a manual
    /// clock be moved between the two readings, the time is too early, which costs a turn, and never too late.
    fn time_of(&self, due_ms: i64) -> Duration {
        let now = self.now();
        let wait_ms = due_ms.saturating_sub(self.scheduler.clock().wall_ms());
        now.saturating_add(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)).min(LOOK_AGAIN))
    }

    fn wake_at(self: &Arc<Self>, at: Duration) {
        {
            let mut state = self.lock();
            if state.is_stopped || state.wake_at.is_some_and(|earlier| earlier <= at) {
                return;
            }
            state.wake_at = Some(at);
        }
        let weak = Arc::downgrade(self);
        self.scheduler.at(at, move || {
            if let Some(timers) = weak.upgrade() {
                timers.woken(at);
            }
        });
    }

    fn wake_for_next(self: &Arc<Self>) {
        let Some(due_ms) = self.store.next_timer_ms() else { return };
        let (now, at) = (self.now(), self.time_of(due_ms));
        // What is due but was not delivered by the turn that just ended is held: it comes back by its own way.
        self.wake_at(if at <= now && self.is_holding() { now.saturating_add(WAIT_FOR_STORE) } else { at });
    }

    fn is_holding(&self) -> bool {
        !self.lock().held.is_empty()
    }

    fn woken(self: &Arc<Self>, at: Duration) {
        {
            let mut state = self.lock();
            if state.wake_at != Some(at) {
                // An earlier time came after this one was scheduled and has taken over.
                return;
            }
            state.wake_at = None;
            if state.is_stopped || state.is_busy {
                return;
            }
            state.is_busy = true;
        }
        self.turn();
    }

    fn turn(self: &Arc<Self>) {
        let max = BATCH + self.lock().held.len();
        let due = self.store.due_timers(self.scheduler.clock().wall_ms(), max);
        let fresh = self.lock().not_held(due, max);
        let records = self.records(fresh);
        if !self.lock().take(&records) {
            return self.wake_for_next();
        }
        for (id, record) in records {
            self.deliver(id, record);
        }
    }

    /// As many as one turn delivers; the next turn takes the others. One that cannot be read is tried again like one that
    /// cannot be written, and does not hold up those behind it.
    fn records(&self, fresh: Vec<Waiting>) -> Vec<(u64, Result<Record, Failure>)> {
        let mut records = Vec::new();
        let mut bytes = 0;
        for waiting in fresh {
            let record = self.store.waiting_record(waiting);
            bytes += record.as_ref().map_or(0, |record| record.body().len());
            records.push((waiting.id, record));
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        records
    }

    fn deliver(self: &Arc<Self>, id: u64, record: Result<Record, Failure>) {
        let copy = match record.and_then(|record| self.delivery(id, record)) {
            Ok(copy) => copy,
            Err(failure) => return self.delivered(id, Err(failure)),
        };
        let timers = self.clone();
        append_copy(&self.store, &copy, Box::new(move |result| timers.delivered(id, result)));
    }

    fn delivery(&self, id: u64, record: Record) -> Result<Copy, Failure> {
        let unaddressed = || Failure::invalid("it has no property REAL_TOPIC");
        let topic = record.property(properties::REAL_TOPIC).ok_or_else(unaddressed)?;
        let topic = self.topics.open_own(topic)?;
        let queue_id = record.property(properties::REAL_QID).and_then(|id| id.parse().ok()).unwrap_or(0);
        let queue = topic.queue(queue_id)?.clone();
        let properties = retry::fired_properties(&record, id)?;
        Ok(Copy::new(record, queue, properties))
    }

    /// The end of one delivery, on the thread that wrote it.
    fn delivered(self: &Arc<Self>, id: u64, result: Result<Appended, Failure>) {
        let (is_first_failure, is_last) = {
            let mut state = self.lock();
            if result.is_err() {
                state.failed.push(id);
            }
            state.in_flight = state.in_flight.saturating_sub(1);
            let is_last = state.in_flight == 0;
            state.is_busy = !is_last;
            (result.is_err() && state.failed.len() == 1 && !state.is_stopped, is_last)
        };
        if let (Err(failure), true) = (&result, is_first_failure) {
            log::error!("waiting message {id} is not delivered, it is tried again in 1 s: {failure}");
            let weak = Arc::downgrade(self);
            self.scheduler.after(RETRY_FAILED, move || {
                if let Some(timers) = weak.upgrade() {
                    timers.release_failed();
                }
            });
        }
        if is_last {
            self.wake_at(self.now());
        }
    }

    fn release_failed(self: &Arc<Self>) {
        {
            let mut state = self.lock();
            let failed = std::mem::take(&mut state.failed);
            failed.iter().for_each(|id| {
                state.held.remove(id);
            });
        }
        self.wake_at(self.now());
    }
}

impl State {
    /// What is not held yet. Forgets what the store has forgotten.
    fn not_held(&mut self, mut due: Vec<Waiting>, max: usize) -> Vec<Waiting> {
        if due.len() < max {
            let named: HashSet<u64> = due.iter().map(|waiting| waiting.id).collect();
            self.held.retain(|id| named.contains(id));
        }
        due.retain(|waiting| !self.held.contains(&waiting.id));
        due
    }

    /// Holds what this turn delivers; false: nothing.
    fn take<T>(&mut self, records: &[(u64, T)]) -> bool {
        self.is_busy = !records.is_empty() && !self.is_stopped;
        if self.is_busy {
            self.in_flight = records.len();
            self.held.extend(records.iter().map(|(id, _)| *id));
        }
        self.is_busy
    }
}
