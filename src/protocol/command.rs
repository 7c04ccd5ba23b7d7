//! A remoting command (`RemotingCommand`): what the header of every frame says, in either of its two forms.

use super::ext_fields::ExtFields;
use super::language::Language;
use std::borrow::Cow;

/// Flag bit of an answer.
pub const FLAG_RESPONSE: i32 = 1;
/// Flag bit of a request that is never answered, not even with an error.
pub const FLAG_ONE_WAY: i32 = 2;

/// The version this side says it has: RocketMQ 4.9.8. Clients refuse property filters below 232, and name servers
/// answer standard JSON from 401 on.
pub const OWN_VERSION: i32 = 409;
/// The language this side says it is written in: the one that every client ever released knows.
pub const OWN_LANGUAGE: Language = Language::Java;

/// A request or an answer without its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// Request code, or response code in an answer; see [`super::code`].
    pub code: i32,
    pub language: Language,
    pub version: i32,
    /// Ties an answer to its request, per connection and direction.
    pub opaque: i32,
    pub flag: i32,
    /// What went wrong, or (RocketMQ does that) a status word of a success.
    pub remark: Option<String>,
    /// `None` and an empty map are two things in JSON: some clients read fields of an answer without asking first.
    pub ext_fields: Option<ExtFields>,
}

impl Command {
    pub fn request(code: i32, opaque: i32) -> Self {
        Self { code, language: OWN_LANGUAGE, version: OWN_VERSION, opaque, ..Self::default() }
    }

    /// An answer to `request`, with an empty map of fields.
    pub fn answer(request: &Self, code: i32) -> Self {
        let ext_fields = Some(ExtFields::new());
        Self { flag: FLAG_RESPONSE, ext_fields, ..Self::request(code, request.opaque) }
    }

    pub fn is_response(&self) -> bool {
        self.flag & FLAG_RESPONSE != 0
    }

    pub fn is_one_way(&self) -> bool {
        self.flag & FLAG_ONE_WAY != 0
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.ext_fields.as_ref()?.get(name)
    }

    pub fn set_field(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.ext_fields.get_or_insert_default().set(name, value);
    }
}

/// Why bytes are not a header, or a command has no such header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderError {
    /// Not the JSON of a command; the text says what and where.
    Json(String),
    /// A binary header ends inside the named part, or goes on after its last one.
    BadLength(&'static str),
    /// The named part is not UTF-8.
    BadText(&'static str),
    /// The named number or text does not fit the width that a binary header has for it.
    TooLarge(&'static str),
}

impl std::fmt::Display for HeaderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(cause) => write!(f, "the header is not a command in JSON: {cause}"),
            Self::BadLength(part) => write!(f, "the binary header has a wrong length at its {part}"),
            Self::BadText(part) => write!(f, "the {part} of the binary header is not UTF-8"),
            Self::TooLarge(part) => write!(f, "the {part} does not fit a binary header"),
        }
    }
}

impl std::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::request::HEART_BEAT;
    use crate::protocol::code::response::SYSTEM_ERROR;

    #[test]
    fn an_answer_echoes_opaque_and_has_fields() {
        let request = Command { flag: FLAG_ONE_WAY, ..Command::request(HEART_BEAT, -7) };
        assert!(request.is_one_way() && !request.is_response() && request.ext_fields.is_none());
        let answer = Command::answer(&request, SYSTEM_ERROR);
        assert!(answer.is_response() && !answer.is_one_way());
        assert_eq!((answer.opaque, answer.code), (-7, SYSTEM_ERROR));
        assert_eq!(answer.ext_fields, Some(ExtFields::new()));
    }

    #[test]
    fn fields_appear_with_the_first() {
        let mut request = Command::request(HEART_BEAT, 0);
        assert_eq!(request.field("topic"), None);
        request.set_field("topic", "T");
        assert_eq!(request.field("topic"), Some("T"));
    }
}
