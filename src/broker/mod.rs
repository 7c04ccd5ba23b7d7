//! Topics, groups, retry, timers.
