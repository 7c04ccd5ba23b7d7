//! The C functions a program links to, as such a program would call them, in safe clothes.
#![allow(unsafe_code)]

// Only its exported symbols are used.
use ons as _;
use std::ffi::c_char;
use std::ffi::c_void;
use std::path::Path;
use std::ptr::null;
use std::ptr::null_mut;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}
type Handle = *mut Opaque;
type SendCallback = extern "C" fn(*mut c_void, *const Opaque, *const Opaque);
type Listener = extern "C" fn(*mut c_void, Handle) -> i32;

unsafe extern "C" {
    fn ons_error_message(error: *const Opaque, message_out: *mut *const c_char, len_out: *mut usize) -> i32;
    fn ons_error_free(error: Handle);
    fn ons_factory_property_new(out: *mut Handle, error_out: *mut Handle) -> i32;
    fn ons_factory_property_set(
        property: Handle,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_factory_property_free(property: Handle);
    fn ons_message_new_with(
        topic: *const c_char,
        topic_len: usize,
        tag: *const c_char,
        tag_len: usize,
        key: *const c_char,
        key_len: usize,
        body: *const u8,
        body_len: usize,
        out: *mut Handle,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_message_free(message: Handle);
    fn ons_send_result_free(result: Handle);
    fn ons_producer_new(property: *const Opaque, out: *mut Handle, error_out: *mut Handle) -> i32;
    fn ons_producer_start(producer: Handle, error_out: *mut Handle) -> i32;
    fn ons_producer_send(
        producer: *const Opaque,
        message: Handle,
        result_out: *mut Handle,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_producer_send_async(
        producer: *const Opaque,
        message: Handle,
        callback: SendCallback,
        user_data: *mut c_void,
        destroy: Option<extern "C" fn(*mut c_void)>,
        is_done_out: *mut i32,
        result_out: *mut Handle,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_producer_shutdown(producer: Handle, error_out: *mut Handle) -> i32;
    fn ons_producer_free(producer: Handle);
    fn ons_push_consumer_new(property: *const Opaque, out: *mut Handle, error_out: *mut Handle) -> i32;
    fn ons_push_consumer_subscribe(
        consumer: Handle,
        topic: *const c_char,
        topic_len: usize,
        expression: *const c_char,
        expression_len: usize,
        listener: Listener,
        user_data: *mut c_void,
        destroy: Option<extern "C" fn(*mut c_void)>,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_push_consumer_start(consumer: Handle, error_out: *mut Handle) -> i32;
    fn ons_push_consumer_shutdown(consumer: Handle, error_out: *mut Handle) -> i32;
    fn ons_push_consumer_free(consumer: Handle);
    fn ons_broker_open(
        dir: *const c_char,
        dir_len: usize,
        settings: *const Opaque,
        clock: i32,
        out: *mut Handle,
        error_out: *mut Handle,
    ) -> i32;
    fn ons_broker_close(broker: Handle, error_out: *mut Handle) -> i32;
    fn ons_broker_free(broker: Handle);
}

const CLOCK_SYSTEM: i32 = 0;
const COMMIT_MESSAGE: i32 = 0;
pub const TOPIC: &str = "bench";
const TAG: &str = "A";
/// A bench on a disk that is rather full loses none of its messages.
const KEEP_ALL: (&str, &str) = ("DiskMaxUsedSpaceRatio", "95");

/// Calls a function whose last argument is `error_out`; a failure ends the bench with the library's own words.
fn call(what: &str, function: impl FnOnce(*mut Handle) -> i32) {
    let mut error: Handle = null_mut();
    let status = function(&mut error);
    if status == 0 {
        return;
    }
    let (mut text, mut len) = (null(), 0);
    // SAFETY: a failed call gave an owned error, whose text lives until it is freed.
    let message = unsafe {
        ons_error_message(error, &mut text, &mut len);
        let message = String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), len)).into_owned();
        ons_error_free(error);
        message
    };
    panic!("{what}: status {status}: {message}");
}

/// What to flush before a message is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    Sync,
    Async,
}

struct Property(Handle);

impl Property {
    fn new(values: &[(&str, &str)]) -> Self {
        let mut handle = null_mut();
        // SAFETY: pointers and lengths belong together and outlive the calls.
        unsafe {
            call("ons_factory_property_new", |error| ons_factory_property_new(&mut handle, error));
            for (key, value) in values {
                call("ons_factory_property_set", |error| {
                    let (key_len, value_len) = (key.len(), value.len());
                    let (key, value) = (key.as_ptr().cast(), value.as_ptr().cast());
                    ons_factory_property_set(handle, key, key_len, value, value_len, error)
                });
            }
        }
        Self(handle)
    }

    fn client(dir: &Path, flush: Flush, settings: &[(&str, &str)]) -> Self {
        let address = format!("embedded:{}", dir.display());
        let flush = if flush == Flush::Sync { "SYNC_FLUSH" } else { "ASYNC_FLUSH" };
        let log = log_path(dir);
        let common = [("ONSAddr", &*address), ("FlushDiskType", flush), ("LogPath", &log), KEEP_ALL];
        Self::new(&[&common, settings].concat())
    }
}

/// Beside the data, so that a bench leaves nothing in the user's home.
fn log_path(dir: &Path) -> String {
    dir.with_extension("log").display().to_string()
}

impl Drop for Property {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { ons_factory_property_free(self.0) }
    }
}

