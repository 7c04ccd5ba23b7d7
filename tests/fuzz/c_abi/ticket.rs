//! What is passed as `user_data`, counting what the library does with it.

use super::call::read_error;
use super::step_inside;
use super::world::World;
use ons::ffi::boundary::ons_destroy;
use ons::ffi::error::{ons_error, ons_status};
use ons::ffi::log::ons_log_level;
use ons::ffi::message::{ons_message, ons_message_body, ons_message_free, ons_message_topic};
use ons::ffi::push_consumer::ons_action;
use ons::ffi::send_result::{ons_send_result, ons_send_result_message_id, ons_send_result_queue_offset};
use std::ffi::{c_char, c_void};
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread::ThreadId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    Listener,
    Log,
}

pub(super) struct Ticket {
    world: Arc<World>,
    kind: Kind,
    has_destroy: bool,
    /// What to do when called.
    program: Vec<u8>,
    /// The thread inside the call that was given this ticket.
    giver: Mutex<Option<ThreadId>>,
    /// How often it is to be called, once that is known (a send's).
    calls_due: Mutex<Option<u32>>,
    calls: AtomicU32,
    running: AtomicU32,
    destroys: AtomicU32,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = (self.calls.load(SeqCst), self.running.load(SeqCst), self.destroys.load(SeqCst));
        let due = self.calls_due.lock().unwrap();
        write!(f, "{:?}: calls, running, destroyed {counts:?}, calls due {due:?}", self.kind)
    }
}

impl Ticket {
    pub(super) fn new(world: Arc<World>, kind: Kind, has_destroy: bool, program: &[u8]) -> Self {
        Self {
            world,
            kind,
            has_destroy,
            program: program.to_vec(),
            giver: Mutex::new(Some(std::thread::current().id())),
            calls_due: Mutex::default(),
            calls: AtomicU32::new(0),
            running: AtomicU32::new(0),
            destroys: AtomicU32::new(0),
        }
    }

    /// The world keeps the ticket until all is over, so that what comes too late is seen and not a use of freed memory.
    pub(super) fn user_data(self: &Arc<Self>) -> *mut c_void {
        Arc::as_ptr(self).cast_mut().cast()
    }

    /// The call that was given the ticket has returned, and said whether a callback will come.
    pub(super) fn given(&self, is_called_later: bool) {
        *self.giver.lock().unwrap() = None;
        if self.kind == Kind::Send {
            *self.calls_due.lock().unwrap() = Some(u32::from(is_called_later));
        }
        self.world.tell();
    }

    pub(super) fn is_finished(&self) -> bool {
        let is_destroyed = !self.has_destroy || self.destroys.load(SeqCst) > 0;
        let calls_due = self.calls_due.lock().unwrap().unwrap_or(0);
        is_destroyed && self.running.load(SeqCst) == 0 && self.calls.load(SeqCst) >= calls_due
    }

    pub(super) fn assert_ended_once(&self) {
        assert_eq!(self.destroys.load(SeqCst), u32::from(self.has_destroy), "{self:?}");
        if let Some(due) = *self.calls_due.lock().unwrap() {
            assert_eq!(self.calls.load(SeqCst), due, "{self:?}");
        }
    }

    /// One call of the user's code, with what holds for all.
    fn call<T>(&self, code: impl FnOnce() -> T) -> T {
        self.running.fetch_add(1, SeqCst);
        self.calls.fetch_add(1, SeqCst);
        assert_eq!(self.destroys.load(SeqCst), 0, "called after its destroy: {self:?}");
        let answer = code();
        assert_eq!(self.destroys.load(SeqCst), 0, "destroyed while it runs: {self:?}");
        self.running.fetch_sub(1, SeqCst);
        self.world.tell();
        answer
    }
}

/// # Safety
/// `user_data` is a ticket's.
unsafe fn ticket<'a>(user_data: *mut c_void) -> &'a Ticket {
    // SAFETY: the same contract; the world keeps it.
    unsafe { &*user_data.cast::<Ticket>() }
}

