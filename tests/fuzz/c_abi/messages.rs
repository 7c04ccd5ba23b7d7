//! Calls on messages and results. Calls of one form go through one function, whatever their field is.

use super::Input;
use super::call::{Call, Lent, Place};
use super::handles::{Access, Kind};
use super::texts::{TOPICS, Text};
use super::world::{Context, World};
use ons::ffi::error::{ons_error, ons_status};
use ons::ffi::message::properties::*;
use ons::ffi::message::*;
use ons::ffi::send_result::*;
use std::ffi::c_char;
use std::ptr;

type Error = *mut *mut ons_error;
type SetText = unsafe extern "C" fn(*mut ons_message, *const c_char, usize, Error) -> ons_status;
type GetText = unsafe extern "C" fn(*const ons_message, *mut *const c_char, *mut usize, Error) -> ons_status;
type SetLong = unsafe extern "C" fn(*mut ons_message, i64, Error) -> ons_status;
type GetLong = unsafe extern "C" fn(*const ons_message, *mut i64, Error) -> ons_status;
type GetInt = unsafe extern "C" fn(*const ons_message, *mut i32, Error) -> ons_status;
type Count = unsafe extern "C" fn(*const ons_message, *mut usize, Error) -> ons_status;
type Clear = unsafe extern "C" fn(*mut ons_message, Error) -> ons_status;
type SetPair =
    unsafe extern "C" fn(*mut ons_message, *const c_char, usize, *const c_char, usize, Error) -> ons_status;
type GetPair = unsafe extern "C" fn(
    *const ons_message,
    *const c_char,
    usize,
    *mut *const c_char,
    *mut usize,
    Error,
) -> ons_status;
type At = unsafe extern "C" fn(
    *const ons_message,
    usize,
    *mut *const c_char,
    *mut usize,
    *mut *const c_char,
    *mut usize,
    Error,
) -> ons_status;

const SET_TEXT: [SetText; 4] =
    [ons_message_set_topic, ons_message_set_tag, ons_message_set_key, ons_message_set_message_id];
const GET_TEXT: [GetText; 4] = [ons_message_topic, ons_message_tag, ons_message_key, ons_message_message_id];
const SET_LONG: [SetLong; 3] =
    [ons_message_set_start_deliver_time, ons_message_set_store_timestamp, ons_message_set_queue_offset];
const GET_LONG: [GetLong; 4] = [
    ons_message_start_deliver_time,
    ons_message_store_timestamp,
    ons_message_born_timestamp,
    ons_message_queue_offset,
];
const GET_INT: [GetInt; 2] = [ons_message_reconsume_times, ons_message_queue_id];
const COUNT: [Count; 2] = [ons_message_property_count, ons_message_system_property_count];
const CLEAR: [Clear; 2] = [ons_message_clear_properties, ons_message_clear_system_properties];
const SET_PAIR: [SetPair; 2] = [ons_message_set_property, ons_message_set_system_property];
const GET_PAIR: [GetPair; 2] = [ons_message_property, ons_message_system_property];
const AT: [At; 2] = [ons_message_property_at, ons_message_system_property_at];

const NAMES: [&str; 6] = ["color", "__TAG", "__KEY", "__MSGID", "__RECONSUMETIMES", "__STARTDELIVERTIME"];

pub(super) fn step(world: &World, input: &mut Input<'_>, context: Context) {
    match input.byte() % 13 {
        0 => new(world, input, context),
        1 => new_with(world, input, context),
        2 => clone(world, input, context),
        3 => set_text(world, input),
        4 => get_text(world, input),
        5 => body(world, input),
        6 => set_number(world, input),
        7 => get_number(world, input),
        8 => set_pair(world, input),
        9 => get_pair(world, input),
        10 => count_and_at(world, input),
        11 => clear(world, input),
        _ => result(world, input),
    }
}

fn new(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    // SAFETY: `Place` and `Call` see to the contract.
    let status = unsafe { ons_message_new(place.out(), call.error_out()) };
    if let Some(message) = place.end(call.end(status)) {
        world.put(Kind::Message, message, input, context);
    }
}

