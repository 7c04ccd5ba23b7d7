//! Tests of property texts: reading what others wrote, replacing, and the limit.

use super::*;

fn pairs(text: &str) -> Vec<(&str, &str)> {
    iter(text).collect()
}

#[test]
fn the_last_separator_may_be_missing() {
    for text in ["a\u{1}1\u{2}b\u{1}2", "a\u{1}1\u{2}b\u{1}2\u{2}"] {
        assert_eq!(pairs(text), [("a", "1"), ("b", "2")]);
        assert_eq!((get(text, "a"), get(text, "b"), get(text, "c")), (Some("1"), Some("2"), None));
        let mut properties = Properties::from_text(text);
        assert_eq!(properties.as_text(), text, "kept as received");
        properties.set("c", "3").unwrap();
        assert_eq!(properties.as_text(), "a\u{1}1\u{2}b\u{1}2\u{2}c\u{1}3\u{2}");
    }
}

#[test]
fn a_pair_without_both_parts_is_dropped_when_read() {
    for text in
        ["", "\u{2}", "\u{1}", "a", "a\u{1}", "a\u{1}\u{2}", "\u{1}b\u{2}", "\u{1}\u{2}\u{2}\u{1}", "a\u{2}b"]
    {
        assert_eq!(pairs(text), [], "{text:?}");
        assert_eq!((get(text, "a"), get(text, "")), (None, None));
        let mut properties = Properties::from_text(text);
        properties.remove("a");
        assert_eq!(properties.as_text(), text);
        properties.set("a", "1").unwrap();
        assert_eq!(properties.iter().collect::<Vec<_>>(), [("a", "1")], "{text:?}");
    }
    assert_eq!(pairs("x\u{1}\u{2}a\u{1}1\u{1}2\u{2}\u{2}b\u{1}2"), [("a", "1\u{1}2"), ("b", "2")]);
}

#[test]
fn what_is_no_name_is_never_found() {
    let text = "\u{1}1\u{2}a\u{1}b\u{1}2\u{2}aa\u{1}3";
    for name in ["", "a\u{1}b", "\u{1}", "\u{2}a", "a\u{1}", "A", "aaa"] {
        assert_eq!(get(text, name), None, "{name:?}");
    }
    assert_eq!((get(text, "a"), get(text, "aa")), (Some("b\u{1}2"), Some("3")));
}

#[test]
fn set_replaces_in_place() {
    let mut properties = Properties::new();
    assert!(properties.as_text().is_empty());
    for (name, value) in
        [("aa", "1"), ("a", "2"), ("aa", "long value"), ("b", "3"), ("aa", "4"), ("b", "\u{4E2D}")]
    {
        properties.set(name, value).unwrap();
        assert_eq!(properties.get(name), Some(value));
    }
    assert_eq!(properties.as_text(), "aa\u{1}4\u{2}a\u{1}2\u{2}b\u{1}\u{4E2D}\u{2}");
    properties.remove("a");
    properties.remove("never there");
    assert_eq!(properties.as_text(), "aa\u{1}4\u{2}b\u{1}\u{4E2D}\u{2}");
}

#[test]
fn of_a_repeated_name_the_last_value_counts_and_one_is_left_after_set() {
    let text = "a\u{1}1\u{2}b\u{1}2\u{2}a\u{1}3\u{2}";
    let mut properties = Properties::from_text(text);
    assert_eq!(properties.get("a"), Some("3"));
    let over = "v".repeat(PROPERTIES_BYTES_MAX);
    properties.set("a", &over).unwrap_err();
    assert_eq!(properties.as_text(), text, "a refused value changes nothing");
    properties.set("a", "4").unwrap();
    assert_eq!(properties.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "4")]);
    let mut properties = Properties::from_text(text);
    properties.remove("a");
    assert_eq!(properties.as_text(), "b\u{1}2\u{2}");
}

#[test]
fn parts_that_are_empty_or_hold_a_separator_are_refused() {
    let mut properties = Properties::from_text("a\u{1}1\u{2}");
    for (name, value) in [
        ("", "v"),
        ("n\u{1}", "v"),
        ("n\u{2}", "v"),
        ("n", ""),
        ("n", "\u{1}"),
        ("n", "\u{2}v"),
        ("a", ""),
        ("a", "\u{1}"),
    ] {
        let by_set = properties.set(name, value).unwrap_err();
        assert_eq!(Err(by_set), properties.push(name, value), "{name:?} {value:?}");
    }
    assert_eq!(properties.as_text(), "a\u{1}1\u{2}");
    assert!(properties.set("color", "").unwrap_err().message.contains("value is empty (property 'color')"));
    assert!(
        properties
            .set("color", "\u{1}")
            .unwrap_err()
            .message
            .contains("'color' has a value with the character U+0001")
    );
}

#[test]
fn the_text_may_reach_the_limit_and_not_one_byte_more() {
    let fits = "v".repeat(PROPERTIES_BYTES_MAX - 3);
    let over = format!("{fits}v");
    let mut properties = Properties::new();
    let refused = properties.push("a", &over).unwrap_err();
    assert!(refused.message.contains("32768 bytes with 'a', the limit is 32767"), "{refused}");
    assert_eq!(properties.set("a", &over), Err(refused));
    properties.set("a", &fits).unwrap();
    assert_eq!(properties.as_text().len(), PROPERTIES_BYTES_MAX);
    properties.set("a", &over).unwrap_err();
    properties.push("b", "1").unwrap_err();
    properties.set("a", &fits).unwrap();
    assert_eq!(properties.get("a"), Some(&*fits));
    // Without the last separator there is one byte more to add.
    let mut properties = Properties::from_text(format!("a\u{1}{}", "v".repeat(PROPERTIES_BYTES_MAX - 2 - 5)));
    properties.push("b", "12").unwrap_err();
    properties.push("b", "1").unwrap();
    assert_eq!(properties.as_text().len(), PROPERTIES_BYTES_MAX);
}

#[test]
fn push_appends() {
    let mut properties = Properties::with_capacity(64);
    properties.push(TAGS, "TagA").unwrap();
    properties.push(KEYS, "k").unwrap();
    assert_eq!(properties.as_text(), "TAGS\u{1}TagA\u{2}KEYS\u{1}k\u{2}");
}
