//! What each key of the factory property accepts, and its default.

use super::keys;
use crate::protocol::failure::Failure;
use crate::protocol::names;

/// One documented key.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) key: &'static str,
    /// As text, the way a getter shows it; empty: none.
    pub(super) default: &'static str,
    accepts: Accepts,
}

#[derive(Debug)]
enum Accepts {
    Text,
    /// A text that must be there once the key is set.
    Required,
    /// A producer, consumer or group id.
    Group,
    Number(i64, i64),
    /// One of these, exactly.
    Choice(&'static [&'static str]),
    /// `FIRST`, `LAST` or an epoch time in ms.
    ConsumeFrom,
}

use Accepts::{Choice, ConsumeFrom, Group, Number, Required, Text};

#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule(keys::PRODUCER_ID, "", Group),
    rule(keys::CONSUMER_ID, "", Group),
    rule(keys::GROUP_ID, "", Group),
    rule(keys::ACCESS_KEY, "", Required),
    rule(keys::SECRET_KEY, "", Required),
    rule(keys::ONS_ADDR, "", Text),
    rule(keys::NAMESRV_ADDR, "", Text),
    rule(keys::ONS_CHANNEL, "ALIYUN", Choice(&["CLOUD", "ALIYUN", "ALL", "LOCAL", "INNER"])),
    rule(keys::PUBLISH_TOPICS, "", Text),
    rule(keys::MSG_CONTENT, "", Text),
    rule(keys::MESSAGE_MODEL, keys::CLUSTERING, Choice(&[keys::BROADCASTING, keys::CLUSTERING])),
    rule(keys::SEND_MSG_TIMEOUT_MILLIS, "3000", Number(1, 3_600_000)),
    rule(keys::SEND_MSG_RETRY_TIMES, "2", Number(0, 100)),
    rule(keys::CONSUME_THREAD_NUMS, "20", Number(1, 1000)),
    // -1 is the SDK's way to say "the default", and the default as text is the number that then holds.
    rule(keys::MAX_RECONSUME_TIMES, "16", Number(-1, i32::MAX as i64)),
    rule(keys::CONSUME_TIMEOUT, "15", Number(1, 43_200)),
    rule(keys::CONSUME_FROM_WHERE, "FIRST", ConsumeFrom),
    rule(keys::SUSPEND_TIME_MILLIS, "1000", Number(10, 30_000)),
    rule(keys::CHECK_IMMUNITY_TIME_IN_SECONDS, "6", Number(0, 86_400)),
    rule(keys::MAX_MSG_CACHE_SIZE, "1000", Number(1, 1_000_000)),
    rule(keys::MAX_CACHED_MESSAGE_AMOUNT, "1000", Number(1, 1_000_000)),
    rule(keys::MAX_CACHED_MESSAGE_SIZE_IN_MIB, "512", Number(1, 65_536)),
    rule(keys::ONS_TRACE_SWITCH, "true", Choice(&["true", "false"])),
    rule(keys::CONSUMER_INSTANCE_NAME, "", Text),
    rule(keys::INSTANCE_ID, "", Text),
    rule(keys::LOG_PATH, "", Text),
    // The document gives these two a fallback instead of an error: another level is INFO, another count 10.
    rule(keys::LOG_LEVEL, "INFO", Text),
    rule(keys::LOG_FILE_MAX_INDEX, "10", Text),
    rule(keys::LOG_FILE_SIZE, "64", Number(1, 4096)),
    rule(keys::FLUSH_DISK_TYPE, "SYNC_FLUSH", Choice(&["SYNC_FLUSH", "ASYNC_FLUSH"])),
    rule(keys::FILE_RESERVED_TIME, "72", Number(1, 876_000)),
    rule(keys::DISK_MAX_USED_SPACE_RATIO, "75", Number(10, 95)),
];

const fn rule(key: &'static str, default: &'static str, accepts: Accepts) -> Rule {
    Rule { key, default, accepts }
}

pub(super) fn find(key: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.key == key)
}

pub(super) fn find_ignoring_case(key: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.key.eq_ignore_ascii_case(key))
}

#[cfg(test)]
pub(super) fn all() -> &'static [Rule] {
    RULES
}

impl Rule {
    pub(super) fn check(&self, value: &str) -> Result<(), Failure> {
        match self.accepts {
            Text => Ok(()),
            Required if value.is_empty() => Err(self.refuse(value, "a text that is not empty")),
            Required => Ok(()),
            Group => names::check_group(self.key, value),
            Number(min, max) => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(self.refuse(value, &format!("a whole number from {min} to {max}"))),
            },
            Choice(values) if values.contains(&value) => Ok(()),
            Choice(values) => Err(self.refuse(value, &format!("one of {}", values.join(", ")))),
            ConsumeFrom => match value.parse::<i64>() {
                Ok(timestamp_ms) if timestamp_ms >= 0 => Ok(()),
                _ if matches!(value, "FIRST" | "LAST") => Ok(()),
                _ => Err(self.refuse(value, "FIRST, LAST or an epoch time in milliseconds")),
            },
        }
    }

    fn refuse(&self, value: &str, allowed: &str) -> Failure {
        Failure::invalid(format!("{} = '{value}' is not allowed: {allowed} is needed", self.key))
    }
}
