//! Where a client connects to, by its factory property and the environment.

use crate::client::factory_property::FactoryProperty;
use crate::client::factory_property::keys;
use crate::protocol::failure::Failure;
use std::path::PathBuf;

/// What an address of the embedded broker begins with; the directory follows.
const EMBEDDED: &str = "embedded:";
/// Environment variables with the meaning of the properties `ONSAddr` and `NAMESRV_ADDR`.
const ENV_ONS_ADDR: &str = "ONS_ADDR";
const ENV_NAMESRV_ADDR: &str = "NAMESRV_ADDR";
/// Environment variable with the directory of clients that name none.
const ENV_HOME: &str = "ONS_HOME";

/// The directory of the embedded broker a client uses; the first that is given holds: `ONSAddr`, `NAMESRV_ADDR`, the
/// environment's `ONS_ADDR`, `NAMESRV_ADDR`, `ONS_HOME`, the user's data directory.
pub(super) fn directory(
    property: &FactoryProperty,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<PathBuf, Failure> {
    let from_environment = |name| environment(name).map(|value| value.trim().to_owned());
    let ons_addr = property.get(keys::ONS_ADDR).to_owned();
    let name_servers = property.get(keys::NAMESRV_ADDR).to_owned();
    let sources = [
        (keys::ONS_ADDR.to_owned(), ons_addr, true),
        (keys::NAMESRV_ADDR.to_owned(), name_servers, false),
        (
            format!("environment variable {ENV_ONS_ADDR}"),
            from_environment(ENV_ONS_ADDR).unwrap_or_default(),
            true,
        ),
        (
            format!("environment variable {ENV_NAMESRV_ADDR}"),
            from_environment(ENV_NAMESRV_ADDR).unwrap_or_default(),
            false,
        ),
    ];
    if let Some((source, value, may_be_embedded)) = sources.iter().find(|(_, value, _)| !value.is_empty()) {
        return match value.strip_prefix(EMBEDDED).filter(|_| *may_be_embedded) {
            Some(path) => embedded(source, path.trim()),
            None => Err(network(source, value)),
        };
    }
    match from_environment(ENV_HOME).filter(|home| !home.is_empty()) {
        Some(home) => Ok(home.into()),
        None => per_user(environment),
    }
}

fn network(source: &str, value: &str) -> Failure {
    Failure::not_supported(format!(
        "{source} = '{value}': a broker at a network address is not part of this version; use {} = '{EMBEDDED}DIRECTORY', or no address for the embedded broker in ${ENV_HOME}",
        keys::ONS_ADDR
    ))
}

fn embedded(source: &str, path: &str) -> Result<PathBuf, Failure> {
    if path.is_empty() {
        return Err(Failure::invalid(format!(
            "{source} = '{EMBEDDED}' names no directory: '{EMBEDDED}DIRECTORY' is needed"
        )));
    }
    Ok(path.into())
}

#[cfg(windows)]
const PER_USER: &[(&str, &str)] = &[("LOCALAPPDATA", "ons")];
#[cfg(not(windows))]
const PER_USER: &[(&str, &str)] = &[("XDG_DATA_HOME", "ons"), ("HOME", ".local/share/ons")];

fn per_user(environment: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Failure> {
    for (variable, below) in PER_USER {
        let dir = environment(variable).map(PathBuf::from);
        // A relative path would mean another directory for every program; the XDG rules say to ignore it.
        if let Some(dir) = dir.filter(|dir| dir.is_absolute()) {
            return Ok(dir.join(below));
        }
    }
    let names: Vec<&str> = PER_USER.iter().map(|(name, _)| *name).collect();
    Err(Failure::invalid(format!(
        "no directory for the embedded broker: neither {ENV_HOME} nor {} is set; set {ENV_HOME}, or {} = '{EMBEDDED}DIRECTORY'",
        names.join(" nor "),
        keys::ONS_ADDR
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::failure::FailureKind;

    fn with(pairs: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<PathBuf, Failure> {
        let mut property = FactoryProperty::new();
        for (key, value) in pairs {
            property.set(key, value).unwrap();
        }
        let find = |name: &str| environment.iter().find(|(own, _)| *own == name);
        directory(&property, &|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_address_given_holds() {
        let all = [("ONS_ADDR", "embedded:/c"), ("ONS_HOME", "/d"), ("HOME", "/e")];
        assert_eq!(with(&[("ONSAddr", "embedded:/a")], &all).unwrap(), PathBuf::from("/a"));
        assert_eq!(with(&[], &all).unwrap(), PathBuf::from("/c"));
        assert_eq!(with(&[], &all[1..]).unwrap(), PathBuf::from("/d"));
    }

    #[cfg(unix)]
    #[test]
    fn without_an_address_the_users_data_directory_is_used() {
        assert_eq!(with(&[], &[("HOME", "/e")]).unwrap(), PathBuf::from("/e/.local/share/ons"));
        let both = [("XDG_DATA_HOME", "/x"), ("HOME", "/e")];
        assert_eq!(with(&[], &both).unwrap(), PathBuf::from("/x/ons"));
        let relative = [("XDG_DATA_HOME", "x"), ("HOME", "/e")];
        assert_eq!(with(&[], &relative).unwrap(), PathBuf::from("/e/.local/share/ons"));
        let none = with(&[], &[]).unwrap_err();
        assert!(none.message.contains("ONS_HOME") && none.message.contains("embedded:"), "{none}");
    }

    #[test]
    fn network_addresses_are_refused_by_name_and_value() {
        let url = "http://onsaddr-internet.aliyun.com/rocketmq/nsaddr4client-internet";
        let refused = [
            (with(&[("ONSAddr", url)], &[]), "ONSAddr", url),
            (with(&[("NAMESRV_ADDR", "h:9876")], &[]), "NAMESRV_ADDR", "h:9876"),
            (with(&[], &[("ONS_ADDR", url)]), "environment variable ONS_ADDR", url),
            (with(&[], &[("NAMESRV_ADDR", "h:9876")]), "environment variable NAMESRV_ADDR", "h:9876"),
            (with(&[("NAMESRV_ADDR", "embedded:/a")], &[]), "NAMESRV_ADDR", "embedded:/a"),
        ];
        for (result, source, value) in refused {
            let failure = result.unwrap_err();
            assert_eq!(failure.kind, FailureKind::NotSupported);
            assert!(failure.message.starts_with(&format!("{source} = '{value}'")), "{failure}");
            assert!(failure.message.contains("ONSAddr = 'embedded:DIRECTORY'"), "{failure}");
        }
        let empty = with(&[("ONSAddr", "embedded: ")], &[]).unwrap_err();
        assert_eq!(empty.kind, FailureKind::InvalidArgument);
    }
}
