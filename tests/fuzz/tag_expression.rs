//! Tag expressions against a reading of their own: what they match, and that the broker's test by hash misses nothing.

use super::modest;
use ons::protocol::limits::{EXPRESSION_BYTES_MAX, TAGS_PER_EXPRESSION_MAX};
use ons::protocol::tags::{TagExpression, tag_hash};
use std::collections::HashSet;

pub fn run(data: &[u8]) {
    // The tags to ask about come behind a zero byte each.
    let mut parts = data.split(|&byte| byte == 0).map(String::from_utf8_lossy);
    let text = parts.next().unwrap_or_default();
    let trimmed = text.trim();
    let wanted: Vec<&str> = trimmed.split("||").map(str::trim).filter(|tag| !tag.is_empty()).collect();
    let is_all = trimmed.is_empty() || trimmed == "*";
    let parsed = modest::decode("a tag expression", text.as_bytes(), |_| TagExpression::parse(&text));
    let Ok(expression) = parsed else {
        let is_over = text.len() > EXPRESSION_BYTES_MAX || wanted.len() > TAGS_PER_EXPRESSION_MAX;
        assert!(is_over || (wanted.is_empty() && !is_all), "{text:?}");
        return;
    };
    assert_eq!(expression.is_all(), is_all);
    assert_eq!(TagExpression::parse(expression.text()).as_ref(), Ok(&expression));
    let hashes: HashSet<i64> = expression.tags().iter().map(|tag| java_hash(tag)).collect();
    let wanted: HashSet<&str> = wanted.into_iter().collect();
    for tag in wanted.iter().copied().chain(["", "*", "TagA"]) {
        check(&expression, &hashes, is_all || wanted.contains(tag), tag);
    }
    for tag in parts {
        check(&expression, &hashes, is_all || wanted.contains(&*tag), &tag);
    }
}

fn check(expression: &TagExpression, hashes: &HashSet<i64>, is_wanted: bool, tag: &str) {
    assert_eq!(expression.matches(tag), is_wanted, "{expression:?} {tag:?}");
    let hash = tag_hash(tag);
    assert_eq!(hash, java_hash(tag));
    assert!(!is_wanted || expression.may_match_hash(hash), "{expression:?} passes over {tag:?}");
    // Different strings may hash alike, so only one way can be asserted of the tags themselves.
    assert_eq!(expression.may_match_hash(hash), expression.is_all() || hashes.contains(&hash));
}

/// `s[0] * 31^(n-1) + ... + s[n-1]` in 32 bits, over UTF-16 units, as Java's documentation defines it.
fn java_hash(tag: &str) -> i64 {
    let mut sum = 0u32;
    let mut factor = 1u32;
    for unit in tag.encode_utf16().collect::<Vec<_>>().into_iter().rev() {
        sum = sum.wrapping_add(u32::from(unit).wrapping_mul(factor));
        factor = factor.wrapping_mul(31);
    }
    i64::from(sum as i32)
}
