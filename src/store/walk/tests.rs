//! Damage is stepped over, ends are told apart, and bytes that look like lengths cost no time.
