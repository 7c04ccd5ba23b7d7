//! One consume queue: which records, in order.

use std::sync::Arc;

#[derive(Debug)]
pub struct Queue {
    topic: Arc<str>,
    id: i32,
}

impl Queue {
    pub fn new(topic: Arc<str>, id: i32) -> Self {
        Self { topic, id }
    }

    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub fn id(&self) -> i32 {
        self.id
    }

    /// The oldest offset that can still be read.
    pub fn min_offset(&self) -> u64 {
        unimplemented!()
    }

    /// The offset the next readable message will have.
    pub fn max_offset(&self) -> u64 {
        unimplemented!()
    }
}
