//! What a damaged metadata file costs, at worst: never a message, never an offset that was given.

use crate::capture;
use crate::check::{Known, check};
use crate::stores::{self, DIR, START_MS, append};
use ons::store::config::FlushMode;
use ons::store::verify::Opening;
use ons::sys::clock::ManualClock;
use ons::sys::disk::Disk;
use ons::sys::scheduler::Scheduler;
use ons::sys::sim_disk::SimDisk;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

fn file() -> PathBuf {
    Path::new(DIR).join("metadata.redb")
}

/// Opening refuses a damaged one and says what to do: this is what remains then.
#[test]
fn without_it_all_messages_and_timers_of_the_log_are_there() {
    capture::install();
    for built in stores::all() {
        let known = Known::of(&built);
        let disk = built.disk.after_process_kill();
        disk.remove(&file()).unwrap();
        let findings = check(&disk).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((&findings[0].file, findings[0].opening), (&file(), Opening::MakesAnew));
        let store = stores::open(&disk, FlushMode::Sync).unwrap();
        known.assert_same_without_rows(&store);
        store.close().unwrap();
        assert_eq!(check(&disk).findings, [], "{}", built.name);
    }
}

/// Flips a bit in the commit that was made last: redb takes the one before.
fn damage_last_commit(disk: &SimDisk) {
    let files = disk.files();
    let (_, bytes) = files.iter().find(|(path, _)| *path == file()).unwrap();
    let slot = u64::from(bytes[9] & 1);
    disk.flip_bit(&file(), 64 + slot * 128 + 120, 3).unwrap();
}

#[test]
fn going_back_a_commit_gives_no_offset_twice() {
    capture::install();
    let disk = SimDisk::new();
    let clock = Arc::new(ManualClock::new(START_MS));
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let store = stores::open_with(&disk, FlushMode::Sync, clock, scheduler.clone()).unwrap();
    append(&store, "old", 0, "", b"only one");
    for _ in 0..6 {
        append(&store, "T", 0, "", &[1; 1000]);
    }
    assert_eq!(store.statistics().segments, 2);
    scheduler.advance(Duration::from_secs(73 * 3600));
    assert_eq!(store.queue("old", 0).unwrap().min_offset(), 1, "its only segment is gone");
    let disk = disk.after_process_kill();
    damage_last_commit(&disk);
    assert!(check(&disk).findings.iter().any(|finding| finding.opening == Opening::GoesBack));
    let store = stores::open(&disk, FlushMode::Sync).unwrap();
    assert_eq!(store.queue("old", 0).unwrap().max_offset(), 1);
}
