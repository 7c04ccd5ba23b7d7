//! Which instance of a group may read a queue: how a queue moves between instances without a double delivery.

use crate::broker::membership::Membership;
use crate::protocol::failure::Failure;
use crate::protocol::request::QueueKey;
use crate::sys::sync::Mutex;
use crate::sys::sync::MutexGuard;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;

#[derive(Debug, Default)]
pub(super) struct QueueLocks {
    by_group: Mutex<HashMap<Arc<str>, HashMap<QueueKey, Lock>>>,
}

#[derive(Debug)]
struct Lock {
    owner: Arc<str>,
    /// Somebody else asked for it meanwhile, and wants to hear when it comes free.
    is_wanted: bool,
}

impl QueueLocks {
    /// Takes what is free. Returns what the client holds of `queues` afterwards.
    pub(super) fn lock(
        &self,
        group: &str,
        client_id: &str,
        queues: &[QueueKey],
        membership: &Membership,
    ) -> Result<Vec<QueueKey>, Failure> {
        let mut by_group = self.guard();
        // Asked under the lock: a client that leaves at this moment is either seen to be gone here, or releases
        // after us what it got.
        if !membership.is_member(group, client_id) {
            return Err(Failure::state(format!(
                "client '{client_id}' is not a member of group '{group}': it must send a heartbeat first"
            )));
        }
        let locks = by_group.entry(group.into()).or_default();
        let owner: Arc<str> = client_id.into();
        let mut held = Vec::with_capacity(queues.len());
        for queue in queues {
            let fresh = || Lock { owner: owner.clone(), is_wanted: false };
            let lock = locks.entry(queue.clone()).or_insert_with(fresh);
            if lock.owner == owner {
                held.push(queue.clone());
            } else {
                lock.is_wanted = true;
            }
        }
        Ok(held)
    }

    /// Frees what the client holds of `queues`; true if somebody waits for one of them.
    pub(super) fn unlock(&self, group: &str, client_id: &str, queues: &[QueueKey]) -> bool {
        let mut by_group = self.guard();
        let Some(locks) = by_group.get_mut(group) else { return false };
        let mut is_wanted = false;
        for queue in queues {
            if locks.get(queue).is_some_and(|lock| *lock.owner == *client_id) {
                is_wanted |= locks.remove(queue).is_some_and(|lock| lock.is_wanted);
            }
        }
        is_wanted
    }

    /// Frees everything the client holds in the group.
    pub(super) fn release(&self, group: &str, client_id: &str) {
        if let Some(locks) = self.guard().get_mut(group) {
            locks.retain(|_, lock| *lock.owner != *client_id);
        }
    }

    fn guard(&self) -> MutexGuard<'_, HashMap<Arc<str>, HashMap<QueueKey, Lock>>> {
        self.by_group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
