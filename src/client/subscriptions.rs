//! What a consumer subscribed to: per topic a tag expression and the listener.

use super::message::Message;
use super::push_consumer::Action;
use crate::protocol::request::Subscription;
use crate::protocol::tags::TagExpression;
use crate::sys::sync::RwLock;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

pub type Listener = dyn Fn(&mut Message) -> Action + Send + Sync;

/// One topic of a consumer.
pub struct Subscribed {
    pub topic: Arc<str>,
    pub filter: Arc<TagExpression>,
    pub listener: Box<Listener>,
}

/// The subscriptions of a consumer, which may change while messages are consumed.
#[derive(Default)]
pub struct Subscriptions {
    topics: RwLock<BTreeMap<Arc<str>, Arc<Subscribed>>>,
}

impl Subscriptions {
    /// Adds a subscription; returns the one it replaces, to be dropped outside of any lock.
    pub fn insert(&self, subscribed: Subscribed) -> Option<Arc<Subscribed>> {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(subscribed.topic.clone(), Arc::new(subscribed))
    }

    pub fn remove(&self, topic: &str) -> Option<Arc<Subscribed>> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner).remove(topic)
    }

    pub fn get(&self, topic: &str) -> Option<Arc<Subscribed>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(topic).cloned()
    }

    /// Takes all of them out.
    pub fn take(&self) -> BTreeMap<Arc<str>, Arc<Subscribed>> {
        std::mem::take(&mut *self.topics.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// As the broker is told, in topic order.
    pub fn list(&self) -> Vec<Subscription> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let subscription =
            |own: &Arc<Subscribed>| Subscription { topic: own.topic.clone(), filter: own.filter.clone() };
        topics.values().map(subscription).collect()
    }
}
