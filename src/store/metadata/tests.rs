//! A commit is durable and whole or absent; failures end writing, not reading; damage is told.

use super::*;
use crate::sys::real_disk::RealDisk;
use crate::sys::sim_disk::{Cause, Fault, Operation, OperationKind, STYLES, SimDisk};
use std::collections::BTreeMap;

fn path() -> &'static Path {
    Path::new("/d/metadata.redb")
}

fn empty_disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk
}

fn try_open(disk: &SimDisk) -> Result<Metadata, Failure> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Metadata::open(&disk, path())
}

fn open(disk: &SimDisk) -> Metadata {
    try_open(disk).unwrap()
}

/// A batch that touches every table, and that can be told from any other by what it leaves.
fn batch(number: u32) -> Batch {
    let mut batch = Batch::default();
    for table in MetaTable::ALL {
        batch.put(table, b"last", &number.to_be_bytes());
        batch.put(table, &number.to_be_bytes(), &vec![number as u8; 300]);
        if number > 3 {
            batch.delete(table, &(number - 3).to_be_bytes());
        }
    }
    batch
}

/// The number of the last batch in the file, after a check that exactly the batches up to it are there.
fn last_batch(metadata: &Metadata) -> u32 {
    let mut lasts = BTreeMap::new();
    for table in MetaTable::ALL {
        let last = metadata
            .get(table, b"last")
            .unwrap()
            .map_or(0, |value| u32::from_be_bytes(value.try_into().unwrap()));
        let rows = metadata.range(table, &[], Some(b"l"), usize::MAX).unwrap();
        let expected = (last.saturating_sub(2).max(1)..=last)
            .map(|number| (number.to_be_bytes().to_vec(), vec![number as u8; 300]));
        assert_eq!(rows, expected.collect::<Vec<_>>());
        lasts.insert(last, table);
    }
    assert_eq!(lasts.len(), 1, "the tables are not of one batch: {lasts:?}");
    *lasts.keys().next().unwrap()
}

#[test]
fn rows_come_back_in_key_order_and_within_bounds() {
    let metadata = open(&empty_disk());
    let mut batch = Batch::default();
    for key in [3u8, 1, 2, 5, 4] {
        batch.put(MetaTable::Timers, &[key], &[key, key]);
    }
    batch.put(MetaTable::Timers, &[9], b"");
    batch.delete(MetaTable::Timers, &[5]);
    batch.put(MetaTable::State, &[1], b"other");
    assert!(!batch.is_empty());
    metadata.commit(&batch).unwrap();
    metadata.commit(&Batch::default()).unwrap();
    let keys = |from: &[u8], to: Option<&[u8]>, max| -> Vec<u8> {
        metadata.range(MetaTable::Timers, from, to, max).unwrap().into_iter().map(|(key, _)| key[0]).collect()
    };
    assert_eq!(keys(&[], None, usize::MAX), [1, 2, 3, 4, 9]);
    assert_eq!(keys(&[2], Some(&[4]), usize::MAX), [2, 3]);
    assert_eq!(keys(&[2], None, 2), [2, 3]);
    assert_eq!(metadata.keys(MetaTable::Timers, &[2], Some(&[4]), 9).unwrap(), [[2], [3]]);
    assert!(keys(&[4], Some(&[4]), 9).is_empty());
    assert!(keys(&[4], Some(&[2]), 9).is_empty());
    assert_eq!(metadata.get(MetaTable::Timers, &[3]).unwrap(), Some(vec![3, 3]));
    assert_eq!(metadata.get(MetaTable::Timers, &[9]).unwrap(), Some(vec![]));
    assert_eq!(metadata.get(MetaTable::Timers, &[5]).unwrap(), None);
    assert_eq!(metadata.get(MetaTable::State, &[1]).unwrap(), Some(b"other".to_vec()));
    assert_eq!(metadata.get(MetaTable::Topics, &[1]).unwrap(), None);
}

#[test]
fn a_real_file_keeps_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let path = dir.path().join("metadata.redb");
    for number in 1..=5 {
        let metadata = Metadata::open(&disk, &path).unwrap();
        assert_eq!(last_batch(&metadata), number - 1);
        metadata.commit(&batch(number)).unwrap();
    }
    assert_eq!(disk.list(dir.path()).unwrap().len(), 1);
}

#[test]
fn after_close_the_file_is_not_touched() {
    let disk = empty_disk();
    let metadata = open(&disk);
    metadata.commit(&batch(1)).unwrap();
    metadata.close().unwrap();
    let operations = disk.operation_count();
    metadata.close().unwrap();
    for outcome in [metadata.commit(&batch(2)), metadata.get(MetaTable::State, b"last").map(drop)] {
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidState);
    }
    drop(metadata);
    assert_eq!(disk.operation_count(), operations);
    assert_eq!(last_batch(&open(&disk.after_power_cut(0))), 1);
}

