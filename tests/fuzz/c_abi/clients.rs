//! Calls on producers, consumers and brokers.

use super::Input;
use super::call::{Call, Place};
use super::handles::{Access, Kind, Picked};
use super::messages;
use super::settings;
use super::texts::{EXPRESSIONS, TOPICS, Text};
use super::ticket::{Kind as TicketKind, destroyed, listen, read_result, send_ended};
use super::world::{Context, World};
use ons::ffi::broker::*;
use ons::ffi::error::{ons_error, ons_status};
use ons::ffi::producer::*;
use ons::ffi::push_consumer::*;
use ons::ffi::send_result::ons_send_result;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3600 * 1000;

pub(super) fn step(world: &Arc<World>, input: &mut Input<'_>, context: Context) {
    match input.byte() % 20 {
        0 => new_producer(world, input, context),
        1 => new_consumer(world, input, context),
        2 | 3 => start_producer(world, input),
        4 | 5 => start_consumer(world, input),
        6 => send(world, input, context),
        7 | 8 => send_async(world, input, context),
        9 => send_oneway(world, input),
        10 => is_producer(world, input),
        11 => is_consumer(world, input),
        12 => shut_down(world, input, context),
        13 | 14 => subscribe(world, input),
        15 => unsubscribe(world, input),
        16 => open_broker(world, input, context),
        17 => advance_time(world, input),
        18 => ask_broker(world, input),
        _ => ready(world, input, context),
    }
}

/// A client that runs, in one step: what most sequences need first.
fn ready(world: &Arc<World>, input: &mut Input<'_>, context: Context) {
    settings::new(world, input, context);
    if input.byte() & 1 == 0 {
        new_producer(world, input, context);
        start_producer(world, input);
    } else {
        new_consumer(world, input, context);
        subscribe(world, input);
        start_consumer(world, input);
    }
}

pub(super) fn send_some(world: &Arc<World>, input: &mut Input<'_>, context: Context) {
    messages::new_with(world, input, context);
    for _ in 0..=input.below(8) {
        send_async(world, input, context);
    }
}

