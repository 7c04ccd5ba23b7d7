//! Runs `tests/fuzz/header_binary.rs` on whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(init: ons_fuzz::watch_panics(), |data: &[u8]| ons_fuzz::targets::header_binary::run(data));
