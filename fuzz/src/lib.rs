//! What the fuzz targets have in common. The bodies are `tests/fuzz/`, where `cargo test` finds them as well.
#![allow(clippy::unwrap_used)]

#[path = "../../tests/fuzz/targets.rs"]
pub mod targets;

/// The fuzzer's own hook ends the process at every panic, also at those of a dependency that the library catches by
/// design. Afterwards a panic is a finding if it reaches the target, or if [`targets::panics`] does not expect it.
pub fn watch_panics() {
    std::panic::set_hook(Box::new(targets::panics::hook));
}
