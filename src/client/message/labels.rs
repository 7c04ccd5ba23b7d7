//! What a listener usually asks of a message's properties, found in one pass over them.

use super::Message;
use super::MessageId;
use super::text;
use crate::protocol::properties;

/// Empty texts for what is not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Labels<'a> {
    pub tag: &'a str,
    pub key: &'a str,
    pub message_id: &'a str,
    /// How many [`Message::properties`] there are.
    pub user_properties: usize,
    /// How many of [`Message::system_properties`] are not fields of a message.
    pub other_system_properties: usize,
}

impl Message {
    pub(crate) fn labels(&self) -> Labels<'_> {
        let mut labels = Labels::default();
        for (name, value) in properties::iter(self.text.as_text()) {
            // Of a repeated name the last value counts.
            match name {
                properties::TAGS => labels.tag = value,
                properties::KEYS => labels.key = value,
                properties::UNIQ_KEY => labels.message_id = value,
                name if text::is_reserved(name) => {}
                _ => labels.user_properties += 1,
            }
        }
        match &self.message_id {
            MessageId::OfText => {}
            MessageId::Own(id) => labels.message_id = id.as_str(),
            MessageId::Given(id) => labels.message_id = id,
        }
        labels.other_system_properties = self.other_system.iter().count();
        labels
    }
}
