//! Calls on settings, errors, the version and the log's level.

use super::Input;
use super::call::{Call, Lent, Place};
use super::handles::{Access, Kind};
use super::texts::Text;
use super::world::{Context, World};
use ons::ffi::error::{ons_error, ons_error_message, ons_error_status, ons_status};
use ons::ffi::factory_property::*;
use ons::ffi::log::{ons_log_level, ons_log_set_level};
use ons::ffi::version::{ons_abi_version, ons_version};
use std::mem::MaybeUninit;
use std::ptr;

const KEYS: [&str; 16] = [
    "ProducerId",
    "ConsumerId",
    "GroupId",
    "AccessKey",
    "MessageModel",
    "SendMsgTimeoutMillis",
    "SendMsgRetryTimes",
    "ConsumeThreadNums",
    "MaxReconsumeTimes",
    "ConsumeTimeout",
    "ConsumeFromWhere",
    "MaxMsgCacheSize",
    "MaxCachedMessageSizeInMiB",
    "FlushDiskType",
    "InstanceId",
    "LogLevel",
];
const VALUES: [&str; 16] = [
    "1",
    "0",
    "2",
    "-1",
    "9223372036854775807",
    "",
    " 3 ",
    "GID_fuzz",
    "CID_other",
    "CLUSTERING",
    "BROADCASTING",
    "SYNC_FLUSH",
    "ASYNC_FLUSH",
    "FIRST",
    "LAST",
    "DEBUG",
];
/// A thread each: more than a handful only takes time.
const THREADS_MAX: i64 = 8;

pub(super) fn step(world: &World, input: &mut Input<'_>, context: Context) {
    match input.byte() % 10 {
        0 => new(world, input, context),
        1 => clone(world, input, context),
        2 | 3 => set(world, input),
        4 => get(world, input),
        5 => count_and_at(world, input),
        6 => check(world, input),
        7 => make_error(world, input, context),
        8 => read_error(world, input),
        _ => of_the_library(input),
    }
}

/// Settings that a client can be made of, with a place in one of the two directories.
pub(super) fn new(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    // SAFETY: places that are alive, or NULL.
    let status = unsafe { ons_factory_property_new(place.out(), call.error_out()) };
    let Some(property) = place.end(call.end(status)) else { return };
    let address = format!("embedded:{}", world.dir(input.byte() & 1 == 0));
    let pairs = [
        ("ProducerId", "PID_fuzz"),
        ("ConsumerId", "CID_fuzz"),
        ("ONSAddr", &*address),
        ("ConsumeThreadNums", "2"),
        ("FlushDiskType", "SYNC_FLUSH"),
    ];
    for (key, value) in pairs {
        let (key, value) = (Text::of(key.as_bytes()), Text::of(value.as_bytes()));
        // SAFETY: a live handle nobody else knows yet, texts that are alive.
        let status = unsafe {
            let value = (value.start(), value.len());
            ons_factory_property_set(property, key.start(), key.len(), value.0, value.1, ptr::null_mut())
        };
        assert_eq!(status, ons_status::ONS_OK);
    }
    world.put(Kind::Property, property, input, context);
}

