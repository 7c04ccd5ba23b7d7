//! Whole clients over a whole broker under every order of their steps. Guards against a hand-over that strands a queue,
//! a pull that sleeps beside its message, a shutdown that loses a send or leaves a member behind.

mod consumers;
mod hosts;
mod producers;
mod pulls;
mod world;
