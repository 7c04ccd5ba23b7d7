//! The offset message id: where a message lies, as a text (`MessageDecoder.createMessageId`).
//!
//! ```text
//! store host 4 | 16 bytes, port 4 bytes, position 8 bytes; upper-case hexadecimal: 32 or 56 characters
//! 7F000001 00002A9F 0000000000000000  =  127.0.0.1:10911, position 0
//! ```

use super::hex;
use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;

/// Broker address and log position of a message; prints as the id and parses from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OffsetId {
    pub store_host: SocketAddr,
    pub position: i64,
}

/// The text is not an offset message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOffsetId;

impl fmt::Display for NotAnOffsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an offset message id has 32 or 56 hexadecimal digits with a port up to 65535")
    }
}

impl std::error::Error for NotAnOffsetId {}

impl fmt::Display for OffsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut put = |word: u32| f.write_str(std::str::from_utf8(&hex::digits(word)).unwrap_or_default());
        match self.store_host.ip() {
            IpAddr::V4(ip) => put(ip.to_bits())?,
            IpAddr::V6(ip) => {
                for shift in [96, 64, 32, 0] {
                    put((ip.to_bits() >> shift) as u32)?;
                }
            }
        }
        put(u32::from(self.store_host.port()))?;
        put((self.position >> 32) as u32)?;
        put(self.position as u32)
    }
}

impl FromStr for OffsetId {
    type Err = NotAnOffsetId;

    fn from_str(text: &str) -> Result<Self, NotAnOffsetId> {
        let ip_digits = match text.len() {
            32 => 8,
            56 => 32,
            _ => return Err(NotAnOffsetId),
        };
        let (ip, rest) = text.as_bytes().split_at_checked(ip_digits).ok_or(NotAnOffsetId)?;
        let ip = hex::parse(ip).ok_or(NotAnOffsetId)?;
        let rest = hex::parse(rest).ok_or(NotAnOffsetId)?;
        let ip = if ip_digits == 8 {
            IpAddr::from((ip as u32).to_be_bytes())
        } else {
            IpAddr::from(ip.to_be_bytes())
        };
        let port = u16::try_from(rest >> 64).map_err(|_| NotAnOffsetId)?;
        Ok(Self { store_host: SocketAddr::new(ip, port), position: rest as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(host: &str, position: i64) -> OffsetId {
        OffsetId { store_host: host.parse().unwrap(), position }
    }

    #[test]
    fn documented_example() {
        let text = "7F00000100002A9F0000000000000000";
        assert_eq!(id("127.0.0.1:10911", 0).to_string(), text);
        assert_eq!(text.parse(), Ok(id("127.0.0.1:10911", 0)));
        assert_eq!(text.to_lowercase().parse(), Ok(id("127.0.0.1:10911", 0)));
    }

    #[test]
    fn both_families_and_extreme_positions_survive() {
        for host in ["0.0.0.0:0", "255.255.255.255:65535", "[::]:0", "[fd00::1:2]:10911"] {
            for position in [0, 1, i64::MAX, i64::MIN, -1, 0x0123_4567_89AB_CDEF] {
                let text = id(host, position).to_string();
                assert_eq!(text.len(), if host.starts_with('[') { 56 } else { 32 });
                assert_eq!(text.parse(), Ok(id(host, position)), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        let good = "7F00000100002A9F0000000000000000";
        for len in 0..good.len() {
            assert_eq!(good[..len].parse::<OffsetId>(), Err(NotAnOffsetId));
        }
        for bad in [
            "7F0000010001000000000000000000000",
            "7F000001000100000000000000000000",
            "7F00000100002A9F000000000000000G",
            "7F00000100002A9F00000000000000\u{e9}",
            "\u{e9}F00000100002A9F00000000000000",
            &"0".repeat(55),
            &"0".repeat(57),
            &format!("{}00010000{}", "0".repeat(32), "0".repeat(16)),
        ] {
            assert_eq!(bad.parse::<OffsetId>(), Err(NotAnOffsetId), "{bad}");
        }
    }
}
