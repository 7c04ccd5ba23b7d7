//! One damage: where, what, and what becomes of it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something in a store that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub file: PathBuf,
    /// Offset in the file, where it is known.
    pub offset: Option<u64>,
    /// What is wrong and what it means.
    pub what: String,
    pub opening: Opening,
}

/// What opening the store does about a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The damaged part is derived: it is made anew, nothing is lost.
    MakesAnew,
    /// What stood there is lost; everything before and behind it stays readable.
    LosesRecord,
    /// The log ends there, as it does after an append that was cut off.
    EndsLog,
    /// The metadata goes back to the commit before.
    GoesBack,
    /// The row is taken as another one that is safe.
    Corrects,
    /// Opening fails, and changes nothing.
    Refuses,
    /// Opening does not notice it.
    Ignores,
}

impl Opening {
    /// One word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::MakesAnew => "rebuilt",
            Self::LosesRecord => "record_lost",
            Self::EndsLog => "log_ends",
            Self::GoesBack => "rolled_back",
            Self::Corrects => "corrected",
            Self::Refuses => "refused",
            Self::Ignores => "ignored",
        }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakesAnew => "opening makes it anew, nothing is lost",
            Self::LosesRecord => "what stood there is lost, everything else stays readable",
            Self::EndsLog => "opening ends the log there",
            Self::GoesBack => {
                "opening goes back to the commit before: some messages may be delivered again, none is lost"
            }
            Self::Corrects => "opening corrects it",
            Self::Refuses => "opening refuses, and changes nothing",
            Self::Ignores => "opening does not notice it",
        })
    }
}

impl Finding {
    pub fn new(file: &Path, offset: Option<u64>, what: impl Into<String>, opening: Opening) -> Self {
        Self { file: file.to_owned(), offset, what: what.into(), opening }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        write!(f, ": {}; {}", self.what, self.opening)
    }
}
