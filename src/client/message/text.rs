//! The property text of a message: its own, or still the slice of the record it was received in.

use super::slice::Slice;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use bytes::Bytes;

/// Names that RocketMQ and the ONS SDKs keep for themselves; a user's property may not have them.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "KEYS", "TAGS", "WAIT", "DELAY", "RETRY_TOPIC", "REAL_TOPIC", "REAL_QID", "TRAN_MSG", "PGROUP", "MIN_OFFSET",
    "MAX_OFFSET", "BUYER_ID", "ORIGIN_MESSAGE_ID", "TRANSFER_FLAG", "CORRECTION_FLAG", "MQ2_FLAG", "RECONSUME_TIME",
    "MSG_REGION", "TRACE_ON", "UNIQ_KEY", "MAX_RECONSUME_TIMES", "CONSUME_START_TIME", "INSTANCE_ID",
    "TRAN_PREPARED_QUEUE_OFFSET", "TRANSACTION_CHECK_TIMES", "DLQ_ORIGIN_TOPIC", "DLQ_ORIGIN_MESSAGE_ID",
    "TIMER_DELIVER_MS", "TIMER_DELAY_MS", "TIMER_DELAY_SEC", "TIMER_OUT_MS", "TIMER_ORIGIN",
    "__TAG", "__KEY", "__MSGID", "__RECONSUMETIMES", "__STARTDELIVERTIME", "__SHARDINGKEY", "__BORNTIMESTAMP",
    "__BORNHOST", "__CONSUMEOFFSET", "__PARTITION",
];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Of the reserved names, those a message keeps when it is sent on.
fn goes_out(name: &str) -> bool {
    matches!(name, properties::TAGS | properties::KEYS) || !is_reserved(name)
}

/// Appends a pair that needs no check: name and value are the library's own.
pub(super) fn push(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push('\u{1}');
    out.push_str(value);
    out.push('\u{2}');
}

#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    /// The text within a received record: nothing is copied out of it until somebody changes it; while it is here, `own`
    /// is empty.
    received: Option<Slice>,
    /// Holds no reserved name but TAGS and KEYS.
    own: Properties,
}

impl Text {
    /// `text` has no reserved name but TAGS and KEYS.
    pub(super) fn own(text: Properties) -> Self {
        Self { received: None, own: text }
    }

    /// `text` was checked when the record was decoded.
    pub(super) fn received(text: Bytes) -> Self {
        Self { received: Some(Slice::of_block(text)), own: Properties::new() }
    }

    pub(super) fn as_text(&self) -> &str {
        self.received.as_ref().map_or(self.own.as_text(), text_of)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        properties::get(self.as_text(), name)
    }

    pub(super) fn write_wire(&self, out: &mut String) {
        match &self.received {
            None => out.push_str(self.own.as_text()),
            Some(received) => {
                let kept = properties::iter(text_of(received)).filter(|(name, _)| goes_out(name));
                kept.for_each(|(name, value)| push(out, name, value));
            }
        }
    }

    pub(super) fn make_own(&mut self) -> &mut Properties {
        if self.received.is_some() {
            let mut text = String::new();
            self.write_wire(&mut text);
            self.received = None;
            self.own = Properties::from_text(text);
        }
        &mut self.own
    }
}

/// It was checked when the record was decoded.
fn text_of(received: &Slice) -> &str {
    std::str::from_utf8(received).unwrap_or_default()
}
