//! The simulated disk keeps what was synced, may lose anything else, and fails where it is told to.

use super::*;
use crate::sys::disk::is_disk_full;
use std::collections::BTreeSet;

const SEEDS: u64 = 40 * STYLES;

fn dir() -> &'static Path {
    Path::new("/d")
}

fn at(name: &str) -> PathBuf {
    dir().join(name)
}

/// A disk with the directory `/d`.
fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(dir()).unwrap();
    disk
}

/// A disk with a durable file of that content.
fn disk_with(name: &str, content: &[u8]) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = disk();
    let file = disk.create(&at(name)).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(dir()).unwrap();
    (disk, file)
}

fn content(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
    let path = at(name);
    disk.files().into_iter().find(|(found, _)| *found == path).map(|(_, content)| content)
}

fn names(disk: &SimDisk) -> BTreeSet<String> {
    let files = disk.list(dir()).unwrap();
    files.iter().map(|entry| entry.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

fn images(disk: &SimDisk) -> impl Iterator<Item = SimDisk> {
    (0..SEEDS).map(|seed| disk.after_power_cut(seed))
}

#[test]
fn files_answer_like_arrays_of_bytes() {
    let (_, file) = disk_with("a", b"");
    let mut model: Vec<u8> = Vec::new();
    let mut random = Random::new(7);
    for _ in 0..2_000 {
        let offset = random.below(20_000) as usize;
        match random.below(8) {
            0 => {
                model.resize(offset, 0);
                file.set_len(offset as u64).unwrap();
            }
            1 => {
                model.resize(offset, 0);
                file.allocate(offset as u64).unwrap();
            }
            2 => file.sync_data().unwrap(),
            3 | 4 => {
                let mut buffer = vec![0; random.below(9_000) as usize];
                let read = file.read_at(&mut buffer, offset as u64).unwrap();
                let end = (offset + buffer.len()).min(model.len());
                assert_eq!(&buffer[..read], model.get(offset..end).unwrap_or_default());
            }
            _ => {
                let mut bytes = vec![0; random.below(9_000) as usize];
                random.fill(&mut bytes);
                if !bytes.is_empty() {
                    model.resize(model.len().max(offset + bytes.len()), 0);
                    model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                }
                file.write_all_at(&bytes, offset as u64).unwrap();
            }
        }
        assert_eq!(file.len().unwrap(), model.len() as u64);
    }
}

#[test]
fn what_was_synced_survives_whatever_follows() {
    let (disk, file) = disk_with("a", &[1; 10_000]);
    file.write_all_at(&[2; 3_000], 12_000).unwrap();
    for image in images(&disk) {
        assert!(content(&image, "a").unwrap().starts_with(&[1; 10_000]));
    }
    file.sync_data().unwrap();
    for image in images(&disk) {
        assert_eq!(content(&image, "a"), content(&disk, "a"));
    }
}

#[test]
fn the_first_two_seeds_lose_everything_and_nothing() {
    let (disk, file) = disk_with("a", b"old");
    file.write_all_at(b"new", 0).unwrap();
    disk.create(&at("b")).unwrap();
    assert_eq!(content(&disk.after_power_cut(0), "a").unwrap(), b"old");
    assert_eq!(names(&disk.after_power_cut(0)), BTreeSet::from(["a".into()]));
    assert_eq!(content(&disk.after_power_cut(1), "a").unwrap(), b"new");
    assert_eq!(names(&disk.after_power_cut(1)), BTreeSet::from(["a".into(), "b".into()]));
}

#[test]
fn the_same_seed_gives_the_same_image() {
    let (disk, file) = disk_with("a", &[0; 9_000]);
    for step in 1..20 {
        file.write_all_at(&[step; 3_000], u64::from(step) * 777).unwrap();
    }
    let distinct: BTreeSet<_> = images(&disk).map(|image| image.files()).collect();
    assert!(distinct.len() > SEEDS as usize / 2, "{}", distinct.len());
    for seed in 0..SEEDS {
        assert_eq!(disk.after_power_cut(seed).files(), disk.after_power_cut(seed).files());
    }
}

#[test]
fn unsynced_overwrites_are_torn_at_sectors_and_blocks_only() {
    let (disk, file) = disk_with("a", &[1; 16_384]);
    file.write_all_at(&[2; 16_000], 100).unwrap();
    let (mut torn_in_block, mut torn_at_blocks) = (false, false);
    for image in images(&disk) {
        let found = content(&image, "a").unwrap();
        assert_eq!(found.len(), 16_384);
        assert_eq!((&found[..100], &found[16_100..]), (&[1; 100][..], &[1; 284][..]));
        let written = &found[100..16_100];
        let mut sectors = vec![&written[..412]];
        sectors.extend(written[412..].chunks(512));
        assert!(sectors.iter().all(|sector| sector.iter().all(|byte| *byte == sector[0] && *byte < 3)));
        let changes: Vec<usize> = (101..16_100).filter(|index| found[*index] != found[index - 1]).collect();
        torn_in_block |= changes.iter().any(|index| index % 4096 != 0);
        torn_at_blocks |= !changes.is_empty() && changes.iter().all(|index| index % 4096 == 0);
    }
    assert!(torn_in_block && torn_at_blocks);
}

#[test]
fn unsynced_writes_survive_in_any_order_but_not_within_a_sector() {
    let (disk, file) = disk_with("a", &[0; 8_192]);
    file.write_all_at(b"first", 0).unwrap();
    file.write_all_at(b"second", 100).unwrap();
    file.write_all_at(b"third", 5_000).unwrap();
    let mut seen = BTreeSet::new();
    for image in images(&disk) {
        let found = content(&image, "a").unwrap();
        seen.insert((found[0] == b'f', found[100] == b's', found[5_000] == b't'));
    }
    let every_state = [
        (false, false, false),
        (false, false, true),
        (true, false, false),
        (true, false, true),
        (true, true, false),
        (true, true, true),
    ];
    assert_eq!(seen, BTreeSet::from(every_state));
}

#[test]
fn garbage_appears_only_in_sectors_that_were_never_written() {
    let (disk, file) = disk_with("a", &[1; 600]);
    file.write_all_at(&[2; 4_000], 600).unwrap();
    let mut garbage = 0;
    for image in images(&disk) {
        let found = content(&image, "a").unwrap();
        assert_eq!(found[..600], [1; 600]);
        assert!(found.len() <= 4_600);
        // The rest of the sector that holds durable bytes is old (zeroes) or new.
        let rest = &found[600..found.len().min(1_024)];
        assert!(rest.iter().all(|byte| *byte == rest[0] && [0, 2].contains(byte)), "{rest:?}");
        garbage += found.iter().filter(|byte| **byte > 2).count();
    }
    assert!(garbage > 512);
}

#[test]
fn a_longer_length_may_survive_without_its_content() {
    let (disk, file) = disk_with("a", b"");
    file.write_all_at(&[2; 4_000], 0).unwrap();
    let zeroes = images(&disk).filter(|image| content(image, "a").unwrap() == [0; 4_000]).count();
    assert!(zeroes > 0);
}

#[test]
fn a_cut_of_the_file_survives_or_leaves_the_old_bytes() {
    let (disk, file) = disk_with("a", &[1; 3_000]);
    file.set_len(1_000).unwrap();
    file.write_all_at(&[2; 100], 2_000).unwrap();
    let seen: BTreeSet<_> = images(&disk).map(|image| content(&image, "a").unwrap()).collect();
    let mut rewritten = vec![1; 1_000];
    rewritten.resize(2_000, 0);
    rewritten.resize(2_100, 2);
    for expected in [vec![1; 3_000], vec![1; 1_000], rewritten] {
        assert!(seen.contains(&expected));
    }
    // What was written after the cut never shows up among the bytes that were cut off.
    assert!(seen.iter().all(|found| found.len() < 3_000 || *found == [1; 3_000]));
}

#[test]
fn names_are_volatile_until_their_directory_is_synced() {
    let (disk, _file) = disk_with("old", b"content");
    let new = disk.create(&at("new")).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    new.sync_data().unwrap();
    disk.remove(&at("old")).unwrap();
    let seen: BTreeSet<_> = images(&disk).map(|image| names(&image)).collect();
    let all = [&["old"][..], &["new"], &["old", "new"], &[]];
    assert_eq!(seen, all.iter().map(|set| set.iter().map(|name| (*name).to_owned()).collect()).collect());
    assert!(images(&disk).all(|image| content(&image, "old").is_none_or(|found| found == b"content")));
    disk.sync_dir(dir()).unwrap();
    for image in images(&disk) {
        assert_eq!(image.files(), [(at("new"), b"new".to_vec())]);
    }
}

#[test]
fn a_replacing_rename_gives_the_old_or_the_new_file() {
    let (disk, _file) = disk_with("final", b"old");
    let new = disk.create(&at("draft")).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    new.sync_data().unwrap();
    disk.rename(&at("draft"), &at("final")).unwrap();
    assert_eq!(disk.files(), [(at("final"), b"new".to_vec())]);
    let seen: BTreeSet<_> = images(&disk).map(|image| image.files()).collect();
    let old = (at("final"), b"old".to_vec());
    let draft = (at("draft"), b"new".to_vec());
    let new = (at("final"), b"new".to_vec());
    assert_eq!(seen, BTreeSet::from([vec![old.clone()], vec![draft, old], vec![new]]));
}

#[test]
fn a_rename_without_a_synced_content_may_leave_an_empty_file() {
    let (disk, _file) = disk_with("final", b"old");
    let new = disk.create(&at("draft")).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    disk.rename(&at("draft"), &at("final")).unwrap();
    disk.sync_dir(dir()).unwrap();
    let seen: BTreeSet<_> = images(&disk).map(|image| content(&image, "final").unwrap()).collect();
    assert!(seen.contains(&b""[..]) && seen.contains(&[0; 3][..]) && seen.contains(&b"new"[..]));
}

#[test]
fn a_rename_between_directories_needs_both_synced() {
    let (disk, _file) = disk_with("a", b"content");
    let other = Path::new("/other");
    disk.create_dir_all(other).unwrap();
    disk.rename(&at("a"), &other.join("a")).unwrap();
    disk.sync_dir(other).unwrap();
    disk.create(&at("b")).unwrap();
    let places = |disk: &SimDisk| -> BTreeSet<PathBuf> {
        let holding = |image: SimDisk| image.files().into_iter().find(|(_, found)| found == b"content");
        images(disk).map(|image| holding(image).unwrap().0).collect()
    };
    assert_eq!(places(&disk), BTreeSet::from([at("a"), other.join("a")]));
    disk.sync_dir(dir()).unwrap();
    assert_eq!(places(&disk), BTreeSet::from([other.join("a")]));
}

#[test]
fn a_failed_sync_loses_what_was_unsynced_even_if_the_next_one_succeeds() {
    let (disk, file) = disk_with("a", b"old");
    file.write_all_at(b"new", 0).unwrap();
    disk.fail_once(disk.operation_count(), Fault::Error(Cause::Io));
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Cause::Io.error().raw_os_error());
    file.sync_data().unwrap();
    let mut buffer = [0; 3];
    file.read_at(&mut buffer, 0).unwrap();
    assert_eq!(&buffer, b"new");
    assert_eq!(content(&disk.after_power_cut(0), "a").unwrap(), b"old");
    assert_eq!(content(&disk.after_power_cut(2), "a").unwrap(), b"old");
    // Written once more it is unsynced once more, and this time it gets there.
    file.write_all_at(b"new", 0).unwrap();
    file.sync_data().unwrap();
    assert!(images(&disk).all(|image| content(&image, "a").unwrap() == b"new"));
}

#[test]
fn a_fault_hits_its_operation_once_or_all_changes_for_ever() {
    let (disk, file) = disk_with("a", b"old");
    let next = disk.operation_count();
    disk.fail_once(next + 1, Fault::Short { bytes: 2, cause: Cause::Full });
    file.write_all_at(b"xxx", 0).unwrap();
    assert!(is_disk_full(&file.write_all_at(b"abc", 3).unwrap_err()));
    assert_eq!(content(&disk, "a").unwrap(), b"xxxab");
    file.write_all_at(b"yyy", 0).unwrap();
    disk.fail_from(disk.operation_count(), Fault::Error(Cause::Io));
    for _ in 0..2 {
        assert!(file.write_all_at(b"zzz", 0).is_err());
        assert!(file.set_len(0).is_err() && file.allocate(9).is_err() && file.sync_data().is_err());
        assert!(disk.create(&at("b")).is_err() && disk.remove(&at("a")).is_err());
        assert!(disk.rename(&at("a"), &at("b")).is_err() && disk.sync_dir(dir()).is_err());
        assert!(disk.create_dir_all(&at("sub")).is_err() && disk.lock(&at("lock")).is_err());
        assert_eq!(file.read_at(&mut [0; 5], 0).unwrap(), 5);
        assert_eq!(disk.list(dir()).unwrap().len(), 1);
    }
    assert_eq!(content(&disk, "a").unwrap(), b"yyyab");
    disk.clear_plan();
    file.write_all_at(b"zzz", 0).unwrap();
}

#[test]
fn a_power_cut_ends_everything_and_leaves_the_operation_in_flight_undecided() {
    let (disk, file) = disk_with("a", &[1; 100]);
    let lock = disk.lock(&at("lock")).unwrap();
    disk.cut_power_at(disk.operation_count());
    assert!(file.write_all_at(&[2; 100], 0).is_err());
    assert!(file.read_at(&mut [0; 5], 0).is_err());
    assert!(disk.open(&at("a")).is_err() && disk.list(dir()).is_err() && file.sync_data().is_err());
    let seen: BTreeSet<_> = images(&disk).map(|image| content(&image, "a").unwrap()[0]).collect();
    assert_eq!(seen, BTreeSet::from([1, 2]));
    disk.after_power_cut(1).lock(&at("lock")).unwrap();
    drop(lock);
}

#[test]
fn a_power_cut_within_a_sync_may_have_synced_or_not() {
    for name in ["a", "b"] {
        let (disk, file) = disk_with("a", b"old");
        file.write_all_at(b"new", 0).unwrap();
        disk.rename(&at("a"), &at("b")).unwrap();
        disk.cut_power_at(disk.operation_count());
        assert!(if name == "a" { file.sync_data() } else { disk.sync_dir(dir()) }.is_err());
        let contents: BTreeSet<_> = images(&disk).map(|image| image.files().remove(0)).collect();
        let found = |name, content: &[u8]| contents.contains(&(at(name), content.to_vec()));
        assert!(found("a", b"old") && found("a", b"new") && found("b", b"old") && found("b", b"new"));
    }
}

#[test]
fn skipped_syncs_are_planted_bugs() {
    let (disk, file) = disk_with("a", b"old");
    let first = disk.syncs().len() as u64;
    disk.skip_sync(first + 1);
    file.write_all_at(b"new", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&disk.after_power_cut(0), "a").unwrap(), b"new");
    disk.create(&at("b")).unwrap();
    disk.sync_dir(dir()).unwrap();
    assert_eq!(names(&disk.after_power_cut(0)).len(), 1);
    disk.skip_syncs(|sync| &*sync.path == Path::new("/d/a"));
    file.write_all_at(b"two", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(dir()).unwrap();
    assert_eq!(content(&disk.after_power_cut(0), "a").unwrap(), b"new");
    assert_eq!(names(&disk.after_power_cut(0)).len(), 2);
    let numbers: Vec<_> = disk.syncs().iter().map(|sync| sync.sync_number.unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn every_operation_is_numbered_and_logged() {
    let (disk, file) = disk_with("a", b"12345");
    disk.rename(&at("a"), &at("b")).unwrap();
    file.write_all_at(b"67", 5).unwrap();
    assert!(disk.open(&at("missing")).is_err());
    let log = disk.operations();
    assert_eq!(log.len() as u64, disk.operation_count());
    assert!(log.iter().enumerate().all(|(index, operation)| operation.number == index as u64));
    let kinds: Vec<_> = log.iter().map(|operation| operation.kind).collect();
    use OperationKind::*;
    assert_eq!(kinds, [CreateDir, Create, Write, SyncData, SyncDir, Rename, Write, Open]);
    let last = &log[6];
    assert_eq!((&*last.path, last.offset, last.len), (&*at("b"), 5, 2));
}

#[test]
fn a_plan_may_look_at_the_disk_before_each_operation() {
    let (disk, file) = disk_with("a", b"0");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let images = seen.clone();
    disk.set_plan(move |disk, operation| {
        let image = disk.after_power_cut(1);
        images.lock().unwrap().push((operation.kind, content(&image, "a").unwrap()));
        None
    });
    file.write_all_at(b"1", 0).unwrap();
    file.sync_data().unwrap();
    let expected = [(OperationKind::Write, b"0".to_vec()), (OperationKind::SyncData, b"1".to_vec())];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = disk();
    disk.set_capacity(4 * 4096);
    let reserved = disk.create(&at("reserved")).unwrap();
    reserved.allocate(2 * 4096).unwrap();
    let file = disk.create(&at("a")).unwrap();
    // A hole takes no room.
    file.set_len(1 << 30).unwrap();
    assert_eq!(disk.space(dir()).unwrap().available_bytes, 2 * 4096);
    assert!(is_disk_full(&file.write_all_at(&[1; 10_000], 0).unwrap_err()));
    let mut found = [9; 10_000];
    file.read_at(&mut found, 0).unwrap();
    assert!(found[..8192].iter().all(|byte| *byte == 1) && found[8192..].iter().all(|byte| *byte == 0));
    assert_eq!(disk.space(dir()).unwrap().available_bytes, 0);
    file.write_all_at(&[2; 8192], 0).unwrap();
    reserved.write_all_at(&[3; 8192], 0).unwrap();
    assert!(is_disk_full(&reserved.allocate(3 * 4096).unwrap_err()));
    assert_eq!(reserved.len().unwrap(), 2 * 4096);
    disk.remove(&at("a")).unwrap();
    reserved.allocate(3 * 4096).unwrap();
    assert_eq!(disk.space(dir()).unwrap().available_bytes, 4096);
}

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let disk = disk();
    let lock = disk.lock(&at("lock")).unwrap();
    let refused = disk.lock(&at("lock")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    assert_eq!(refused.to_string(), format!("held by process {}", std::process::id()));
    disk.after_process_kill().lock(&at("lock")).unwrap();
    drop(lock);
    disk.lock(&at("lock")).unwrap();
    assert_eq!(names(&disk), BTreeSet::from(["lock".into()]));
}

#[test]
fn a_killed_process_loses_nothing_but_syncs_nothing_either() {
    let (disk, file) = disk_with("a", b"old");
    file.write_all_at(b"new", 0).unwrap();
    disk.rename(&at("a"), &at("b")).unwrap();
    let next = disk.after_process_kill();
    file.write_all_at(b"xxx", 0).unwrap();
    assert_eq!(next.files(), [(at("b"), b"new".to_vec())]);
    assert_eq!(next.after_power_cut(0).files(), [(at("a"), b"old".to_vec())]);
    next.open(&at("b")).unwrap().sync_data().unwrap();
    next.sync_dir(dir()).unwrap();
    assert!(images(&next).all(|image| image.files() == [(at("b"), b"new".to_vec())]));
}

#[test]
fn bit_rot_is_on_the_device_too() {
    let (disk, file) = disk_with("a", &[0; 100]);
    disk.flip_bit(&at("a"), 99, 3).unwrap();
    let mut byte = [0];
    file.read_at(&mut byte, 99).unwrap();
    assert_eq!(byte, [8]);
    assert_eq!(content(&disk.after_power_cut(0), "a").unwrap()[99], 8);
    assert_eq!(disk.flip_bit(&at("a"), 100, 0).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn wrong_names_are_refused_like_on_a_real_disk() {
    let (disk, _file) = disk_with("a", b"");
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(disk.create(&at("a")).map(drop)), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.create(Path::new("/x/a")).map(drop)), ErrorKind::NotFound);
    assert_eq!(kind(disk.create(&at("a/b")).map(drop)), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.open(dir()).map(drop)), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.remove(&at("b"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.rename(&at("b"), &at("c"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.create_dir_all(&at("a"))), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.create_dir_all(&at("a/b"))), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.sync_dir(Path::new("/x"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.list(Path::new("/x")).map(drop)), ErrorKind::NotFound);
}

#[test]
fn an_image_shares_what_it_does_not_change() {
    let (disk, _file) = disk_with("a", &[7; 64 << 20]);
    // Copied one by one these would be 64 GiB.
    let images: Vec<SimDisk> = (0..1_000).map(|seed| disk.after_power_cut(seed)).collect();
    let file = images[0].open(&at("a")).unwrap();
    file.write_all_at(&[8; 10], 0).unwrap();
    let mut byte = [0];
    images[1].open(&at("a")).unwrap().read_at(&mut byte, 0).unwrap();
    assert_eq!(byte, [7]);
}
