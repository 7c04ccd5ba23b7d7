//! The calls that differ between systems, one module of the same shape for each.

#[cfg(unix)]
pub(super) use unix::*;
#[cfg(windows)]
pub(super) use windows::*;

/// No such call here: see the ones of 64-bit Linux.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) fn has_durable_writes(_: &std::fs::File) -> bool {
    false
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) fn write_all_durably_at(_: &std::fs::File, _: &[u8], _: u64) -> Option<std::io::Result<()>> {
    None
}

#[cfg(unix)]
mod unix {
    use crate::sys::disk::DiskSpace;
    use crate::sys::fork;
    use std::ffi::CString;
    use std::fs::{File, OpenOptions, TryLockError};
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    pub(in crate::sys::real_disk) fn read_at(
        file: &File,
        buffer: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }

    pub(in crate::sys::real_disk) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Whether the file system of `file` is one that does what RWF_DSYNC says.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[allow(unsafe_code)]
    pub(in crate::sys::real_disk) fn has_durable_writes(file: &File) -> bool {
        let mut answer = MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the descriptor is open for as long as `file` is borrowed; `answer` is large enough for the answer.
        if unsafe { libc::fstatfs(file.as_raw_fd(), answer.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call succeeded, so it filled the whole structure.
        heeds_dsync(unsafe { answer.assume_init() }.f_type as u32)
    }

    /// By the kernel's number of a file system: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. There are others that accept the
    /// flag, ignore it and report success (9p and FUSE in some versions and settings), although they pass on a sync.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    pub(in crate::sys::real_disk) fn heeds_dsync(file_system: u32) -> bool {
        matches!(file_system, 0xEF53 | 0x5846_5342 | 0x9123_683E | 0xF2F5_2010 | 0x0102_1994)
    }

    /// `pwritev2` with RWF_DSYNC: durable when it returns, a system call less and some 15 % faster than `pwrite` and
    /// `fdatasync`. None: not on this kernel or file system. By its number, because C libraries older than the
    /// kernels that have it do not know it.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[allow(unsafe_code)]
    pub(in crate::sys::real_disk) fn write_all_durably_at(
        file: &File,
        bytes: &[u8],
        offset: u64,
    ) -> Option<io::Result<()>> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let Ok(position) = libc::c_long::try_from(offset + written as u64) else {
                return Some(Err(io::ErrorKind::FileTooLarge.into()));
            };
            let part = libc::iovec { iov_base: rest.as_ptr().cast_mut().cast(), iov_len: rest.len() };
            // Every argument as wide as a register: what a narrower one leaves of it is not defined.
            let (fd, upper_half) = (libc::c_long::from(file.as_raw_fd()), 0 as libc::c_long);
            let (part, parts) = (&raw const part, 1 as libc::c_long);
            let flags = libc::c_long::from(libc::RWF_DSYNC);
            // SAFETY: the descriptor is open for as long as `file` is borrowed; the one part is `rest`, which is only
            // read. The upper half of the position is not used where a long has 64 bits.
            let count =
                unsafe { libc::syscall(libc::SYS_pwritev2, fd, part, parts, position, upper_half, flags) };
            match usize::try_from(count) {
                Ok(0) => return Some(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    match error.raw_os_error() {
                        Some(libc::EINTR) => {}
                        Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL) => return None,
                        _ => return Some(Err(error)),
                    }
                }
            }
        }
        Some(Ok(()))
    }

    pub(in crate::sys::real_disk) fn sync_dir(dir: &Path) -> io::Result<()> {
        match File::open(dir)?.sync_all() {
            // Some network file systems cannot sync a directory at all and say so; they keep names on their own.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
            other => other,
        }
    }

    /// The file with its lock, or `None` when another handle holds it, be it of this process or of another.
    pub(in crate::sys::real_disk) fn open_locked(path: &Path) -> io::Result<Option<File>> {
        // The content is a dead holder's pid at most, and must stay readable while a living one holds the lock.
        lock(OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?)
    }

    /// Likewise for a file that must exist and is not changed.
    pub(in crate::sys::real_disk) fn open_locked_to_read(path: &Path) -> io::Result<Option<File>> {
        lock(File::open(path)?)
    }

    fn lock(file: File) -> io::Result<Option<File>> {
        match file.try_lock() {
            Ok(()) => {
                fork::close_in_child(file.as_raw_fd());
                Ok(Some(file))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Ends the lock even if a forked child still has the file open; a child must not end its parent's.
    pub(in crate::sys::real_disk) fn release(file: File) {
        if fork::is_child() {
            // Closed when the child began: the number may be another file's by now.
            let _ = file.into_raw_fd();
            return;
        }
        // The next holder may be one that writes no pid. Of a lock that was taken to read this fails.
        let _ = file.set_len(0);
        // Closing the file is next and releases the lock too.
        let _ = file.unlock();
        fork::leave_open_in_child(file.as_raw_fd());
    }

    #[cfg(target_os = "linux")]
    #[allow(unsafe_code)]
    pub(in crate::sys::real_disk) fn allocate(file: &File, len: u64) -> io::Result<()> {
        let length = libc::off_t::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        loop {
            // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is passed.
            if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                // No reservation on this file system: later writes may still find it full, and say so.
                Some(libc::EOPNOTSUPP | libc::ENOSYS) => return file.set_len(len),
                _ => return Err(error),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(in crate::sys::real_disk) fn allocate(file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    #[allow(unsafe_code)]
    pub(in crate::sys::real_disk) fn space(dir: &Path) -> io::Result<DiskSpace> {
        let path = CString::new(dir.as_os_str().as_bytes())?;
        let mut answer = MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: `path` ends in a NUL and `answer` is large enough for what the call writes.
        if unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it filled the whole structure.
        let answer = unsafe { answer.assume_init() };
        // The fields have other widths on other systems.
        #[allow(clippy::unnecessary_cast)]
        let (unit, available) = (answer.f_frsize as u64, answer.f_bavail as u64);
        #[allow(clippy::unnecessary_cast)]
        let used = (answer.f_blocks as u64).saturating_sub(answer.f_bfree as u64);
        Ok(DiskSpace {
            total_bytes: used.saturating_add(available).saturating_mul(unit),
            available_bytes: available.saturating_mul(unit),
        })
    }
}

#[cfg(windows)]
mod windows {
    use crate::sys::disk::DiskSpace;
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::os::windows::ffi::OsStrExt;
    use std::os::windows::fs::{FileExt, OpenOptionsExt};
    use std::path::Path;
    use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_READ, GetDiskFreeSpaceExW};

    const ERROR_SHARING_VIOLATION: i32 = 32;
    const ERROR_HANDLE_EOF: i32 = 38;

    pub(in crate::sys::real_disk) fn read_at(
        file: &File,
        buffer: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
        match file.seek_read(buffer, offset) {
            Err(error) if error.raw_os_error() == Some(ERROR_HANDLE_EOF) => Ok(0),
            other => other,
        }
    }

    pub(in crate::sys::real_disk) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match file.seek_write(rest, offset + written as u64) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// NTFS keeps names in a journal of its own; a directory has no handle that could be flushed without privileges.
    pub(in crate::sys::real_disk) fn sync_dir(_dir: &Path) -> io::Result<()> {
        Ok(())
    }

    /// The file, refused to other writers for as long as it is open, or `None` when somebody else has it so. Not a
    /// byte-range lock: under one, nobody else could read the holder's pid.
    pub(in crate::sys::real_disk) fn open_locked(path: &Path) -> io::Result<Option<File>> {
        open_alone(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
    }

    /// Likewise for a file that must exist and is not changed.
    pub(in crate::sys::real_disk) fn open_locked_to_read(path: &Path) -> io::Result<Option<File>> {
        open_alone(OpenOptions::new().read(true), path)
    }

    fn open_alone(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
        match options.share_mode(FILE_SHARE_READ).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Closing the file is the release; without the pid, as on the other systems.
    pub(in crate::sys::real_disk) fn release(file: File) {
        let _ = file.set_len(0);
        drop(file);
    }

    pub(in crate::sys::real_disk) fn allocate(file: &File, len: u64) -> io::Result<()> {
        // Clusters of a file that is not sparse are reserved by its length.
        file.set_len(len)
    }

    #[allow(unsafe_code)]
    pub(in crate::sys::real_disk) fn space(dir: &Path) -> io::Result<DiskSpace> {
        let path: Vec<u16> = dir.as_os_str().encode_wide().chain([0]).collect();
        let (mut available_bytes, mut total_bytes) = (0u64, 0u64);
        // SAFETY: `path` ends in a NUL; the two numbers outlive the call; the last pointer may be null.
        let is_done = unsafe {
            GetDiskFreeSpaceExW(path.as_ptr(), &mut available_bytes, &mut total_bytes, std::ptr::null_mut())
        };
        if is_done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(DiskSpace { total_bytes, available_bytes })
    }
}