pub struct Producer(Handle);
// SAFETY: the contract lets any thread use a producer.
unsafe impl Send for Producer {}
// SAFETY: as above.
unsafe impl Sync for Producer {}

impl Producer {
    pub fn start(dir: &Path, flush: Flush) -> Self {
        let property = Property::client(dir, flush, &[("ProducerId", "PID_bench")]);
        let mut handle = null_mut();
        // SAFETY: the property lives until the end of this function.
        unsafe {
            call("ons_producer_new", |error| ons_producer_new(property.0, &mut handle, error));
            call("ons_producer_start", |error| ons_producer_start(handle, error));
        }
        Self(handle)
    }

    pub fn send(&self, body: &[u8]) {
        self.send_to(TOPIC, body);
    }

    pub fn send_to(&self, topic: &str, body: &[u8]) {
        let message = message(topic, body);
        // SAFETY: the handles are alive; no result is asked for.
        unsafe {
            call("ons_producer_send", |error| ons_producer_send(self.0, message, null_mut(), error));
            ons_message_free(message);
        }
    }

    /// Sends without waiting; `completed` counts it when it is done, now or later. The counter must outlive the producer.
    pub fn send_async(&self, body: &[u8], completed: &'static AtomicU64) {
        self.send_async_to(TOPIC, body, completed);
    }

    pub fn send_async_to(&self, topic: &str, body: &[u8], completed: &'static AtomicU64) {
        extern "C" fn on_completion(user_data: *mut c_void, _result: *const Opaque, error: *const Opaque) {
            if !error.is_null() {
                // A lost completion would look like speed.
                eprintln!("an asynchronous send failed");
                std::process::abort();
            }
            // SAFETY: the `completed` of `send_async`, which is static.
            unsafe { &*user_data.cast::<AtomicU64>() }.fetch_add(1, Ordering::Relaxed);
        }
        let message = message(topic, body);
        let (mut is_done, mut result) = (0, null_mut());
        let user_data = std::ptr::from_ref(completed).cast_mut().cast();
        // SAFETY: the handles are alive, the outputs are locals, the counter is static.
        unsafe {
            call("ons_producer_send_async", |error| {
                let (done, result) = (&mut is_done, &mut result);
                ons_producer_send_async(self.0, message, on_completion, user_data, None, done, result, error)
            });
            ons_message_free(message);
            if is_done != 0 {
                completed.fetch_add(1, Ordering::Relaxed);
                ons_send_result_free(result);
            }
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // SAFETY: made by `start`, freed once.
        unsafe {
            if !std::thread::panicking() {
                call("ons_producer_shutdown", |error| ons_producer_shutdown(self.0, error));
            }
            ons_producer_free(self.0);
        }
    }
}

fn message(topic: &str, body: &[u8]) -> Handle {
    let mut handle = null_mut();
    // SAFETY: pointers and lengths belong together and outlive the call, which copies them.
    call("ons_message_new_with", |error| unsafe {
        let (topic, topic_len, tag) = (topic.as_ptr().cast(), topic.len(), TAG.as_ptr().cast());
        let (body, body_len) = (body.as_ptr(), body.len());
        ons_message_new_with(topic, topic_len, tag, TAG.len(), null(), 0, body, body_len, &mut handle, error)
    });
    handle
}

/// A push consumer whose listener calls a function and commits.
pub struct Consumer {
    handle: Handle,
    /// What the library holds a pointer to.
    _listener: Box<Box<dyn Fn() + Send + Sync>>,
}

impl Consumer {
    pub fn start(dir: &Path, flush: Flush, group: &str, listener: impl Fn() + Send + Sync + 'static) -> Self {
        Self::start_on(dir, flush, &[("ConsumerId", group)], &[TOPIC], listener)
    }

