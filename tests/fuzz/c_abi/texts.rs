//! Texts and bytes to pass: in memory of exactly their length, and in the odd forms that a caller may get wrong.

use super::Input;
use super::world::World;
use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::Ordering;

pub(super) const TOPICS: [&str; 4] = ["T", "Another", "%RETRY%CID_fuzz", "T-with_more"];
pub(super) const EXPRESSIONS: [&str; 5] = ["*", "", "TagA", "TagA || TagB", "||"];
/// A body at the limit, and one over it.
const BODY_BYTES_MAX: usize = 4 << 20;

/// What is passed: pointer and length, which need not be those of the memory behind them.
pub(super) struct Text {
    own: Box<[u8]>,
    /// In place of the length of `own`.
    claimed: Option<usize>,
    is_null: bool,
}

impl Text {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { own: bytes.into(), claimed: None, is_null: false }
    }

    /// Any text, or what is none.
    pub(super) fn any(input: &mut Input<'_>) -> Self {
        let choice = input.byte();
        match choice {
            0..=3 => Self { is_null: true, ..Self::of(b"") },
            4 => Self { claimed: Some(5), is_null: true, ..Self::of(b"") },
            5 => Self { claimed: Some(usize::MAX), ..Self::of(b"x") },
            6 => Self { claimed: Some(isize::MAX as usize + 1), ..Self::of(b"x") },
            7 => Self::of(b"half a \xC3"),
            8 => Self::of(b"a\0b"),
            9 => Self::of("x".repeat(128).as_bytes()),
            10 => Self::of("\u{00FC}".repeat(129).as_bytes()),
            11 => Self::of("y".repeat(70_000).as_bytes()),
            12 => Self::of(b"a\x01b\x02c"),
            _ => Self::of(input.take(usize::from(choice) % 24)),
        }
    }

    /// One of these, or now and then any.
    pub(super) fn one_of(known: &[&str], input: &mut Input<'_>) -> Self {
        match input.byte() {
            choice @ 0..=239 => Self::of(known[usize::from(choice) % known.len()].as_bytes()),
            _ => Self::any(input),
        }
    }

    pub(super) fn body(world: &World, input: &mut Input<'_>) -> Self {
        let over = match input.byte() {
            choice @ 0..=251 => return Self::of(&[choice; 40].repeat(usize::from(choice) % 9)),
            252 | 253 => return Self::any(input),
            choice => usize::from(choice == 255),
        };
        if world.large_left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Self::of(&vec![b'L'; BODY_BYTES_MAX + over]);
        }
        Self::of(b"small")
    }

    pub(super) fn start(&self) -> *const c_char {
        if self.is_null { ptr::null() } else { self.own.as_ptr().cast() }
    }

    pub(super) fn len(&self) -> usize {
        self.claimed.unwrap_or(self.own.len())
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.own).ok()
    }
}
