//! A model's wait on a word of memory, as the system's: it sleeps only if the word has not changed before.

use super::thread::{self, Thread};
use super::time::Alarm;
use shuttle::sync::atomic::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::time::Duration;

std::thread_local! {
    /// Who sleeps on which word, by its address, in the execution that runs on this thread of the operating system.
    static SLEEPERS: RefCell<Vec<(usize, Thread)>> = RefCell::default();
}

pub fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) {
    // The look and the falling asleep are one: behind the load comes no step before the thread stands in the list.
    if word.load(Ordering::SeqCst) != expected {
        return;
    }
    let own = (address(word), thread::current());
    SLEEPERS.with_borrow_mut(|sleepers| sleepers.push(own.clone()));
    let alarm = limit.map(Alarm::set);
    // Woken for no reason is allowed.
    thread::park();
    drop(alarm);
    SLEEPERS.with_borrow_mut(|sleepers| {
        sleepers.retain(|(word, thread)| *word != own.0 || thread.id() != own.1.id());
    });
}

pub fn wake_all(word: &AtomicU32) {
    thread::step();
    let woken: Vec<_> = SLEEPERS.with_borrow_mut(|sleepers| {
        sleepers.extract_if(.., |(sleeper, _)| *sleeper == address(word)).collect()
    });
    woken.into_iter().for_each(|(_, thread)| thread.unpark());
}

/// Forgets what a former execution left behind.
pub(super) fn begin() {
    SLEEPERS.take();
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}
