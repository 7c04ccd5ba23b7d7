//! The same through the `ons` tool on real files.