/// The workload that is cut and failed at each of its operations: tells through `told` which batch is under way and
/// which is done.
fn workload(disk: &SimDisk, told: &Mutex<(u32, u32)>) -> Result<(), Failure> {
    for from in [1, 4] {
        let metadata = try_open(disk)?;
        for number in from..from + 3 {
            told.lock().unwrap().1 = number;
            metadata.commit(&batch(number))?;
            told.lock().unwrap().0 = number;
        }
        metadata.close()?;
    }
    Ok(())
}

#[test]
fn a_power_cut_at_any_operation_leaves_whole_commits_and_all_that_were_confirmed() {
    let disk = empty_disk();
    let told = Arc::new(Mutex::new((0, 0)));
    let images = Arc::new(Mutex::new(Vec::new()));
    let (seen, so_far) = (images.clone(), told.clone());
    disk.set_plan(move |disk: &SimDisk, _: &Operation| {
        let bounds = *so_far.lock().unwrap();
        seen.lock().unwrap().extend((0..STYLES).map(|seed| (disk.after_power_cut(seed), bounds)));
        None
    });
    workload(&disk, &told).unwrap();
    let images = std::mem::take(&mut *images.lock().unwrap());
    assert!(images.len() > 500, "{}", images.len());
    for (image, (confirmed, begun)) in images {
        let found = last_batch(&open(&image));
        assert!((confirmed..=begun).contains(&found), "{found} is not within {confirmed}..={begun}");
        // Opening may have repaired, and that must be as durable.
        assert_eq!(last_batch(&open(&image.after_power_cut(3))), found);
    }
}

#[test]
fn each_sync_is_needed_except_where_another_one_follows() {
    let disk = empty_disk();
    workload(&disk, &Mutex::default()).unwrap();
    let commit_syncs = disk.syncs().len() as u64;
    let mut caught = 0;
    for skipped in 0..commit_syncs {
        let disk = empty_disk();
        disk.skip_sync(skipped);
        let metadata = open(&disk);
        let is_lost = (1..=3).any(|number| {
            metadata.commit(&batch(number)).unwrap();
            (0..STYLES).any(|seed| {
                let image = disk.after_power_cut(seed);
                !image.files().iter().any(|(found, _)| found == path())
                    || try_open(&image).map_or(true, |after| last_batch(&after) < number)
            })
        });
        caught += u32::from(is_lost);
    }
    // The directory's and those of the three commits; what creation writes is synced more than once.
    assert!(caught >= 4, "{caught}");
}

#[test]
fn any_operation_may_fail_once_or_for_ever_and_nothing_confirmed_is_lost() {
    let count = {
        let disk = empty_disk();
        workload(&disk, &Mutex::default()).unwrap();
        disk.operation_count()
    };
    let faults = [
        Fault::Error(Cause::Io),
        Fault::Error(Cause::Full),
        Fault::Short { bytes: 700, cause: Cause::Io },
        Fault::Short { bytes: 700, cause: Cause::Full },
    ];
    let mut failures = 0;
    for number in 1..count {
        for (fault, for_ever) in faults.into_iter().flat_map(|fault| [(fault, false), (fault, true)]) {
            let disk = empty_disk();
            if for_ever {
                disk.fail_from(number, fault)
            } else {
                disk.fail_once(number, fault)
            }
            let told = Mutex::new((0, 0));
            if let Err(failure) = workload(&disk, &told) {
                assert!(failure.message.contains("/d/metadata.redb"), "{failure}");
                assert!(failure.message.contains("os error"), "{failure}");
                assert_ne!(failure.kind, FailureKind::Corrupt, "{failure}");
                failures += 1;
            }
            disk.clear_plan();
            let (confirmed, begun) = *told.lock().unwrap();
            for next in [disk.after_process_kill(), disk.after_power_cut(0), disk.after_power_cut(number)] {
                let found = last_batch(&open(&next));
                assert!((confirmed..=begun).contains(&found), "operation {number}, {fault:?}: {found}");
            }
        }
    }
    assert!(failures > count, "{failures} of {count}");
}

fn next_sync(disk: &SimDisk, fault: Fault) {
    let next = disk.syncs().len() as u64;
    disk.set_plan(move |_, operation| (operation.sync_number == Some(next)).then_some(fault));
}

