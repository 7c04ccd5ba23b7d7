//! The map in README.md, as a test: who may use whom, where unsafe may live, what each file says it is, and that no
//! panic and no unchecked pointer can leave through the ABI. Guards against the arrows turning round one use at a time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// `(room, rooms it may use)`, bottom first. A room may always use itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("protocol", &[]),
    ("store", &["sys", "protocol"]),
    ("broker", &["sys", "protocol", "store"]),
    ("client", &["sys", "protocol"]),
    ("embedded", &["sys", "protocol", "store", "broker", "client"]),
    ("ffi", &["sys", "protocol", "client", "embedded"]),
    ("cli", &["sys", "protocol", "store", "broker", "client", "embedded"]),
];
const UNSAFE_ROOMS: &[&str] = &["sys", "ffi"];
const FILE_LINES_MAX: usize = 600;

#[test]
fn rooms_on_disk_are_the_rooms_on_the_map() {
    let on_disk: BTreeSet<String> = fs::read_dir(src())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let on_map: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(on_disk, on_map);
}

#[test]
fn rooms_depend_downwards_only() {
    check(|room, allowed, line| {
        if line.contains("crate::{") {
            return Some("write one `use crate::room` per line".into());
        }
        if line.contains("super::super") {
            return Some("name the room: `crate::room`, not `super::super`".into());
        }
        rooms_used(line)
            .find(|used| *used != room && !allowed.contains(used))
            .map(|used| format!("{room} must not use {used}"))
    });
}

/// The rooms a line of code names after `crate::`.
fn rooms_used(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|name| ROOMS.iter().any(|(room, _)| room == name))
}

#[test]
fn unsafe_lives_in_two_rooms() {
    check(|room, _, line| {
        let is_unsafe = line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        (is_unsafe && !UNSAFE_ROOMS.contains(&room)).then(|| format!("unsafe belongs in {UNSAFE_ROOMS:?}"))
    });
}

#[test]
fn locks_and_threads_come_through_one_door() {
    let mut errors = Vec::new();
    for (room, allowed) in ROOMS.iter().filter(|(room, _)| *room != "sys") {
        for path in rust_files(&src().join(room)).iter().filter(|path| !path.iter().any(is_tests)) {
            let text = fs::read_to_string(path).unwrap();
            // Tests follow what is shipped.
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            let code: String = shipped.lines().map(|line| line.split("//").next().unwrap()).collect();
            // `protocol` may use no room; it has no lock, all it shares is a number that it counts up.
            let others = code.replace(if allowed.is_empty() { "std::sync::atomic" } else { "" }, "");
            for named in others.split("std::sync::").skip(1).map(|rest| rest.split(';').next().unwrap()) {
                let names = named.trim_matches(['{', '}']).split(',').map(str::trim);
                for name in names.filter(|name| !["Arc", "Weak", "PoisonError"].contains(name)) {
                    errors.push(format!("{}: take {name} from crate::sys::sync", path.display()));
                }
            }
            let is_local = code.contains("thread_local!") && code.matches("thread_local").count() < 2;
            if is_local || code.contains("std::thread") || code.contains("time::Instant") {
                errors.push(format!("{}: take threads and Instant from crate::sys::sync", path.display()));
            }
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

fn is_tests(part: &std::ffi::OsStr) -> bool {
    ["tests", "tests.rs", "models", "models.rs"].iter().any(|name| part == *name)
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut errors = Vec::new();
    for path in rust_files(&src()) {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            errors.push(format!("{}: first line must be `//! what this file is`", path.display()));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            errors.push(format!("{}: {lines} lines, the limit is {FILE_LINES_MAX}", path.display()));
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn every_export_is_guarded() {
    let mut errors = Vec::new();
    let mut exports = 0;
    for path in rust_files(&src().join("ffi")) {
        let text = fs::read_to_string(&path).unwrap();
        for export in text.split("pub unsafe extern \"C\" fn ").skip(1) {
            exports += 1;
            let name = export.split('(').next().unwrap();
            let body = export.split_once("{\n").map_or("", |(_, body)| body);
            let body = body.split("\n}\n").next().unwrap();
            let guard = if name.ends_with("_free") { "guard_free" } else { "guard" };
            // One call, from the first token of the body to its last.
            let is_one_guard = body.trim_start().starts_with(guard)
                && body.lines().skip(1).all(|line| line.starts_with("        ") || line.starts_with("    }"));
            if !is_one_guard {
                errors.push(format!("{}: the body of {name} must be one {guard}(..)", path.display()));
            }
        }
        // `extern "C" fn` of any other form would slip by the loop above.
        for (number, line) in text.lines().enumerate() {
            if line.contains("no_mangle") && line != "#[unsafe(no_mangle)]" {
                errors.push(format!("{}:{}: write #[unsafe(no_mangle)]", path.display(), number + 1));
            }
        }
        let marks = text.matches("#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn ").count();
        if marks != text.matches("#[unsafe(no_mangle)]").count() {
            errors.push(format!("{}: an export is `pub unsafe extern \"C\" fn`", path.display()));
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
    assert!(exports > 50, "only {exports} exports found: this test no longer reads them");
}

#[test]
fn only_the_abi_exports_symbols() {
    check(|room, _, line| {
        ((line.contains("no_mangle") || line.contains("export_name")) && room != "ffi")
            .then(|| "symbols are exported by src/ffi only".into())
    });
}

fn check(rule: impl Fn(&str, &[&str], &str) -> Option<String>) {
    let mut errors = Vec::new();
    // A room that is missing is the first test's matter.
    for (room, allowed) in ROOMS.iter().filter(|(room, _)| src().join(room).is_dir()) {
        for path in rust_files(&src().join(room)) {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let code = line.split("//").next().unwrap();
                if let Some(error) = rule(room, allowed, code) {
                    errors.push(format!("{}:{}: {error}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
