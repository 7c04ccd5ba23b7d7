//! Which handle a call gets: most often one of the right type, at times NULL, a freed one, one of another type, or what
//! is none. Locks see to what the contract asks of a program: no use of a handle while it is freed, one at a time that
//! changes a message or settings.

use super::Input;
use super::world::{Context, World};
use ons::ffi::broker::ons_broker_free;
use ons::ffi::error::ons_error_free;
use ons::ffi::factory_property::ons_factory_property_free;
use ons::ffi::message::ons_message_free;
use ons::ffi::producer::ons_producer_free;
use ons::ffi::push_consumer::ons_push_consumer_free;
use ons::ffi::send_result::ons_send_result_free;
use std::ffi::c_void;
use std::ptr;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(super) const SLOTS: usize = 3;
pub(super) const KINDS: usize = 7;

/// In the order in which they are freed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Consumer,
    Producer,
    Broker,
    Message,
    Result,
    Property,
    Error,
}

const ALL: [Kind; KINDS] =
    [Kind::Consumer, Kind::Producer, Kind::Broker, Kind::Message, Kind::Result, Kind::Property, Kind::Error];

/// An owned handle's address, or 0.
pub(super) type Slot = RwLock<usize>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Changes,
}

/// A handle, or what is passed for one, for the length of a call.
pub(super) struct Picked<'a> {
    address: usize,
    /// It is of the right type and alive.
    pub(super) is_live: bool,
    _read: Option<RwLockReadGuard<'a, usize>>,
    _write: Option<RwLockWriteGuard<'a, usize>>,
}

impl Picked<'_> {
    pub(super) fn get<H>(&self) -> *mut H {
        ptr::with_exposed_provenance_mut(self.address)
    }
}

/// What stands where a handle was freed and the memory not reused: no mark. Large enough for any handle.
static FREED: [u64; 64] = [0; 64];
static FOREIGN: [u64; 64] = [u64::from_be_bytes(*b"ons:none"); 64];

impl World {
    pub(super) fn pick(&self, kind: Kind, access: Access, input: &mut Input<'_>) -> Picked<'_> {
        let choice = usize::from(input.byte());
        let odd = |address: usize| Picked { address, is_live: false, _read: None, _write: None };
        match choice {
            0..=219 => self.lock(kind, choice % SLOTS, access),
            220..=224 => odd(0),
            225..=229 => odd(FREED.as_ptr().expose_provenance()),
            230..=234 => odd(FOREIGN.as_ptr().expose_provenance() + 1),
            235..=239 => odd(FOREIGN.as_ptr().expose_provenance()),
            _ => {
                let other = ALL[choice % KINDS];
                let access = if other == kind { access } else { Access::Reads };
                let picked = self.lock(other, choice % SLOTS, access);
                Picked { is_live: picked.is_live && other == kind, ..picked }
            }
        }
    }

    /// Nobody waits for a slot: who holds it may wait for us, or be this very call. Then NULL is passed.
    fn lock(&self, kind: Kind, at: usize, access: Access) -> Picked<'_> {
        let slot = &self.slots[kind as usize][at];
        let read = if access == Access::Reads { slot.try_read().ok() } else { None };
        let write = if access == Access::Changes { slot.try_write().ok() } else { None };
        let address = read.as_deref().or(write.as_deref()).copied().unwrap_or(0);
        Picked { address, is_live: address != 0, _read: read, _write: write }
    }

    /// Keeps a new handle in a slot, whose old one is freed.
    pub(super) fn put<H>(&self, kind: Kind, handle: *mut H, input: &mut Input<'_>, context: Context) {
        self.put_at(kind, input.below(SLOTS), handle.expose_provenance(), context);
    }

    fn put_at(&self, kind: Kind, at: usize, address: usize, context: Context) {
        let slot = &self.slots[kind as usize][at];
        let place = if context == Context::Outside { slot.write().ok() } else { slot.try_write().ok() };
        let old = match place {
            Some(mut place) => std::mem::replace(&mut *place, address),
            None => address,
        };
        free(kind, old);
    }

    pub(super) fn free_one(&self, input: &mut Input<'_>, context: Context) {
        let choice = usize::from(input.byte());
        let kind = ALL[choice % KINDS];
        match choice {
            0..=239 => self.put_at(kind, choice / KINDS % SLOTS, 0, context),
            // What is no owned live handle of the type is ignored.
            240..=245 => free(kind, 0),
            246..=250 => free(kind, FREED.as_ptr().expose_provenance()),
            _ => free(kind, FOREIGN.as_ptr().expose_provenance() + choice % 2),
        }
    }

    pub(super) fn free_all(&self) {
        for kind in ALL {
            (0..SLOTS).for_each(|at| self.put_at(kind, at, 0, Context::Outside));
        }
    }
}

fn free(kind: Kind, address: usize) {
    let handle: *mut c_void = ptr::with_exposed_provenance_mut(address);
    // SAFETY: NULL, or taken out of its slot, so that nobody uses it any more, or readable memory without a mark.
    unsafe {
        match kind {
            Kind::Consumer => ons_push_consumer_free(handle.cast()),
            Kind::Producer => ons_producer_free(handle.cast()),
            Kind::Broker => ons_broker_free(handle.cast()),
            Kind::Message => ons_message_free(handle.cast()),
            Kind::Result => ons_send_result_free(handle.cast()),
            Kind::Property => ons_factory_property_free(handle.cast()),
            Kind::Error => ons_error_free(handle.cast()),
        }
    }
}
