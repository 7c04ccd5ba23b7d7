//! The factory property: the settings of a client by their documented names, checked when they are set.

mod rules;

use crate::protocol::failure::Failure;
use crate::sys::sync::leaf::Mutex;
use log::warn;
use once_cell::sync::Lazy;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::PoisonError;

/// The documented keys. The value of each is the key as programs write it.
pub mod keys {
    pub const PRODUCER_ID: &str = "ProducerId";
    pub const CONSUMER_ID: &str = "ConsumerId";
    pub const GROUP_ID: &str = "GroupId";
    pub const ACCESS_KEY: &str = "AccessKey";
    pub const SECRET_KEY: &str = "SecretKey";
    pub const ONS_ADDR: &str = "ONSAddr";
    pub const NAMESRV_ADDR: &str = "NAMESRV_ADDR";
    pub const ONS_CHANNEL: &str = "OnsChannel";
    pub const PUBLISH_TOPICS: &str = "PublishTopics";
    pub const MSG_CONTENT: &str = "MsgContent";
    pub const MESSAGE_MODEL: &str = "MessageModel";
    pub const SEND_MSG_TIMEOUT_MILLIS: &str = "SendMsgTimeoutMillis";
    pub const SEND_MSG_RETRY_TIMES: &str = "SendMsgRetryTimes";
    pub const CONSUME_THREAD_NUMS: &str = "ConsumeThreadNums";
    pub const MAX_RECONSUME_TIMES: &str = "MaxReconsumeTimes";
    pub const CONSUME_TIMEOUT: &str = "ConsumeTimeout";
    pub const CONSUME_FROM_WHERE: &str = "ConsumeFromWhere";
    pub const SUSPEND_TIME_MILLIS: &str = "SuspendTimeMillis";
    pub const CHECK_IMMUNITY_TIME_IN_SECONDS: &str = "CheckImmunityTimeInSeconds";
    pub const MAX_MSG_CACHE_SIZE: &str = "MaxMsgCacheSize";
    pub const MAX_CACHED_MESSAGE_AMOUNT: &str = "MaxCachedMessageAmount";
    pub const MAX_CACHED_MESSAGE_SIZE_IN_MIB: &str = "MaxCachedMessageSizeInMiB";
    pub const ONS_TRACE_SWITCH: &str = "OnsTraceSwitch";
    pub const CONSUMER_INSTANCE_NAME: &str = "ConsumerInstanceName";
    pub const INSTANCE_ID: &str = "InstanceId";
    pub const LOG_PATH: &str = "LogPath";
    pub const LOG_LEVEL: &str = "LogLevel";
    pub const LOG_FILE_MAX_INDEX: &str = "LogFileMaxIndex";
    pub const LOG_FILE_SIZE: &str = "LogFileSize";
    pub const FLUSH_DISK_TYPE: &str = "FlushDiskType";
    pub const FILE_RESERVED_TIME: &str = "FileReservedTime";
    pub const DISK_MAX_USED_SPACE_RATIO: &str = "DiskMaxUsedSpaceRatio";

    /// Values of [`MESSAGE_MODEL`], which the SDKs offer beside the keys.
    pub const BROADCASTING: &str = "BROADCASTING";
    pub const CLUSTERING: &str = "CLUSTERING";
}

/// Longest value of a property, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 << 10;

/// Settings of a client, by key. Holds what was set explicitly; [`FactoryProperty::get`] adds the defaults.
#[derive(Clone, Default)]
pub struct FactoryProperty {
    values: BTreeMap<String, String>,
}

/// Without the secrets: what is printed ends up in logs.
impl fmt::Debug for FactoryProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_secret = |key| matches!(key, keys::ACCESS_KEY | keys::SECRET_KEY);
        f.debug_map()
            .entries(self.iter().map(|(key, value)| (key, if is_secret(key) { "..." } else { value })))
            .finish()
    }
}

impl FactoryProperty {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one value, without the white space around it. A value outside its range is refused with an error that
    /// names key, value and range; an unknown key is kept for the program's own use and logged once.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Failure> {
        let (key, value) = (key.trim(), value.trim());
        self.check(key, value)?;
        if rules::find(key).is_none() {
            warn_of_unknown(key);
        }
        self.values.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Whether [`FactoryProperty::set`] would accept the value.
    pub fn check(&self, key: &str, value: &str) -> Result<(), Failure> {
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(Failure::invalid(format!(
                "the key of a factory property is empty (value '{value}')"
            )));
        }
        if value.len() > VALUE_BYTES_MAX {
            let len = value.len();
            return Err(Failure::invalid(format!(
                "value of {key} has {len} bytes, the limit is {VALUE_BYTES_MAX}"
            )));
        }
        if value.contains('\0') {
            return Err(Failure::invalid(format!("value of {key} contains a NUL character")));
        }
        rules::find(key).map_or(Ok(()), |rule| rule.check(value))
    }

    /// The explicit value, else the documented default, else an empty text.
    pub fn get(&self, key: &str) -> &str {
        let key = key.trim();
        match self.values.get(key) {
            Some(value) => value,
            None => rules::find(key).map_or("", |rule| rule.default),
        }
    }

    /// Whether a value was set that is not empty.
    pub fn is_set(&self, key: &str) -> bool {
        self.values.get(key.trim()).is_some_and(|value| !value.is_empty())
    }

    /// What was set explicitly, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A number that was checked when it was set.
    pub(crate) fn number(&self, key: &str) -> Result<i64, Failure> {
        let value = self.get(key);
        value.parse().map_err(|_| Failure::invalid(format!("{key} = '{value}' is not a number")))
    }
}

/// Once per key and process: a program that creates many clients says it once.
fn warn_of_unknown(key: &str) {
    static KNOWN: Lazy<Mutex<BTreeSet<String>>> = Lazy::new(Mutex::default);
    let is_new = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
    if !is_new {
        return;
    }
    match rules::find_ignoring_case(key) {
        Some(rule) => {
            warn!("factory property '{key}' is unknown and has no effect: '{}' is meant?", rule.key)
        }
        None => warn!("factory property '{key}' is unknown and has no effect in this library"),
    }
}

#[cfg(test)]
mod tests;
