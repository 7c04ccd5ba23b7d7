//! Every captured frame is read as what it says, and what Java wrote is written again byte for byte.

use crate::captured;
use crate::captured::Captured;
use bytes::BytesMut;
use ons::protocol::code;
use ons::protocol::command::Command;
use ons::protocol::frame::Frame;
use ons::protocol::frame::FrameDecoder;
use ons::protocol::frame::HeaderForm;
use ons::protocol::language::Language;
use serde_json::Value;

pub(crate) fn decoded(captured: &Captured) -> Frame {
    let mut decoder = FrameDecoder::new();
    decoder.feed(&captured.bytes);
    let frame = decoder.next_frame().unwrap_or_else(|error| panic!("{}: {error}", captured.place));
    assert!(decoder.buffer().is_empty(), "{}", captured.place);
    frame.unwrap_or_else(|| panic!("{}: the frame is taken for incomplete", captured.place))
}

fn encoded(frame: &Frame) -> BytesMut {
    let mut out = BytesMut::new();
    frame.encode(&mut out).unwrap();
    out
}

#[test]
fn every_frame_says_what_another_reader_reads() {
    for captured in captured::all() {
        let frame = decoded(&captured);
        assert_eq!(frame.body, captured.body, "{}", captured.place);
        if !captured.is_binary {
            assert_eq!(frame.form, HeaderForm::Json);
            assert_same(&frame.command, &captured);
        }
    }
}

fn assert_same(command: &Command, captured: &Captured) {
    let json = captured.json();
    let place = &captured.place;
    for (key, number) in [
        ("code", command.code),
        ("version", command.version),
        ("opaque", command.opaque),
        ("flag", command.flag),
    ] {
        assert_eq!(json[key].as_i64(), Some(number.into()), "{key} of {place}");
    }
    assert_eq!(json["language"], command.language.name(), "{place}");
    assert_eq!(json.get("remark").and_then(Value::as_str), command.remark.as_deref(), "{place}");
    let Some(wanted) = json.get("extFields") else {
        assert_eq!(command.ext_fields, None, "{place}");
        return;
    };
    let wanted = wanted.as_object().unwrap();
    assert_eq!(command.ext_fields.as_ref().unwrap().len(), wanted.len(), "{place}");
    for (name, value) in wanted {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(command.field(name), Some(&*text), "{name} of {place}");
    }
}

#[test]
fn what_java_wrote_is_written_again_byte_for_byte() {
    let mut binary = 0;
    let mut json = 0;
    for captured in captured::all().iter().filter(|captured| captured.is_javas()) {
        let frame = decoded(captured);
        assert_eq!(
            encoded(&frame),
            captured.bytes,
            "{}: {}",
            captured.place,
            String::from_utf8_lossy(&captured.header)
        );
        *if captured.is_binary { &mut binary } else { &mut json } += 1;
    }
    assert_eq!((binary, json), (15, 151));
}

#[test]
fn what_others_wrote_survives_both_forms() {
    for captured in captured::all() {
        let frame = decoded(&captured);
        for form in [HeaderForm::Json, HeaderForm::Binary] {
            let mut again = Frame { form, ..frame.clone() };
            let bytes = encoded(&again);
            if form == HeaderForm::Binary {
                // This form has no empty values, and empty is the same as none.
                again.command.remark = again.command.remark.filter(|remark| !remark.is_empty());
                let fields = again.command.ext_fields.take();
                for (name, value) in
                    fields.iter().flat_map(|fields| fields.iter()).filter(|(_, v)| !v.is_empty())
                {
                    again.command.set_field(name.to_owned(), value);
                }
            }
            let mut decoder = FrameDecoder::new();
            decoder.feed(&bytes);
            assert_eq!(decoder.next_frame(), Ok(Some(again)), "{}", captured.place);
        }
    }
}

#[test]
fn a_whole_capture_is_one_stream() {
    let frames = captured::all();
    let mut decoder = FrameDecoder::new();
    let mut found = 0;
    let stream: Vec<u8> = frames.iter().flat_map(|captured| captured.bytes.iter().copied()).collect();
    for piece in stream.chunks(1460) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame().unwrap() {
            assert_eq!(frame.body, frames[found].body);
            found += 1;
        }
    }
    assert_eq!(found, frames.len());
}

#[test]
fn every_captured_code_and_language_has_a_name() {
    for captured in captured::all() {
        let command = decoded(&captured).command;
        let name = if command.is_response() {
            code::response::name(command.code)
        } else {
            code::request::name(command.code)
        };
        assert!(name.is_some(), "{}: code {}", captured.place, command.code);
        assert_ne!(command.language, Language::Other, "{}", captured.place);
    }
}

#[test]
fn the_binary_request_that_is_documented() {
    let frame = decoded(&captured::file("bin")[2]);
    assert_eq!((frame.form, frame.command.code), (HeaderForm::Binary, code::request::GET_ROUTEINFO_BY_TOPIC));
    assert_eq!(frame.command.field("topic"), Some("TopicTest"));
    assert_eq!((frame.command.language, frame.command.version), (Language::Java, 409));
}
