//! Guards against bad settings that are taken silently, and good ones that are refused.

use super::*;
use crate::protocol::failure::FailureKind;
use crate::protocol::limits::GROUP_BYTES_MAX;

#[test]
fn every_default_is_a_value_its_own_rule_accepts() {
    let property = FactoryProperty::new();
    for rule in rules::all().iter().filter(|rule| !rule.default.is_empty()) {
        property.check(rule.key, rule.default).unwrap();
        assert_eq!(property.get(rule.key), rule.default);
        assert!(!property.is_set(rule.key));
    }
    assert_eq!(property.get("no such key"), "");
}

#[test]
fn white_space_around_a_value_is_dropped() {
    let mut property = FactoryProperty::new();
    property.set(" ProducerId", " PID_xxxx \t").unwrap();
    assert_eq!(property.get(keys::PRODUCER_ID), "PID_xxxx");
    assert_eq!(property.iter().collect::<Vec<_>>(), [("ProducerId", "PID_xxxx")]);
}

#[test]
fn numbers_are_held_to_their_range_and_one_over_is_refused_by_name() {
    let ranges = [
        (keys::SEND_MSG_TIMEOUT_MILLIS, 1, 3_600_000),
        (keys::SEND_MSG_RETRY_TIMES, 0, 100),
        (keys::CONSUME_THREAD_NUMS, 1, 1000),
        (keys::MAX_RECONSUME_TIMES, -1, i64::from(i32::MAX)),
        (keys::CONSUME_TIMEOUT, 1, 43_200),
        (keys::SUSPEND_TIME_MILLIS, 10, 30_000),
        (keys::CHECK_IMMUNITY_TIME_IN_SECONDS, 0, 86_400),
        (keys::MAX_MSG_CACHE_SIZE, 1, 1_000_000),
        (keys::MAX_CACHED_MESSAGE_AMOUNT, 1, 1_000_000),
        (keys::MAX_CACHED_MESSAGE_SIZE_IN_MIB, 1, 65_536),
        (keys::LOG_FILE_SIZE, 1, 4096),
        (keys::FILE_RESERVED_TIME, 1, 876_000),
        (keys::DISK_MAX_USED_SPACE_RATIO, 10, 95),
    ];
    let mut property = FactoryProperty::new();
    for (key, min, max) in ranges {
        for good in [min, max] {
            property.set(key, &good.to_string()).unwrap();
            assert_eq!(property.number(key).unwrap(), good);
        }
        for bad in [(min - 1).to_string(), (max + 1).to_string(), "many".into(), String::new()] {
            let error = property.set(key, &bad).unwrap_err();
            assert_eq!(error.kind, FailureKind::InvalidArgument);
            for part in [key, &format!("'{bad}'"), &format!("from {min} to {max}")] {
                assert!(error.message.contains(part), "{error} does not say {part}");
            }
        }
        assert_eq!(property.number(key).unwrap(), max, "a refused value must not replace the old one");
    }
}

#[test]
fn choices_are_exact_and_the_error_lists_them() {
    let mut property = FactoryProperty::new();
    property.set(keys::MESSAGE_MODEL, keys::BROADCASTING).unwrap();
    let error = property.set(keys::MESSAGE_MODEL, "broadcast").unwrap_err();
    assert_eq!(
        error.message,
        "MessageModel = 'broadcast' is not allowed: one of BROADCASTING, CLUSTERING is needed"
    );
    property.set(keys::FLUSH_DISK_TYPE, "ASYNC_FLUSH").unwrap();
    assert!(property.set(keys::FLUSH_DISK_TYPE, "NO_FLUSH").is_err());
    for good in ["FIRST", "LAST", "0", "1700000000000"] {
        property.set(keys::CONSUME_FROM_WHERE, good).unwrap();
    }
    for bad in ["", "first", "-1", "MIDDLE"] {
        assert!(property.set(keys::CONSUME_FROM_WHERE, bad).is_err(), "{bad}");
    }
}

#[test]
fn access_keys_must_not_be_empty_and_group_ids_obey_their_rule() {
    let mut property = FactoryProperty::new();
    assert!(property.set(keys::ACCESS_KEY, "  ").unwrap_err().message.contains("AccessKey"));
    assert!(property.set(keys::SECRET_KEY, "").unwrap_err().message.contains("SecretKey"));
    for key in [keys::PRODUCER_ID, keys::CONSUMER_ID, keys::GROUP_ID] {
        property.set(key, &"g".repeat(GROUP_BYTES_MAX)).unwrap();
        assert!(property.set(key, &"g".repeat(GROUP_BYTES_MAX + 1)).unwrap_err().message.contains(key));
        assert!(property.set(key, "PID x").unwrap_err().message.contains("'PID x' contains ' '"));
    }
}

#[test]
fn unknown_keys_are_kept_and_odd_ones_refused() {
    let mut property = FactoryProperty::new();
    property.set("my.own.key", "value").unwrap();
    assert_eq!((property.get("my.own.key"), property.len()), ("value", 1));
    assert!(property.set(" ", "value").unwrap_err().message.contains("key of a factory property is empty"));
    property.set("my.own.key", &"v".repeat(VALUE_BYTES_MAX)).unwrap();
    let over = property.set("my.own.key", &"v".repeat(VALUE_BYTES_MAX + 1)).unwrap_err();
    assert!(over.message.contains("65537 bytes, the limit is 65536"), "{over}");
    assert!(property.set("my.own.key", "a\0b").is_err());
}

#[test]
fn secrets_are_not_printed() {
    let mut property = FactoryProperty::new();
    property.set(keys::SECRET_KEY, "hush").unwrap();
    property.set(keys::ACCESS_KEY, "whisper").unwrap();
    property.set(keys::PRODUCER_ID, "PID_loud").unwrap();
    let printed = format!("{property:?}");
    assert!(printed.contains("PID_loud") && !printed.contains("hush") && !printed.contains("whisper"));
}
