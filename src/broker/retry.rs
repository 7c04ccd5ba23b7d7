//! How long a failed message waits, and what its next copy says.

use crate::broker::send::DELIVERY_TIME_PROPERTIES;
use crate::protocol::failure::Failure;
use crate::protocol::limits::RETRIES_DEFAULT;
use crate::protocol::names;
use crate::protocol::offset_id::OffsetId;
use crate::protocol::properties;
use crate::protocol::properties::Properties;
use crate::protocol::record::Record;
use std::time::Duration;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// RocketMQ's delay levels, from level 1 on, in seconds; higher levels wait as long as the last.
const DELAY_LEVELS_S: [u64; 18] = [
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    3 * MINUTE,
    4 * MINUTE,
    5 * MINUTE,
    6 * MINUTE,
    7 * MINUTE,
    8 * MINUTE,
    9 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
];
/// The first retry waits for this level (10 s), each further one for the next.
const FIRST_RETRY_LEVEL: i32 = 3;

/// What happens to a message that could not be consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    RetryAfter(Duration),
    DeadLetter,
}

/// `delay_level` as in the request; a negative `reconsume_times_max` means the default.
pub(super) fn judge(reconsume_times: i32, delay_level: i32, reconsume_times_max: i32) -> Verdict {
    let max = if reconsume_times_max < 0 { RETRIES_DEFAULT } else { reconsume_times_max };
    if delay_level < 0 || reconsume_times >= max {
        return Verdict::DeadLetter;
    }
    let level =
        if delay_level == 0 { FIRST_RETRY_LEVEL.saturating_add(reconsume_times.max(0)) } else { delay_level };
    let index = usize::try_from(level - 1).unwrap_or(0).min(DELAY_LEVELS_S.len() - 1);
    Verdict::RetryAfter(Duration::from_secs(DELAY_LEVELS_S.get(index).copied().unwrap_or(2 * HOUR)))
}

/// Properties of the copy that waits for `due_ms` and goes to the group's retry topic then.
pub(super) fn waiting_properties(record: &Record, group: &str, due_ms: i64) -> Result<Properties, Failure> {
    let mut properties = Properties::from_text(record.properties());
    properties.remove(properties::TIMER_ORIGIN);
    properties.set(properties::RETRY_TOPIC, origin_topic(record))?;
    properties.set(properties::ORIGIN_MESSAGE_ID, &origin_message_id(record))?;
    properties.set(properties::REAL_TOPIC, &names::retry_topic(group))?;
    properties.set(properties::REAL_QID, "0")?;
    properties.set(properties::TIMER_OUT_MS, &due_ms.to_string())?;
    Ok(properties)
}

/// Properties of the copy in the group's dead letters.
pub(super) fn dead_letter_properties(record: &Record) -> Result<Properties, Failure> {
    let mut properties = Properties::from_text(record.properties());
    properties.remove(properties::TIMER_ORIGIN);
    let origin_id = origin_message_id(record);
    let origin_topic = origin_topic(record);
    properties.set(properties::DLQ_ORIGIN_TOPIC, origin_topic)?;
    properties.set(properties::DLQ_ORIGIN_MESSAGE_ID, &origin_id)?;
    properties.set(properties::RETRY_TOPIC, origin_topic)?;
    properties.set(properties::ORIGIN_MESSAGE_ID, &origin_id)?;
    Ok(properties)
}

/// Properties of the copy that a timer delivers: `id` makes the delivery idempotent.
pub(super) fn fired_properties(record: &Record, id: u64) -> Result<Properties, Failure> {
    let mut properties = Properties::from_text(record.properties());
    for spent in [properties::REAL_TOPIC, properties::REAL_QID, properties::TIMER_OUT_MS] {
        properties.remove(spent);
    }
    for spent in DELIVERY_TIME_PROPERTIES {
        properties.remove(spent);
    }
    properties.set(properties::TIMER_ORIGIN, &id.to_string())?;
    Ok(properties)
}

/// The topic that the message was sent to. What a message says of it is believed only of a retry: there it was this
/// broker that wrote it.
fn origin_topic(record: &Record) -> &str {
    origin_property(record, properties::RETRY_TOPIC).unwrap_or(record.topic())
}

fn origin_property<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.topic().starts_with(names::RETRY_PREFIX).then(|| record.property(name)).flatten()
}

/// The offset message id of the first stored copy.
fn origin_message_id(record: &Record) -> String {
    match origin_property(record, properties::ORIGIN_MESSAGE_ID) {
        Some(id) => id.to_owned(),
        None => {
            let head = &record.head;
            OffsetId { store_host: head.store_host, position: head.position }.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_s(reconsume_times: i32, delay_level: i32, max: i32) -> Option<u64> {
        match judge(reconsume_times, delay_level, max) {
            Verdict::RetryAfter(wait) => Some(wait.as_secs()),
            Verdict::DeadLetter => None,
        }
    }

    #[test]
    fn the_documented_waits_add_up_to_4_h_45_min_40_s() {
        let waits: Vec<u64> = (0..16).map(|times| wait_s(times, 0, -1).unwrap()).collect();
        assert_eq!(waits, [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200]);
        assert_eq!(waits.iter().sum::<u64>(), 4 * HOUR + 45 * MINUTE + 40);
        assert_eq!(wait_s(16, 0, -1), None);
    }

    #[test]
    fn beyond_the_table_each_wait_is_two_hours() {
        assert_eq!(wait_s(16, 0, 17), Some(2 * HOUR));
        assert_eq!(wait_s(i32::MAX - 1, 0, i32::MAX), Some(2 * HOUR));
        assert_eq!(wait_s(17, 0, 17), None);
    }

    #[test]
    fn a_level_is_taken_as_given_and_a_negative_one_is_the_end() {
        assert_eq!(wait_s(5, 1, -1), Some(1));
        assert_eq!(wait_s(5, 18, -1), Some(2 * HOUR));
        assert_eq!(wait_s(5, 19, -1), Some(2 * HOUR));
        assert_eq!(wait_s(0, -1, -1), None);
        assert_eq!(wait_s(0, 0, 0), None);
    }
}
