//! What `ons verify` prints.

use super::*;
use crate::store::verify::Opening;

#[test]
fn an_intact_store_is_said_to_be_and_a_damage_is_named() {
    let mut verified = Verified { records: 3, segments: 1, ..Verified::default() };
    let text = |verified: &Verified| {
        let mut out = Vec::new();
        write_text(Path::new("/d"), verified, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let sums = "3 records in 1 segments, 0 index files, 0 queues, 0 rows, 0 timers\n";
    assert_eq!(text(&verified), format!("/d: intact; {sums}"));
    assert_eq!(report(Path::new("/d"), &verified)["intact"], true);
    let file = Path::new("/d/log/0.log");
    verified.report(Finding::new(file, Some(4096), "it is damaged", Opening::LosesRecord));
    let line = "/d/log/0.log at offset 4096: it is damaged; what stood there is lost, everything else stays readable";
    assert_eq!(text(&verified), format!("{line}\n/d: 1 damaged; {sums}"));
    let told = &report(Path::new("/d"), &verified);
    assert_eq!(told["intact"], false);
    assert_eq!(
        told["damage"][0],
        json!({"file": "/d/log/0.log", "offset": 4096, "what": "it is damaged", "opening": "record_lost"})
    );
}

#[test]
fn what_cannot_be_checked_is_not_damage() {
    let scratch = tempfile::tempdir().unwrap();
    for dir in [scratch.path().to_owned(), scratch.path().join("missing")] {
        let done = run(&Arguments { dir: dir.clone(), json: false }, &mut Vec::new());
        match done {
            Err(Error::NotDone(message)) => assert!(message.contains(dir.to_str().unwrap()), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}
