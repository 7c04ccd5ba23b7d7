//! Guards against messages, offsets and timers that are lost, doubled or reordered when the power goes or the disk
//! fails. One workload drives a broker on a simulated disk; the power is cut after each of its operations, each
//! operation fails, and each place of the library that syncs is left out in turn, which must be noticed.
//!
//! `PROVE=full` runs all of it; without, a sample that takes seconds.

// What was proven is told in one line each.
#![allow(clippy::print_stdout)]

#[path = "durability/check.rs"]
mod check;
#[path = "durability/failing_io.rs"]
mod failing_io;
#[path = "durability/left_out.rs"]
mod left_out;
#[path = "durability/left_over.rs"]
mod left_over;
#[path = "durability/life.rs"]
mod life;
#[path = "durability/machine.rs"]
mod machine;
#[path = "durability/model.rs"]
mod model;
#[path = "durability/places.rs"]
mod places;
#[path = "durability/power_cuts.rs"]
mod power_cuts;
#[path = "durability/workload.rs"]
mod workload;

/// Whether everything is to be proven, not a sample.
fn is_full() -> bool {
    std::env::var_os("PROVE").is_some_and(|size| size == "full")
}
