//! Rows of the .NET classes: bindings/dotnet/Bench measures, and the same thing is measured through the C functions right
//! before it. Without a .NET SDK there are no such rows.

use crate::abi::Flush;
use crate::flow::Flow;
use crate::process::lower;
use crate::report::Row;
use crate::rows::Place;
use crate::rows::against;
use crate::rows::blocked;
use crate::rows::rate;
use crate::rows::remove;
use crate::rows::time;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
const PROJECT: &str = "bindings/dotnet/Bench";
const ALLOCATED_BYTES_MAX: f64 = 200.0;

pub fn rows(place: &Place) -> Vec<Row> {
    if !has_dotnet() {
        return Vec::new();
    }
    build();
    let dotnet = |row| measure(place, row);
    vec![
        against(
            time("dotnet_send_p50", "C, send_1t_p50", 0.5),
            || blocked(place, Flush::Async, 256, 1).p50_us(),
            || dotnet("dotnet_send_p50"),
        ),
        against(
            rate("dotnet_pipelined", "C, sender and consumer", 0.4),
            || flow(place),
            || dotnet("dotnet_pipelined"),
        ),
        against(
            rate("dotnet_durable_64", "C, durable_64t", 0.9),
            || blocked(place, Flush::Sync, 1024, 64).per_second(),
            || dotnet("dotnet_durable_64"),
        ),
        lower("dotnet_alloc_send", dotnet("dotnet_alloc_send"), "B", ALLOCATED_BYTES_MAX),
        lower("dotnet_alloc_receive", dotnet("dotnet_alloc_receive"), "B", ALLOCATED_BYTES_MAX),
    ]
}

fn has_dotnet() -> bool {
    let script = Path::new(PACKAGE).join("tools/has-dotnet.sh");
    let status = Command::new(script).arg("bench: the dotnet_* rows").status().expect("tools/has-dotnet.sh");
    assert!(status.code() != Some(2), "a .NET SDK is required and not there");
    status.success()
}

fn build() {
    let mut build = Command::new("dotnet");
    build.args(["build", "-c", "Release", "--nologo", "-v", "quiet"]).current_dir(PACKAGE).arg(PROJECT);
    assert!(build.status().expect("dotnet build").success(), "{PROJECT} does not build");
}

/// One row of the C# program, which prints `{"name":..,"value":..,"unit":..}`.
fn measure(place: &Place, name: &str) -> f64 {
    let dir = place.fresh("dotnet");
    std::fs::create_dir(&dir).expect("the directory of the C# program");
    let output = Command::new("dotnet")
        .arg("exec")
        .arg(Path::new(PACKAGE).join(PROJECT).join("bin/Release/net10.0/Bench.dll"))
        .arg(&dir)
        .arg(name)
        .env("BENCH_SECONDS", "1")
        .stderr(Stdio::inherit())
        .output()
        .expect("the C# program");
    remove(&dir);
    let text = String::from_utf8_lossy(&output.stdout);
    let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap_or_default();
    match line["value"].as_f64() {
        Some(value) if output.status.success() && line["name"] == name => value,
        _ => panic!("{PROJECT} {name} ended with {} and printed: {text}", output.status),
    }
}

fn flow(place: &Place) -> f64 {
    let dir = place.fresh("flow");
    let mut flow = Flow::open(&dir, 1);
    let rate = flow.per_second();
    drop(flow);
    remove(&dir);
    rate
}
