//! A broker with its threads on a simulated disk, and clients of it.

use crate::broker::{Broker, BrokerConfig};
use crate::client::callbacks::CallbackThread;
use crate::client::connection::{Connection, Connector};
use crate::client::factory_property::FactoryProperty;
use crate::client::message::Message;
use crate::client::producer::Producer;
use crate::client::push_consumer::{Action, PushConsumer};
use crate::embedded::transport::InProcess;
use crate::protocol::failure::{Failure, FailureKind, Stored};
use crate::store::config::{Environment, FlushMode, StoreConfig};
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::scheduler::Scheduler;
use crate::sys::sim_disk::SimDisk;
use crate::sys::sync::model::explore::is_patient;
use crate::sys::sync::model::step_disk::StepDisk;
use crate::sys::sync::thread;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const GROUP: &str = "CID_model";

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) broker: Arc<Broker>,
    scheduler: Arc<Scheduler>,
    callbacks: Arc<CallbackThread>,
    transport: Arc<InProcess>,
    /// Bodies in the order in which listeners were given them, and which instance's. Its lock is no step of the model.
    pub(super) seen: Arc<Mutex<Vec<(String, u8)>>>,
}

impl Connector for World {
    fn connect(&self) -> Result<Connection, Failure> {
        Ok(Connection {
            transport: self.transport.clone(),
            scheduler: self.scheduler.clone(),
            callbacks: self.callbacks.clone(),
            lease: Box::new(()),
        })
    }
}

impl World {
    /// A broker whose topics have so many queues.
    pub(super) fn new(queues: i32, flush: FlushMode) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let scheduler = Arc::new(Scheduler::new("ons-timer", clock.clone()).unwrap());
        let store = StoreConfig { flush, segment_bytes_min: 4096, ..StoreConfig::new("/data") };
        let config = BrokerConfig { store, default_queues: queues, ..BrokerConfig::new("/data") };
        let disk = Arc::new(StepDisk::new(Arc::new(SimDisk::new()), "/data/log"));
        let environment = Environment { disk, clock, scheduler: scheduler.clone(), has_threads: true };
        let broker = Broker::open(config, environment).unwrap();
        let transport = Arc::new(InProcess::new(broker.clone()));
        Self { broker, scheduler, callbacks: Arc::default(), transport, seen: Arc::default() }
    }

    pub(super) fn producer(&self) -> Arc<Producer> {
        let producer = Producer::new(&FactoryProperty::new(), Arc::new(self.clone())).unwrap();
        producer.start().unwrap();
        Arc::new(producer)
    }

    /// Not started. Its listener notes what it is given and commits.
    pub(super) fn consumer(&self, instance: u8, threads: &str, cache: &str) -> Arc<PushConsumer> {
        let seen = self.seen.clone();
        self.consumer_with(instance, threads, cache, move |body| {
            seen.lock().unwrap().push((body, instance));
            // A listener takes its time: others may go on meanwhile.
            thread::yield_now();
            Action::Commit
        })
    }

    pub(super) fn consumer_with(
        &self,
        instance: u8,
        threads: &str,
        cache: &str,
        listener: impl Fn(String) -> Action + Send + Sync + 'static,
    ) -> Arc<PushConsumer> {
        let mut property = FactoryProperty::new();
        let name = instance.to_string();
        for (key, value) in [
            ("ConsumerId", GROUP),
            ("ConsumeThreadNums", threads),
            ("MaxMsgCacheSize", cache),
            ("InstanceName", &name),
        ] {
            property.set(key, value).unwrap();
        }
        let consumer = PushConsumer::new(&property, Arc::new(self.clone())).unwrap();
        consumer
            .subscribe("T", "*", move |message: &mut Message| {
                listener(String::from_utf8(message.body().to_vec()).unwrap())
            })
            .unwrap();
        Arc::new(consumer)
    }

    /// Waits until that many messages were consumed.
    pub(super) fn wait_for_seen(&self, count: usize) {
        while self.seen.lock().unwrap().len() < count {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// That the messages 0..count were consumed, each once.
    pub(super) fn check_seen(&self, count: usize) {
        let seen = self.seen.lock().unwrap();
        let mut bodies: Vec<usize> = seen.iter().map(|(body, _)| body.parse().unwrap()).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, (0..count).collect::<Vec<_>>(), "{seen:?}");
    }

    pub(super) fn now(&self) -> Duration {
        self.scheduler.clock().monotonic()
    }

    /// As a host closes, when its last client is gone: nobody may be left in the group.
    pub(super) fn close(&self) {
        let members = self.broker.group_members(GROUP).unwrap();
        assert!(members.is_empty(), "they were shut down and are still members: {members:?}");
        self.end();
    }

    pub(super) fn end(&self) {
        self.broker.close().unwrap();
        self.transport.let_go();
        self.callbacks.stop();
        self.scheduler.stop();
    }
}

/// Has a message stored. Time that hurries may end the wait for it; as the disk does not fail, it is stored all the same
/// unless the failure says that it was not taken.
pub(super) fn send(producer: &Producer, number: usize) {
    while let Err(failure) = producer.send(&mut Message::new("T", "", number.to_string())) {
        assert!(failure.kind == FailureKind::Timeout && !is_patient(), "{failure}");
        if failure.stored == Stored::Unknown {
            return;
        }
    }
}
