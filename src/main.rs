//! The `ons` tool.

fn main() {}
