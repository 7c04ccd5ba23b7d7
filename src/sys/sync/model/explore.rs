//! Runs a model under many schedules: half of them random, half by probabilistic concurrency testing, which finds a
//! bug that needs few switches at exactly the right places.

use super::futex;
use super::thread;
use super::time;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

/// The share of the whole that a run without `PROVE=full` explores.
const BOUNDED_SHARE: usize = 100;
/// A model that has not ended after so much of its own time is stuck, unless time runs by itself.
const TIME_LIMIT: Duration = Duration::from_secs(300);
const STEPS_MAX: usize = 200_000;
/// Room for the deepest of the library's call chains; a page is used only when it is touched.
const STACK_BYTES: usize = 1 << 20;
/// Most switches at which probabilistic concurrency testing looks for a bug.
const PCT_DEPTH: usize = 4;
/// In a hurried schedule one step in so many may be one of time.
const HURRY_PERIOD: u64 = 8;

/// Runs `model` under about `schedules` schedules with `PROVE=full`, else under a share of them. It passes if under none
/// of them it panics, deadlocks or does not end. `MODELS_SEED` chooses others than usual; a failure tells the seed.
pub fn explore(name: &str, schedules: usize, model: impl Fn() + Send + Sync + 'static) {
    let is_full = std::env::var("PROVE").is_ok_and(|size| size == "full");
    let each = if is_full { schedules / 2 } else { schedules / (2 * BOUNDED_SHARE) };
    let seed = std::env::var("MODELS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    let model = Arc::new(model);
    let random = run(name, seed, RandomScheduler::new_from_seed(seed, each), model.clone());
    let pct = run(name, seed, PctScheduler::new_from_seed(seed, PCT_DEPTH, each), model);
    // Read by tests/models.sh, which adds these lines up.
    write(&format!("model: {name}: {random} random and {pct} PCT schedules\n"));
}

#[allow(
    clippy::print_stdout,
    reason = "the figures of a proof; this is no part of the library as it is shipped"
)]
fn write(line: &str) {
    print!("{line}");
}

#[allow(clippy::print_stderr, reason = "says how a failure is seen again")]
fn run(
    name: &str,
    seed: u64,
    scheduler: impl Scheduler + 'static,
    model: Arc<impl Fn() + Send + Sync + 'static>,
) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    let runner = Runner::new(TimeLast { inner: scheduler, state: seed | 1 }, config);
    let ran = catch_unwind(AssertUnwindSafe(|| runner.run(move || in_time(&*model))));
    ran.unwrap_or_else(|panic| {
        eprintln!("the model '{name}' failed; MODELS_SEED={seed} shows it again");
        resume_unwind(panic)
    })
}

std::thread_local! {
    /// The thread that moves the time on in the execution that runs on this thread of the operating system.
    static KEEPER: Cell<Option<TaskId>> = const { Cell::new(None) };
    static IS_PATIENT: Cell<bool> = const { Cell::new(false) };
}

/// Whether in this execution time passes only when nothing else can happen. If so a model may say how long things take;
/// if not, any timeout may strike at any time.
pub fn is_patient() -> bool {
    IS_PATIENT.get()
}

fn in_time(model: &dyn Fn()) {
    KEEPER.set(None);
    time::begin();
    futex::begin();
    let keeper = thread::spawn(|| {
        KEEPER.set(Some(shuttle::current::me()));
        time::keep(is_patient().then_some(TIME_LIMIT));
    });
    model();
    time::end();
    keeper.join().expect("the keeper of the time does not panic");
}

/// Lets the time move on only when nothing else can, or, in every second execution, now and then.
struct TimeLast<S> {
    inner: S,
    state: u64,
}

impl<S> TimeLast<S> {
    fn is_in_a_hurry(&mut self) -> bool {
        if is_patient() {
            return false;
        }
        // xorshift64: any even distribution does.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.is_multiple_of(HURRY_PERIOD)
    }
}

impl<S: Scheduler> Scheduler for TimeLast<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        IS_PATIENT.set(!is_patient());
        self.inner.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let keeper = KEEPER.get();
        if !runnable.iter().any(|task| Some(task.id()) == keeper) {
            return self.inner.next_task(runnable, current, is_yielding);
        }
        // The list also holds parked threads, which may wake for no reason; that is nothing to wait for.
        if !runnable.iter().any(|task| Some(task.id()) != keeper && task.runnable()) {
            return keeper;
        }
        if self.is_in_a_hurry() {
            return self.inner.next_task(runnable, current, is_yielding);
        }
        let others: Vec<&Task> = runnable.iter().copied().filter(|task| Some(task.id()) != keeper).collect();
        self.inner.next_task(&others, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}
