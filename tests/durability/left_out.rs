//! Each place of the library that syncs is left out, one at a time, and a power cut must show it. That is what makes
//! the checks of this test worth their name.

use crate::is_full;
use crate::model::Model;
use crate::places::{self, Place};
use crate::power_cuts::Cut;
use crate::workload::{Life, State, Watch, live, small};
use ons::store::config::FlushMode;
use ons::sys::sim_disk::{Fault, Operation, OperationKind, STYLES, SimDisk};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Lives that meet every place: they roll, recycle, delete, are closed and killed.
const LIVES: u64 = 9;

/// A sync of the workload: where it comes from, by the places on its stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    kind: OperationKind,
    stack: Vec<Place>,
}

/// The syncs of one life by their numbers.
type Syncs = BTreeMap<u64, Origin>;

/// Notes where every sync comes from.
struct Rehearsal {
    known: BTreeSet<Place>,
    syncs: Mutex<Syncs>,
}

impl Watch for Rehearsal {
    fn operation(&self, _: &SimDisk, operation: &Operation, _: i64, _: &Mutex<Model>) -> Option<Fault> {
        if let Some(number) = operation.sync_number {
            let origin = Origin { kind: operation.kind, stack: places::on_this_stack(&self.known) };
            self.syncs.lock().unwrap_or_else(PoisonError::into_inner).insert(number, origin);
        }
        None
    }
}

fn rehearse(flush: FlushMode, known: &BTreeSet<Place>) -> Vec<Syncs> {
    let mut state = State::new(flush);
    let mut all = Vec::new();
    for index in 0..LIVES {
        let watch = Arc::new(Rehearsal { known: known.clone(), syncs: Mutex::default() });
        state = live(state, small(flush, index), watch.clone()).into_state();
        all.push(watch.syncs.lock().unwrap_or_else(PoisonError::into_inner).clone());
    }
    all
}

/// Leaves syncs out and cuts the power from then on, until that was noticed.
struct Planted {
    life: Life,
    left_out: BTreeMap<u64, OperationKind>,
    cuts: SyncSender<Cut>,
    is_planted: Arc<AtomicBool>,
    is_caught: Arc<AtomicBool>,
    /// Every so many cut points are tried.
    step: u64,
}

impl Watch for Planted {
    fn operation(
        &self,
        disk: &SimDisk,
        operation: &Operation,
        now_ms: i64,
        model: &Mutex<Model>,
    ) -> Option<Fault> {
        let is_wanted = operation.kind.is_change() && operation.number.is_multiple_of(self.step);
        if is_wanted && self.is_planted.load(Ordering::Relaxed) {
            let model = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.cut(disk, operation.number, now_ms, model);
        }
        let kind = self.left_out.get(&operation.sync_number?)?;
        assert_eq!(*kind, operation.kind, "the workload does not repeat");
        self.is_planted.store(true, Ordering::Relaxed);
        Some(Fault::Skip)
    }

    fn closed(&self, disk: &SimDisk, now_ms: i64, model: &Model) {
        if self.is_planted.load(Ordering::Relaxed) {
            self.cut(disk, disk.operation_count(), now_ms, model.clone());
        }
    }
}

impl Planted {
    fn cut(&self, disk: &SimDisk, number: u64, now_ms: i64, model: Model) {
        if !self.is_caught.load(Ordering::Relaxed) {
            let name = format!("life {}, operation {number}", self.life.index);
            let disk = disk.after_process_kill();
            let _ = self.cuts.send(Cut { name, number, disk, now_ms, model, shape: self.life.shape });
        }
    }
}

/// The first cut that shows that these syncs are left out, and what it shows.
fn caught(flush: FlushMode, syncs: &[Syncs], origin: &Origin, checks: &AtomicU64) -> Option<String> {
    let (sender, receiver) = sync_channel(4);
    let (is_planted, is_caught) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    std::thread::scope(|scope| {
        let judge = {
            let is_caught = is_caught.clone();
            scope.spawn(move || judge(receiver, &is_caught, checks))
        };
        let mut state = State::new(flush);
        for (index, syncs) in (0..).zip(syncs) {
            let of_place = syncs.iter().filter(|(_, own)| *own == origin);
            let watch = Planted {
                life: small(flush, index),
                left_out: of_place.map(|(number, own)| (*number, own.kind)).collect(),
                cuts: sender.clone(),
                is_planted: is_planted.clone(),
                is_caught: is_caught.clone(),
                step: if is_full() { 1 } else { 3 },
            };
            state = live(state, small(flush, index), Arc::new(watch)).into_state();
            if is_caught.load(Ordering::Relaxed) {
                break;
            }
        }
        drop((state, sender));
        judge.join().unwrap()
    })
}

fn judge(cuts: Receiver<Cut>, is_caught: &AtomicBool, checks: &AtomicU64) -> Option<String> {
    let mut found = None;
    for cut in cuts {
        if found.is_some() {
            continue;
        }
        for seed in cut.number * STYLES..(cut.number + 1) * STYLES {
            checks.fetch_add(1, Ordering::Relaxed);
            if let Err(what) = cut.check(seed) {
                is_caught.store(true, Ordering::Relaxed);
                found = Some(format!("{}, seed {seed}: {what}", cut.name));
                break;
            }
        }
    }
    found
}

#[test]
fn every_sync_that_is_left_out_is_noticed() {
    let known = places::in_sources();
    let (mut met, mut origins) = (BTreeSet::new(), BTreeMap::new());
    for flush in [FlushMode::Sync, FlushMode::Async] {
        let syncs = rehearse(flush, &known);
        for origin in syncs.iter().flat_map(BTreeMap::values) {
            assert!(!origin.stack.is_empty(), "a sync whose place is not known: {origin:?}");
            met.extend(origin.stack.iter().cloned());
            let modes: &mut Vec<FlushMode> = origins.entry(origin.clone()).or_default();
            if modes.last() != Some(&flush) {
                modes.push(flush);
            }
        }
    }
    let unmet: Vec<_> = known.difference(&met).collect();
    assert!(unmet.is_empty(), "the workload never comes to these places that sync: {unmet:?}");
    let rehearsed = [FlushMode::Sync, FlushMode::Async].map(|flush| (flush, rehearse(flush, &known)));
    let checks = AtomicU64::new(0);
    let (mut missed, mut shown_elsewhere) = (Vec::new(), 0);
    for (origin, modes) in &origins {
        if origin.stack.iter().any(|place| places::shown_by(place).is_some()) {
            shown_elsewhere += 1;
            continue;
        }
        let of_modes = rehearsed.iter().filter(|(flush, _)| modes.contains(flush));
        let found = of_modes.into_iter().find_map(|(flush, syncs)| caught(*flush, syncs, origin, &checks));
        match found {
            Some(what) => println!("{:?} at {}: {what}", origin.kind, origin.stack.join(" < ")),
            None => missed.push(origin),
        }
    }
    assert!(missed.is_empty(), "left out and not noticed: {missed:#?}");
    let (places, checks) = (origins.len() - shown_elsewhere, checks.into_inner());
    println!(
        "prove: planted bugs: {places} places that sync, each left out and caught, after {checks} images; \
         {shown_elsewhere} by a test of its own"
    );
}