pub(super) fn destroyed(has_destroy: bool) -> ons_destroy {
    has_destroy.then_some(destroy)
}

unsafe extern "C" fn destroy(user_data: *mut c_void) {
    // SAFETY: given with a ticket's pointer only.
    let ticket = unsafe { ticket(user_data) };
    assert_eq!(ticket.destroys.fetch_add(1, SeqCst), 0, "destroyed twice: {ticket:?}");
    assert_eq!(ticket.running.load(SeqCst), 0, "destroyed while it runs: {ticket:?}");
    ticket.world.tell();
}

pub(super) unsafe extern "C" fn send_ended(
    user_data: *mut c_void,
    result: *const ons_send_result,
    error: *const ons_error,
) {
    // SAFETY: given with a ticket's pointer only.
    let ticket = unsafe { ticket(user_data) };
    ticket.call(|| {
        let giver = *ticket.giver.lock().unwrap();
        assert_ne!(giver, Some(std::thread::current().id()), "called inside the call that began the send");
        assert_ne!(result.is_null(), error.is_null(), "one of the two");
        if error.is_null() {
            read_result(result);
        } else {
            read_error(error);
        }
        step_inside(&ticket.world, &ticket.program);
    });
}

pub(super) fn read_result(result: *const ons_send_result) {
    let (mut start, mut len): (*const c_char, usize) = (ptr::null(), 0);
    let mut offset = -1;
    // SAFETY: a live result, and places that are alive.
    let statuses = unsafe {
        [
            ons_send_result_message_id(result, &mut start, &mut len, ptr::null_mut()),
            ons_send_result_queue_offset(result, &mut offset, ptr::null_mut()),
        ]
    };
    assert_eq!(statuses, [ons_status::ONS_OK; 2]);
    assert!(len == 32 && offset >= 0);
}

pub(super) unsafe extern "C" fn listen(
    user_data: *mut c_void,
    message: *mut ons_message,
) -> MaybeUninit<ons_action> {
    // SAFETY: given with a ticket's pointer only.
    let ticket = unsafe { ticket(user_data) };
    let answer = ticket.call(|| {
        let (mut topic, mut body, mut lens) = (ptr::null(), ptr::null(), [0; 2]);
        // SAFETY: a live message, and places that are alive. One that is borrowed is not freed.
        let statuses = unsafe {
            let [topic_len, body_len] = &mut lens;
            ons_message_free(message);
            [
                ons_message_topic(message, &mut topic, topic_len, ptr::null_mut()),
                ons_message_body(message, &mut body, body_len, ptr::null_mut()),
            ]
        };
        assert_eq!(statuses, [ons_status::ONS_OK; 2]);
        assert!(lens[0] > 0 && lens[1] > 0);
        let (&action, program) = ticket.program.split_first().unwrap_or((&0, &[]));
        step_inside(&ticket.world, program);
        match action {
            0..=150 => 0,
            151..=220 => 1,
            other => i32::from(other) - 240,
        }
    });
    let mut action = MaybeUninit::<ons_action>::uninit();
    // SAFETY: of the size of an `ons_action`; the library reads it as a number.
    unsafe { action.as_mut_ptr().cast::<i32>().write(answer) };
    action
}

/// Lines of the library's log. Without user data, between two inputs, they are only read.
#[allow(clippy::print_stderr)]
pub(super) unsafe extern "C" fn log_line(
    user_data: *mut c_void,
    level: ons_log_level,
    message: *const c_char,
    message_len: usize,
) {
    // SAFETY: lent for the call.
    let line = unsafe { std::slice::from_raw_parts(message.cast::<u8>(), message_len) };
    let line = std::str::from_utf8(line).unwrap();
    if std::env::var_os("FUZZ_LOG").is_some() {
        eprintln!("{level:?}: {line}");
    }
    if !user_data.is_null() {
        // SAFETY: given with a ticket's pointer only.
        unsafe { ticket(user_data) }.call(|| ());
    }
}