    /// With the same listener for each of the topics.
    pub fn start_on(
        dir: &Path,
        flush: Flush,
        settings: &[(&str, &str)],
        topics: &[impl AsRef<str>],
        listener: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        extern "C" fn on_message(user_data: *mut c_void, _message: Handle) -> i32 {
            // SAFETY: the listener box of this consumer, which outlives its shutdown.
            let listener = unsafe { &*user_data.cast::<Box<dyn Fn() + Send + Sync>>() };
            listener();
            COMMIT_MESSAGE
        }
        let property = Property::client(dir, flush, settings);
        let listener: Box<Box<dyn Fn() + Send + Sync>> = Box::new(Box::new(listener));
        let user_data = std::ptr::from_ref(&*listener).cast_mut().cast();
        let mut handle = null_mut();
        // SAFETY: the property lives until the end of this function, the listener as long as the consumer.
        unsafe {
            call("ons_push_consumer_new", |error| ons_push_consumer_new(property.0, &mut handle, error));
            for topic in topics.iter().map(AsRef::as_ref) {
                call("ons_push_consumer_subscribe", |error| {
                    let (topic, len, all) = (topic.as_ptr().cast(), topic.len(), c"*".as_ptr());
                    ons_push_consumer_subscribe(
                        handle, topic, len, all, 1, on_message, user_data, None, error,
                    )
                });
            }
            call("ons_push_consumer_start", |error| ons_push_consumer_start(handle, error));
        }
        Self { handle, _listener: listener }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // SAFETY: made by `start`, freed once, before the listener.
        unsafe {
            if !std::thread::panicking() {
                call("ons_push_consumer_shutdown", |error| ons_push_consumer_shutdown(self.handle, error));
            }
            ons_push_consumer_free(self.handle);
        }
    }
}

/// The broker of a directory, opened for its own sake.
pub struct Broker(Handle);

impl Broker {
    pub fn open(dir: &Path, flush: Flush) -> Self {
        let flush = if flush == Flush::Sync { "SYNC_FLUSH" } else { "ASYNC_FLUSH" };
        let settings = Property::new(&[("FlushDiskType", flush), ("LogPath", &log_path(dir)), KEEP_ALL]);
        let dir = dir.display().to_string();
        let mut handle = null_mut();
        // SAFETY: pointers and lengths belong together and outlive the call.
        call("ons_broker_open", |error| unsafe {
            ons_broker_open(dir.as_ptr().cast(), dir.len(), settings.0, CLOCK_SYSTEM, &mut handle, error)
        });
        Self(handle)
    }

    pub fn close(self) {
        // SAFETY: made by `open`; closed and freed once, as this takes it.
        unsafe {
            call("ons_broker_close", |error| ons_broker_close(self.0, error));
            ons_broker_free(self.0);
        }
    }
}
