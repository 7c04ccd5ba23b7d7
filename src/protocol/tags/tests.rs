//! Tests of tag expressions and of the hash that Java brokers and clients keep of a tag.

use super::*;

#[test]
fn the_hash_is_javas() {
    assert_eq!(tag_hash("TagA"), 2_598_919);
    assert_eq!(tag_hash("TagD"), 2_598_922);
    assert_eq!(tag_hash(""), 0);
    // Wraps at 32 bits and keeps its sign.
    assert_eq!(tag_hash("polygenelubricants"), i64::from(i32::MIN));
    assert_eq!(tag_hash("TagTagTag"), i64::from(tag_hash("TagTagTag") as i32));
    // Counts UTF-16 units: one for the first, two for the second.
    assert_eq!(tag_hash("\u{4E2D}"), 0x4E2D);
    assert_eq!(tag_hash("\u{1F980}"), 0xD83E * 31 + 0xDD80);
    assert_eq!(tag_hash("Aa"), tag_hash("BB"));
}

#[test]
fn everything_is_a_star_or_nothing() {
    for text in ["*", " * ", "", "  "] {
        let all = TagExpression::parse(text).unwrap();
        assert_eq!(all, TagExpression::all());
        assert!(all.is_all() && all.matches("") && all.matches("TagA") && all.may_match_hash(0));
    }
}

#[test]
fn alternatives_are_exact_and_case_sensitive() {
    let expression = TagExpression::parse(" TagB||TagA || TagB|| ").unwrap();
    assert_eq!(expression.tags(), ["TagA", "TagB"]);
    assert_eq!(expression.text(), "TagB||TagA || TagB||");
    for (tag, is_wanted) in
        [("TagA", true), ("TagB", true), ("taga", false), ("Tag", false), ("TagA ", false), ("", false)]
    {
        assert_eq!(expression.matches(tag), is_wanted, "{tag}");
        assert_eq!(expression.may_match_hash(tag_hash(tag)), is_wanted, "{tag}");
    }
    // A single bar belongs to the tag; so does a star beside other tags.
    assert_eq!(TagExpression::parse("a|b || *").unwrap().tags(), ["*", "a|b"]);
}

#[test]
fn tags_that_hash_alike_pass_the_broker_and_are_told_apart_by_the_client() {
    let expression = TagExpression::parse("Aa").unwrap();
    assert!(expression.may_match_hash(tag_hash("BB")));
    assert!(!expression.matches("BB"));
}

#[test]
fn an_expression_of_bars_names_no_tag() {
    for text in ["||", " || || "] {
        let refused = TagExpression::parse(text).unwrap_err();
        assert!(refused.message.contains("names no tag: use '*'"), "{refused}");
    }
}

#[test]
fn limits_pass_and_one_over_fails() {
    let tags = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join("||");
    assert_eq!(
        TagExpression::parse(&tags(TAGS_PER_EXPRESSION_MAX)).unwrap().tags().len(),
        TAGS_PER_EXPRESSION_MAX
    );
    let over = TagExpression::parse(&tags(TAGS_PER_EXPRESSION_MAX + 1)).unwrap_err();
    assert!(over.message.contains("names 1025 tags, the limit is 1024"), "{over}");
    TagExpression::parse(&"t".repeat(EXPRESSION_BYTES_MAX)).unwrap();
    let over = TagExpression::parse(&"t".repeat(EXPRESSION_BYTES_MAX + 1)).unwrap_err();
    assert!(over.message.contains("65537 bytes, the limit is 65536"), "{over}");
}