fn clone(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let picked = world.pick(Kind::Property, Access::Reads, input);
    // SAFETY: `pick` and `Place` see to the contract.
    let status = unsafe { ons_factory_property_clone(picked.get(), place.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || picked.is_live);
    drop(picked);
    if let Some(copy) = place.end(is_ok) {
        world.put(Kind::Property, copy, input, context);
    }
}

/// A key and a value. The address stays what it is, and nobody needs a thousand threads.
fn pair(input: &mut Input<'_>) -> (Text, Text) {
    let (key, value) = (Text::one_of(&KEYS, input), Text::one_of(&VALUES, input));
    let name = key.as_str().unwrap_or_default().trim().to_owned();
    let is_address = ["ONSAddr", "NAMESRV_ADDR"].contains(&&*name);
    let number = value.as_str().and_then(|text| text.trim().parse().ok()).unwrap_or(0i64);
    if is_address || (name == "ConsumeThreadNums" && number > THREADS_MAX) {
        return (Text::of(b"InstanceId"), value);
    }
    (key, value)
}

fn set(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let picked = world.pick(Kind::Property, Access::Changes, input);
    let (key, value) = pair(input);
    // SAFETY: `pick` and `Text` see to the contract.
    let status = unsafe {
        let value = (value.start(), value.len());
        ons_factory_property_set(picked.get(), key.start(), key.len(), value.0, value.1, call.error_out())
    };
    assert!(!call.end(status) || picked.is_live);
}

fn check(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let picked = world.pick(Kind::Property, Access::Reads, input);
    let (key, value) = pair(input);
    // SAFETY: `pick` and `Text` see to the contract.
    let status = unsafe {
        let value = (value.start(), value.len());
        ons_factory_property_check(picked.get(), key.start(), key.len(), value.0, value.1, call.error_out())
    };
    assert!(!call.end(status) || picked.is_live);
}

fn get(world: &World, input: &mut Input<'_>) {
    let (mut call, mut lent) = (Call::new(input), Lent::new(input));
    let picked = world.pick(Kind::Property, Access::Reads, input);
    let key = Text::one_of(&KEYS, input);
    let (start, len) = lent.out();
    // SAFETY: `pick`, `Text` and `Lent` see to the contract.
    let status = unsafe {
        ons_factory_property_get(picked.get(), key.start(), key.len(), start, len, call.error_out())
    };
    lent.end(call.end(status), true);
}

fn count_and_at(world: &World, input: &mut Input<'_>) {
    let (mut call, mut place) = (Call::new(input), Place::new(usize::MAX, input));
    let picked = world.pick(Kind::Property, Access::Reads, input);
    // SAFETY: `pick` and `Place` see to the contract.
    let status = unsafe { ons_factory_property_count(picked.get(), place.out(), call.error_out()) };
    let count = place.end(call.end(status));
    let index = usize::from(input.byte()) % 40;
    let (mut call, mut key, mut value) = (Call::new(input), Lent::new(input), Lent::new(input));
    let (outs, outs_of_value) = (key.out(), value.out());
    // SAFETY: `pick` and `Lent` see to the contract.
    let status = unsafe {
        let (start, len) = outs_of_value;
        ons_factory_property_at(picked.get(), index, outs.0, outs.1, start, len, call.error_out())
    };
    let is_ok = call.end(status);
    assert!(!is_ok || count.is_none_or(|count| index < count));
    key.end(is_ok, true);
    value.end(is_ok, true);
}

/// An error that is kept, to be read later and passed as what it is not.
fn make_error(world: &World, input: &mut Input<'_>, context: Context) {
    let mut call = Call::new(input);
    // SAFETY: NULL is refused.
    let status = unsafe { ons_factory_property_new(ptr::null_mut(), call.error_out()) };
    assert_eq!(status, ons_status::ONS_NULL_ARGUMENT);
    if let Some(error) = call.end_with_error(status) {
        world.put(Kind::Error, error, input, context);
    }
}

fn read_error(world: &World, input: &mut Input<'_>) {
    let (mut place, mut lent) = (Place::new(ons_status::ONS_OK, input), Lent::new(input));
    let picked = world.pick(Kind::Error, Access::Reads, input);
    let error: *const ons_error = picked.get();
    let (start, len) = lent.out();
    // SAFETY: `pick`, `Place` and `Lent` see to the contract.
    let statuses = unsafe { [ons_error_status(error, place.out()), ons_error_message(error, start, len)] };
    assert!(!statuses.contains(&ons_status::ONS_PANIC));
    let [is_known, is_lent] = statuses.map(|status| status == ons_status::ONS_OK);
    assert_ne!(place.end(is_known), Some(ons_status::ONS_OK));
    lent.end(is_lent, true);
}

fn of_the_library(input: &mut Input<'_>) {
    let (mut call, mut lent) = (Call::new(input), Lent::new(input));
    let (start, len) = lent.out();
    // SAFETY: `Lent` and `Call` see to the contract.
    let status = unsafe { ons_version(start, len, call.error_out()) };
    lent.end(call.end(status), true);
    let (mut call, mut place) = (Call::new(input), Place::new(-1, input));
    // SAFETY: `Place` and `Call` see to the contract.
    let status = unsafe { ons_abi_version(place.out(), call.error_out()) };
    place.end(call.end(status));
    let mut call = Call::new(input);
    let number = i32::from(input.byte()) - 2;
    let mut level = MaybeUninit::<ons_log_level>::uninit();
    // SAFETY: of the size of a level; the library reads it as a number, and the places are alive.
    let status = unsafe {
        level.as_mut_ptr().cast::<i32>().write(number);
        ons_log_set_level(level, call.error_out())
    };
    assert_eq!(call.end(status), (1..=4).contains(&number));
}
