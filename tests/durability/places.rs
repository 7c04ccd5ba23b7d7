//! The places of the library that sync: found in its sources, and met by the workload.
//!
//! A place is a line that calls one of [`CALLS`]. Which one an operation of the disk comes from is told by the stack it
//! is called on, so that no list is kept by hand: a line that is new is a place that no sync was seen to come from.

use std::backtrace::Backtrace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What makes something durable, and what does so on behalf of its caller.
const CALLS: [&str; 7] = [
    ".sync_data()",
    ".write_all_durably_at(",
    ".sync_dir(",
    ".sync()",
    ".write_durably(",
    "sync_parent(",
    "write_whole(",
];
/// The rooms that decide when something is synced; below them are the disks themselves.
const ROOM: &str = "src/store";

/// Said of a line that is there for a failure which no life of the workload has: the test that leaves it out under that
/// failure, and sees the loss.
const SHOWN_BY: &str = "// Shown by ";

/// "store/segment.rs:88".
pub type Place = String;

/// Every line of the sources that syncs.
pub fn in_sources() -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in rust_files(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        if name.starts_with("src/sys/") || name.contains("/tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (number, line) in shipped.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_definition = code.contains("fn ");
            if !is_definition && CALLS.iter().any(|call| code.contains(call)) {
                places.insert(format!("{name}:{}", number + 1));
            }
        }
    }
    places
}

/// The test that leaves this place's sync out, if it is not the cuts of the workload that do.
pub fn shown_by(place: &Place) -> Option<String> {
    let (file, number) = place.split_once(':')?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(file)).unwrap();
    let line = text.lines().nth(number.parse::<usize>().ok()? - 1)?;
    let test = line.split_once(SHOWN_BY)?.1.trim_end_matches('.').to_owned();
    let tests = rust_files(&root.join("src")).into_iter().map(|path| fs::read_to_string(path).unwrap());
    let is_there = tests.into_iter().any(|text| text.contains(&format!("#[test]\nfn {test}()")));
    assert!(is_there, "{place}: there is no test {test}");
    Some(test)
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The places on the stack of this call, the one that syncs itself first.
pub fn on_this_stack(known: &BTreeSet<Place>) -> Vec<Place> {
    let stack = Backtrace::force_capture().to_string().replace('\\', "/");
    let lines = stack.lines().filter_map(|line| line.trim().strip_prefix("at "));
    let mut places = Vec::new();
    for line in lines.filter(|line| line.contains(ROOM)) {
        let Some(at) = line.find(ROOM) else { continue };
        let mut parts = line[at..].split(':');
        let (Some(file), Some(number)) = (parts.next(), parts.next()) else { continue };
        let place = format!("{file}:{number}");
        if known.contains(&place) && !places.contains(&place) {
            places.push(place);
        }
    }
    places
}
