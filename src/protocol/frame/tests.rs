//! Tests of frames: layout, streams cut anywhere, and lengths that lie.

use super::*;
use crate::protocol::code::request::SEND_MESSAGE_V2;

fn frame(form: HeaderForm) -> Frame {
    let mut command = Command::request(SEND_MESSAGE_V2, 5);
    command.set_field("b", "TopicTest");
    Frame { form, command, body: Bytes::from_static(b"Hello") }
}

fn encoded(frame: &Frame) -> Bytes {
    let mut out = BytesMut::new();
    frame.encode(&mut out).unwrap();
    out.freeze()
}

fn decoded(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    let mut decoder = FrameDecoder::new();
    decoder.feed(bytes);
    decoder.next_frame()
}

#[test]
fn layout() {
    let json = frame(HeaderForm::Json);
    let bytes = encoded(&json);
    let header_len = bytes.len() - PREFIX_BYTES - 5;
    assert_eq!(bytes[..4], (4 + header_len as u32 + 5).to_be_bytes());
    assert_eq!(bytes[4..8], (header_len as u32).to_be_bytes());
    assert_eq!((bytes[8], &bytes[8 + header_len..]), (b'{', &b"Hello"[..]));
    let binary = frame(HeaderForm::Binary);
    assert_eq!(encoded(&binary)[4..8], (0x0100_0000u32 + 21 + 2 + 1 + 4 + 9).to_be_bytes());
    for frame in [json, binary] {
        assert_eq!(decoded(&encoded(&frame)), Ok(Some(frame)));
    }
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let frames = [
        frame(HeaderForm::Json),
        frame(HeaderForm::Binary),
        Frame { body: Bytes::new(), ..frame(HeaderForm::Json) },
    ];
    let stream: Vec<u8> = frames.iter().flat_map(encoded).collect();
    for piece in [1, 2, 3, 7, 100, stream.len()] {
        let mut decoder = FrameDecoder::new();
        let mut found = Vec::new();
        for bytes in stream.chunks(piece) {
            decoder.feed(bytes);
            while let Some(frame) = decoder.next_frame().unwrap() {
                found.push(frame);
            }
        }
        assert_eq!(found, frames, "in pieces of {piece}");
        assert!(decoder.buffer().is_empty());
    }
}

#[test]
fn an_incomplete_frame_waits() {
    let bytes = encoded(&frame(HeaderForm::Json));
    for len in 0..bytes.len() {
        assert_eq!(decoded(&bytes[..len]), Ok(None), "{len}");
    }
}

#[test]
fn a_frame_at_the_limit_passes_and_one_over_is_refused_both_ways() {
    let head = encoded(&Frame { body: Bytes::new(), ..frame(HeaderForm::Json) }).len();
    let longest = Frame { body: vec![7; FRAME_BYTES_MAX - head].into(), ..frame(HeaderForm::Json) };
    let bytes = encoded(&longest);
    assert_eq!(bytes.len(), FRAME_BYTES_MAX);
    assert_eq!(decoded(&bytes), Ok(Some(longest)));

    let over = FrameError::TooLong(FRAME_BYTES_MAX as u64 + 1);
    let mut out = BytesMut::from(&b"before"[..]);
    let refused =
        encode_head(HeaderForm::Json, &frame(HeaderForm::Json).command, FRAME_BYTES_MAX - head + 1, &mut out);
    assert_eq!((refused, &out[..]), (Err(over.clone()), &b"before"[..]));
    assert_eq!(decoded(&(FRAME_BYTES_MAX as u32 - 3).to_be_bytes()), Err(over.clone()));
    assert!(over.to_string().contains("16777217 bytes, the limit is 16777216"), "{over}");
    assert_eq!(
        encode_head(HeaderForm::Json, &Command::default(), usize::MAX, &mut out),
        Err(FrameError::TooLong(u64::MAX))
    );
}

#[test]
fn claims_are_refused_before_their_bytes_arrive() {
    for len in [i32::MIN, -1, 0, 3] {
        assert_eq!(decoded(&len.to_be_bytes()), Err(FrameError::BadLength), "{len}");
    }
    assert_eq!(decoded(&i32::MAX.to_be_bytes()), Err(FrameError::TooLong(0x8000_0003)));
    // A header longer than the frame.
    assert_eq!(decoded(b"\0\0\0\x10\0\0\0\x0D"), Err(FrameError::BadLength));
    assert_eq!(decoded(b"\0\0\0\x10\0\0\0\x0C"), Ok(None));
    assert_eq!(decoded(b"\0\0\0\x10\0\xFF\xFF\xFF"), Err(FrameError::BadLength));
    assert_eq!(decoded(b"\0\0\0\x10\x02\0\0\0"), Err(FrameError::UnknownForm(2)));
}

#[test]
fn a_bad_header_is_an_error_and_a_broken_stream_stays_broken() {
    let mut decoder = FrameDecoder::new();
    decoder.feed(b"\0\0\0\x06\0\0\0\x02{}");
    let error = decoder.next_frame().unwrap_err();
    assert!(matches!(error, FrameError::Header(HeaderError::Json(_))), "{error}");
    decoder.feed(&encoded(&frame(HeaderForm::Json)));
    assert_eq!(decoder.next_frame(), Err(error));
    assert_eq!(
        decoded(b"\0\0\0\x04\x01\0\0\0"),
        Err(FrameError::Header(HeaderError::BadLength("fixed part")))
    );
}

#[test]
fn a_refused_binary_header_leaves_nothing() {
    let mut out = BytesMut::from(&b"before"[..]);
    let pop = Command::request(crate::protocol::code::request::POP_MESSAGE, 0);
    let refused = encode_head(HeaderForm::Binary, &pop, 0, &mut out);
    assert_eq!((refused, &out[..]), (Err(FrameError::Header(HeaderError::TooLarge("code"))), &b"before"[..]));
}
