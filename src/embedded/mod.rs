//! Hosting a broker in this process.
