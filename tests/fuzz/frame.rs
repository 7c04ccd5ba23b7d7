//! A stream of frames: however it is cut, it gives the same frames and the same error; what decodes encodes to itself.

use super::modest;
use bytes::BytesMut;
use ons::protocol::frame::{Frame, FrameDecoder, FrameError};

pub fn run(data: &[u8]) {
    let Some((&piece, stream)) = data.split_first() else { return };
    let whole = modest::decode("a stream of frames", stream, |bytes| frames(bytes, bytes.len().max(1)));
    assert_eq!(frames(stream, usize::from(piece) % 31 + 1), whole, "cut into pieces");
    for frame in &whole.0 {
        let mut bytes = BytesMut::new();
        match frame.encode(&mut bytes) {
            Ok(()) => {
                assert_eq!(frames(&bytes, bytes.len()), (vec![without_empty(frame)], None));
            }
            // The JSON of a header may be longer than it was, by escapes and by fields that had no value.
            Err(error) => {
                assert!(matches!(error, FrameError::TooLong(_)), "{error}");
                assert!(bytes.is_empty());
            }
        }
    }
}

/// What a decoder that is fed so many bytes at a time finds, and the error that ends it.
fn frames(stream: &[u8], piece: usize) -> (Vec<Frame>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new();
    let mut found = Vec::new();
    for bytes in stream.chunks(piece) {
        decoder.feed(bytes);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next_frame(), Err(error.clone()), "an error is repeated");
                    return (found, Some(error));
                }
            }
        }
    }
    (found, None)
}

/// A binary header does not tell fields that were all empty from none at all.
fn without_empty(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    if frame.form == ons::protocol::frame::HeaderForm::Binary {
        frame.command.ext_fields = frame.command.ext_fields.filter(|fields| !fields.is_empty());
    }
    frame
}
