//! The captured frames, as bytes.

use serde_json::Value;
use std::path::Path;

/// One captured frame.
pub(crate) struct Captured {
    /// File and line, for messages.
    pub place: String,
    pub is_binary: bool,
    pub header: Vec<u8>,
    pub body: Vec<u8>,
    /// The whole frame, put together here and not by the code under test.
    pub bytes: Vec<u8>,
}

impl Captured {
    /// The JSON of the header, read by a reader of its own.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.header).unwrap()
    }

    /// Whether RocketMQ's Java wrote the header: no other client writes this field.
    pub(crate) fn is_javas(&self) -> bool {
        self.is_binary || self.json().get("serializeTypeCurrentRPC").is_some()
    }
}

pub(crate) fn all() -> Vec<Captured> {
    let frames: Vec<_> = ["java49", "cpp", "node", "bin", "acl"].into_iter().flat_map(file).collect();
    assert_eq!(frames.len(), 191, "a captured frame was lost");
    frames
}

pub(crate) fn file(name: &str) -> Vec<Captured> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/frames/{name}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().enumerate().map(|(line, json)| frame(format!("{name}.jsonl:{}", line + 1), json)).collect()
}

fn frame(place: String, json: &str) -> Captured {
    let value: Value = serde_json::from_str(json).unwrap();
    let is_binary = value["form"] == 1;
    let header_text = value["header"].as_str().unwrap();
    let header = if is_binary { from_hex(header_text) } else { header_text.as_bytes().to_vec() };
    let body = match (value.get("body"), value.get("body_hex")) {
        (Some(text), _) => text.as_str().unwrap().as_bytes().to_vec(),
        (None, Some(hex)) => from_hex(hex.as_str().unwrap()),
        (None, None) => Vec::new(),
    };
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(value["len"].as_u64().unwrap() as u32).to_be_bytes());
    bytes.extend_from_slice(&(u32::from(is_binary) << 24 | header.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&body);
    assert_eq!(bytes.len() as u64 - 4, value["len"].as_u64().unwrap(), "{place} is not what was captured");
    Captured { place, is_binary, header, body, bytes }
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
