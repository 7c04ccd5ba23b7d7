//! What the fuzz targets have in common. The bodies are `tests/fuzz/`, where `cargo test` finds them as well.

#[path = "../../tests/fuzz/targets.rs"]
pub mod targets;

/// The fuzzer's own hook ends the process at every panic, also at those of a dependency that the library catches by
/// design. This one ends it at every other panic, on whatever thread: one that something catches and goes on after
/// would be overlooked.
pub fn watch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if !targets::panics::is_expected(panic) {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }));
}
