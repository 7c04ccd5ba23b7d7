//! The real disk keeps the contract of `Disk`.

use super::*;
use crate::sys::disk::is_disk_full;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn reads_back_what_was_written_and_stops_at_the_end() {
    let dir = scratch();
    let path = dir.path().join("a");
    let file = RealDisk.create(&path).unwrap();
    file.write_all_at(b"hello world", 3).unwrap();
    file.sync_data().unwrap();
    let mut buffer = [9u8; 20];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 14);
    assert_eq!(&buffer[..14], b"\0\0\0hello world");
    assert_eq!(file.read_at(&mut buffer, 14).unwrap(), 0);
    assert_eq!(file.read_at(&mut buffer, 1_000).unwrap(), 0);
    assert_eq!(RealDisk.open(&path).unwrap().len().unwrap(), 14);
    assert_eq!(RealDisk.create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(RealDisk.open(&dir.path().join("b")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_durable_write_is_read_back_and_its_failure_named() {
    let dir = scratch();
    let path = dir.path().join("a");
    RealDisk.create(&path).unwrap();
    for has_durable_writes in [false, true] {
        let file = OpenOptions::new().read(true).write(true).truncate(true).open(&path).unwrap();
        let file = RealFile { file, has_durable_writes };
        file.write_all_durably_at(b"", 9).unwrap();
        file.write_all_durably_at(&[7; 70_000], 5).unwrap();
        file.write_all_durably_at(b"hello", 0).unwrap();
        let mut buffer = vec![0; 70_005];
        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), buffer.len());
        assert_eq!((&buffer[..5], buffer[5..].iter().all(|&byte| byte == 7)), (&b"hello"[..], true));
        file.write_all_durably_at(b"x", u64::MAX - 9).unwrap_err();
        let read_only = RealFile { file: File::open(&path).unwrap(), has_durable_writes };
        read_only.write_all_durably_at(b"x", 0).unwrap_err();
    }
}

/// A file system that takes the flag and ignores it would lose what was acknowledged.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn only_file_systems_known_for_it_write_durably_in_one_step() {
    let (ext4, xfs, btrfs, f2fs, tmpfs) = (0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994);
    assert!([ext4, xfs, btrfs, f2fs, tmpfs].into_iter().all(os::heeds_dsync));
    let (nine_p, fuse, nfs, cifs, overlay) = (0x0102_1997, 0x6573_5546, 0x6969, 0xFF53_4D42, 0x794C_7630);
    assert!(![nine_p, fuse, nfs, cifs, overlay].into_iter().any(os::heeds_dsync));
    // Of the kernel itself: it has no disk.
    assert!(!os::has_durable_writes(&File::open("/proc/self/stat").unwrap()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_durable_write_to_a_full_disk_fails_in_writing() {
    let full = RealDisk.open(Path::new("/dev/full")).unwrap();
    let failure = full.write_all_durably_at(b"x", 0).unwrap_err();
    assert!(matches!(&failure, NotDurable::Write(error) if is_disk_full(error)), "{failure:?}");
}

#[test]
fn set_len_and_allocate_set_the_length_up_and_down() {
    let dir = scratch();
    let file = RealDisk.create(&dir.path().join("a")).unwrap();
    for len in [100_000, 5_000, 0, 8_192] {
        file.allocate(len).unwrap();
        assert_eq!(file.len().unwrap(), len);
        file.set_len(len / 2).unwrap();
        assert_eq!(file.len().unwrap(), len / 2);
    }
    assert!(file.allocate(u64::MAX).is_err());
}

#[test]
fn lists_files_in_name_order_without_directories() {
    let dir = scratch();
    for name in ["b", "a", "c"] {
        RealDisk.create(&dir.path().join(name)).unwrap().set_len(name.as_bytes()[0].into()).unwrap();
    }
    RealDisk.create_dir_all(&dir.path().join("d")).unwrap();
    RealDisk.remove(&dir.path().join("c")).unwrap();
    RealDisk.rename(&dir.path().join("b"), &dir.path().join("e")).unwrap();
    RealDisk.sync_dir(dir.path()).unwrap();
    let listed: Vec<_> = RealDisk.list(dir.path()).unwrap().into_iter().map(|e| (e.path, e.len)).collect();
    assert_eq!(listed, [(dir.path().join("a"), 97), (dir.path().join("e"), 98)]);
    assert_eq!(RealDisk.list(&dir.path().join("x")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn directories_are_made_with_their_parents_and_may_exist() {
    let dir = scratch();
    let deep = dir.path().join("x/y/z");
    RealDisk.create_dir_all(&deep).unwrap();
    RealDisk.create_dir_all(&deep).unwrap();
    assert!(deep.is_dir());
    RealDisk.create(&dir.path().join("file")).unwrap();
    assert!(RealDisk.create_dir_all(&dir.path().join("file/below")).is_err());
}

#[test]
fn a_lock_is_exclusive_and_names_its_holder() {
    let dir = scratch();
    let path = dir.path().join("lock");
    // What a holder that died left behind, longer than what the new one writes.
    fs::write(&path, "4294967295 and more than any pid").unwrap();
    let lock = RealDisk.lock(&path).unwrap();
    let own_pid = std::process::id();
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), own_pid.to_string());
    let refused = RealDisk.lock(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    assert_eq!(refused.to_string(), format!("held by process {own_pid}"));
    drop(lock);
    RealDisk.lock(&path).unwrap();
}

#[test]
fn who_released_a_lock_is_not_taken_for_its_next_holder() {
    let dir = scratch();
    let path = dir.path().join("lock");
    drop(RealDisk.lock(&path).unwrap());
    let reading = RealDisk.lock_to_read(&path).unwrap();
    assert!(reading.is_some());
    assert_eq!(RealDisk.lock(&path).unwrap_err().to_string(), "held by another process");
    drop(reading);
    RealDisk.lock(&path).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn who_was_killed_holding_a_lock_is_not_taken_for_its_next_holder() {
    let dir = scratch();
    let path = dir.path().join("lock");
    // No process has such a pid.
    fs::write(&path, "4000000000\n").unwrap();
    let _reading = RealDisk.lock_to_read(&path).unwrap();
    assert_eq!(RealDisk.lock(&path).unwrap_err().to_string(), "held by another process");
}

/// A program that was killed leaves its children behind: they must not keep its directory.
#[cfg(unix)]
#[test]
#[allow(unsafe_code)]
fn a_forked_child_does_not_keep_a_lock() {
    let dir = scratch();
    let path = dir.path().join("lock");
    let file = os::open_locked(&path).unwrap().unwrap();
    // SAFETY: the child calls only what may be called between fork and exec.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        loop {
            // SAFETY: as above.
            unsafe { libc::pause() };
        }
    }
    // As at the end of a process: closed, and not unlocked before.
    crate::sys::fork::leave_open_in_child(std::os::fd::AsRawFd::as_raw_fd(&file));
    drop(file);
    // The child may not have begun yet.
    let begun = std::time::Instant::now();
    let mut taken = RealDisk.lock(&path);
    while taken.is_err() && begun.elapsed() < std::time::Duration::from_secs(10) {
        std::thread::yield_now();
        taken = RealDisk.lock(&path);
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call; the child is our own and was not waited for yet.
    let waited = unsafe { (libc::kill(child, libc::SIGKILL), libc::waitpid(child, &mut status, 0)) };
    assert_eq!(waited, (0, child));
    taken.unwrap();
}

#[test]
fn space_is_plausible() {
    let dir = scratch();
    let space = RealDisk.space(dir.path()).unwrap();
    assert!(space.total_bytes > 0 && space.available_bytes <= space.total_bytes, "{space:?}");
    assert!(RealDisk.space(&dir.path().join("missing")).is_err());
}

/// Counting what is reserved for others as used would delete messages early.
#[cfg(target_os = "linux")]
#[test]
fn the_share_of_the_disk_in_use_is_that_of_df() {
    let dir = scratch();
    let output = std::process::Command::new("df")
        .args(["--block-size=1", "--output=used,avail"])
        .arg(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let figures = text.lines().nth(1).unwrap().split_whitespace();
    let sum: u64 = figures.map(|figure| figure.parse::<u64>().unwrap()).sum();
    let total = RealDisk.space(dir.path()).unwrap().total_bytes;
    // Others write meanwhile.
    assert!(total.abs_diff(sum) <= sum / 100, "{total} bytes, {sum} according to df");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_recognised() {
    let full = RealDisk.open(Path::new("/dev/full")).unwrap();
    let error = full.write_all_at(b"x", 0).unwrap_err();
    assert!(is_disk_full(&error), "{error:?}");
    assert!(error.raw_os_error().is_some());
    assert!(!is_disk_full(&ErrorKind::NotFound.into()));
}
