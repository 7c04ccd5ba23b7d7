//! Ids that are unique over processes and time: of messages and of client instances.

use crate::protocol::unique_id::IdBlock;
use crate::protocol::unique_id::UniqueId;
use crate::protocol::unique_id::UniqueIdGenerator;
use crate::sys::sync::leaf::atomic::{AtomicU32, Ordering};
use crate::sys::sync::thread_local;
use once_cell::sync::Lazy;
use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One generator for the process: two would have to be told apart by something else.
static MESSAGE_IDS: Lazy<UniqueIdGenerator> =
    Lazy::new(|| UniqueIdGenerator::new(Ipv4Addr::LOCALHOST, std::process::id(), random()));

/// How many ids a thread takes at a time.
const IDS_PER_BLOCK: u64 = 32;

/// The id of the next message.
pub fn message_id(now_ms: i64) -> UniqueId {
    thread_local! {
        static BLOCK: Cell<IdBlock> = Cell::default();
    }
    // A thread that ends has no place for a block any more.
    let mut block = BLOCK.try_with(Cell::take).unwrap_or_default();
    let id = MESSAGE_IDS.generate_in(&mut block, now_ms, IDS_PER_BLOCK);
    let _ = BLOCK.try_with(|place| place.set(block));
    id
}

/// The id of a client instance: `127.0.0.1@PID#NUMBER#RANDOM`, the second part being the instance name if it has one.
pub fn client_id(instance_name: &str) -> Arc<str> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    let random = random();
    if instance_name.is_empty() {
        return format!("127.0.0.1@{pid}#{number}#{random:08x}").into();
    }
    format!("127.0.0.1@{instance_name}#{pid}#{number}#{random:08x}").into()
}

/// From the seed the standard library draws for its hash maps.
fn random() -> u32 {
    let hash = RandomState::new().hash_one(std::process::id());
    (hash >> 32) as u32 ^ hash as u32
}
