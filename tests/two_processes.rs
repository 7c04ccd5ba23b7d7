//! Guards against two processes writing one directory, and against an error about it that does not help.
// Its figures, or its answer to the parent process.
#![allow(clippy::print_stdout)]

mod child;

use ons::Factory;
use ons::FactoryProperty;
use ons::Failure;
use ons::FailureKind;
use ons::Message;
use ons::Producer;
use ons::keys;
use std::path::Path;

fn start(dir: &Path) -> Result<Producer, Failure> {
    let mut property = FactoryProperty::new();
    property.set(keys::ONS_ADDR, &format!("embedded:{}", dir.display()))?;
    property.set(keys::PRODUCER_ID, "PID_one_of_two")?;
    let producer = Factory::create_producer(&property)?;
    producer.start()?;
    Ok(producer)
}

/// Says how its start ended.
#[test]
#[ignore = "the second process"]
fn second() {
    let Some(dir) = child::dir_of("second") else { return };
    match start(&dir) {
        Ok(_) => println!("\noutcome: started"),
        Err(failure) => println!("\noutcome: {:?}: {failure}", failure.kind),
    }
}

fn outcome_of_second(dir: &Path) -> String {
    let output = child::command("second", dir).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("outcome: ")).unwrap().to_owned()
}

#[test]
fn the_second_process_is_refused_and_told_who_holds_the_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let producer = start(&dir).unwrap();
    producer.send(&mut Message::new("topic", "", "before")).unwrap();

    let outcome = outcome_of_second(&dir);
    assert!(outcome.starts_with(&format!("{:?}", FailureKind::DirectoryInUse)), "{outcome}");
    assert!(outcome.contains(&dir.display().to_string()), "the directory is not named: {outcome}");
    assert!(outcome.contains(&std::process::id().to_string()), "the holder is not named: {outcome}");

    producer.send(&mut Message::new("topic", "", "the first goes on")).unwrap();
    producer.shutdown().unwrap();
    drop(producer);
    assert_eq!(outcome_of_second(&dir), "started");
}
