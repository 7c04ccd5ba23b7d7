//! Why a request failed, in the one shape that crosses every room up to the ABI.

use std::fmt;

/// What kind of failure it is: what a program may branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// A value the caller gave is not acceptable; the message names it and the limit.
    InvalidArgument,
    /// The call does not fit the client's state: not started, already shut down, called from inside a listener.
    InvalidState,
    /// No answer within the time the caller allowed.
    Timeout,
    /// Reading or writing the store failed; the message names the file and the cause.
    Storage,
    /// No room on the disk for new messages; reads go on.
    DiskFull,
    /// The data directory belongs to another process; the message names its pid.
    DirectoryInUse,
    /// The feature is not part of this version; the message names it.
    NotSupported,
    TopicNotExist,
    /// Stored bytes are damaged; the message names file and offset.
    Corrupt,
    /// The process was forked after the library was started; only the parent may use it.
    Forked,
    /// The broker answered with another error.
    Broker,
}

/// Whether a message whose send failed is in the store nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stored {
    /// Certainly not: sending it again cannot double it.
    #[default]
    No,
    Yes,
    /// It may be or not: sending it again may double it.
    Unknown,
}

/// An error of a request, told to a person (`message`) and to a program (the rest).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What happened, to which topic, file or address, and what to do.
    pub message: String,
    pub stored: Stored,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), stored: Stored::No }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidArgument, message)
    }

    pub fn state(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidState, message)
    }

    pub fn not_supported(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotSupported, message)
    }

    #[must_use]
    pub fn with_stored(mut self, stored: Stored) -> Self {
        self.stored = stored;
        self
    }

    /// Whether the same call may succeed later without a change of its arguments.
    pub fn is_retriable(&self) -> bool {
        matches!(self.kind, FailureKind::Timeout | FailureKind::DiskFull | FailureKind::Broker)
    }

    /// Whether this client can do no more: only a new one, after the cause is gone, can.
    pub fn is_fatal(&self) -> bool {
        matches!(self.kind, FailureKind::Storage | FailureKind::Corrupt | FailureKind::Forked)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Receives the outcome of a request, exactly once, on whatever thread it came to be known.
pub type Completion<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

/// What an asynchronous request says when it returns.
#[derive(Debug)]
pub enum Submitted<T> {
    /// It is finished; the completion was dropped and will not run.
    Done(Result<T, Failure>),
    /// The completion will run exactly once.
    Pending,
}