#[test]
fn after_a_failed_sync_reads_go_on_and_commits_are_refused_until_the_file_is_opened_again() {
    let disk = empty_disk();
    let metadata = open(&disk);
    metadata.commit(&batch(1)).unwrap();
    next_sync(&disk, Fault::Error(Cause::Io));
    let failure = metadata.commit(&batch(2)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Storage);
    let operations = disk.operation_count();
    for _ in 0..2 {
        let refused = metadata.commit(&batch(2)).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Storage);
        assert!(
            refused.message.starts_with(&failure.message) && refused.message.contains("opened again"),
            "{refused}"
        );
        assert_eq!(last_batch(&metadata), 1);
    }
    metadata.close().unwrap();
    let touched = &disk.operations()[operations as usize..];
    assert!(touched.iter().all(|operation| !operation.kind.is_change()), "{touched:?}");
    assert_eq!(last_batch(&open(&disk.after_power_cut(0))), 1);
    let again = open(&disk);
    let found = last_batch(&again);
    assert!([1, 2].contains(&found));
    again.commit(&batch(found + 1)).unwrap();
    assert_eq!(last_batch(&open(&disk.after_power_cut(0))), found + 1);
}

#[test]
fn a_write_error_within_a_commit_ends_writing_but_not_reading() {
    let disk = empty_disk();
    let metadata = open(&disk);
    metadata.commit(&batch(1)).unwrap();
    let first = disk.operation_count();
    disk.set_plan(move |_, operation| {
        let is_write = operation.kind == OperationKind::Write && operation.number > first + 2;
        is_write.then_some(Fault::Short { bytes: 100, cause: Cause::Io })
    });
    assert_eq!(metadata.commit(&batch(2)).unwrap_err().kind, FailureKind::Storage);
    disk.clear_plan();
    assert_eq!(metadata.commit(&batch(2)).unwrap_err().kind, FailureKind::Storage);
    assert_eq!(last_batch(&metadata), 1);
    drop(metadata);
    assert_eq!(last_batch(&open(&disk)), 1);
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_recovers_by_itself() {
    let disk = empty_disk();
    let metadata = open(&disk);
    metadata.commit(&batch(1)).unwrap();
    disk.set_capacity(0);
    let mut large = batch(2);
    large.put(MetaTable::Timers, b"z", &vec![1; 8 << 20]);
    for _ in 0..2 {
        let failure = metadata.commit(&large).unwrap_err();
        assert_eq!(failure.kind, FailureKind::DiskFull, "{failure}");
        assert_eq!(last_batch(&metadata), 1);
    }
    disk.set_capacity(u64::MAX);
    metadata.commit(&batch(2)).unwrap();
    assert_eq!(last_batch(&metadata), 2);
    assert_eq!(last_batch(&open(&disk.after_power_cut(0))), 2);
}

#[test]
fn a_failed_read_is_an_error_once() {
    let disk = empty_disk();
    let metadata = open(&disk);
    let mut large = Batch::default();
    for key in 0..2_000u32 {
        large.put(MetaTable::Timers, &key.to_be_bytes(), &[key as u8; 4_000]);
    }
    metadata.commit(&large).unwrap();
    disk.set_plan(|_, operation| (operation.kind == OperationKind::Read).then_some(Fault::Error(Cause::Io)));
    let failure = metadata.range(MetaTable::Timers, &[], None, usize::MAX).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.message.contains("/d/metadata.redb"), "{failure}");
    disk.clear_plan();
    assert_eq!(metadata.range(MetaTable::Timers, &[], None, usize::MAX).unwrap().len(), 2_000);
    metadata.commit(&batch(1)).unwrap();
}

#[test]
fn a_damaged_byte_is_told_or_harmless() {
    let disk = empty_disk();
    let metadata = open(&disk);
    for number in 1..=4 {
        metadata.commit(&batch(number)).unwrap();
    }
    metadata.close().unwrap();
    let content = disk.files().remove(0).1;
    let (mut corrupt, mut harmless, mut older) = (0, 0, 0);
    // Every byte of the header, one in each 16 behind it.
    for offset in (0..512).chain((512..content.len() as u64).step_by(61)) {
        if offset >= 512 && content[offset as usize] == 0 {
            continue;
        }
        let image = disk.after_power_cut(0);
        image.flip_bit(path(), offset, offset as u8 % 8).unwrap();
        match try_open(&image) {
            Err(failure) => {
                assert_eq!(failure.kind, FailureKind::Corrupt, "{failure}");
                assert!(failure.message.contains("/d/metadata.redb"), "{failure}");
                corrupt += 1;
            }
            Ok(metadata) => match last_batch(&metadata) {
                4 => harmless += 1,
                _ => older += 1,
            },
        }
    }
    assert!(corrupt > 100 && harmless > 0, "{corrupt} told, {harmless} harmless");
    assert_eq!(older, 0, "commits vanished untold");
}

