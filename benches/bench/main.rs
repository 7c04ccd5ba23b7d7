//! `make bench`: how fast the library is beside what this machine can do at all, and beside its peers, all measured in
//! the same run.
//!
//! Absolute figures of a shared machine mean little; the ratios are what is watched. The table is printed and written to
//! target/bench.json. Names on the command line choose groups of rows (`cargo bench --bench bench -- consume idle`);
//! the log of growth_log is then a tenth as long, unless PROVE=full is set.
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub)]

mod abi;
mod dotnet;
mod flow;
mod growth;
mod measure;
mod probe;
mod process;
mod report;
mod rows;
mod sqlite;

use std::path::Path;

const GROUPS: [&str; 9] = ["send", "consume", "latency", "sqlite", "dotnet", "open", "idle", "topics", "log"];

fn main() {
    // Cargo's test runner starts benches without this; then there is nothing to do.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if process::play_role() || !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let groups: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|name| !name.starts_with('-')).collect();
    if let Some(unknown) = groups.iter().find(|name| !GROUPS.contains(name)) {
        eprintln!("there is no group {unknown}, but these: {}", GROUPS.join(", "));
        std::process::exit(2);
    }
    let wants = |group: &str| groups.is_empty() || groups.contains(&group);

    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = rows::Place::new(scratch.join("bench"));
    let mut rows = Vec::new();
    if wants("send") {
        rows.extend(rows::sending(&place));
    }
    if wants("consume") {
        rows.push(rows::consuming(&place));
    }
    if wants("latency") {
        rows.push(rows::end_to_end(&place));
    }
    if wants("sqlite") {
        rows.extend(sqlite::rows(&place));
    }
    if wants("dotnet") {
        rows.extend(dotnet::rows(&place));
    }
    if wants("open") {
        rows.extend(process::opening(&place));
    }
    if wants("idle") {
        rows.extend(process::idling(&place));
    }
    if wants("topics") {
        rows.push(growth::topics(&place));
    }
    if wants("log") {
        let is_whole = groups.is_empty() || std::env::var("PROVE").is_ok_and(|size| size == "full");
        rows.push(growth::log(&place, is_whole));
    }
    drop(place);

    report::print(&rows);
    let path = scratch.with_file_name("bench.json");
    report::write(&rows, &path).expect("target/bench.json");
    println!("\nwritten to {}", path.display());
    report::print_summary(&rows);
}
