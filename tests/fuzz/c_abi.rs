//! The C interface under any sequence of calls: with the right handles, with NULL, freed ones, those of another type,
//! with texts of odd lengths, from callbacks and from two threads. It neither crashes nor hangs, never answers
//! `ONS_PANIC`, writes outputs on success only, and finishes every callback and `destroy` exactly once.
//!
//! Only what the contract (include/README.md) forbids is left out: memory that may not be read, a handle that is used
//! while it is freed.
#![allow(unsafe_code)]

mod call;
mod clients;
mod handles;
mod held;
mod messages;
mod settings;
mod texts;
mod ticket;
mod world;

use super::input::Input;
pub use held::let_go;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use world::{Context, World};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let world = Arc::new(World::new());
    world.log_to_ticket();
    while !input.is_empty() {
        step(&world, &mut input, Context::Outside);
    }
    world.end();
}

/// One call, or a few on two threads at once.
fn step(world: &Arc<World>, input: &mut Input<'_>, context: Context) {
    match input.byte() {
        0..=89 => clients::step(world, input, context),
        90..=169 => messages::step(world, input, context),
        170..=209 => settings::step(world, input, context),
        210..=229 if context == Context::Outside => together(world, input),
        230..=239 => world.free_one(input, context),
        _ => clients::send_some(world, input, context),
    }
}

/// What a callback or listener does while it runs.
fn step_inside(world: &Arc<World>, program: &[u8]) {
    let mut input = Input::new(program);
    while !input.is_empty() && world.inside_left.fetch_sub(1, Ordering::SeqCst) > 0 {
        step(world, &mut input, Context::Inside);
    }
}

/// A part of the input runs on a thread of its own, beside what follows on this one.
fn together(world: &Arc<World>, input: &mut Input<'_>) {
    let len = input.below(24);
    let beside = input.take(len).to_vec();
    let len = input.below(24);
    let here = input.take(len).to_vec();
    let run = |program: &[u8]| {
        let mut input = Input::new(program);
        while !input.is_empty() {
            step(world, &mut input, Context::Beside);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| run(&beside));
        run(&here);
    });
}
