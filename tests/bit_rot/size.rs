//! Checking a log takes memory for one segment, however long the log is.

use crate::stores::START_MS;
use ons::protocol::record::RecordHead;
use ons::store::config::{Environment, FlushMode, StoreConfig};
use ons::store::verify::{Verified, verify};
use ons::store::{Append, Store};
use ons::sys::clock::ManualClock;
use ons::sys::disk::Disk;
use ons::sys::real_disk::RealDisk;
use ons::sys::scheduler::Scheduler;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SEGMENT_BYTES: u64 = 4 << 20;

/// Writes so many messages of 1 KiB in 40 queues.
fn write(dir: &Path, messages: u32) {
    let clock = Arc::new(ManualClock::new(START_MS));
    let scheduler = Arc::new(Scheduler::new("test", clock.clone()).unwrap());
    let mut config = StoreConfig::new(dir);
    config.flush = FlushMode::Async;
    config.disk_used_percent_max = 100;
    config.segment_bytes_min = SEGMENT_BYTES;
    config.segment_bytes_max = SEGMENT_BYTES;
    let environment = Environment { disk: Arc::new(RealDisk), clock, scheduler, has_threads: false };
    let store = Store::open(config, environment).unwrap();
    let queues: Vec<_> = (0..40).map(|id| store.open_queue("T", id)).collect();
    for number in 0..messages {
        let properties = format!("KEYS\u{1}k{number}\u{2}UNIQ_KEY\u{1}u{number}\u{2}");
        let append = Append {
            queue: &queues[number as usize % queues.len()],
            head: RecordHead::default(),
            properties: &properties,
            body: &[number as u8; 1024],
            tag_hash: 0,
            noted: None,
        };
        store.append_blocking(&append, Duration::from_secs(60)).unwrap();
    }
    store.close().unwrap();
}

fn check(dir: &Path, messages: u32) -> Verified {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut told = (0, 0);
    let verified = verify(&disk, dir, &mut |done, total| {
        assert!(done >= told.0 && done <= total, "{done} of {total} after {told:?}");
        told = (done, total);
    })
    .unwrap();
    assert_eq!(verified.findings, []);
    assert_eq!(verified.records, u64::from(messages));
    assert!(told.0 == told.1 && told.1 >= verified.log_bytes, "{told:?}");
    verified
}

#[test]
fn memory_is_bounded_by_one_segment() {
    let mut peaks = Vec::new();
    for messages in [12_000, 60_000] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), messages);
        let begun = Instant::now();
        let mut bytes = 0;
        let used = allocation_counter::measure(|| bytes = check(dir.path(), messages).log_bytes);
        println!("checked {bytes} bytes in {:?}, {} bytes of memory", begun.elapsed(), used.bytes_max);
        peaks.push(used.bytes_max);
    }
    assert!(peaks[1] < peaks[0] + peaks[0] / 4, "{peaks:?}");
}
