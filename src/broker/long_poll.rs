//! Pulls that wait for a message.
//!
//! A pull that found nothing is parked under its queue. It ends when a record arrives that its filter may let
//! through, at its deadline, when its client leaves, or when the broker closes. No wake-up can be lost: a record is
//! readable before its arrival is announced, and a pull looks at its queue once more after it was parked.

use crate::protocol::failure::Completion;
use crate::protocol::failure::Failure;
use crate::protocol::limits::PULL_MESSAGES_MAX;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::PullStatus;
use crate::store::Store;
use crate::store::queue::Queue;
use crate::sys::scheduler::Scheduler;
use crate::sys::sync::Mutex;
use crate::sys::sync::MutexGuard;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

/// Deadlines of long waits are moved forward to a multiple of this, so that pulls parked about together end together
/// and an idle library wakes once for all of them.
const DEADLINE_STEP: Duration = Duration::from_millis(50);
/// Waits shorter than this keep their exact deadline.
const EXACT_BELOW: Duration = Duration::from_secs(1);

pub(super) struct LongPoll {
    store: Arc<Store>,
    scheduler: Arc<Scheduler>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the address of the queue, which each parked pull keeps alive.
    parked: HashMap<usize, Vec<Parked>>,
    /// Deadline and id of each parked pull, with the key of its queue.
    deadlines: BTreeMap<(Duration, u64), usize>,
    next_id: u64,
    /// When the scheduler will call next.
    wake_at: Option<Duration>,
    is_closed: bool,
}

struct Parked {
    id: u64,
    deadline: Duration,
    pull: Pull,
}

/// A pull that is not answered yet.
struct Pull {
    queue: Arc<Queue>,
    request: PullRequest,
    /// Where to read on: moves ahead of the request's offset over records that the filter holds back.
    offset: u64,
    completion: Completion<PullResponse>,
}

impl LongPoll {
    pub(super) fn new(store: Arc<Store>, scheduler: Arc<Scheduler>) -> Self {
        Self { store, scheduler, state: Mutex::default() }
    }

    /// Hears of arrivals from now on.
    pub(super) fn listen(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.store.set_arrival(Arc::new(move |queues: &[Arc<Queue>]| {
            if let Some(long_poll) = weak.upgrade() {
                long_poll.arrived(queues);
            }
        }));
    }

    /// Answers the pull, now or when there is something to say.
    pub(super) fn pull(
        self: &Arc<Self>,
        queue: Arc<Queue>,
        request: PullRequest,
        completion: Completion<PullResponse>,
    ) {
        let Ok(offset) = u64::try_from(request.offset) else {
            let next = queue.min_offset();
            return completion(Ok(respond(&queue, PullStatus::OffsetMoved, next)));
        };
        let suspend = request.suspend;
        let mut pull = Pull { queue, request, offset, completion };
        if let Some(answer) = pull.look(&self.store) {
            (pull.completion)(answer);
        } else if pull.has_passed() || suspend.is_zero() {
            pull.end_empty();
        } else {
            self.park(pull, self.deadline(suspend));
        }
    }

    /// Ends the waiting pulls of a client.
    pub(super) fn end_client(&self, client_id: &str) {
        let ended = self.lock().take_where(|parked| *parked.pull.request.client_id == *client_id);
        ended.into_iter().for_each(Pull::end_empty);
    }

