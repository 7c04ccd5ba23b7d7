//! Guards against a README whose ten lines no longer compile, and against a map that names what does not exist.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The text of the first fenced block in `language`.
fn block(text: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    let (_, rest) = text.split_once(&opening).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// The example is compiled and run by tests/examples.sh; here the README must show a stretch of it, unchanged.
#[test]
fn the_ten_lines_are_the_example() {
    let shown = block(&readme(), "cpp");
    let example = fs::read_to_string(root().join("examples/send.cpp")).unwrap();
    assert!(shown.lines().count() >= 10, "README shows {} lines of code", shown.lines().count());
    let (shown, example) = (unindented(&shown), unindented(&example));
    assert!(example.contains(&shown), "README.md shows code that is not in examples/send.cpp:\n{shown}");
}

/// The example stands deeper inside its function than in the README.
fn unindented(text: &str) -> String {
    text.lines().map(|line| line.trim_start().to_owned() + "\n").collect()
}

#[test]
fn every_path_in_the_tables_exists() {
    let readme = readme();
    let mut looked_at = 0;
    for line in readme.lines().filter(|line| line.starts_with('|')) {
        let names = line.split('`').skip(1).step_by(2);
        for name in names.filter(|name| name.contains('/') || name.ends_with(".md")) {
            if name.starts_with("target/") {
                continue;
            }
            assert!(root().join(name).exists(), "README.md names {name}, which does not exist");
            looked_at += 1;
        }
    }
    assert!(looked_at >= 8, "the table of places has only {looked_at} paths");
}
