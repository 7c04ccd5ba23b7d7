//! What each fuzz target does with its input; shared by the fuzzer (`fuzz/`) and by the test that replays the corpora.

pub mod c_abi;
pub mod frame;
pub mod header_binary;
pub mod header_json;
mod input;
mod log_sink;
mod modest;
pub mod panics;
pub mod properties;
pub mod record;
pub mod recovery;
pub mod tag_expression;
