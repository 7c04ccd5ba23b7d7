//! Tag expressions (`*`, `TagA || TagB`) and the hash that a consume queue keeps of a tag.

use super::failure::Failure;
use super::limits::{EXPRESSION_BYTES_MAX, TAGS_PER_EXPRESSION_MAX};

/// Java's `String.hashCode` over UTF-16 units, sign-extended; 0 for no tag (RocketMQ `tagsString2tagsCode`).
pub fn tag_hash(tag: &str) -> i64 {
    let hash =
        tag.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    i64::from(hash)
}

/// What a subscription wants of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagExpression {
    text: String,
    /// Sorted and without doubles; empty means every message.
    tags: Vec<String>,
    /// Hashes of `tags`, sorted.
    hashes: Vec<i64>,
}

impl TagExpression {
    /// Every message of the topic.
    pub fn all() -> Self {
        Self { text: "*".into(), tags: Vec::new(), hashes: Vec::new() }
    }

    /// `*` or an empty text is everything; otherwise tags separated by `||`, spaces around them ignored.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > EXPRESSION_BYTES_MAX {
            let len = text.len();
            return Err(Failure::invalid(format!(
                "tag expression has {len} bytes, the limit is {EXPRESSION_BYTES_MAX}"
            )));
        }
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed == "*" {
            return Ok(Self::all());
        }
        let mut tags: Vec<String> =
            trimmed.split("||").map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        if tags.is_empty() {
            return Err(Failure::invalid(format!(
                "tag expression '{text}' names no tag: use '*' or 'TagA||TagB'"
            )));
        }
        if tags.len() > TAGS_PER_EXPRESSION_MAX {
            let count = tags.len();
            return Err(Failure::invalid(format!(
                "tag expression names {count} tags, the limit is {TAGS_PER_EXPRESSION_MAX}"
            )));
        }
        tags.sort();
        tags.dedup();
        let mut hashes: Vec<i64> = tags.iter().map(|tag| tag_hash(tag)).collect();
        hashes.sort_unstable();
        Ok(Self { text: trimmed.to_owned(), tags, hashes })
    }

    /// The expression as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_all(&self) -> bool {
        self.tags.is_empty()
    }

    /// The tags, sorted; empty for everything.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The broker's test, on the hash alone: may let a message through whose tag only hashes alike.
    pub fn may_match_hash(&self, hash: i64) -> bool {
        self.is_all() || self.hashes.binary_search(&hash).is_ok()
    }

    /// The exact test, on the tag.
    pub fn matches(&self, tag: &str) -> bool {
        self.is_all() || self.tags.binary_search_by(|own| own.as_str().cmp(tag)).is_ok()
    }
}

#[cfg(test)]
mod tests;
