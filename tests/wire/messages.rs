//! The messages inside captured frames: records, properties, ids and tag hashes.

use crate::captured;
use crate::captured::Captured;
use crate::headers;
use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use ons::protocol::code::request;
use ons::protocol::command::Command;
use ons::protocol::offset_id::OffsetId;
use ons::protocol::properties;
use ons::protocol::properties::Properties;
use ons::protocol::record;
use ons::protocol::record::Record;
use ons::protocol::tags;
use ons::protocol::tags::TagExpression;
use ons::protocol::unique_id;
use serde_json::Value;

/// The records in a captured body, each with its bytes: a body that begins with the magic of one is full of them.
pub(crate) fn records(captured: &Captured) -> Vec<(Bytes, Record)> {
    let mut rest = Bytes::from(captured.body.clone());
    if rest.get(4..8) != Some(&record::MAGIC_V1.to_be_bytes()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    while rest.has_remaining() {
        let record = Record::decode(&rest).unwrap_or_else(|error| panic!("{}: {error}", captured.place));
        found.push((rest.split_to(record::peek_len(&rest).unwrap()), record));
    }
    found
}

fn all_records() -> Vec<(Bytes, Record)> {
    captured::all().iter().flat_map(records).collect()
}

fn requests(code: i32) -> impl Iterator<Item = (Command, Bytes)> {
    captured::all()
        .into_iter()
        .map(|captured| headers::decoded(&captured))
        .filter(move |frame| frame.command.code == code && !frame.command.is_response())
        .map(|frame| (frame.command, frame.body))
}

#[test]
fn stored_records_are_written_again_byte_for_byte() {
    let records = all_records();
    assert_eq!(records.len(), RECORDS);
    for (bytes, record) in &records {
        let mut out = BytesMut::new();
        record::encode(&record.head, record.topic(), record.properties(), record.body(), &mut out);
        assert_eq!(out, *bytes, "{record:?}");
        assert_eq!(
            record::encoded_len(&record.head, record.topic(), record.properties(), record.body()),
            bytes.len()
        );
    }
}

/// Records in the captured bodies.
const RECORDS: usize = 32;

#[test]
fn stored_bodies_are_intact() {
    for (_, record) in all_records() {
        assert!(record.is_body_intact(), "{record:?}");
    }
}

#[test]
fn properties_of_every_message_are_read_and_kept() {
    let sent = requests(request::SEND_MESSAGE_V2).map(|(command, _)| command.field("i").unwrap().to_owned());
    let sent = sent.chain(
        requests(request::SEND_MESSAGE).map(|(command, _)| command.field("properties").unwrap().to_owned()),
    );
    let stored = all_records().into_iter().map(|(_, record)| record.properties().to_owned());
    let mut texts = 0;
    for text in sent.chain(stored) {
        let read = Properties::from_text(text.as_str());
        assert_eq!(read.as_text(), text);
        let wanted: Vec<(&str, &str)> = text
            .trim_end_matches('\u{2}')
            .split('\u{2}')
            .map(|pair| pair.split_once('\u{1}').unwrap())
            .collect();
        assert_eq!(read.iter().collect::<Vec<_>>(), wanted);
        let mut again = Properties::with_capacity(text.len() + 1);
        wanted.iter().for_each(|(name, value)| again.push(name, value).unwrap());
        assert_eq!(again.as_text().trim_end_matches('\u{2}'), text.trim_end_matches('\u{2}'));
        texts += 1;
    }
    assert!(texts > RECORDS, "{texts}");
}

#[test]
fn a_captured_message_reads_as_it_was_sent() {
    let (_, hello) = all_records().into_iter().find(|(_, record)| &record.body()[..] == b"Hello").unwrap();
    assert_eq!((hello.topic(), hello.property(properties::TAGS)), ("TopicTest", Some("TagA")));
    assert_eq!(hello.head.store_host, "127.0.0.1:10911".parse().unwrap());
    assert_eq!(hello.property("CLUSTER"), Some("DefaultCluster"));
}

#[test]
fn offset_ids_of_send_answers_and_of_stored_messages() {
    let broker = "127.0.0.1:10911".parse().unwrap();
    let mut ids = Vec::new();
    for captured in captured::all() {
        let command = headers::decoded(&captured).command;
        if let Some(id) = command.field("msgId").filter(|_| command.is_response()) {
            ids.extend(id.split(',').map(str::to_owned));
        }
    }
    for (_, record) in all_records() {
        ids.extend(record.property(properties::ORIGIN_MESSAGE_ID).map(str::to_owned));
        let own = OffsetId { store_host: record.head.store_host, position: record.head.position };
        assert_eq!(own.to_string().parse(), Ok(own));
    }
    assert!(ids.len() > 5, "{ids:?}");
    for text in ids {
        let id: OffsetId = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((id.store_host, id.to_string()), (broker, text));
    }
}

#[test]
fn unique_ids_of_java_tell_when_the_message_was_made() {
    let mut dated = 0;
    for (_, record) in all_records() {
        let Some(id) = record.property(properties::UNIQ_KEY).filter(|id| id.starts_with("FD")) else {
            continue;
        };
        // The id is made right before the message's own time is taken; a retried or checked one keeps its first id.
        let born_ms = record.head.born_timestamp_ms;
        let created_ms = unique_id::created_ms(id, born_ms).unwrap();
        assert!((0..60_000).contains(&(born_ms - created_ms)), "{id}: {created_ms}, born {born_ms}");
        dated += 1;
    }
    assert!(dated > 5, "{dated}");
}

#[test]
fn tag_hashes_are_those_java_sends() {
    let mut tags_seen = 0;
    for (_, body) in requests(request::HEART_BEAT) {
        let heartbeat: Value = serde_json::from_slice(&body).unwrap();
        let consumers = heartbeat["consumerDataSet"].as_array().into_iter().flatten();
        for subscription in consumers.flat_map(|consumer| consumer["subscriptionDataSet"].as_array().unwrap())
        {
            if subscription.get("expressionType").is_none_or(|kind| kind != "TAG") {
                // Other clients send no hashes, or wrong ones.
                continue;
            }
            let expression = TagExpression::parse(subscription["subString"].as_str().unwrap()).unwrap();
            let mut tags: Vec<&str> =
                subscription["tagsSet"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
            tags.sort_unstable();
            assert_eq!(expression.tags(), tags);
            let codes: Vec<i64> = subscription["codeSet"]
                .as_array()
                .unwrap()
                .iter()
                .map(|code| code.as_i64().unwrap())
                .collect();
            assert_eq!(codes.len(), tags.len());
            assert!(tags.iter().all(|tag| codes.contains(&tags::tag_hash(tag))), "{tags:?} {codes:?}");
            assert!(codes.iter().all(|code| expression.is_all() || expression.may_match_hash(*code)));
            tags_seen += tags.len();
        }
    }
    assert!(tags_seen >= 2, "{tags_seen}");
}