#[test]
fn what_is_no_metadata_is_refused() {
    for content in [&b""[..], b"x", &[7; 100_000]] {
        let disk = empty_disk();
        disk.create(path()).unwrap().write_all_at(content, 0).unwrap();
        let failure = try_open(&disk).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Corrupt, "{failure}");
        assert!(failure.message.contains("/d/metadata.redb"), "{failure}");
    }
}

/// What a failed sync left in memory alone: a commit that adds so many rows, with which the file may have grown.
fn killed_after_a_failed_sync(rows: u32) -> SimDisk {
    let disk = empty_disk();
    let metadata = open(&disk);
    for number in 1..=5 {
        metadata.commit(&batch(number)).unwrap();
    }
    next_sync(&disk, Fault::Error(Cause::Io));
    let mut large = batch(6);
    for row in 0..rows {
        large.put(MetaTable::Timers, format!("z{row}").as_bytes(), &[1; 2000]);
    }
    assert_eq!(metadata.commit(&large).unwrap_err().kind, FailureKind::Storage);
    disk.clear_plan();
    disk.after_process_kill()
}

#[test]
fn what_is_brought_to_the_device_may_arrive_in_any_part() {
    let disk = killed_after_a_failed_sync(100);
    let images = Arc::new(Mutex::new(Vec::new()));
    let seen = images.clone();
    let from = disk.syncs().len() as u64;
    disk.set_plan(move |disk: &SimDisk, operation: &Operation| {
        // Everything was written again, and may arrive or not.
        if operation.sync_number == Some(from) {
            seen.lock().unwrap().extend((0..40 * STYLES).map(|seed| disk.after_power_cut(seed)));
        }
        None
    });
    let found = last_batch(&open(&disk));
    assert!([5, 6].contains(&found));
    assert_eq!(last_batch(&open(&disk.after_power_cut(0))), found);
    let images = std::mem::take(&mut *images.lock().unwrap());
    assert!(!images.is_empty());
    for image in images {
        assert!([5, 6].contains(&last_batch(&open(&image))));
    }
}

/// A file system with small blocks gives what room it has, and its end need not be that of a page.
#[test]
fn a_growth_that_a_full_disk_cuts_off_within_a_page_is_undone() {
    for growing in [1024, 3 * 1024, 4096, 7 * 1024] {
        for is_killed in [false, true] {
            let disk = empty_disk();
            let metadata = open(&disk);
            metadata.commit(&batch(1)).unwrap();
            let len = disk.files()[0].1.len();
            disk.set_plan(move |_, operation| match operation.kind {
                OperationKind::Allocate => Some(Fault::Short { bytes: growing, cause: Cause::Full }),
                OperationKind::SetLen if is_killed => Some(Fault::Error(Cause::Full)),
                _ => None,
            });
            let mut large = batch(2);
            large.put(MetaTable::Timers, b"z", &vec![1; 8 << 20]);
            assert_eq!(metadata.commit(&large).unwrap_err().kind, FailureKind::DiskFull);
            disk.clear_plan();
            let grown = if is_killed { growing as usize } else { 0 };
            assert_eq!(disk.files()[0].1.len(), len + grown);
            let disk = if is_killed { disk.after_process_kill() } else { disk };
            let metadata = if is_killed { open(&disk) } else { metadata };
            assert_eq!(last_batch(&metadata), 1);
            metadata.commit(&batch(2)).unwrap();
            for next in [disk.after_process_kill(), disk.after_power_cut(0)] {
                assert_eq!(last_batch(&open(&next)), 2, "{growing} bytes, killed: {is_killed}");
            }
        }
    }
}

/// A reader may meet the error of an opening, and come to say so when the file is open again.
#[test]
fn a_late_error_does_not_close_what_was_opened_anew() {
    let disk = empty_disk();
    let metadata = open(&disk);
    let is_open =
        |wanted| matches!(&*metadata.slot.read().unwrap(), Slot::Opened(number, _) if *number == wanted);
    assert!(is_open(0));
    disk.set_capacity(0);
    let mut large = batch(1);
    large.put(MetaTable::Timers, b"z", &vec![1; 8 << 20]);
    assert_eq!(metadata.commit(&large).unwrap_err().kind, FailureKind::DiskFull);
    disk.set_capacity(u64::MAX);
    metadata.commit(&batch(1)).unwrap();
    assert!(is_open(1));
    metadata.after_failure(0, None);
    assert!(is_open(1), "it was closed for an error of the opening before");
    metadata.after_failure(1, None);
    assert!(!is_open(1));
    assert_eq!(last_batch(&metadata), 1);
    assert!(is_open(2));
}
