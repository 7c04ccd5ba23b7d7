//! Pulling: long polls whose answers only go into the prefetch.

use super::Shared;
use crate::client::prefetch::Grant;
use crate::client::process_queue::ProcessQueue;
use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::PullRequest;
use crate::protocol::request::PullResponse;
use crate::protocol::request::PullStatus;
use log::warn;
use std::sync::Arc;
use std::time::Duration;

/// How long the broker may hold a pull when there is nothing new.
pub const SUSPEND: Duration = Duration::from_secs(15);
/// How long a queue rests after a pull that failed.
pub const PULL_RETRY_DELAY: Duration = Duration::from_secs(3);

impl Shared {
    pub(super) fn pull(&self, queue: Arc<ProcessQueue>, grant: Grant) {
        let Some(connection) = self.connection.get() else { return };
        let offset = queue.pulled_to();
        let request = PullRequest {
            group: self.settings.group.clone(),
            client_id: self.settings.client_id.clone(),
            topic: queue.key.topic.clone(),
            queue_id: queue.key.queue_id,
            offset,
            messages_max: grant.messages,
            bytes_max: grant.bytes,
            filter: queue.filter.clone(),
            suspend: SUSPEND,
        };
        let own = self.own.clone();
        let completion = move |result| {
            if let Some(own) = own.upgrade() {
                own.pulled(&queue, grant, offset, result);
            }
        };
        connection.transport.pull(request, Box::new(completion));
    }

    /// Runs on whatever thread finished the pull, a sender's perhaps: it only hands over and wakes.
    fn pulled(
        &self,
        queue: &Arc<ProcessQueue>,
        grant: Grant,
        offset: i64,
        result: Result<PullResponse, Failure>,
    ) {
        let response = match result {
            Ok(response) => response,
            Err(failure) => return self.pull_failed(queue, grant, &failure),
        };
        if response.status == PullStatus::OffsetMoved {
            let (topic, id, next) = (&queue.key.topic, queue.key.queue_id, response.next_offset);
            if next == offset {
                let text = format!("the broker moves the offset {offset} to itself");
                return self.pull_failed(queue, grant, &Failure::new(FailureKind::Broker, text));
            }
            let group = &self.settings.group;
            warn!(
                "group '{group}': offset {offset} of topic '{topic}' queue {id} is not there, it holds {}..{}: going on at {next}",
                response.min_offset, response.max_offset
            );
        }
        self.prefetch.pulled(queue, grant, response.records, response.next_offset);
    }

    fn pull_failed(&self, queue: &Arc<ProcessQueue>, grant: Grant, failure: &Failure) {
        self.prefetch.pull_failed(grant);
        let Some(connection) = self.connection.get() else { return };
        if queue.is_dropped() || self.is_closed() {
            return;
        }
        let (group, topic, id) = (&self.settings.group, &queue.key.topic, queue.key.queue_id);
        warn!("group '{group}': pull from topic '{topic}' queue {id} failed, again in 3 s: {failure}");
        let (own, queue) = (self.own.clone(), queue.clone());
        connection.scheduler.after(PULL_RETRY_DELAY, move || {
            if let Some(own) = own.upgrade() {
                own.prefetch.pull_again(queue);
            }
        });
    }
}
