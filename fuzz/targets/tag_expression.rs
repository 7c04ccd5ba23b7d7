//! Runs `tests/fuzz/tag_expression.rs` on whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(init: ons_fuzz::watch_panics(), |data: &[u8]| ons_fuzz::targets::tag_expression::run(data));
