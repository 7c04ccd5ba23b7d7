//! What the long proofs share: how much of them to run, chance whose seed is told, and the stacks of what hangs.
// Each test uses its part of this.
#![allow(dead_code)]

use std::fmt::Write;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Frames of each thread that are shown.
const FRAMES: &str = "24";

/// Whether the whole is asked for, not the part that belongs to every test run.
pub fn is_full() -> bool {
    std::env::var_os("PROVE").is_some_and(|value| value == "full")
}

pub fn size<T>(bounded: T, full: T) -> T {
    if is_full() { full } else { bounded }
}

/// Where every thread of a process stands: by gdb, else what the kernel tells of it.
pub fn stacks_of(pid: u32) -> String {
    let pid = pid.to_string();
    let backtrace = format!("thread apply all backtrace {FRAMES}");
    // A file, not a pipe: while gdb holds this very process nobody reads.
    let mut text = tempfile::tempfile().unwrap();
    let status = Command::new("gdb")
        .args(["-p", &pid, "-batch", "-nx", "-ex", &backtrace])
        .stdin(Stdio::null())
        .stdout(text.try_clone().unwrap())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return format!("(no gdb here)\n{}", kernel_view(&Path::new("/proc").join(pid).join("task")));
    }
    let mut bytes = Vec::new();
    text.seek(SeekFrom::Start(0)).and_then(|_| text.read_to_end(&mut bytes)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Name, state and place of waiting of each thread.
fn kernel_view(tasks: &Path) -> String {
    let mut text = String::new();
    for task in tasks.read_dir().into_iter().flatten().flatten() {
        let of = |file: &str| {
            std::fs::read_to_string(task.path().join(file)).unwrap_or_default().trim().replace('\n', " ")
        };
        let id = task.file_name();
        let _ = writeln!(text, "{} '{}': {}, {}", id.display(), of("comm"), of("wchan"), of("syscall"));
    }
    text
}

/// A generator whose seed is told at failure; `ONS_TEST_SEED` repeats a run as far as the machine's own timing lets it.
pub struct Random {
    pub seed: u64,
    state: u64,
}

impl Random {
    pub fn new() -> Self {
        let given = std::env::var("ONS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        Self::from_seed(given.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            since.as_nanos() as u64
        }))
    }

    pub fn from_seed(seed: u64) -> Self {
        // Spread, so that neighbours differ from the first number on; never zero.
        Self { seed, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// xorshift64*
    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `end` - 1.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
