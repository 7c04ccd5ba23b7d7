//! Tests of the unique message id: layout, calendar, and no id twice whatever clock and threads do.

use super::*;
use std::collections::HashSet;

/// 2026-11-23 00:32:05.123 UTC.
const NOW_MS: i64 = 1_795_393_925_123;
/// 2026-11-01 00:00:00 UTC.
const NOVEMBER_MS: i64 = 1_793_491_200_000;

fn generator() -> UniqueIdGenerator {
    UniqueIdGenerator::new(Ipv4Addr::new(192, 0, 2, 2), 0x1_7A97, 0x0B1B_2C3D)
}

#[test]
fn layout_is_javas() {
    let id = generator().generate(NOW_MS);
    let november = (NOVEMBER_MS / DAY_MS as i64) as u32;
    let hash = 0x0B1B_2C3D ^ november;
    let in_month = NOW_MS - NOVEMBER_MS;
    assert_eq!(id.as_str(), format!("C00002027A97{hash:08X}{in_month:08X}0000"));
    assert_eq!(id.to_string(), id.as_str());
    assert_eq!(created_ms(id.as_str(), NOW_MS), Some(NOW_MS));
}

#[test]
fn the_counter_counts_within_a_millisecond_and_starts_again_with_the_next() {
    let ids = generator();
    let counter = |id: UniqueId| id.as_str()[28..].to_owned();
    assert_eq!(counter(ids.generate(NOW_MS)), "0000");
    assert_eq!(counter(ids.generate(NOW_MS)), "0001");
    assert_eq!(counter(ids.generate(NOW_MS + 1)), "0000");
}

#[test]
fn one_over_the_counter_borrows_the_next_millisecond() {
    let ids = generator();
    let mut seen = HashSet::new();
    for _ in 0..=0xFFFF {
        let id = ids.generate(NOW_MS);
        assert_eq!(created_ms(id.as_str(), NOW_MS), Some(NOW_MS));
        assert!(seen.insert(id));
    }
    let over = ids.generate(NOW_MS);
    assert_eq!(created_ms(over.as_str(), NOW_MS), Some(NOW_MS + 1));
    assert!(over.as_str().ends_with("0000"));
    // The clock arrives at the millisecond that is already in use.
    assert!(ids.generate(NOW_MS + 1).as_str().ends_with("0001"));
}

#[test]
fn ids_grow_when_the_clock_is_set_back() {
    let ids = generator();
    let first = ids.generate(NOW_MS);
    let second = ids.generate(NOW_MS - 3_600_000);
    assert!(second > first);
    assert_eq!(created_ms(second.as_str(), NOW_MS), Some(NOW_MS));
}

#[test]
fn threads_never_get_the_same_id() {
    const THREADS: usize = 8;
    const EACH: usize = 40_000;
    let ids = generator();
    let all: Vec<Vec<UniqueId>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS)
            .map(|thread| {
                let ids = &ids;
                // Clocks of their own: together, ahead, and going back and forth.
                let now =
                    move |n: usize| NOW_MS + [0, (n / 1000) as i64, -(n as i64), (n % 7) as i64][thread % 4];
                scope.spawn(move || (0..EACH).map(|n| ids.generate(now(n))).collect())
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    for own in &all {
        assert!(own.is_sorted_by(|a, b| a < b), "ids of one thread grow");
    }
    let distinct: HashSet<UniqueId> = all.into_iter().flatten().collect();
    assert_eq!(distinct.len(), THREADS * EACH);
}

#[test]
fn the_same_time_of_another_month_is_another_id() {
    let ids = generator();
    let in_month = |month_start: i64| ids.generate(month_start + 1234).as_str().to_owned();
    // 2026-12-01, 2027-01-01 and a year after November.
    let months = [NOVEMBER_MS, 1_796_083_200_000, 1_798_761_600_000, 1_825_027_200_000].map(in_month);
    let distinct: HashSet<&String> = months.iter().collect();
    assert_eq!(distinct.len(), months.len());
    assert!(months.iter().all(|id| id[20..] == months[0][20..]), "{months:?}");
}

#[test]
fn hostile_clocks_do_no_harm() {
    let ids = generator();
    let mut seen = HashSet::new();
    for now_ms in [i64::MIN, -1, 0, 1, i64::MAX, i64::MAX, 0] {
        assert!(seen.insert(ids.generate(now_ms)));
    }
}

#[test]
fn months_are_those_of_the_calendar() {
    let lengths = |leap| [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut day = 0;
    for year in 1970..2500u64 {
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        for length in lengths(u64::from(is_leap)) {
            let month = Month::of_day(day);
            assert_eq!(month, Month(day << 32 | (day + length)), "{year}");
            assert_eq!(Month::of_day(day + length - 1), month, "{year}");
            assert!(month.contains(day) && month.contains(day + length - 1) && !month.contains(day + length));
            day += length;
        }
    }
}

#[test]
fn an_id_of_last_month_is_dated_there() {
    let made = NOVEMBER_MS - 1000;
    let id = generator().generate(made);
    assert_eq!(created_ms(id.as_str(), NOVEMBER_MS + 5), Some(made));
    // A clock a little behind the sender's still dates it right.
    let id = generator().generate(NOW_MS);
    assert_eq!(created_ms(id.as_str(), NOW_MS - SKEW_MS_MAX), Some(NOW_MS));
    assert_ne!(created_ms(id.as_str(), NOW_MS - SKEW_MS_MAX - 1), Some(NOW_MS));
    assert_eq!(created_ms("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 0), Some(i64::from(u32::MAX)));
}

#[test]
fn what_has_another_layout_has_no_date() {
    for bad in ["", "order-4711", &"G".repeat(32), &"0".repeat(31), &"0".repeat(33), &"\u{e9}".repeat(16)] {
        assert_eq!(created_ms(bad, NOW_MS), None, "{bad}");
    }
    assert_eq!(created_ms(&format!("x{}", "0".repeat(55)), NOW_MS), None);
    assert_eq!(created_ms(&"0".repeat(56), NOW_MS), Some(NOVEMBER_MS));
    assert_eq!(created_ms(&"0".repeat(32), -1), None);
    assert!(created_ms(&"F".repeat(32), i64::MAX).is_some());
}
