//! The broker's rules, proven on a simulated disk and a clock that moves only when told.

mod fixture;
mod groups;
mod lifecycle;
mod long_poll;
mod offsets;
mod pull;
mod queue_locks;
mod retry;
mod send;
mod timers;
