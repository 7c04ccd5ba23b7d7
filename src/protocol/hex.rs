//! Hexadecimal text of message ids: upper case when written, either case when read.

/// The eight upper-case digits of `value`, all at once: each nibble is spread to a byte, then moved to its character.
pub(super) fn digits(value: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut nibbles = u64::from(value);
    nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF;
    nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF;
    nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // A nibble of ten or more carries into bit 4 when 6 is added.
    let letters = (nibbles + 6 * EACH) >> 4 & EACH;
    let gap = u64::from(b'A' - b'9' - 1);
    (nibbles + u64::from(b'0') * EACH + letters * gap).to_be_bytes()
}

/// The number that at most 32 hexadecimal digits write; `None` if one of them is none, or there is no digit.
pub(super) fn parse(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0u128, |number, &digit| {
        let nibble = char::from(digit).to_digit(16)?;
        Some(number << 4 | u128::from(nibble))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_what_the_formatter_writes() {
        let mut value = 1u32;
        for _ in 0..10_000 {
            value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            assert_eq!(digits(value)[..], *format!("{value:08X}").as_bytes());
        }
        assert_eq!((&digits(0), &digits(u32::MAX)), (b"00000000", b"FFFFFFFF"));
        assert_eq!((&digits(0x0123_4567), &digits(0x89AB_CDEF)), (b"01234567", b"89ABCDEF"));
    }

    #[test]
    fn only_digits_are_read() {
        assert_eq!(parse(b"7F000001"), Some(0x7F00_0001));
        assert_eq!(parse(b"7f000001"), Some(0x7F00_0001));
        assert_eq!(parse(&[b'F'; 32]), Some(u128::MAX));
        assert_eq!(parse(&[b'F'; 33]), None);
        for bad in [&b""[..], b"+1", b"-1", b"0x1", b"1 ", b"G", b"\xFF"] {
            assert_eq!(parse(bad), None);
        }
    }
}
