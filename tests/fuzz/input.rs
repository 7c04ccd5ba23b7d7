//! A fuzzer's bytes, taken apart from the front into choices. Always answers: bytes that are missing are zeroes, so
//! that cutting an input never makes it mean something else.
//!
//! Its own few lines and not a crate, because what a byte means must not change under the committed corpora.

pub(super) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        byte
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(super) fn i32(&mut self) -> i32 {
        i32::from(self.u16()) << 16 | i32::from(self.u16())
    }

    pub(super) fn i64(&mut self) -> i64 {
        i64::from(self.i32()) << 32 | i64::from(self.i32() as u32)
    }

    /// A number below `bound`, from one byte.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// Up to `len` bytes as they are.
    pub(super) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Everything that is left.
    pub(super) fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// A text of at most 255 bytes of input; what is not UTF-8 in it becomes U+FFFD.
    pub(super) fn text(&mut self) -> String {
        let len = usize::from(self.byte());
        String::from_utf8_lossy(self.take(len)).into_owned()
    }
}
