//! Rates and latencies of a set of threads over a fixed time, and the median over rounds.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Counts operations and, where asked to, keeps how long each took.
#[derive(Debug, Default, Clone)]
pub struct Sampler {
    pub count: u64,
    pub elapsed: Duration,
    latencies: Vec<Duration>,
}

impl Sampler {
    pub fn add(&mut self, latency: Duration) {
        self.count += 1;
        self.latencies.push(latency);
    }

    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    pub fn p50_us(&self) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// Runs `body` on so many threads until the time is over; it asks after each operation whether that is so.
pub fn run_threads(
    threads: usize,
    length: Duration,
    body: impl Fn(&dyn Fn() -> bool, &mut Sampler) + Sync,
) -> Sampler {
    let is_over = AtomicBool::new(false);
    let total = Mutex::new(Sampler::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Sampler::default();
                body(&|| is_over.load(Ordering::Relaxed), &mut mine);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.count += mine.count;
                total.latencies.append(&mut mine.latencies);
            });
        }
        std::thread::sleep(length);
        is_over.store(true, Ordering::Relaxed);
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.elapsed = began.elapsed();
    total
}

/// The middle of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
