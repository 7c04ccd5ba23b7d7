//! The SDK's system properties: names for what are fields of a message, and others that are kept as they are.

use super::Message;
use super::text;
use crate::protocol::failure::Failure;

pub(super) const TAG: &str = "__TAG";
pub(super) const KEY: &str = "__KEY";
pub(super) const MESSAGE_ID: &str = "__MSGID";
pub(super) const RECONSUME_TIMES: &str = "__RECONSUMETIMES";
pub(super) const START_DELIVER_TIME: &str = "__STARTDELIVERTIME";

/// Numbers as the borrowed texts a getter returns; made when first asked for.
#[derive(Debug, Clone)]
pub(super) struct NumberTexts {
    reconsume_times: String,
    start_deliver_time: String,
}

impl Message {
    /// One of `__TAG __KEY __MSGID __RECONSUMETIMES __STARTDELIVERTIME`, or another that was set before.
    pub fn system_property(&self, name: &str) -> Option<&str> {
        let value = match name {
            TAG => self.tag(),
            KEY => self.key(),
            MESSAGE_ID => self.message_id(),
            RECONSUME_TIMES if self.reconsume_times == 0 => "",
            RECONSUME_TIMES => &self.number_texts().reconsume_times,
            START_DELIVER_TIME if self.start_deliver_time_ms == 0 => "",
            START_DELIVER_TIME => &self.number_texts().start_deliver_time,
            _ => self.other_system.get(name).unwrap_or_default(),
        };
        (!value.is_empty()).then_some(value)
    }

    /// Sets the field the name stands for, or keeps the pair; either travels with the message.
    pub fn set_system_property(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            TAG => self.set_tag(value),
            KEY => self.set_key(value),
            MESSAGE_ID => {
                self.set_message_id(value);
                Ok(())
            }
            RECONSUME_TIMES => {
                self.set_reconsume_times(number(name, value)?);
                Ok(())
            }
            START_DELIVER_TIME => {
                self.set_start_deliver_time_ms(number(name, value)?);
                Ok(())
            }
            _ if text::is_reserved(name) => Err(Failure::invalid(format!(
                "system property '{name}' is the library's own: it cannot be set"
            ))),
            _ => self.other_system.set_or_remove(name, value),
        }
    }

    /// The system properties that have a value: the SDK's five first, then the others in the order they were set.
    pub fn system_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        [TAG, KEY, MESSAGE_ID, RECONSUME_TIMES, START_DELIVER_TIME]
            .into_iter()
            .filter_map(|name| Some((name, self.system_property(name)?)))
            .chain(self.other_system.iter())
    }

    /// Takes tag, key, id, attempts, delivery time and all other system properties away.
    pub fn clear_system_properties(&mut self) {
        let own = self.own_text();
        own.remove(crate::protocol::properties::TAGS);
        own.remove(crate::protocol::properties::KEYS);
        self.set_message_id("");
        self.set_reconsume_times(0);
        self.set_start_deliver_time_ms(0);
        self.other_system = Default::default();
        self.refused = None;
    }

    fn number_texts(&self) -> &NumberTexts {
        self.number_texts.get_or_init(|| {
            Box::new(NumberTexts {
                reconsume_times: self.reconsume_times.to_string(),
                start_deliver_time: self.start_deliver_time_ms.to_string(),
            })
        })
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    let parsed = value.trim().parse();
    parsed.map_err(|_| {
        Failure::invalid(format!("system property {name} = '{value}' is not a whole number in range"))
    })
}
