//! Named threads that are joined.

use crate::sys::fork;
use crate::sys::sync::thread::{self, Builder, JoinHandle, ThreadId};
use std::io;

/// A named thread of the library. Dropping it without `join` detaches the thread.
#[derive(Debug)]
pub struct NamedThread {
    handle: Option<JoinHandle<()>>,
    id: ThreadId,
}

impl NamedThread {
    /// Starts `body` on a thread called `name` (Linux shows at most 15 bytes of it).
    pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        // A name with a NUL cannot be given to the system.
        let handle = Builder::new().name(name.replace('\0', "")).spawn(body)?;
        let id = handle.thread().id();
        Ok(Self { handle: Some(handle), id })
    }

    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// Whether the caller runs on this very thread, where a join would wait for itself.
    pub fn is_current(&self) -> bool {
        thread::current().id() == self.id
    }

    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the thread's end. A join from the thread itself returns at once, and so does one in a forked child,
    /// where the thread does not exist.
    pub fn join(&mut self) {
        if self.is_current() || fork::is_child() {
            return;
        }
        if let Some(handle) = self.handle.take() {
            // A panic of the thread was reported where it happened; here only its end matters.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_has_its_name_and_is_joined_by_others_only() {
        let (sender, receiver) = channel::<NamedThread>();
        let (name_out, name_in) = channel();
        let body = move || {
            let mut own = receiver.recv().unwrap();
            assert!(own.is_current());
            // Returns at once.
            own.join();
            name_out.send(std::thread::current().name().unwrap().to_owned()).unwrap();
        };
        sender.send(NamedThread::spawn("ons-\0test", body).unwrap()).unwrap();
        assert_eq!(name_in.recv().unwrap(), "ons-test");

        let mut other = NamedThread::spawn("ons-other", || panic!("reported and survived")).unwrap();
        assert!(!other.is_current());
        other.join();
        assert!(other.is_finished());
        other.join();
    }
}
