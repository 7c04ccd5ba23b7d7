//! `ons_broker`: the embedded broker of a directory, held by a program or a test.

use crate::client::factory_property::FactoryProperty;
use crate::embedded::broker_handle::ClockKind;
use crate::embedded::broker_handle::EmbeddedBroker;
use crate::ffi::boundary::Handle;
use crate::ffi::boundary::borrow;
use crate::ffi::boundary::free;
use crate::ffi::boundary::give;
use crate::ffi::boundary::guard;
use crate::ffi::boundary::guard_free;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use crate::ffi::factory_property::apply_to_log;
use crate::ffi::factory_property::ons_factory_property;
use crate::protocol::failure::Failure;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

/// Which time a broker lives by.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ons_clock {
    /// The machine's.
    ONS_CLOCK_SYSTEM = 0,
    /// One that stands still until ons_broker_advance_time: hours of waiting tested in milliseconds.
    ONS_CLOCK_MANUAL = 1,
}

/// The embedded broker of a directory, for programs that want to hold or test it; clients join it with
/// ONSAddr = "embedded:DIR". Made by ons_broker_open, freed by ons_broker_free; any number of threads may use it.
pub struct ons_broker;

impl Handle for ons_broker {
    type Content = EmbeddedBroker;
    const MAGIC: u64 = u64::from_be_bytes(*b"ons:brok");
    const NAME: &'static str = "ons_broker";
}

/// Opens the broker of directory `dir` (UTF-8; created if missing), or joins the one this process has open there.
/// `settings` may be NULL; of it FlushDiskType, FileReservedTime and DiskMaxUsedSpaceRatio count, and must agree
/// with those of a broker that is joined. ONS_DIRECTORY_IN_USE if another process has the directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_open(
    dir: *const c_char,
    dir_len: usize,
    settings: *const ons_factory_property,
    // MaybeUninit, which C does not see: a caller may pass a number that is no `ons_clock`.
    clock: MaybeUninit<ons_clock>,
    broker_out: *mut *mut ons_broker,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        let defaults = FactoryProperty::new();
        // SAFETY: the contract of include/README.md; an argument that was passed is initialised.
        let (dir, settings, clock, place) = unsafe {
            let settings = if settings.is_null() { &defaults } else { borrow(settings, "settings")? };
            let clock = clock.as_ptr().cast::<i32>().read();
            (text(dir, dir_len, "dir")?, settings, clock, out(broker_out, "broker_out")?)
        };
        apply_to_log(settings);
        let broker = EmbeddedBroker::open(Path::new(dir), settings, clock_kind(clock)?)?;
        place.set(give(broker));
        Ok(())
    })
}

fn clock_kind(clock: i32) -> Result<ClockKind, Failure> {
    match clock {
        clock if clock == ons_clock::ONS_CLOCK_SYSTEM as i32 => Ok(ClockKind::System),
        clock if clock == ons_clock::ONS_CLOCK_MANUAL as i32 => Ok(ClockKind::Manual),
        other => {
            Err(Failure::invalid(format!("clock is {other}, but 0 (system) and 1 (manual) are all there is")))
        }
    }
}

/// Moves a manual clock forward by `milliseconds` (0 to 366 days) and runs everything that becomes due, on the calling
/// thread; retries and timed messages can be consumed from then on. ONS_INVALID_STATE with the system clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_advance_time(
    broker: *mut ons_broker,
    milliseconds: i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let broker = unsafe { borrow(broker, "broker")? };
        let by = u64::try_from(milliseconds).map_err(|_| {
            Failure::invalid(format!("milliseconds is {milliseconds}, but time never goes back"))
        })?;
        Ok(broker.advance_time(Duration::from_millis(by))?)
    })
}

/// Writes one of the broker's numbers: messages_appended, bytes_appended, writes, syncs (since it was opened),
/// segments, log_bytes, timers_waiting, topics, groups (now). ONS_INVALID_ARGUMENT for another name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_statistic(
    broker: *const ons_broker,
    name: *const c_char,
    name_len: usize,
    value_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (broker, name, value) = unsafe {
            (borrow(broker, "broker")?, text(name, name_len, "name")?, out(value_out, "value_out")?)
        };
        value.set(broker.statistic(name)?);
        Ok(())
    })
}

/// Writes how many messages of `topic` the consumers of `group` have not committed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_backlog(
    broker: *const ons_broker,
    group: *const c_char,
    group_len: usize,
    topic: *const c_char,
    topic_len: usize,
    messages_out: *mut i64,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let (broker, group, topic, messages) = unsafe {
            let (group, topic) = (text(group, group_len, "group")?, text(topic, topic_len, "topic")?);
            (borrow(broker, "broker")?, group, topic, out(messages_out, "messages_out")?)
        };
        messages.set(broker.backlog(group, topic)?);
        Ok(())
    })
}

/// Lets go of the broker; it ends with its last user. A second call does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_close(
    broker: *mut ons_broker,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard(error_out, || {
        // SAFETY: the contract of include/README.md.
        let broker = unsafe { borrow(broker, "broker")? };
        Ok(broker.close()?)
    })
}

/// Frees a broker handle, closing it first if that was not done. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_broker_free(broker: *mut ons_broker) {
    guard_free(|| {
        // SAFETY: the contract of include/README.md.
        unsafe { free(broker) }
    });
}
