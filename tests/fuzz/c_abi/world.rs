//! What the calls of one input work on: slots with handles, two data directories, and the tickets of its callbacks.

use super::handles::{KINDS, SLOTS, Slot};
use super::held;
use super::ticket::{Kind as TicketKind, Ticket, destroyed, log_line};
use ons::ffi::error::ons_status;
use ons::ffi::log::ons_log_set_callback;
use std::path::Path;
use std::ptr;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for what the library still owes after every handle was freed.
const WAIT_MAX: Duration = Duration::from_secs(50);

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// The program, while nobody else makes calls but callbacks.
    Outside,
    /// One of two threads of the program.
    Beside,
    /// A callback or a listener.
    Inside,
}

pub(super) struct World {
    pub(super) slots: [[Slot; SLOTS]; KINDS],
    /// Calls that callbacks may still make, so that messages that beget messages come to an end.
    pub(super) inside_left: AtomicI64,
    /// Bodies at the limit of 4 MiB that may still be made.
    pub(super) large_left: AtomicI64,
    own_dir: OnceLock<TempDir>,
    held_dir: String,
    tickets: Mutex<Vec<Arc<Ticket>>>,
    ended: Condvar,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            slots: Default::default(),
            inside_left: AtomicI64::new(60),
            large_left: AtomicI64::new(2),
            own_dir: OnceLock::new(),
            held_dir: held::dir(),
            tickets: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    /// The directory of the broker that is open all the time, or one that opens and closes with its clients.
    pub(super) fn dir(&self, is_held: bool) -> &str {
        if is_held {
            return &self.held_dir;
        }
        let own = self.own_dir.get_or_init(|| tempfile::tempdir().unwrap());
        Path::to_str(own.path()).unwrap()
    }

    pub(super) fn ticket(
        self: &Arc<Self>,
        kind: TicketKind,
        has_destroy: bool,
        program: &[u8],
    ) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::new(self.clone(), kind, has_destroy, program));
        self.tickets.lock().unwrap().push(ticket.clone());
        ticket
    }

    /// Every line of the library's log is formatted and looked at. It never goes to a file: those are other tests'.
    pub(super) fn log_to_ticket(self: &Arc<Self>) {
        let ticket = self.ticket(TicketKind::Log, true, &[]);
        // SAFETY: the ticket is kept until `destroyed` was called for it.
        let status = unsafe {
            ons_log_set_callback(Some(log_line), ticket.user_data(), destroyed(true), ptr::null_mut())
        };
        assert_eq!(status, ons_status::ONS_OK);
    }

    /// A ticket has made a step. Its counters are no part of the lock's data, so it is passed through.
    pub(super) fn tell(&self) {
        drop(self.tickets.lock().unwrap());
        self.ended.notify_all();
    }

    /// Frees everything and waits for what is owed: each callback and each `destroy`, once.
    pub(super) fn end(&self) {
        self.free_all();
        // SAFETY: without user data there is nothing to keep.
        let status = unsafe { ons_log_set_callback(Some(log_line), ptr::null_mut(), None, ptr::null_mut()) };
        assert_eq!(status, ons_status::ONS_OK);
        let tickets = self.tickets.lock().unwrap();
        let is_owed = |tickets: &mut Vec<Arc<Ticket>>| tickets.iter().any(|ticket| !ticket.is_finished());
        let (mut tickets, waited) = self.ended.wait_timeout_while(tickets, WAIT_MAX, is_owed).unwrap();
        let owed: Vec<_> = tickets.iter().filter(|ticket| !ticket.is_finished()).collect();
        assert!(!waited.timed_out() || owed.is_empty(), "never ended: {owed:?}");
        tickets.iter().for_each(|ticket| ticket.assert_ended_once());
        tickets.clear();
    }
}
