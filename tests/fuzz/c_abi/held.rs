//! A broker that stays open from one input to the next, so that clients come and go quickly; on a manual clock.

use ons::ffi::broker::{ons_broker, ons_broker_free, ons_broker_open, ons_clock};
use ons::ffi::error::ons_status;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Mutex;
use tempfile::TempDir;

/// So many inputs it serves: then a new one takes over, so that topics and log do not grow for ever.
const RUNS_MAX: u32 = 500;

static HELD: Mutex<Option<Held>> = Mutex::new(None);

struct Held {
    dir: TempDir,
    broker: *mut ons_broker,
    runs: u32,
}

// SAFETY: any number of threads may use a broker.
unsafe impl Send for Held {}

impl Held {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().to_str().unwrap();
        let mut broker = ptr::null_mut();
        // SAFETY: name and place are alive; no settings, no error wanted.
        let status = unsafe {
            let clock = MaybeUninit::new(ons_clock::ONS_CLOCK_MANUAL);
            let (name, len) = (name.as_ptr().cast(), name.len());
            ons_broker_open(name, len, ptr::null(), clock, &mut broker, ptr::null_mut())
        };
        assert_eq!(status, ons_status::ONS_OK);
        Self { dir, broker, runs: 0 }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: opened here, freed once.
        unsafe { ons_broker_free(self.broker) };
    }
}

/// Its directory.
pub(super) fn dir() -> String {
    let mut held = HELD.lock().unwrap();
    if held.as_ref().is_some_and(|held| held.runs == RUNS_MAX) {
        *held = None;
    }
    let held = held.get_or_insert_with(Held::open);
    held.runs += 1;
    held.dir.path().to_str().unwrap().to_owned()
}

/// Closes it and removes its files.
pub fn let_go() {
    *HELD.lock().unwrap() = None;
}
