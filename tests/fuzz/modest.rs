//! Decoders allocate in proportion to what they are given, never to what it claims.

use allocation_counter::measure;

/// Most bytes a decoder may hold for each byte of input, and a constant for small inputs.
const BYTES_PER_BYTE: usize = 16;
const BYTES_FREE: usize = 1024;

/// Runs a decoder and asserts that what it held at any moment is in proportion to its input.
pub(super) fn decode<T>(what: &str, input: &[u8], decode: impl FnOnce(&[u8]) -> T) -> T {
    let mut decoded = None;
    let used = measure(|| decoded = Some(decode(input))).bytes_max as usize;
    let allowed = BYTES_FREE + BYTES_PER_BYTE * input.len();
    assert!(used <= allowed, "{what}: {used} bytes allocated for {} of input", input.len());
    decoded.unwrap()
}
