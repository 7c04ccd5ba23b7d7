//! A model's wait on a word of memory, as the system's: it sleeps only if the word has not changed before.

use super::thread::{self, Thread};
use super::time::Alarm;
use shuttle::sync::atomic::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

std::thread_local! {
    /// Who sleeps, in the execution that runs on this thread of the operating system.
    static SLEEPERS: RefCell<Vec<Arc<Sleeper>>> = RefCell::default();
}

struct Sleeper {
    /// The address of the word it sleeps on.
    word: usize,
    thread: Thread,
    is_woken: AtomicBool,
}

/// Wakes for no reason only by its time: a sleep that ended by itself would heal a wake-up that was lost.
pub fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) {
    // The look and the falling asleep are one: behind the load comes no step before the thread stands in the list.
    if word.load(Ordering::SeqCst) != expected {
        return;
    }
    let sleeper = Arc::new(Sleeper {
        word: address(word),
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    SLEEPERS.with_borrow_mut(|sleepers| sleepers.push(sleeper.clone()));
    let alarm = limit.map(Alarm::set);
    while !sleeper.is_woken.load(Ordering::SeqCst) && !alarm.as_ref().is_some_and(Alarm::has_rung) {
        thread::park();
    }
    SLEEPERS.with_borrow_mut(|sleepers| sleepers.retain(|other| !Arc::ptr_eq(other, &sleeper)));
}

pub fn wake_all(word: &AtomicU32) {
    thread::step();
    let woken: Vec<_> = SLEEPERS.with_borrow_mut(|sleepers| {
        sleepers.extract_if(.., |sleeper| sleeper.word == address(word)).collect()
    });
    woken.iter().for_each(|sleeper| sleeper.is_woken.store(true, Ordering::SeqCst));
    woken.iter().for_each(|sleeper| sleeper.thread.unpark());
}

/// Forgets what a former execution left behind.
pub(super) fn begin() {
    SLEEPERS.take();
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}
