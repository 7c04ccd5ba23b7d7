//! What `ons stat` tells, and that looking changes nothing.

use super::*;
use crate::cli::consume;
use crate::cli::send;
use clap::Parser;

/// Arguments of one command, as if given on the command line.
#[derive(Parser)]
struct Parsed<A: clap::Args> {
    #[command(flatten)]
    arguments: A,
}

fn arguments<A: clap::Args>(words: &[&str]) -> A {
    Parsed::<A>::try_parse_from(std::iter::once("ons").chain(words.iter().copied())).unwrap().arguments
}

fn stat(dir: &Path, json: bool) -> Result<String, Error> {
    let mut out = Vec::new();
    run(&Arguments { dir: dir.to_path_buf(), json }, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn message_of(error: Error) -> String {
    match error {
        Error::Failure(failure) => failure.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_store_is_named_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("missing");
    let error = message_of(stat(&missing, false).unwrap_err());
    assert_eq!(error, format!("{} is not a directory", missing.display()));
    let error = message_of(stat(scratch.path(), false).unwrap_err());
    assert!(error.contains("holds no broker"), "{error}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn sent_lines_are_counted_consumed_and_then_no_backlog() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let at = dir.to_str().unwrap();

    let mut ids = Vec::new();
    let lines = b"one\ntwo\n\nthree".as_slice();
    send::run(&arguments(&["greetings", "--tag", "A", "--dir", at]), lines, &mut ids).unwrap();
    assert_eq!(String::from_utf8(ids).unwrap().lines().filter(|id| id.len() == 32).count(), 3);
    let none = b"".as_slice();
    send::run(&arguments(&["greetings", "four", "-n", "2", "--dir", at]), none, &mut Vec::new()).unwrap();

    let bodies = scratch.path().join("bodies");
    let out = std::fs::File::create(&bodies).unwrap();
    consume::run(&arguments(&["greetings", "-n", "5", "--group", "CID_reader", "--dir", at]), out).unwrap();
    let text = std::fs::read_to_string(&bodies).unwrap();
    let mut bodies: Vec<&str> = text.lines().collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["four", "four", "one", "three", "two"]);

    let report: Value = serde_json::from_str(&stat(&dir, true).unwrap()).unwrap();
    let topic =
        report["topics"].as_array().unwrap().iter().find(|topic| topic["topic"] == "greetings").unwrap();
    let stored: i64 =
        topic["queues"].as_array().unwrap().iter().map(|queue| queue["max_offset"].as_i64().unwrap()).sum();
    assert_eq!(stored, 5);
    let group =
        &report["groups"].as_array().unwrap().iter().find(|group| group["group"] == "CID_reader").unwrap();
    let queues = group["queues"].as_array().unwrap();
    let committed = queues.iter().filter(|queue| queue["topic"] == "greetings");
    assert_eq!(committed.map(|queue| queue["committed_offset"].as_i64().unwrap()).sum::<i64>(), 5);
    assert!(queues.iter().all(|queue| queue["backlog"] == 0), "{report:#}");

    let text = stat(&dir, false).unwrap();
    assert!(text.starts_with(&format!("directory  {at}\nlog        ")), "{text}");
    assert!(text.contains("\ntopic "), "{text}");
    assert!(text.contains("\nCID_reader "), "{text}");
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let rows = vec![
        (vec!["a".to_owned()], vec!["1".to_owned()]),
        (vec!["longer than its title".to_owned()], vec!["1234567".to_owned()]),
    ];
    let mut out = Vec::new();
    write_table(&mut out, &["topic"], &["queue"], rows).unwrap();
    let expected =
        "\ntopic                    queue\na                            1\nlonger than its title  1234567\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