    /// Ends all waiting pulls; later ones are answered at once.
    pub(super) fn close(&self) {
        let ended = {
            let mut state = self.lock();
            state.is_closed = true;
            state.take_where(|_| true)
        };
        ended.into_iter().for_each(Pull::end_empty);
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().deadlines.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deadline(&self, suspend: Duration) -> Duration {
        let exact = self.scheduler.clock().monotonic().saturating_add(suspend);
        if suspend < EXACT_BELOW {
            return exact;
        }
        let over_ns = exact.as_nanos() % DEADLINE_STEP.as_nanos();
        exact - Duration::from_nanos(u64::try_from(over_ns).unwrap_or(0))
    }

    /// Runs on the thread that wrote the records: reads and answers right here, as every other thread would have to
    /// be woken first.
    fn arrived(self: &Arc<Self>, queues: &[Arc<Queue>]) {
        let woken = {
            let mut state = self.lock();
            if state.deadlines.is_empty() {
                return;
            }
            let mut woken = Vec::new();
            for queue in queues {
                state.take_queue(key_of(queue), &mut woken);
            }
            woken
        };
        for Parked { deadline, mut pull, .. } in woken {
            match pull.look(&self.store) {
                Some(answer) => (pull.completion)(answer),
                None => self.park(pull, deadline),
            }
        }
    }

    fn park(self: &Arc<Self>, mut pull: Pull, deadline: Duration) {
        loop {
            let queue = pull.queue.clone();
            let (key, offset) = (key_of(&queue), pull.offset);
            let mut state = self.lock();
            if state.is_closed {
                drop(state);
                return pull.end_empty();
            }
            let id = state.insert(key, deadline, pull);
            let must_schedule = state.wake_at.is_none_or(|at| deadline < at);
            if must_schedule {
                state.wake_at = Some(deadline);
            }
            drop(state);
            if must_schedule {
                self.schedule(deadline);
            }
            if queue.max_offset() <= offset {
                return;
            }
            // A record became readable between the read and the parking; its arrival may have passed already.
            let Some(mut back) = self.lock().take(key, deadline, id) else { return };
            if let Some(answer) = back.look(&self.store) {
                return (back.completion)(answer);
            }
            if back.offset == offset {
                // Readable by the queue's bounds but not by a read: the client has to ask again, not this loop.
                return back.end_empty();
            }
            pull = back;
        }
    }

    fn schedule(self: &Arc<Self>, at: Duration) {
        let weak = Arc::downgrade(self);
        let delay = at.saturating_sub(self.scheduler.clock().monotonic());
        self.scheduler.after(delay, move || {
            if let Some(long_poll) = weak.upgrade() {
                long_poll.expire(at);
            }
        });
    }

    fn expire(self: &Arc<Self>, scheduled: Duration) {
        let now = self.scheduler.clock().monotonic();
        let mut ended = Vec::new();
        let next = {
            let mut state = self.lock();
            if state.wake_at != Some(scheduled) {
                // An earlier deadline came after this one was scheduled and has taken over.
                return;
            }
            while let Some((&(deadline, id), &key)) = state.deadlines.first_key_value() {
                if deadline > now {
                    break;
                }
                ended.extend(state.take(key, deadline, id));
            }
            state.wake_at = state.deadlines.first_key_value().map(|(&(deadline, _), _)| deadline);
            state.wake_at
        };
        if let Some(at) = next {
            self.schedule(at);
        }
        ended.into_iter().for_each(Pull::end_empty);
    }
}

impl State {
    fn insert(&mut self, key: usize, deadline: Duration, pull: Pull) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.deadlines.insert((deadline, id), key);
        self.parked.entry(key).or_default().push(Parked { id, deadline, pull });
        id
    }

    fn take(&mut self, key: usize, deadline: Duration, id: u64) -> Option<Pull> {
        self.deadlines.remove(&(deadline, id))?;
        let of_queue = self.parked.get_mut(&key)?;
        let index = of_queue.iter().position(|parked| parked.id == id)?;
        Some(of_queue.swap_remove(index).pull)
    }

    fn take_queue(&mut self, key: usize, out: &mut Vec<Parked>) {
        let Some(of_queue) = self.parked.get_mut(&key) else { return };
        for parked in of_queue.drain(..) {
            self.deadlines.remove(&(parked.deadline, parked.id));
            out.push(parked);
        }
    }

    fn take_where(&mut self, is_taken: impl Fn(&Parked) -> bool) -> Vec<Pull> {
        let mut taken = Vec::new();
        for of_queue in self.parked.values_mut() {
            taken.extend(of_queue.extract_if(.., |parked| is_taken(parked)));
        }
        for parked in &taken {
            self.deadlines.remove(&(parked.deadline, parked.id));
        }
        taken.into_iter().map(|parked| parked.pull).collect()
    }
}

impl Pull {
    /// Reads on; an answer if there is one to give, nothing if the pull may wait.
    fn look(&mut self, store: &Store) -> Option<Result<PullResponse, Failure>> {
        let Self { queue, request, offset, .. } = self;
        let messages_max = request.messages_max.clamp(1, PULL_MESSAGES_MAX);
        let filter = |hash: i64| request.filter.may_match_hash(hash);
        let read = match store.read(queue, *offset, messages_max, request.bytes_max, &filter) {
            Ok(read) => read,
            Err(failure) => return Some(Err(failure)),
        };
        let status = if !read.records.is_empty() {
            PullStatus::Found
        } else if *offset < read.min_offset || *offset > read.max_offset {
            PullStatus::OffsetMoved
        } else {
            *offset = read.next_offset.max(*offset);
            return None;
        };
        Some(Ok(PullResponse {
            status,
            next_offset: to_i64(read.next_offset),
            min_offset: to_i64(read.min_offset),
            max_offset: to_i64(read.max_offset),
            records: read.records,
        }))
    }

    /// Whether the filter held records back since the request was made.
    fn has_passed(&self) -> bool {
        to_i64(self.offset) > self.request.offset
    }

    /// Answers a pull for which nothing was found.
    fn end_empty(self) {
        let status = if self.has_passed() { PullStatus::NoMatchedMessage } else { PullStatus::NoNewMessage };
        let response = respond(&self.queue, status, self.offset);
        (self.completion)(Ok(response));
    }
}

fn respond(queue: &Queue, status: PullStatus, next_offset: u64) -> PullResponse {
    PullResponse {
        status,
        next_offset: to_i64(next_offset),
        min_offset: to_i64(queue.min_offset()),
        max_offset: to_i64(queue.max_offset()),
        records: Vec::new(),
    }
}

fn key_of(queue: &Arc<Queue>) -> usize {
    Arc::as_ptr(queue) as usize
}

pub(super) fn to_i64(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
