//! Settings of the broker itself, as far as somebody gave them explicitly: property first, then environment.

use crate::client::factory_property::FactoryProperty;
use crate::client::factory_property::keys;
use crate::protocol::failure::Failure;
use crate::store::config::FlushMode;
use crate::store::config::StoreConfig;
#[cfg(feature = "testing")]
use crate::sys::sync::leaf::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Property and environment variable of each setting.
const SETTINGS: &[(&str, &str)] = &[
    (keys::FLUSH_DISK_TYPE, "ONS_FLUSH_DISK_TYPE"),
    (keys::FILE_RESERVED_TIME, "ONS_FILE_RESERVED_TIME"),
    (keys::DISK_MAX_USED_SPACE_RATIO, "ONS_DISK_MAX_USED_SPACE_RATIO"),
];

/// Size of every segment of the log of stores opened from now on, unless 0; for tests that want many of them.
#[cfg(feature = "testing")]
pub static SEGMENT_BYTES: AtomicU64 = AtomicU64::new(0);

/// What was given explicitly, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    given: BTreeMap<&'static str, String>,
}

impl Settings {
    pub(super) fn new(
        property: &FactoryProperty,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let mut given = BTreeMap::new();
        for (key, variable) in SETTINGS {
            if property.is_set(key) {
                given.insert(*key, property.get(key).to_owned());
                continue;
            }
            let Some(value) = environment(variable).filter(|value| !value.trim().is_empty()) else {
                continue;
            };
            let checked = property.check(key, &value);
            checked
                .map_err(|failure| Failure::invalid(format!("environment variable {variable}: {failure}")))?;
            given.insert(*key, value.trim().to_owned());
        }
        Ok(Self { given })
    }

    /// What a store in `dir` is opened with.
    pub(super) fn store_config(&self, dir: &Path) -> StoreConfig {
        let mut config = StoreConfig::new(dir);
        if let Some(flush) = self.given.get(keys::FLUSH_DISK_TYPE) {
            config.flush = if flush == "ASYNC_FLUSH" { FlushMode::Async } else { FlushMode::Sync };
        }
        // The numbers were checked when they were set; a default of the store never replaces a bad one silently.
        if let Some(hours) =
            self.given.get(keys::FILE_RESERVED_TIME).and_then(|text| text.parse::<u64>().ok())
        {
            config.reserved = Duration::from_secs(hours * 3600);
        }
        if let Some(percent) =
            self.given.get(keys::DISK_MAX_USED_SPACE_RATIO).and_then(|text| text.parse().ok())
        {
            config.disk_used_percent_max = percent;
        }
        #[cfg(feature = "testing")]
        match SEGMENT_BYTES.load(Ordering::SeqCst) {
            0 => {}
            bytes => (config.segment_bytes_min, config.segment_bytes_max) = (bytes, bytes),
        }
        config
    }

    /// Refuses to join a broker that runs with something else than what is asked for here.
    pub(super) fn check_join(&self, running: &Settings, dir: &Path) -> Result<(), Failure> {
        let defaults = FactoryProperty::new();
        for (key, wanted) in &self.given {
            let has = running.given.get(key).map_or(defaults.get(key), String::as_str);
            if has != wanted {
                return Err(Failure::invalid(format!(
                    "{key} = '{wanted}' was asked for, but the broker in {} already runs in this process with {key} = '{has}': use the same value, or shut its other users down first",
                    dir.display()
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, Failure> {
        let mut property = FactoryProperty::new();
        for (key, value) in pairs {
            property.set(key, value).unwrap();
        }
        let find = |name: &str| environment.iter().find(|(own, _)| *own == name);
        Settings::new(&property, &|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn property_wins_over_environment_and_both_reach_the_store() {
        let environment = [("ONS_FLUSH_DISK_TYPE", "ASYNC_FLUSH"), ("ONS_FILE_RESERVED_TIME", " 5 ")];
        let both = settings(&[("FlushDiskType", "SYNC_FLUSH")], &environment).unwrap();
        let config = both.store_config(Path::new("/d"));
        assert_eq!((config.flush, config.reserved), (FlushMode::Sync, Duration::from_secs(5 * 3600)));
        let config = settings(&[("DiskMaxUsedSpaceRatio", "60")], &environment).unwrap();
        let config = config.store_config(Path::new("/d"));
        assert_eq!((config.flush, config.disk_used_percent_max), (FlushMode::Async, 60));
        let bad = settings(&[], &[("ONS_FILE_RESERVED_TIME", "soon")]).unwrap_err();
        assert!(bad.message.contains("ONS_FILE_RESERVED_TIME") && bad.message.contains("'soon'"), "{bad}");
    }

    #[test]
    fn who_joins_with_another_value_hears_both() {
        let running = settings(&[], &[]).unwrap();
        let dir = Path::new("/d");
        settings(&[("FlushDiskType", "SYNC_FLUSH")], &[]).unwrap().check_join(&running, dir).unwrap();
        let other = settings(&[("FlushDiskType", "ASYNC_FLUSH")], &[]).unwrap();
        let conflict = other.check_join(&running, dir).unwrap_err();
        for part in ["'ASYNC_FLUSH'", "'SYNC_FLUSH'", "/d"] {
            assert!(conflict.message.contains(part), "{conflict}");
        }
        running.check_join(&other, dir).unwrap();
    }
}
