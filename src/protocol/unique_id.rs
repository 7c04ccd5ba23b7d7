//! The client's message id (`UNIQ_KEY`): 32 upper-case hexadecimal digits in the layout of RocketMQ's Java client.
//!
//! ```text
//!  0 IPv4 address 4 | 4 pid 2 | 6 process hash 4 | 10 ms since the start of the month, UTC 4 | 14 counter 2
//! ```
//! The time starts again each month, so the process hash is mixed with the month: one generator never repeats an id.

use super::hex;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Latest time that is told apart: the counter shares a 64-bit word with it. In the year 4199.
const TIME_MS_MAX: u64 = 1 << 46;
/// How far in the future an id may seem to be before it is taken for one of last month: clocks differ, and Java
/// clients count from the start of the month in *their* time zone.
const SKEW_MS_MAX: i64 = DAY_MS as i64;

/// One id, as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId([u8; 32]);

impl UniqueId {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Deref for UniqueId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes ids that are unique among all generators with another address, pid or hash, from any number of threads.
#[derive(Debug)]
pub struct UniqueIdGenerator {
    /// Address and pid, in the place they have in the id.
    origin: u128,
    hash: u32,
    /// The month of the last id; whoever finds it outdated replaces it.
    month: AtomicU64,
    /// Time in ms and counter of the next id: `ms << 16 | counter`. It only grows. A counter that overflows carries
    /// into the time, so that more than 65 536 ids in one millisecond borrow from the next ones instead of repeating.
    next: OwnLine,
}

/// Ids that one thread has taken in advance.
#[derive(Debug, Default, Clone, Copy)]
pub struct IdBlock {
    next: u64,
    end: u64,
    asked_ms: u64,
}

/// Alone in its cache line: each id writes it, while the fields beside it are only read.
#[derive(Debug)]
#[repr(align(128))]
struct OwnLine(AtomicU64);

impl UniqueIdGenerator {
    /// `process_hash` tells apart processes that share address and pid (containers do): give a random number.
    pub fn new(address: Ipv4Addr, pid: u32, process_hash: u32) -> Self {
        let origin = u128::from(address.to_bits()) << 96 | u128::from(pid & 0xFFFF) << 80;
        Self { origin, hash: process_hash, month: AtomicU64::new(0), next: OwnLine(AtomicU64::new(0)) }
    }

    /// The next id. Its time is `now_ms` (epoch), or later when ids were made faster than time went on, or when the
    /// clock was set back.
    #[cfg(any(test, feature = "testing"))]
    pub fn generate(&self, now_ms: i64) -> UniqueId {
        let mut block = IdBlock::default();
        self.generate_in(&mut block, now_ms, 1)
    }

    /// As [`UniqueIdGenerator::generate`], out of a block of ids that the caller has to itself; a new one of `ids`
    /// when it is used up or of another millisecond. Threads with a block each do not meet at the counter.
    pub fn generate_in(&self, block: &mut IdBlock, now_ms: i64, ids: u64) -> UniqueId {
        let now_ms = u64::try_from(now_ms).unwrap_or(0).min(TIME_MS_MAX);
        if block.next == block.end || block.asked_ms != now_ms {
            let next = self.reserve(now_ms, ids);
            *block = IdBlock { next, end: next + ids, asked_ms: now_ms };
        }
        let own = block.next;
        block.next += 1;
        self.id_of(own)
    }

    /// The first of `ids` words of time and counter that nobody else gets.
    fn reserve(&self, now_ms: u64, ids: u64) -> u64 {
        // Relaxed: the word stands for itself, no other memory is published through it. One step where ids are made
        // fast; only the first of a millisecond needs more, and leaves those it took unused.
        let first = self.next.0.fetch_add(ids, Ordering::Relaxed);
        if first >> 16 >= now_ms {
            return first;
        }
        self.next.0.fetch_max(now_ms << 16, Ordering::Relaxed);
        self.next.0.fetch_add(ids, Ordering::Relaxed)
    }

    fn id_of(&self, own: u64) -> UniqueId {
        let time_ms = own >> 16;
        let month = self.month_of(time_ms);
        let in_month_ms = time_ms - month.first_day() * DAY_MS;
        let hash = self.hash ^ month.first_day() as u32;
        let id = self.origin
            | u128::from(hash) << 48
            | u128::from(in_month_ms as u32) << 16
            | u128::from(own as u16);
        let mut text = [0; 32];
        for (place, shift) in text.chunks_exact_mut(8).zip([96, 64, 32, 0]) {
            place.copy_from_slice(&hex::digits((id >> shift) as u32));
        }
        UniqueId(text)
    }

    fn month_of(&self, time_ms: u64) -> Month {
        let day = time_ms / DAY_MS;
        let known = Month(self.month.load(Ordering::Relaxed));
        if known.contains(day) {
            return known;
        }
        let month = Month::of_day(day);
        self.month.store(month.0, Ordering::Relaxed);
        month
    }
}

/// When the client made `id`, epoch ms, as far as the id tells: it lacks year and month, which are taken from `now_ms`.
/// `None` if it is not of Java's layout (32 digits, or 56 with an IPv6 address).
pub fn created_ms(id: &str, now_ms: i64) -> Option<i64> {
    if id.len() != 32 && id.len() != 56 {
        return None;
    }
    let (_, tail) = id.as_bytes().split_last_chunk::<32>()?;
    // All digits are looked at, so that a key of another kind is not taken for an id.
    hex::parse(id.as_bytes().get(..id.len() - 32).filter(|head| !head.is_empty()).unwrap_or(b"0"))?;
    let in_month_ms = i64::from((hex::parse(tail)? >> 16) as u32);
    let day = u64::try_from(now_ms).ok()?.min(TIME_MS_MAX) / DAY_MS;
    let month = Month::of_day(day);
    let start_ms = |month: &Month| (month.first_day() * DAY_MS) as i64;
    let created = start_ms(&month) + in_month_ms;
    if created > now_ms.saturating_add(SKEW_MS_MAX) && month.first_day() > 0 {
        return Some(start_ms(&Month::of_day(month.first_day() - 1)) + in_month_ms);
    }
    Some(created)
}

/// A month of the Gregorian calendar in UTC: first day << 32 | day after its last, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month(u64);

impl Month {
    fn first_day(self) -> u64 {
        self.0 >> 32
    }

    fn contains(self, day: u64) -> bool {
        self.first_day() <= day && day < (self.0 & 0xFFFF_FFFF)
    }

    /// Years are counted from March, so that the leap day is the last of its year.
    fn of_day(day: u64) -> Self {
        // 1970-01-01 is day 719 468 since 0000-03-01.
        let day_in_all = day + 719_468;
        let era = day_in_all / 146_097;
        let day_in_era = day_in_all % 146_097;
        let year = (day_in_era - day_in_era / 1460 + day_in_era / 36_524 - day_in_era / 146_096) / 365;
        let day_in_year = day_in_era - (365 * year + year / 4 - year / 100);
        let month = (5 * day_in_year + 2) / 153;
        let first_in_year = (153 * month + 2) / 5;
        let first = day - (day_in_year - first_in_year);
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            // February, whose calendar year is the next one.
            11 => 28 + u64::from(is_leap(era * 400 + year + 1)),
            1 | 3 | 6 | 8 => 30,
            _ => 31,
        };
        Self(first << 32 | (first + days))
    }
}

#[cfg(test)]
mod tests;
