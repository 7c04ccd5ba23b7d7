//! Names of topics and groups: which are allowed, and the system names derived from them.

use super::failure::Failure;
use super::limits::{GROUP_BYTES_MAX, TOPIC_BYTES_MAX};

/// Prefix of the topic that holds a group's messages waiting to be tried again.
pub const RETRY_PREFIX: &str = "%RETRY%";
/// Prefix of the topic that holds what a group gave up on.
pub const DEAD_LETTER_PREFIX: &str = "%DLQ%";
/// Topic in which a message waits for its delivery time; never visible to consumers.
pub const TIMER_TOPIC: &str = "rmq_sys_wheel_timer";

/// RocketMQ's topics that a user may not send to.
const FORBIDDEN_TOPICS: &[&str] = &[
    "SCHEDULE_TOPIC_XXXX",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
];

pub fn retry_topic(group: &str) -> String {
    format!("{RETRY_PREFIX}{group}")
}

pub fn dead_letter_topic(group: &str) -> String {
    format!("{DEAD_LETTER_PREFIX}{group}")
}

/// Whether the topic is one the broker makes for itself.
pub fn is_system_topic(topic: &str) -> bool {
    topic.starts_with("rmq_sys_") || FORBIDDEN_TOPICS.contains(&topic)
}

/// A topic a user may send to.
pub fn check_topic(topic: &str) -> Result<(), Failure> {
    check("topic", topic, TOPIC_BYTES_MAX)?;
    if is_system_topic(topic) {
        return Err(Failure::invalid(format!(
            "topic '{topic}' is reserved for the broker: use another name"
        )));
    }
    Ok(())
}

/// A producer id, consumer id or group id. `what` names the property it came from, for the error.
pub fn check_group(what: &str, group: &str) -> Result<(), Failure> {
    check(what, group, GROUP_BYTES_MAX)
}

fn check(what: &str, name: &str, bytes_max: usize) -> Result<(), Failure> {
    if name.is_empty() {
        return Err(Failure::invalid(format!(
            "{what} is empty: 1 to {bytes_max} bytes of ^[%|a-zA-Z0-9_-]+$ are needed"
        )));
    }
    if name.len() > bytes_max {
        let len = name.len();
        return Err(Failure::invalid(format!("{what} '{name}' has {len} bytes, the limit is {bytes_max}")));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'|' | b'_' | b'-');
    if let Some(at) = name.bytes().position(|byte| !is_allowed(byte)) {
        // Whatever stands before is ASCII, so a character begins here.
        let bad = name.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
        return Err(Failure::invalid(format!(
            "{what} '{name}' contains {bad:?}: only ^[%|a-zA-Z0-9_-]+$ is allowed"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_limit_pass_and_one_over_fails() {
        check_topic(&"t".repeat(TOPIC_BYTES_MAX)).unwrap();
        let over = check_topic(&"t".repeat(TOPIC_BYTES_MAX + 1)).unwrap_err();
        assert!(over.message.contains("128 bytes, the limit is 127"), "{over}");
        check_group("ProducerId", &"g".repeat(GROUP_BYTES_MAX)).unwrap();
        check_group("ProducerId", &"g".repeat(GROUP_BYTES_MAX + 1)).unwrap_err();
    }

    #[test]
    fn a_bad_name_is_told_with_the_rule() {
        let bad = check_topic("my topic").unwrap_err();
        assert!(
            bad.message.contains("'my topic' contains ' '") && bad.message.contains("a-zA-Z0-9_-"),
            "{bad}"
        );
        assert!(check_topic("").unwrap_err().message.contains("topic is empty"));
        assert!(check_topic("SCHEDULE_TOPIC_XXXX").is_err());
    }
}
