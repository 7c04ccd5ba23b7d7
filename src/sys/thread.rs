//! Named threads that are joined, and a flag that says "this thread belongs to the library".

use std::io;
use std::thread::{Builder, JoinHandle, ThreadId};

/// A named thread of the library. Dropping it without `join` detaches the thread.
#[derive(Debug)]
pub struct NamedThread {
    handle: Option<JoinHandle<()>>,
    id: ThreadId,
}

impl NamedThread {
    /// Starts `body` on a thread called `name` (Linux shows at most 15 bytes of it).
    pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let handle = Builder::new().name(name.to_owned()).spawn(body)?;
        let id = handle.thread().id();
        Ok(Self { handle: Some(handle), id })
    }

    /// Whether the caller runs on this very thread, where a join would wait for itself.
    pub fn is_current(&self) -> bool {
        std::thread::current().id() == self.id
    }

    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the thread's end. A join from the thread itself returns at once.
    pub fn join(&mut self) {
        if self.is_current() {
            return;
        }
        if let Some(handle) = self.handle.take() {
            // A panic of the thread was reported where it happened; here only its end matters.
            let _ = handle.join();
        }
    }
}
