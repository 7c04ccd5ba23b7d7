//! What a producer learns of a message that was stored.

use crate::protocol::unique_id::UniqueId;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct SendResult {
    /// The unique id, the same that was set on the message.
    pub message_id: UniqueId,
    pub topic: Arc<str>,
    pub queue_id: i32,
    pub queue_offset: i64,
}
