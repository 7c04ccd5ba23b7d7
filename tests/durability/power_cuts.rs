//! The power goes after each operation of the workload, with ten kinds of damage each.

use crate::check::{check, check_again};
use crate::is_full;
use crate::machine::{Machine, Shape};
use crate::model::Model;
use crate::workload::{Life, State, Watch, large, live, small};
use ons::store::config::FlushMode;
use ons::sys::clock::{Clock, ManualClock};
use ons::sys::sim_disk::{Fault, Operation, Random, STYLES, SimDisk};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Operations that are cut after, in each mode of flushing.
const CUT_POINTS_MIN: u64 = 5_000;
/// Lives that give so many.
const LIVES: u64 = 10;

/// A machine at the moment the power goes.
pub struct Cut {
    pub name: String,
    pub number: u64,
    pub disk: SimDisk,
    pub now_ms: i64,
    pub model: Model,
    pub shape: Shape,
}

impl Cut {
    /// What a machine finds afterwards, and whether that is as promised. Some machines lose power again while they
    /// recover, some when they have.
    pub fn check(&self, seed: u64) -> Result<(), String> {
        let mut random = Random::new(seed);
        let mut image = self.disk.after_power_cut(seed);
        if seed % 7 == 3 {
            image = self.cut_while_recovering(image, &mut random);
        }
        let machine = self.open(image, self.now_ms)?;
        let seen = check(&machine, &self.model)?;
        if seed % 4 == 1 {
            let again = machine.disk.after_power_cut(random.next_number());
            check_again(&self.open(again, machine.clock.wall_ms())?, &seen)
                .map_err(|what| format!("at the second cut: {what}"))?;
        }
        Ok(())
    }

    fn open(&self, disk: SimDisk, now_ms: i64) -> Result<Machine, String> {
        let clock = Arc::new(ManualClock::new(now_ms));
        Machine::open(disk, clock, self.shape).map_err(|failure| format!("it does not open: {failure}"))
    }

    fn cut_while_recovering(&self, image: SimDisk, random: &mut Random) -> SimDisk {
        let at = random.below(80);
        let image = image.after_process_kill();
        image.cut_power_at(at);
        let clock = Arc::new(ManualClock::new(self.now_ms));
        drop(Machine::open(image.clone(), clock, self.shape));
        image.after_power_cut(random.next_number())
    }
}

/// Hands the moments of a life over to those who check them.
struct Cutter {
    life: Life,
    cuts: SyncSender<Cut>,
    points: AtomicU64,
    is_wanted: fn(u64) -> bool,
}

impl Cutter {
    fn cut(&self, disk: &SimDisk, name: String, number: u64, now_ms: i64, model: &Model) {
        let cut = Cut {
            name,
            number,
            disk: disk.after_process_kill(),
            now_ms,
            model: model.clone(),
            shape: self.life.shape,
        };
        // Nobody takes it any more after a check failed.
        let _ = self.cuts.send(cut);
    }
}

impl Watch for Cutter {
    fn operation(
        &self,
        disk: &SimDisk,
        operation: &Operation,
        now_ms: i64,
        model: &Mutex<Model>,
    ) -> Option<Fault> {
        if operation.kind.is_change() {
            self.points.fetch_add(1, Ordering::Relaxed);
            if (self.is_wanted)(operation.number) {
                let model = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let name = format!("{:?} before {operation:?}", self.life);
                self.cut(disk, name, operation.number, now_ms, &model);
            }
        }
        None
    }

    fn closed(&self, disk: &SimDisk, now_ms: i64, model: &Model) {
        self.points.fetch_add(1, Ordering::Relaxed);
        self.cut(disk, format!("{:?} after its close", self.life), disk.operation_count(), now_ms, model);
    }
}

#[derive(Default)]
struct Tally {
    checks: AtomicU64,
    is_failed: AtomicBool,
    violations: Mutex<Vec<String>>,
}

fn check_cuts(cuts: &Mutex<Receiver<Cut>>, seeds: &dyn Fn(u64) -> Vec<u64>, tally: &Tally) {
    loop {
        let next = cuts.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(cut) = next else { return };
        for seed in seeds(cut.number) {
            if tally.is_failed.load(Ordering::Relaxed) {
                break;
            }
            tally.checks.fetch_add(1, Ordering::Relaxed);
            if let Err(what) = cut.check(seed) {
                let violation = format!("{}, seed {seed}: {what}", cut.name);
                println!("{violation}");
                let mut violations = tally.violations.lock().unwrap_or_else(PoisonError::into_inner);
                violations.push(violation);
                tally.is_failed.store(violations.len() > 9, Ordering::Relaxed);
            }
        }
    }
}

/// All lives with all cuts; returns the number of cut points.
fn cut_lives(lives: &[Life], cuts: &SyncSender<Cut>, is_wanted: fn(u64) -> bool) -> u64 {
    let mut points = 0;
    let mut state = lives.first().map(|life| State::new(life.shape.flush)).expect("there are lives");
    for life in lives {
        let cutter =
            Arc::new(Cutter { life: *life, cuts: cuts.clone(), points: AtomicU64::new(0), is_wanted });
        let lived = live(state, *life, cutter.clone());
        let is_clean = lived.failures.is_empty();
        assert!(is_clean || life.failing.is_some(), "{life:?}: {:?}", lived.failures);
        assert!(lived.model.broken.is_empty(), "{life:?}: {:?}", lived.model.broken);
        points += cutter.points.load(Ordering::Relaxed);
        state = lived.into_state();
    }
    points
}

fn cut_everywhere(flush: FlushMode, name: &str) {
    let all: fn(u64) -> bool = |_| true;
    let some: fn(u64) -> bool = |number| number % 3 == 0;
    let is_wanted = if is_full() { all } else { some };
    let seeds = |number: u64| -> Vec<u64> {
        let of_point = number * STYLES;
        if is_full() { (of_point..of_point + STYLES).collect() } else { vec![of_point + number / 3 % STYLES] }
    };
    let lives: Vec<Life> = (0..LIVES).map(|index| small(flush, index)).collect();
    let tally = Tally::default();
    let mut points = 0;
    let (sender, receiver) = sync_channel(16);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| check_cuts(&receiver, &seeds, &tally));
        }
        points += cut_lives(&lives, &sender, is_wanted);
        let large: Vec<Life> = (0..2).map(|index| large(flush, index)).collect();
        let some_large: fn(u64) -> bool = |number| number % 29 == 0;
        points += cut_lives(&large, &sender, if is_full() { all } else { some_large });
        drop(sender);
    });
    let violations = tally.violations.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
    let checks = tally.checks.load(Ordering::Relaxed);
    println!(
        "prove: power cuts, {name}: {points} cut points, {checks} of {} images checked, 0 lost, 0 doubled, \
         0 reordered, 0 skipped, 0 timers lost or doubled",
        points * STYLES
    );
    assert!(
        !is_full() || (points >= CUT_POINTS_MIN && checks >= CUT_POINTS_MIN * STYLES),
        "{points} {checks}"
    );
}

#[test]
fn sync_flush_keeps_what_was_acknowledged() {
    cut_everywhere(FlushMode::Sync, "SYNC_FLUSH");
}

#[test]
fn async_flush_keeps_what_was_flushed() {
    cut_everywhere(FlushMode::Async, "ASYNC_FLUSH");
}
