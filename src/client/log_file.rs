//! The log file: where it is, how it rotates, and what happens when it cannot be written.

use crate::sys::sync::leaf::thread;
use flexi_logger::Cleanup;
use flexi_logger::Criterion;
use flexi_logger::DeferredNow;
use flexi_logger::FileSpec;
use flexi_logger::FlexiLoggerError;
use flexi_logger::Naming;
use flexi_logger::writers::ArcFileLogWriter;
use flexi_logger::writers::FileLogWriter;
use flexi_logger::writers::FileLogWriterHandle;
use log::Record;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;

/// Size at which the file is put aside and a new one begun, bytes.
pub const LOG_FILE_BYTES_MAX: u64 = 64 << 20;
/// How many files put aside are kept, unless told otherwise, and the most that may be asked for.
pub const LOG_OLD_FILES_MAX: usize = 10;
pub const LOG_OLD_FILES_LIMIT: usize = 100;

const LOG_FILE_NAME: &str = "ons.log";

/// The file's name and its rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    pub bytes_max: u64,
    pub old_files_max: usize,
}

impl Default for LogFile {
    /// `{home}/logs/ons.log`, 64 MB a file, 10 old files.
    fn default() -> Self {
        // A service without a home still gets a log.
        let home = std::env::home_dir().unwrap_or_else(std::env::temp_dir);
        Self {
            path: home.join("logs").join(LOG_FILE_NAME),
            bytes_max: LOG_FILE_BYTES_MAX,
            old_files_max: LOG_OLD_FILES_MAX,
        }
    }
}

impl LogFile {
    /// `path` is a file, or a directory in which the file is then called `ons.log`; what does not exist is a file if its
    /// name has an extension. Empty: the default. Numbers out of range: the default.
    pub fn new(path: &Path, bytes_max: i64, old_files_max: i32) -> Self {
        let default = Self::default();
        let is_old_files_max = |number: &usize| (1..=LOG_OLD_FILES_LIMIT).contains(number);
        Self {
            path: if path.as_os_str().is_empty() { default.path } else { file_path(path) },
            bytes_max: u64::try_from(bytes_max).ok().filter(|&bytes| bytes > 0).unwrap_or(default.bytes_max),
            old_files_max: usize::try_from(old_files_max)
                .ok()
                .filter(is_old_files_max)
                .unwrap_or(default.old_files_max),
        }
    }
}

fn file_path(path: &Path) -> PathBuf {
    let is_directory_name = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    let is_directory = path.is_dir() || is_directory_name || (!path.exists() && path.extension().is_none());
    if is_directory { path.join(LOG_FILE_NAME) } else { path.to_path_buf() }
}

/// Writes lines to a [`LogFile`]. Trouble is told once, on stderr; the program runs on without its log.
pub struct LogFileWriter {
    file: LogFile,
    /// `None`: not opened yet, or it failed for good.
    open: Option<(ArcFileLogWriter, FileLogWriterHandle)>,
    has_failed: bool,
}

impl LogFileWriter {
    pub fn new(file: LogFile) -> Self {
        Self { file, open: None, has_failed: false }
    }

    /// Appends one line; `message` is the record's text without line ends.
    pub fn write(&mut self, record: &Record<'_>, message: &str) {
        let line = line(record, message);
        // The rotation assumes that its directory can be listed and says so by a panic.
        let written = catch_unwind(AssertUnwindSafe(|| self.append(line.as_bytes())));
        let trouble = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                self.open = None;
                "its directory cannot be used".to_owned()
            }
        };
        if !std::mem::replace(&mut self.has_failed, true) {
            // Where even stderr is closed nobody wants to know.
            let _ = writeln!(
                std::io::stderr(),
                "ons: cannot write the log {}: {trouble}; going on without it (LogPath names another place)",
                self.file.path.display(),
            );
        }
    }

    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.open.is_none() {
            // Opening is tried once: a message must stay cheap where there is no log.
            if self.has_failed {
                return Ok(());
            }
            self.open = Some(open(&self.file)?);
        }
        match &mut self.open {
            Some((writer, _)) => writer.write_all(line),
            None => Ok(()),
        }
    }
}

fn open(file: &LogFile) -> std::io::Result<(ArcFileLogWriter, FileLogWriterHandle)> {
    let spec = FileSpec::try_from(&file.path).map_err(cause)?;
    // The current file bears the plain name, those put aside the time of their beginning.
    let naming = Naming::TimestampsCustomFormat { current_infix: Some(""), format: "%Y-%m-%d_%H-%M-%S" };
    FileLogWriter::builder(spec)
        .rotate(Criterion::Size(file.bytes_max), naming, Cleanup::KeepLogFiles(file.old_files_max))
        .append()
        .cleanup_in_background_thread(false)
        .try_build_with_handle()
        .map_err(cause)
}

/// The operating system's own words where there are some.
fn cause(error: FlexiLoggerError) -> std::io::Error {
    match error {
        FlexiLoggerError::OutputIo(error) => error,
        other => std::io::Error::other(other),
    }
}

/// `2026-01-31 12:00:00.000 INFO  4242 [thread] ons::broker: message`: the process id because all programs of a user
/// share the default file.
fn line(record: &Record<'_>, message: &str) -> String {
    let mut now = DeferredNow::new();
    let thread = thread::current();
    format!(
        "{} {:5} {} [{}] {}: {message}\n",
        now.format("%Y-%m-%d %H:%M:%S%.3f"),
        record.level(),
        std::process::id(),
        thread.name().unwrap_or("-"),
        record.target(),
    )
}

#[cfg(test)]
mod tests;