/// Most often a message that can be sent.
pub(super) fn new_with(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let (topic, tag) = (Text::one_of(&TOPICS, input), Text::one_of(&["TagA", "TagB", ""], input));
    let (key, body) = (Text::one_of(&["key", ""], input), Text::body(world, input));
    // SAFETY: `Text`, `Place` and `Call` see to the contract.
    let status = unsafe {
        ons_message_new_with(
            topic.start(),
            topic.len(),
            tag.start(),
            tag.len(),
            key.start(),
            key.len(),
            body.start().cast(),
            body.len(),
            place.out(),
            call.error_out(),
        )
    };
    if let Some(message) = place.end(call.end(status)) {
        world.put(Kind::Message, message, input, context);
    }
}

fn clone(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let picked = world.pick(Kind::Message, Access::Reads, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { ons_message_clone(picked.get(), place.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || picked.is_live);
    drop(picked);
    if let Some(copy) = place.end(is_ok) {
        world.put(Kind::Message, copy, input, context);
    }
}

fn set_text(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let set = SET_TEXT[input.below(SET_TEXT.len())];
    let picked = world.pick(Kind::Message, Access::Changes, input);
    let text = Text::one_of(&TOPICS, input);
    // SAFETY: `pick`, `Text` and `Call` see to the contract.
    let status = unsafe { set(picked.get(), text.start(), text.len(), call.error_out()) };
    assert!(!call.end(status) || picked.is_live);
}

fn get_text(world: &World, input: &mut Input<'_>) {
    let (mut call, mut lent) = (Call::new(input), Lent::new(input));
    let get = GET_TEXT[input.below(GET_TEXT.len())];
    let picked = world.pick(Kind::Message, Access::Reads, input);
    let (start, len) = lent.out();
    // SAFETY: `pick`, `Lent` and `Call` see to the contract.
    let status = unsafe { get(picked.get(), start, len, call.error_out()) };
    lent.end(call.end(status), true);
}

fn body(world: &World, input: &mut Input<'_>) {
    let (mut call, body) = (Call::new(input), Text::body(world, input));
    let picked = world.pick(Kind::Message, Access::Changes, input);
    // SAFETY: `pick`, `Text` and `Call` see to the contract.
    let status =
        unsafe { ons_message_set_body(picked.get(), body.start().cast(), body.len(), call.error_out()) };
    let is_set = call.end(status);
    let (mut call, mut lent) = (Call::new(input), Lent::new(input));
    let (start, len) = lent.out();
    // SAFETY: `pick`, `Lent` and `Call` see to the contract.
    let status = unsafe { ons_message_body(picked.get(), start, len, call.error_out()) };
    let is_ok = call.end(status);
    assert!(picked.is_live || !(is_set || is_ok));
    lent.end(is_ok, false);
}

/// Any number, near now most often where it is a time.
fn number(input: &mut Input<'_>) -> i64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    match input.byte() {
        0..=99 => i64::from(input.byte()),
        100..=199 => now + i64::from(input.i32()) % 10_000,
        200..=219 => now.saturating_add(i64::from(input.i32()) * 3_600_000),
        220 => i64::MIN,
        221 => i64::MAX,
        _ => input.i64(),
    }
}

fn set_number(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let choice = input.below(SET_LONG.len() + 1);
    let picked = world.pick(Kind::Message, Access::Changes, input);
    let number = number(input);
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe {
        match SET_LONG.get(choice) {
            Some(set) => set(picked.get(), number, call.error_out()),
            None => ons_message_set_reconsume_times(picked.get(), number as i32, call.error_out()),
        }
    };
    assert!(!call.end(status) || picked.is_live);
}

fn get_number(world: &World, input: &mut Input<'_>) {
    let (mut call, mut long, mut int) = (Call::new(input), Place::new(-77, input), Place::new(-77, input));
    let choice = input.below(GET_LONG.len() + GET_INT.len());
    let picked = world.pick(Kind::Message, Access::Reads, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe {
        match GET_LONG.get(choice) {
            Some(get) => get(picked.get(), long.out(), call.error_out()),
            None => GET_INT[choice - GET_LONG.len()](picked.get(), int.out(), call.error_out()),
        }
    };
    let is_ok = call.end(status);
    assert!(!is_ok || picked.is_live);
    if choice < GET_LONG.len() {
        long.end(is_ok);
    } else {
        int.end(is_ok);
    }
}

fn set_pair(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let set = SET_PAIR[input.below(SET_PAIR.len())];
    let picked = world.pick(Kind::Message, Access::Changes, input);
    let (name, value) = (Text::one_of(&NAMES, input), Text::any(input));
    // SAFETY: `pick`, `Text` and `Call` see to the contract.
    let status =
        unsafe { set(picked.get(), name.start(), name.len(), value.start(), value.len(), call.error_out()) };
    assert!(!call.end(status) || picked.is_live);
}

fn get_pair(world: &World, input: &mut Input<'_>) {
    let (mut call, mut lent) = (Call::new(input), Lent::new(input));
    let get = GET_PAIR[input.below(GET_PAIR.len())];
    let picked = world.pick(Kind::Message, Access::Reads, input);
    let name = Text::one_of(&NAMES, input);
    let (start, len) = lent.out();
    // SAFETY: `pick`, `Text`, `Lent` and `Call` see to the contract.
    let status = unsafe { get(picked.get(), name.start(), name.len(), start, len, call.error_out()) };
    lent.end(call.end(status), true);
}

fn count_and_at(world: &World, input: &mut Input<'_>) {
    let (mut call, mut place) = (Call::new(input), Place::new(usize::MAX, input));
    let which = input.below(2);
    let picked = world.pick(Kind::Message, Access::Reads, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { COUNT[which](picked.get(), place.out(), call.error_out()) };
    let count = place.end(call.end(status));
    let index = input.below(8);
    let (mut call, mut name, mut value) = (Call::new(input), Lent::new(input), Lent::new(input));
    let ((name_start, name_len), (start, len)) = (name.out(), value.out());
    // SAFETY: `pick`, `Lent` and `Call` see to the contract.
    let status =
        unsafe { AT[which](picked.get(), index, name_start, name_len, start, len, call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || count.is_none_or(|count| index < count));
    name.end(is_ok, true);
    value.end(is_ok, true);
}

fn clear(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let clear = CLEAR[input.below(CLEAR.len())];
    let picked = world.pick(Kind::Message, Access::Changes, input);
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe { clear(picked.get(), call.error_out()) };
    assert!(!call.end(status) || picked.is_live);
}

fn result(world: &World, input: &mut Input<'_>) {
    let picked = world.pick(Kind::Result, Access::Reads, input);
    let (mut call, mut id, mut topic) = (Call::new(input), Lent::new(input), Lent::new(input));
    let ((start, len), (topic_start, topic_len)) = (id.out(), topic.out());
    // SAFETY: `pick`, `Lent` and `Call` see to the contract.
    let status = unsafe { ons_send_result_message_id(picked.get(), start, len, call.error_out()) };
    id.end(call.end(status), true);
    let mut call = Call::new(input);
    // SAFETY: as above.
    let status = unsafe { ons_send_result_topic(picked.get(), topic_start, topic_len, call.error_out()) };
    topic.end(call.end(status), true);
    let (mut call, mut queue, mut offset) =
        (Call::new(input), Place::new(-77, input), Place::new(-77, input));
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { ons_send_result_queue_id(picked.get(), queue.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(queue.end(is_ok).is_none_or(|queue| picked.is_live && queue >= 0));
    let mut call = Call::new(input);
    // SAFETY: as above.
    let status = unsafe { ons_send_result_queue_offset(picked.get(), offset.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(offset.end(is_ok).is_none_or(|offset| picked.is_live && offset >= 0));
}