fn new_producer(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let property = world.pick(Kind::Property, Access::Reads, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { ons_producer_new(property.get(), place.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || property.is_live);
    drop(property);
    if let Some(producer) = place.end(is_ok) {
        world.put(Kind::Producer, producer, input, context);
    }
}

fn new_consumer(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let property = world.pick(Kind::Property, Access::Reads, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { ons_push_consumer_new(property.get(), place.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || property.is_live);
    drop(property);
    if let Some(consumer) = place.end(is_ok) {
        world.put(Kind::Consumer, consumer, input, context);
    }
}

fn start_producer(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let picked = world.pick(Kind::Producer, Access::Reads, input);
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe { ons_producer_start(picked.get(), call.error_out()) };
    assert!(!call.end(status) || picked.is_live);
}

fn start_consumer(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let picked = world.pick(Kind::Consumer, Access::Reads, input);
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe { ons_push_consumer_start(picked.get(), call.error_out()) };
    assert!(!call.end(status) || picked.is_live);
}

fn send(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let producer = world.pick(Kind::Producer, Access::Reads, input);
    let message = world.pick(Kind::Message, Access::Changes, input);
    // SAFETY: `pick`, `Place` and `Call` see to the contract.
    let status = unsafe { ons_producer_send(producer.get(), message.get(), place.out(), call.error_out()) };
    let is_ok = call.end(status);
    assert!(!is_ok || (producer.is_live && message.is_live));
    drop((producer, message));
    if let Some(result) = place.end_nullable(is_ok) {
        read_result(result);
        world.put(Kind::Result, result, input, context);
    }
}

fn send_async(world: &Arc<World>, input: &mut Input<'_>, context: Context) {
    let (mut call, how) = (Call::new(input), input.byte());
    let program = program(input);
    let producer = world.pick(Kind::Producer, Access::Reads, input);
    let message = world.pick(Kind::Message, Access::Changes, input);
    // A callback, a destroy, and both places or neither; the odd forms now and then.
    let (has_callback, has_destroy) = (how & 0xF8 != 0x80, how & 0xF8 != 0x40);
    let ticket = world.ticket(TicketKind::Send, has_destroy, program);
    let mut is_done = Place::new(-77, input);
    let mut result = Place::new(ptr::null_mut::<ons_send_result>(), input);
    let (is_done_out, result_out) = match how & 7 {
        0..=2 => (ptr::null_mut(), ptr::null_mut()),
        3 => (is_done.out(), ptr::null_mut()),
        4 => (ptr::null_mut(), result.out()),
        _ => (is_done.out(), result.out()),
    };
    let has_places = [is_done_out.is_null(), result_out.is_null()].map(|is_null| !is_null);
    // SAFETY: `pick`, `Place`, `Ticket` and `Call` see to the contract.
    let status = unsafe {
        let (user_data, destroy) = (ticket.user_data(), destroyed(has_destroy));
        let callback: ons_send_callback = if has_callback { Some(send_ended) } else { None };
        ons_producer_send_async(
            producer.get(),
            message.get(),
            callback,
            user_data,
            destroy,
            is_done_out,
            result_out,
            call.error_out(),
        )
    };
    let is_ok = call.end(status);
    assert!(!is_ok || (producer.is_live && message.is_live && has_callback));
    assert!(!is_ok || has_places[0] == has_places[1], "{has_places:?}");
    drop((producer, message));
    let is_done = is_ok && has_places[0] && is_done.end(true) == Some(1);
    ticket.given(is_ok && !is_done);
    if is_done {
        let result = result.end(true).unwrap();
        read_result(result);
        world.put(Kind::Result, result, input, context);
    } else {
        assert!(result.end_nullable(true).is_none_or(|result| result.is_null()));
    }
}

/// What a callback does: a few bytes that are read as calls.
fn program<'a>(input: &mut Input<'a>) -> &'a [u8] {
    let len = match input.byte() {
        len @ 200.. => usize::from(len - 200) % 20,
        _ => 0,
    };
    input.take(len)
}

fn send_oneway(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let producer = world.pick(Kind::Producer, Access::Reads, input);
    let message = world.pick(Kind::Message, Access::Changes, input);
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe { ons_producer_send_oneway(producer.get(), message.get(), call.error_out()) };
    assert!(!call.end(status) || (producer.is_live && message.is_live));
}

fn is_producer(world: &World, input: &mut Input<'_>) {
    let picked = world.pick(Kind::Producer, Access::Reads, input);
    is(&picked, [ons_producer_is_started, ons_producer_is_closed], input);
}

fn is_consumer(world: &World, input: &mut Input<'_>) {
    let picked = world.pick(Kind::Consumer, Access::Reads, input);
    is(&picked, [ons_push_consumer_is_started, ons_push_consumer_is_closed], input);
}

type Is<H> = unsafe extern "C" fn(*const H, *mut i32, *mut *mut ons_error) -> ons_status;

/// Started and closed: never both, when asked in the order in which a client becomes them.
fn is<H>(picked: &Picked<'_>, [is_started, is_closed]: [Is<H>; 2], input: &mut Input<'_>) {
    let answers = [is_closed, is_started].map(|is| {
        let (mut call, mut place) = (Call::new(input), Place::new(-77, input));
        // SAFETY: `pick`, `Place` and `Call` see to the contract.
        let status = unsafe { is(picked.get(), place.out(), call.error_out()) };
        place.end(call.end(status))
    });
    assert!(answers.iter().flatten().all(|answer| picked.is_live && (0..=1).contains(answer)));
    assert_ne!(answers, [Some(1), Some(1)]);
}

/// From inside user code nothing is shut down, and that is said.
fn shut_down(world: &World, input: &mut Input<'_>, context: Context) {
    let mut call = Call::new(input);
    let kind = [Kind::Producer, Kind::Consumer, Kind::Broker][input.below(3)];
    let picked = world.pick(kind, Access::Reads, input);
    let error_out = call.error_out();
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe {
        match kind {
            Kind::Producer => ons_producer_shutdown(picked.get(), error_out),
            Kind::Consumer => ons_push_consumer_shutdown(picked.get(), error_out),
            _ => ons_broker_close(picked.get(), error_out),
        }
    };
    let is_ok = call.end(status);
    assert!(!is_ok || picked.is_live);
    if picked.is_live && context == Context::Inside {
        assert_eq!(status, ons_status::ONS_INVALID_STATE);
    }
}

fn subscribe(world: &Arc<World>, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let consumer = world.pick(Kind::Consumer, Access::Reads, input);
    let (topic, expression) = (Text::one_of(&TOPICS, input), Text::one_of(&EXPRESSIONS, input));
    let has_listener = input.byte() < 0xF0;
    let program = program(input);
    let ticket = world.ticket(TicketKind::Listener, true, program);
    // SAFETY: `pick`, `Text`, `Ticket` and `Call` see to the contract.
    let status = unsafe {
        let listener: ons_message_listener = if has_listener { Some(listen) } else { None };
        let (user_data, destroy) = (ticket.user_data(), destroyed(true));
        ons_push_consumer_subscribe(
            consumer.get(),
            topic.start(),
            topic.len(),
            expression.start(),
            expression.len(),
            listener,
            user_data,
            destroy,
            call.error_out(),
        )
    };
    let is_ok = call.end(status);
    assert!(!is_ok || (consumer.is_live && has_listener));
    ticket.given(is_ok);
}

fn unsubscribe(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let consumer = world.pick(Kind::Consumer, Access::Reads, input);
    let topic = Text::one_of(&TOPICS, input);
    // SAFETY: `pick`, `Text` and `Call` see to the contract.
    let status = unsafe {
        ons_push_consumer_unsubscribe(consumer.get(), topic.start(), topic.len(), call.error_out())
    };
    assert!(!call.end(status) || consumer.is_live);
}

fn open_broker(world: &World, input: &mut Input<'_>, context: Context) {
    let (mut call, mut place) = (Call::new(input), Place::new(ptr::null_mut(), input));
    let how = input.byte();
    let dir = match how {
        0..=239 => Text::of(world.dir(how & 1 == 0).as_bytes()),
        // A name that is a file, or the beginning of one.
        240..=244 => Text::of(format!("{}/format", world.dir(true)).as_bytes()),
        245 => Text::of(b""),
        246 => Text::of(format!("{}/a\0b", world.dir(false)).as_bytes()),
        _ => Text::of(format!("{}/below", world.dir(false)).as_bytes()),
    };
    let settings = world.pick(Kind::Property, Access::Reads, input);
    let number = if how < 250 { i32::from(how & 3 == 0) } else { i32::from(how) };
    let mut clock = MaybeUninit::<ons_clock>::uninit();
    // SAFETY: of the size of a clock; the library reads it as a number. `pick`, `Text`, `Place` and `Call` see to
    // the rest.
    let status = unsafe {
        clock.as_mut_ptr().cast::<i32>().write(number);
        ons_broker_open(dir.start(), dir.len(), settings.get(), clock, place.out(), call.error_out())
    };
    drop(settings);
    if let Some(broker) = place.end(call.end(status)) {
        world.put(Kind::Broker, broker, input, context);
    }
}

fn advance_time(world: &World, input: &mut Input<'_>) {
    let mut call = Call::new(input);
    let broker = world.pick(Kind::Broker, Access::Reads, input);
    let by = match input.byte() {
        0..=199 => i64::from(input.u16()),
        200..=239 => i64::from(input.byte()) * DAY_MS / 16,
        240 => i64::MAX,
        241 => i64::MIN,
        _ => -1,
    };
    // SAFETY: `pick` and `Call` see to the contract.
    let status = unsafe { ons_broker_advance_time(broker.get(), by, call.error_out()) };
    assert!(!call.end(status) || (broker.is_live && (0..=366 * DAY_MS).contains(&by)));
}

fn ask_broker(world: &World, input: &mut Input<'_>) {
    let (mut call, mut place) = (Call::new(input), Place::new(-77, input));
    let broker = world.pick(Kind::Broker, Access::Reads, input);
    let name = Text::one_of(&["messages_appended", "log_bytes", "timers_waiting", "topics"], input);
    // SAFETY: `pick`, `Text`, `Place` and `Call` see to the contract.
    let status = unsafe {
        ons_broker_statistic(broker.get(), name.start(), name.len(), place.out(), call.error_out())
    };
    assert!(place.end(call.end(status)).is_none_or(|value| broker.is_live && value >= 0));
    let (mut call, mut place) = (Call::new(input), Place::new(-77, input));
    let (group, topic) = (Text::one_of(&["CID_fuzz", "CID_other"], input), Text::one_of(&TOPICS, input));
    // SAFETY: `pick`, `Text`, `Place` and `Call` see to the contract.
    let status = unsafe {
        ons_broker_backlog(
            broker.get(),
            group.start(),
            group.len(),
            topic.start(),
            topic.len(),
            place.out(),
            call.error_out(),
        )
    };
    assert!(place.end(call.end(status)).is_none_or(|messages| broker.is_live && messages >= 0));
}
