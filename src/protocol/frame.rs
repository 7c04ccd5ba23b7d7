//! A frame of the remoting protocol: header and body behind their lengths, and the decoder of a stream of them.
//!
//! ```text
//! 0 length of what follows 4 | 4 form of the header 1 | 5 header length 3 | 8 header | body
//! ```
//! Form 0 is a JSON header, 1 a binary one.

use super::command::Command;
use super::command::HeaderError;
use super::header_binary;
use super::header_json;
use super::limits::FRAME_BYTES_MAX;
use super::limits::HEADER_BYTES_MAX;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;

/// Bytes before the header.
pub const PREFIX_BYTES: usize = 8;

// A header that fits a frame fits its 24 bits of length.
const _: () = assert!(FRAME_BYTES_MAX - PREFIX_BYTES <= HEADER_BYTES_MAX);

/// How the header of a frame is written. An answer takes the form of its request: some clients know only JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HeaderForm {
    #[default]
    Json,
    Binary,
}

/// One request or answer with its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    pub form: HeaderForm,
    pub command: Command,
    /// A slice of the bytes received. Empty and absent are the same.
    pub body: Bytes,
}

/// Why bytes are not a frame, or a command does not fit one. A stream is of no use after it: close the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// So many bytes, prefix included, are over [`FRAME_BYTES_MAX`].
    TooLong(u64),
    /// The first length is negative or leaves no room for the second, or the second one is greater than the first.
    BadLength,
    /// Not a form of header this version knows.
    UnknownForm(u8),
    Header(HeaderError),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "the frame has {bytes} bytes, the limit is {FRAME_BYTES_MAX}"),
            Self::BadLength => write!(f, "the lengths of the frame contradict each other"),
            Self::UnknownForm(form) => write!(f, "{form} is not a form of header (0 is JSON, 1 is binary)"),
            Self::Header(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FrameError {}

/// Appends a frame without its body, which `body_len` bytes must follow: so a body that lies in pieces elsewhere is
/// not copied. On an error `out` is as it was.
pub fn encode_head(
    form: HeaderForm,
    command: &Command,
    body_len: usize,
    out: &mut BytesMut,
) -> Result<(), FrameError> {
    let start = out.len();
    out.put_bytes(0, PREFIX_BYTES);
    let prefix = match form {
        HeaderForm::Json => {
            header_json::encode(command, out);
            Ok(())
        }
        HeaderForm::Binary => header_binary::encode(command, out).map_err(FrameError::Header),
    }
    .and_then(|()| prefix(form, out.len() - start - PREFIX_BYTES, body_len));
    match prefix {
        Ok(prefix) => {
            if let Some(place) = out.get_mut(start..start + PREFIX_BYTES) {
                place.copy_from_slice(&prefix);
            }
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

fn prefix(form: HeaderForm, header_len: usize, body_len: usize) -> Result<[u8; PREFIX_BYTES], FrameError> {
    let bytes = PREFIX_BYTES.saturating_add(header_len).saturating_add(body_len);
    if bytes > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(bytes as u64));
    }
    let form = match form {
        HeaderForm::Json => 0u64,
        HeaderForm::Binary => 1,
    };
    Ok(((bytes as u64 - 4) << 32 | form << 24 | header_len as u64).to_be_bytes())
}

impl Frame {
    /// Appends the whole frame.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameError> {
        encode_head(self.form, &self.command, self.body.len(), out)?;
        out.put_slice(&self.body);
        Ok(())
    }
}

/// Cuts frames out of a stream of bytes. It holds what has arrived and nothing else: a frame that only claims to be
/// long costs nothing.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    broken: Option<FrameError>,
}

impl FrameDecoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Where received bytes are appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or `None` until more bytes arrive. After an error every further call repeats it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.cut().inspect_err(|error| self.broken = Some(error.clone()))
    }

    fn cut(&mut self) -> Result<Option<Frame>, FrameError> {
        // What is known to be wrong is said as soon as it is known, not when a long frame has arrived in full.
        let Some(len) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let len = usize::try_from(i32::from_be_bytes(*len)).map_err(|_| FrameError::BadLength)?;
        if len < PREFIX_BYTES - 4 {
            return Err(FrameError::BadLength);
        }
        let bytes = len.saturating_add(4);
        if bytes > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong(bytes as u64));
        }
        let Some([_, _, _, _, form, header_len @ ..]) = self.buffer.first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let form = match form {
            0 => HeaderForm::Json,
            1 => HeaderForm::Binary,
            unknown => return Err(FrameError::UnknownForm(*unknown)),
        };
        let [high, middle, low] = *header_len;
        let header_len = u32::from_be_bytes([0, high, middle, low]) as usize;
        if header_len > bytes - PREFIX_BYTES {
            return Err(FrameError::BadLength);
        }
        if self.buffer.len() < bytes {
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(bytes);
        let body = frame.split_off(PREFIX_BYTES + header_len).freeze();
        let header = frame.get(PREFIX_BYTES..).unwrap_or_default();
        let command = match form {
            HeaderForm::Json => header_json::decode(header),
            HeaderForm::Binary => header_binary::decode(header),
        };
        Ok(Some(Frame { form, command: command.map_err(FrameError::Header)?, body }))
    }
}

#[cfg(test)]
mod tests;
