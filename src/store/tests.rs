//! Tests of the store on a simulated disk: what is acknowledged is there, once, in order, whatever fails.
#![allow(clippy::unwrap_used)]

mod basics;
mod faults;
mod forged;
mod generations;
mod measured;
mod model;
mod power_cuts;
mod refusals;
mod retention;
mod space;
mod timers;
mod with_threads;
