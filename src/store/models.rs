//! Guards against a group commit that loses a sender: told twice or never, out of order, waiting for a leader that is
//! not there, or told of success by a disk that failed. Real log, real segments, real log thread; only the disk is
//! simulated, and every order of their steps is fair game.

mod world;

use crate::protocol::failure::Failure;
use crate::store::config::FlushMode;
use crate::sys::sim_disk::{Cause, OperationKind};
use crate::sys::sync::model::explore::explore;
use crate::sys::sync::thread;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use world::World;

const SCHEDULES: usize = 60_000;

#[test]
fn blocked_senders_share_flushes_and_each_hears_once() {
    explore("group commit: blocked senders", SCHEDULES, || {
        let world = World::new(FlushMode::Sync);
        world.run(&[World::send_blocked, World::send_blocked, World::send_blocked], 2);
        world.close();
        assert_eq!(world.stored(), 6);
    });
}

#[test]
fn blocked_and_asynchronous_senders_in_sync_mode() {
    explore("group commit: blocked and asynchronous senders, SYNC", SCHEDULES, || {
        let world = World::new(FlushMode::Sync);
        world.run(&[World::send_blocked, World::send_async, World::send_detached], 2);
        world.close();
        assert_eq!(world.stored(), 6);
    });
}

#[test]
fn asynchronous_senders_write_inline_or_leave_it_to_the_log_thread() {
    explore("group commit: blocked and asynchronous senders, ASYNC", SCHEDULES, || {
        let world = World::new(FlushMode::Async);
        world.run(&[World::send_async, World::send_async, World::send_blocked], 2);
        world.close();
        assert_eq!(world.stored(), 6);
    });
}

#[test]
fn sends_answered_by_token_are_told_once() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        explore(&format!("group commit: sends answered by token, {flush:?}"), SCHEDULES, move || {
            let world = World::new(flush);
            world.run(&[World::send_for_sink, World::send_for_sink, World::send_blocked], 3);
            world.close();
            assert_eq!(world.stored(), 9);
        });
    }
    explore("group commit: sends answered by token, a write that fails", SCHEDULES, || {
        let world = World::new(FlushMode::Async);
        world.fail(OperationKind::Write, 1, usize::MAX, Cause::Io);
        world.run(&[World::send_for_sink, World::send_for_sink], 4);
        world.close();
        assert!(world.stored() < 8, "the failed batch held at least one record");
    });
}

/// As an asynchronous function does that goes on after each `await` on whatever thread is free.
#[test]
fn a_sender_that_changes_its_thread_keeps_its_order() {
    explore("group commit: a sender that changes its thread", SCHEDULES, || {
        let world = World::new(FlushMode::Async);
        let other = world.clone();
        let beside = thread::spawn(move || (0..4).for_each(|number| other.send_for_sink(1, number)));
        for number in 0..4 {
            let world = world.clone();
            thread::spawn(move || world.send_for_sink(0, number)).join().unwrap();
        }
        beside.join().unwrap();
        world.close();
        assert_eq!(world.stored(), 8);
    });
}

#[test]
fn a_failed_write_or_sync_is_told_to_all_it_concerns_and_to_nobody_as_success() {
    for (what, kind) in [("write", OperationKind::Write), ("sync", OperationKind::SyncData)] {
        explore(&format!("group commit: a {what} that fails"), SCHEDULES, move || {
            let world = World::new(FlushMode::Sync);
            world.fail(kind, 1, usize::MAX, Cause::Io);
            world.run(&[World::send_blocked, World::send_async, World::send_blocked], 2);
            world.close();
            assert!(world.stored() < 6, "the failed batch held at least one record");
        });
    }
}

#[test]
fn a_full_disk_passes() {
    explore("group commit: a disk that is full once", SCHEDULES, || {
        let world = World::new(FlushMode::Sync);
        world.fail(OperationKind::Write, 1, 2, Cause::Full);
        world.run(&[World::send_blocked, World::send_async, World::send_blocked], 2);
        world.send_blocked(9, 0);
        assert!(world.last_answer(9).is_ok(), "there is room again");
        world.close();
    });
}

#[test]
fn a_receiver_that_panics_leaves_the_log_its_leader() {
    for flush in [FlushMode::Sync, FlushMode::Async] {
        explore(&format!("group commit: receivers that panic, {flush:?}"), SCHEDULES, move || {
            let world = World::new(flush);
            let arrivals = AtomicUsize::new(0);
            world.shared.set_arrival(Arc::new(move |_| {
                if arrivals.fetch_add(1, Ordering::SeqCst) < 2 {
                    panic_quietly();
                }
            }));
            world.run(&[World::send_blocked, World::send_async_and_panic, World::send_async], 2);
            world.send_blocked(9, 0);
            world.close();
            assert_eq!(world.stored(), 7);
        });
    }
}

#[test]
fn a_close_answers_everybody_who_waits() {
    explore("group commit: closed while senders wait", SCHEDULES, || {
        let world = World::new(FlushMode::Sync);
        let closing = world.clone();
        let closer = thread::spawn(move || {
            closing.close();
            closing.check_all_written();
        });
        world.run(&[World::send_blocked, World::send_async, World::send_blocked], 2);
        closer.join().unwrap();
        let after = world.stored();
        world.send_blocked(9, 0);
        assert!(world.last_answer(9).is_err());
        assert_eq!(world.stored(), after);
    });
}

#[test]
fn a_receiver_may_send_on() {
    explore("group commit: a receiver that sends", SCHEDULES, || {
        let world = World::new(FlushMode::Sync);
        world.run(&[World::send_async_and_again, World::send_blocked], 2);
        world.close();
        // What a receiver sends may meet the close.
        assert!(world.stored() >= 4);
    });
}

/// A panic that the checker's own report of panics does not see.
fn panic_quietly() {
    resume_unwind(Box::new("a receiver's own panic"));
}

type Answer = Result<crate::store::Appended, Failure>;
