//! Guards against bytes that once hurt a decoder, the recovery or the C interface: replays every input that fuzzing kept
//! (`fuzz/corpus`), crashes found among them, on any compiler. `tests/fuzz.sh` looks for new ones.

// The summary of each replay, and the input at hand, for the one that fails.
#![allow(clippy::print_stdout)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// All corpora together, in bytes: they are replayed with every test run.
const CORPORA_BYTES_MAX: u64 = 200 << 10;

fn corpus(target: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() > 10, "{} lost its inputs", dir.display());
    inputs
}

thread_local! {
    /// On a test's own thread a panic is the test's failure, and that of no other.
    static IS_TEST: Cell<bool> = const { Cell::new(false) };
}

/// Runs a target on all its inputs, and on none at all. A panic on another thread counts, too.
fn replay(target: &str, run: fn(&[u8])) {
    static PANICS: AtomicU32 = AtomicU32::new(0);
    IS_TEST.set(true);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !targets::panics::is_expected(panic) {
            PANICS.fetch_add(u32::from(!IS_TEST.get()), Ordering::Relaxed);
            before(panic);
        }
    }));
    run(b"");
    let inputs = corpus(target);
    for input in &inputs {
        println!("{}", input.display());
        run(&std::fs::read(input).unwrap());
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a panic under {}", input.display());
    }
    println!("prove: fuzz corpus {target}: {} inputs replayed, 0 failed", inputs.len());
}

macro_rules! replays {
    ($($target:ident),*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), targets::$target::run);
        }
    )*};
}
replays!(frame, header_binary, header_json, properties, record, recovery, tag_expression);

#[test]
fn c_abi() {
    replay("c_abi", targets::c_abi::run);
    targets::c_abi::let_go();
}

#[test]
fn the_corpora_stay_small() {
    let targets = [
        "c_abi",
        "frame",
        "header_binary",
        "header_json",
        "properties",
        "record",
        "recovery",
        "tag_expression",
    ];
    let inputs = targets.into_iter().flat_map(corpus);
    let bytes: u64 = inputs.map(|input| std::fs::metadata(input).unwrap().len()).sum();
    assert!(bytes <= CORPORA_BYTES_MAX, "{bytes} bytes of inputs: minimise them with `cargo fuzz cmin`");
}
