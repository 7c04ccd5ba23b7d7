//! A second process for a test: the test program itself, told by its environment to play a part.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

const PART: &str = "ONS_TEST_PART";
const DIR: &str = "ONS_TEST_DIR";

/// The command that runs the ignored test function `part` of this program as another process on `dir`. Its output is the
/// test's own, among lines of the test runner.
pub fn command(part: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", part, "--ignored", "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The directory, if this process was started by [`command`] to play `part`; else the test has nothing to do.
pub fn dir_of(part: &str) -> Option<std::path::PathBuf> {
    (std::env::var(PART).ok()? == part).then(|| std::env::var_os(DIR).unwrap().into())
}
