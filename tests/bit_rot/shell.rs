//! The same through the `ons` tool, on real files.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn ons(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ons"));
    command.args(arguments).env("HOME", home).env("USERPROFILE", home).output().unwrap()
}

fn verify(home: &Path, dir: &Path) -> (i32, Value) {
    let output = ons(home, &["verify", dir.to_str().unwrap(), "--json"]);
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}

/// Every file below a directory with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// A home and a store in it with 60 messages.
fn scratch() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let sent = ons(
        home.path(),
        &["send", "greetings", "hello", "-n", "60", "--key", "K", "--dir", dir.to_str().unwrap()],
    );
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    (home, dir)
}

#[test]
fn the_tool_tells_each_damage_and_changes_nothing() {
    let (home, dir) = scratch();
    let before = files(&dir);
    let (code, told) = verify(home.path(), &dir);
    assert_eq!((code, &told["intact"], &told["records"]), (0, &true.into(), &60.into()), "{told:#}");
    let log = dir.join("log/00000000000000000000.log");
    let index = log.with_extension("idx");
    let cases = [
        (log.clone(), 20, Some(0), "rebuilt"),
        (log.clone(), 4096 + 40, Some(4096), "record_lost"),
        (index.clone(), 9, Some(0), "rebuilt"),
        (index, 80, Some(80), "rebuilt"),
        (dir.join("format"), 4, Some(4), "refused"),
        (dir.join("metadata.redb"), 0, None, "refused"),
    ];
    for (file, at, offset, opening) in cases {
        let mut bytes = before[&file].clone();
        bytes[at] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        let damaged = files(&dir);
        let (code, told) = verify(home.path(), &dir);
        assert_eq!(code, 1, "{told:#}");
        let damage = &told["damage"][0];
        assert_eq!(damage["file"], file.to_str().unwrap(), "{told:#}");
        assert_eq!(damage["offset"], Value::from(offset), "{told:#}");
        assert_eq!(damage["opening"], opening, "{told:#}");
        let text = ons(home.path(), &["verify", dir.to_str().unwrap()]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.starts_with(file.to_str().unwrap()) && text.contains("damaged; "), "{text}");
        assert_eq!(files(&dir), damaged, "the check changed a file");
        fs::write(&file, &before[&file]).unwrap();
    }
    assert_eq!(verify(home.path(), &dir).0, 0);
    assert_eq!(files(&dir), before);
}

#[test]
fn a_damaged_message_is_missed_alone() {
    let (home, dir) = scratch();
    let log = dir.join("log/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[4096 + 300] ^= 1;
    fs::write(&log, bytes).unwrap();
    let at = dir.to_str().unwrap();
    let consumed =
        ons(home.path(), &["consume", "greetings", "-n", "59", "--wait", "30", "--json", "--dir", at]);
    let ids: Vec<Value> = String::from_utf8(consumed.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message_id"].clone())
        .collect();
    assert_eq!(ids.len(), 59, "{}", String::from_utf8_lossy(&consumed.stderr));
    assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1));
    let (code, told) = verify(home.path(), &dir);
    assert_eq!((code, &told["damage"][0]["opening"]), (1, &"record_lost".into()), "{told:#}");
}

#[test]
fn a_store_in_use_is_left_alone() {
    let (home, dir) = scratch();
    let broker = ons::EmbeddedBroker::open(&dir, &ons::FactoryProperty::new(), ons::ClockKind::System);
    let broker = broker.unwrap();
    let before = files(&dir);
    let output = ons(home.path(), &["verify", dir.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("is in use") && told.contains(&std::process::id().to_string()), "{told}");
    assert_eq!(files(&dir), before);
    broker.close().unwrap();
    assert_eq!(verify(home.path(), &dir).0, 0);
}
