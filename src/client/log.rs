//! The client log: what the library has to say, in a rotating file or through the program's own callback.
//!
//! Every room writes to the `log` facade. A Rust program installs whatever logger it likes and this file stays
//! unused; behind the C ABI, where the host cannot reach the facade, [`install`] makes this the logger.
//!
//! *Invariants:* nothing is created before the first message; no thread of its own; a message never holds a secret or
//! a body; whatever goes wrong in here ends here.

use crate::client::factory_property::keys;
use crate::client::log_file::LogFile;
use crate::client::log_file::LogFileWriter;
use crate::sys::fork;
use crate::sys::sync::leaf::Mutex;
use crate::sys::sync::leaf::MutexGuard;
use crate::sys::sync::leaf::Once;
use crate::sys::sync::leaf::atomic::AtomicBool;
use crate::sys::sync::leaf::atomic::AtomicI32;
use crate::sys::sync::leaf::atomic::Ordering;
use crate::sys::sync::leaf::thread_local;
use log::LevelFilter;
use log::Log;
use log::Metadata;
use log::Record;
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

/// How much is told. The numbers are the ABI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum LogLevel {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

impl LogLevel {
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug].into_iter().find(|level| *level as i32 == number)
    }

    /// The level of a `LogLevel` property; whatever is not a level means INFO.
    fn from_name(name: &str) -> Self {
        match name.trim().to_ascii_uppercase().as_str() {
            "ERROR" => Self::Error,
            "WARN" => Self::Warn,
            "DEBUG" => Self::Debug,
            _ => Self::Info,
        }
    }

    fn of(level: log::Level) -> Self {
        match level {
            log::Level::Error => Self::Error,
            log::Level::Warn => Self::Warn,
            log::Level::Info => Self::Info,
            log::Level::Debug | log::Level::Trace => Self::Debug,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
        }
    }
}

/// Receives each message of the library, on whatever thread it arose.
pub type LogCallback = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

static CLIENT_LOG: ClientLog = ClientLog::new();
/// Whether this log is the process's logger, so that the facade's global level is its to set.
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Makes this log the process's logger, once; a logger the host installed stays.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if log::set_logger(&CLIENT_LOG).is_ok() {
            IS_INSTALLED.store(true, Ordering::Relaxed);
            log::set_max_level(CLIENT_LOG.level().filter());
        }
    });
}

/// Takes over `LogPath`, `LogLevel`, `LogFileMaxIndex` and `LogFileSize`; `value` answers `None` for what the program
/// left alone. The log is one for the process: the client that was made last wins.
pub fn configure(value: impl Fn(&str) -> Option<String>) {
    if let Some(name) = value(keys::LOG_LEVEL) {
        set_level(LogLevel::from_name(&name));
    }
    let (path, size, index) =
        (value(keys::LOG_PATH), value(keys::LOG_FILE_SIZE), value(keys::LOG_FILE_MAX_INDEX));
    if path.is_none() && size.is_none() && index.is_none() {
        return;
    }
    // 0 is out of range for both, which means the default.
    let size_mib: i64 = size.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let bytes_max = size_mib.saturating_mul(1 << 20);
    let old_files_max = index.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    set_file(LogFile::new(Path::new(path.as_deref().unwrap_or("").trim()), bytes_max, old_files_max));
}

/// What is less important than `level` is not told.
pub fn set_level(level: LogLevel) {
    CLIENT_LOG.level.store(level as i32, Ordering::Relaxed);
    if IS_INSTALLED.load(Ordering::Relaxed) {
        log::set_max_level(level.filter());
    }
}

/// Sends the messages to `callback` from now on; `None`: to the file again. A call of the old callback that is running
/// on another thread ends first before that callback is dropped.
pub fn set_callback(callback: Option<LogCallback>) {
    let old = std::mem::replace(&mut CLIENT_LOG.lock().callback, callback);
    // Outside the lock: dropping it may run the host's code.
    drop(old);
}

/// Writes to another file from the next message on.
pub fn set_file(file: LogFile) {
    CLIENT_LOG.lock().set_file(file);
}

struct ClientLog {
    level: AtomicI32,
    outlet: Mutex<Outlet>,
}

struct Outlet {
    callback: Option<LogCallback>,
    /// `None`: the default file.
    file: Option<LogFile>,
    /// Made by the first message.
    writer: Option<LogFileWriter>,
}

thread_local! {
    /// A callback (or a host's `Display`) that logs in turn is not heard, instead of running for ever.
    static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}

impl ClientLog {
    const fn new() -> Self {
        let outlet = Outlet { callback: None, file: None, writer: None };
        Self { level: AtomicI32::new(LogLevel::Info as i32), outlet: Mutex::new(outlet) }
    }

    fn level(&self) -> LogLevel {
        LogLevel::from_number(self.level.load(Ordering::Relaxed)).unwrap_or(LogLevel::Info)
    }

    fn lock(&self) -> MutexGuard<'_, Outlet> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, record: &Record<'_>) {
        let callback = self.lock().callback.clone();
        match callback {
            Some(callback) => callback(LogLevel::of(record.level()), &record.args().to_string()),
            None => {
                // Formatted before the lock: an argument's `Display` is foreign code.
                let message = one_line(&record.args().to_string());
                self.lock().write(record, &message);
            }
        }
    }
}

impl Log for ClientLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level().filter()
    }

    fn log(&self, record: &Record<'_>) {
        // A forked child may have inherited the lock from a thread that did not come along.
        if !self.enabled(record.metadata()) || fork::is_child() {
            return;
        }
        // On a thread whose local storage is gone already there is nobody to tell.
        let Ok(false) = IS_LOGGING.try_with(|is_logging| is_logging.replace(true)) else { return };
        let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.write(record)));
        // A message must never end the thread that had something to say; the panic was reported where it arose.
        drop(written);
        let _ = IS_LOGGING.try_with(|is_logging| is_logging.set(false));
    }

    fn flush(&self) {}
}

impl Outlet {
    fn set_file(&mut self, file: LogFile) {
        if self.file.as_ref() != Some(&file) {
            self.file = Some(file);
            self.writer = None;
        }
    }

    fn write(&mut self, record: &Record<'_>, message: &str) {
        let file = &self.file;
        let writer = self.writer.get_or_insert_with(|| LogFileWriter::new(file.clone().unwrap_or_default()));
        writer.write(record, message);
    }
}

/// One message is one line, whatever a user's value in it contains.
fn one_line(message: &str) -> String {
    if !message.contains(char::is_control) {
        return message.to_owned();
    }
    let mut line = String::with_capacity(message.len() + 8);
    for character in message.chars() {
        match character {
            control if control.is_control() => line.extend(control.escape_default()),
            plain => line.push(plain),
        }
    }
    line
}

#[cfg(test)]
mod tests;
