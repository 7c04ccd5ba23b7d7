//! The `ons` tool.

fn main() -> std::process::ExitCode {
    ons::cli::main()
}
