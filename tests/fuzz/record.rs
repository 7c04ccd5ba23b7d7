//! Records, both versions: what decodes encodes to the same bytes; every record that can be made is read back.

use super::input::Input;
use super::modest;
use bytes::{Bytes, BytesMut};
use ons::protocol::limits::{RECORD_TOPIC_BYTES_MAX, TOPIC_BYTES_MAX};
use ons::protocol::record::{self, Record, RecordHead};
use std::net::{IpAddr, SocketAddr};

pub fn run(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(record) = modest::decode("a record", data, |_| Record::decode(&bytes)) {
        assert_survives(&bytes, &record);
    }
    made(&mut Input::new(data));
}

fn assert_survives(bytes: &Bytes, record: &Record) {
    let encoded = encode(&record.head, record.topic(), record.properties(), record.body());
    let again = Record::decode(&encoded).unwrap();
    assert_eq!(again.head, record.head);
    assert_eq!((again.topic(), again.properties()), (record.topic(), record.properties()));
    assert_eq!(again.body(), record.body());
    let is_v2 = bytes[4..8] == record::MAGIC_V2.to_be_bytes();
    // A writer of our kind uses the second version for long topics only.
    if is_v2 == (record.topic().len() > TOPIC_BYTES_MAX) {
        assert_eq!(encoded, bytes.slice(..record::peek_len(bytes).unwrap()));
    }
}

fn encode(head: &RecordHead, topic: &str, properties: &str, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    record::encode(head, topic, properties, body, &mut out);
    assert_eq!(out.len(), record::encoded_len(head, topic, properties, body));
    out.freeze()
}

/// A record made of the input's parts, as the store makes one.
fn made(input: &mut Input<'_>) {
    let mut head = RecordHead {
        queue_id: input.i32(),
        flag: input.i32(),
        queue_offset: input.i64(),
        position: input.i64(),
        sys_flag: input.i32(),
        born_timestamp_ms: input.i64(),
        born_host: host(input),
        store_timestamp_ms: input.i64(),
        store_host: host(input),
        reconsume_times: input.i32(),
        prepared_transaction_offset: input.i64(),
        body_crc: 0,
    };
    let mut topic = input.text();
    if input.byte() & 1 != 0 {
        topic.push_str(&"t".repeat(120));
    }
    while topic.len() > RECORD_TOPIC_BYTES_MAX {
        topic.pop();
    }
    let properties = input.text();
    let body = input.all();
    head.body_crc = record::body_crc(body);
    record::check_lengths(&topic, &properties, body).unwrap();
    let bytes = encode(&head, &topic, &properties, body);
    let record = modest::decode("our record", &bytes.clone(), |_| Record::decode(&bytes)).unwrap();
    assert_eq!((record.topic(), record.properties(), &record.body()[..]), (&*topic, &*properties, body));
    assert!(record.is_body_intact());
    let bits = record::SYS_FLAG_BORN_HOST_V6 | record::SYS_FLAG_STORE_HOST_V6;
    assert_eq!(record.head.sys_flag & !bits, head.sys_flag & !bits);
    head.sys_flag = record.head.sys_flag;
    assert_eq!(record.head, head);
    assert!(Record::decode(&bytes.slice(..bytes.len() - 1)).is_err(), "cut by a byte");
}

fn host(input: &mut Input<'_>) -> SocketAddr {
    let is_v6 = input.byte() & 1 != 0;
    let mut bytes = [0; 16];
    bytes.fill_with(|| input.byte());
    let ip = if is_v6 { IpAddr::from(bytes) } else { IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]) };
    SocketAddr::new(ip, input.u16())
}
