//! The settings of a push consumer, out of its factory property.

use crate::client::factory_property::FactoryProperty;
use crate::client::factory_property::keys;
use crate::client::ids;
use crate::client::prefetch::Grant;
use crate::protocol::failure::Failure;
use crate::protocol::limits::RETRIES_DEFAULT;
use crate::protocol::limits::TOPIC_BYTES_MAX;
use crate::protocol::names;
use crate::protocol::request::ConsumeFrom;
use std::sync::Arc;
use std::time::Duration;

/// Longest consumer group: its retry topic is a topic as well.
const CONSUMER_GROUP_BYTES_MAX: usize = TOPIC_BYTES_MAX - names::RETRY_PREFIX.len();

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) group: Arc<str>,
    pub(super) retry_topic: Arc<str>,
    pub(super) client_id: Arc<str>,
    pub(super) threads: usize,
    pub(super) cache: Grant,
    pub(super) consume_from: ConsumeFrom,
    pub(super) reconsume_times_max: i32,
    pub(super) consume_timeout: Duration,
}

impl Settings {
    pub(super) fn new(property: &FactoryProperty) -> Result<Self, Failure> {
        if property.get(keys::MESSAGE_MODEL) == keys::BROADCASTING {
            return Err(Failure::not_supported(
                "MessageModel = 'BROADCASTING' is not part of this version: use CLUSTERING, with a ConsumerId of its own for every instance that is to receive all messages",
            ));
        }
        let key = if property.is_set(keys::GROUP_ID) { keys::GROUP_ID } else { keys::CONSUMER_ID };
        let group = property.get(key);
        if group.is_empty() {
            return Err(Failure::invalid(
                "ConsumerId is not set, nor is GroupId: a consumer needs one of them",
            ));
        }
        names::check_group(key, group)?;
        let len = group.len();
        if len > CONSUMER_GROUP_BYTES_MAX {
            return Err(Failure::invalid(format!(
                "{key} '{group}' has {len} bytes, the limit for a consumer is {CONSUMER_GROUP_BYTES_MAX}: the topic of its retries must have a name, too"
            )));
        }
        let retry_topic = names::retry_topic(group);
        let number = |key| property.number(key);
        let count = |key| number(key).map(|number| usize::try_from(number).unwrap_or(1));
        // Two names of one limit: if both are set the smaller one holds.
        let messages = match (
            property.is_set(keys::MAX_MSG_CACHE_SIZE),
            property.is_set(keys::MAX_CACHED_MESSAGE_AMOUNT),
        ) {
            (true, true) => count(keys::MAX_MSG_CACHE_SIZE)?.min(count(keys::MAX_CACHED_MESSAGE_AMOUNT)?),
            (false, true) => count(keys::MAX_CACHED_MESSAGE_AMOUNT)?,
            _ => count(keys::MAX_MSG_CACHE_SIZE)?,
        };
        let reconsume_times_max = match number(keys::MAX_RECONSUME_TIMES)? {
            -1 => RETRIES_DEFAULT,
            times => i32::try_from(times).unwrap_or(i32::MAX),
        };
        Ok(Self {
            group: group.into(),
            retry_topic: retry_topic.into(),
            client_id: ids::client_id(property.get(keys::CONSUMER_INSTANCE_NAME)),
            threads: count(keys::CONSUME_THREAD_NUMS)?,
            cache: Grant { messages, bytes: count(keys::MAX_CACHED_MESSAGE_SIZE_IN_MIB)? << 20 },
            consume_from: consume_from(property.get(keys::CONSUME_FROM_WHERE)),
            reconsume_times_max,
            consume_timeout: Duration::from_secs(60 * number(keys::CONSUME_TIMEOUT)?.unsigned_abs()),
        })
    }
}

/// The value was checked when it was set.
fn consume_from(value: &str) -> ConsumeFrom {
    match value {
        "LAST" => ConsumeFrom::Last,
        _ => value.parse().map_or(ConsumeFrom::First, ConsumeFrom::TimestampMs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::failure::FailureKind;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, Failure> {
        let mut property = FactoryProperty::new();
        for (key, value) in pairs {
            property.set(key, value)?;
        }
        Settings::new(&property)
    }

    #[test]
    fn a_group_is_needed_and_group_id_wins() {
        let missing = with(&[]).unwrap_err();
        assert!(missing.message.contains("ConsumerId is not set"), "{missing}");
        let both = with(&[("ConsumerId", "CID_a"), ("GroupId", "GID_b")]).unwrap();
        assert_eq!((&*both.group, &*both.retry_topic), ("GID_b", "%RETRY%GID_b"));
    }

    #[test]
    fn a_consumer_group_leaves_room_for_its_retry_topic() {
        with(&[("ConsumerId", &"g".repeat(CONSUMER_GROUP_BYTES_MAX))]).unwrap();
        let over = with(&[("ConsumerId", &"g".repeat(CONSUMER_GROUP_BYTES_MAX + 1))]).unwrap_err();
        assert!(over.message.contains("121 bytes, the limit for a consumer is 120"), "{over}");
    }

    #[test]
    fn broadcasting_is_refused_by_name_when_a_consumer_is_made() {
        let refused = with(&[("ConsumerId", "CID_a"), ("MessageModel", "BROADCASTING")]).unwrap_err();
        assert_eq!(refused.kind, FailureKind::NotSupported);
        assert!(refused.message.contains("MessageModel = 'BROADCASTING'"), "{refused}");
    }

    #[test]
    fn the_documented_defaults_hold() {
        let own = with(&[("ConsumerId", "CID_a")]).unwrap();
        assert_eq!((own.threads, own.cache), (20, Grant { messages: 1000, bytes: 512 << 20 }));
        assert_eq!((own.reconsume_times_max, own.consume_timeout), (16, Duration::from_secs(900)));
        assert_eq!(own.consume_from, ConsumeFrom::First);
        let both = [("ConsumerId", "C"), ("MaxMsgCacheSize", "7"), ("MaxCachedMessageAmount", "5")];
        assert_eq!(with(&both).unwrap().cache.messages, 5);
        assert_eq!(with(&both[..2]).unwrap().cache.messages, 7);
        let timestamp = with(&[("ConsumerId", "C"), ("ConsumeFromWhere", "1700000000000")]).unwrap();
        assert_eq!(timestamp.consume_from, ConsumeFrom::TimestampMs(1_700_000_000_000));
        assert_eq!(
            with(&[("ConsumerId", "C"), ("MaxReconsumeTimes", "-1")]).unwrap().reconsume_times_max,
            16
        );
    }
}
