//! Who is connected, in which groups, with which subscriptions.
//!
//! A row of `Table::Groups`, by the group's name:
//!
//! ```text
//! 0 version = 1   1 | 1 retries before the dead letters   4 (big-endian)
//! ```

use crate::protocol::failure::Failure;
use crate::protocol::failure::FailureKind;
use crate::protocol::request::ConsumerData;
use crate::protocol::request::Heartbeat;
use crate::protocol::request::Notified;
use crate::protocol::tags::TagExpression;
use crate::store::Store;
use crate::store::Table;
use crate::sys::sync::Mutex;
use crate::sys::sync::MutexGuard;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;

const ROW_VERSION: u8 = 1;

/// A consumer group as the tool shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    pub group: Arc<str>,
    /// Retries before the dead letters, as the instance started last wants them; none: the default.
    pub reconsume_times_max: Option<i32>,
    /// Sorted by client id.
    pub members: Vec<MemberReport>,
    /// What two members disagree about, if any do: both are named.
    pub disagreement: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberReport {
    pub client_id: Arc<str>,
    /// Topic and expression, sorted by topic.
    pub subscriptions: Vec<(Arc<str>, Arc<TagExpression>)>,
}

/// What a heartbeat changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Groups whose members or subscriptions are not what they were.
    pub(super) changed: Vec<Arc<str>>,
    /// Groups that the client is no longer in.
    pub(super) left: Vec<Arc<str>>,
    /// What members of the changed groups disagree about.
    pub(super) disagreements: Vec<String>,
}

pub(super) struct Membership {
    store: Arc<Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clients: HashMap<Arc<str>, Client>,
    groups: BTreeMap<Arc<str>, Group>,
}

struct Client {
    heartbeat: Heartbeat,
    listener: Arc<dyn Notified>,
}

#[derive(Default)]
struct Group {
    reconsume_times_max: Option<i32>,
    members: BTreeMap<Arc<str>, Member>,
}

#[derive(PartialEq, Eq)]
struct Member {
    subscriptions: Subscriptions,
    reconsume_times_max: i32,
}

type Subscriptions = BTreeMap<Arc<str>, Arc<TagExpression>>;

impl Membership {
    pub(super) fn restore(store: Arc<Store>) -> Result<Self, Failure> {
        let mut state = State::default();
        for (name, row) in store.rows(Table::Groups)? {
            let reconsume_times_max = Some(decode_row(&name, &row)?);
            state.groups.insert(name.into(), Group { reconsume_times_max, ..Group::default() });
        }
        Ok(Self { store, state: Mutex::new(state) })
    }

    /// Replaces what the client was. Nobody is told yet: see [`Membership::notify`].
    pub(super) fn join(&self, heartbeat: &Heartbeat, listener: Arc<dyn Notified>) -> Changes {
        let mut state = self.lock();
        let client_id = &heartbeat.client_id;
        let client = Client { heartbeat: heartbeat.clone(), listener };
        let previous = state.clients.insert(client_id.clone(), client).map(|client| client.heartbeat);
        let mut changes = Changes::default();
        if previous.as_ref() == Some(heartbeat) {
            return changes;
        }
        for consumer in &heartbeat.consumers {
            if self.join_group(&mut state, client_id, consumer) {
                changes.changed.push(consumer.group.clone());
            }
        }
        for gone in previous.iter().flat_map(|previous| &previous.consumers) {
            if heartbeat.consumers.iter().all(|kept| kept.group != gone.group) {
                state.leave(&gone.group, client_id, &mut changes);
            }
        }
        let disagreement = |group| state.groups.get(group).and_then(Group::disagreement);
        changes.disagreements = changes
            .changed
            .iter()
            .filter_map(|group| Some(format!("group '{group}': {}", disagreement(group)?)))
            .collect();
        changes
    }

    /// Takes the client out of everything; its former groups are the changed ones.
    pub(super) fn leave(&self, client_id: &str) -> Changes {
        let mut state = self.lock();
        let mut changes = Changes::default();
        let Some(client) = state.clients.remove(client_id) else { return changes };
        for consumer in &client.heartbeat.consumers {
            state.leave(&consumer.group, client_id, &mut changes);
        }
        changes
    }

    /// Forgets all clients, so that no listener outlives the broker's close.
    pub(super) fn clear(&self) {
        let clients = {
            let mut state = self.lock();
            state.groups.values_mut().for_each(|group| group.members.clear());
            std::mem::take(&mut state.clients)
        };
        drop(clients);
    }

    pub(super) fn is_member(&self, group: &str, client_id: &str) -> bool {
        self.lock().groups.get(group).is_some_and(|group| group.members.contains_key(client_id))
    }

    /// Sorted.
    pub(super) fn members(&self, group: &str) -> Vec<Arc<str>> {
        let state = self.lock();
        state.groups.get(group).map(|group| group.members.keys().cloned().collect()).unwrap_or_default()
    }

    /// Retries before the dead letters, if an instance of the group ever said.
    pub(super) fn reconsume_times_max(&self, group: &str) -> Option<i32> {
        self.lock().groups.get(group)?.reconsume_times_max
    }

    pub(super) fn reports(&self) -> Vec<GroupReport> {
        self.lock().groups.iter().map(|(name, group)| group.report(name)).collect()
    }

    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.lock().groups.keys().cloned().collect()
    }

    /// Tells every member of the groups to balance again.
    pub(super) fn notify(&self, groups: &[Arc<str>]) {
        for name in groups {
            let listeners: Vec<_> = {
                let state = self.lock();
                let Some(group) = state.groups.get(name) else { continue };
                let clients = group.members.keys().filter_map(|id| state.clients.get(id));
                clients.map(|client| client.listener.clone()).collect()
            };
            for listener in listeners {
                listener.group_changed(name);
            }
        }
    }

    /// Tells the groups that subscribe the topic.
    pub(super) fn notify_subscribers(&self, topic: &str) {
        let groups: Vec<_> = {
            let state = self.lock();
            let subscribes =
                |group: &Group| group.members.values().any(|member| member.subscriptions.contains_key(topic));
            let subscribing = state.groups.iter().filter(|(_, group)| subscribes(group));
            subscribing.map(|(name, _)| name.clone()).collect()
        };
        self.notify(&groups);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the group is not what it was for its members.
    fn join_group(&self, state: &mut State, client_id: &Arc<str>, consumer: &ConsumerData) -> bool {
        let group = state.groups.entry(consumer.group.clone()).or_default();
        let pairs = consumer.subscriptions.iter().map(|own| (own.topic.clone(), own.filter.clone()));
        let wanted = consumer.reconsume_times_max;
        let member = Member { subscriptions: pairs.collect(), reconsume_times_max: wanted };
        let previous = group.members.insert(client_id.clone(), member);
        // Only a start or a change of mind sets it: later heartbeats of older instances must not take it back.
        let is_news = previous.as_ref().is_none_or(|member| member.reconsume_times_max != wanted);
        if is_news && wanted >= 0 && group.reconsume_times_max != Some(wanted) {
            group.reconsume_times_max = Some(wanted);
            self.store.put_row(Table::Groups, &consumer.group, &encode_row(wanted));
        }
        let now = group.members.get(client_id).map(|member| &member.subscriptions);
        previous.as_ref().map(|member| &member.subscriptions) != now
    }
}

impl State {
    fn leave(&mut self, group: &Arc<str>, client_id: &str, changes: &mut Changes) {
        let Some(members) = self.groups.get_mut(group).map(|group| &mut group.members) else { return };
        if members.remove(client_id).is_some() {
            changes.changed.push(group.clone());
            changes.left.push(group.clone());
        }
    }
}

impl Group {
    fn report(&self, name: &Arc<str>) -> GroupReport {
        let members = self.members.iter().map(|(client_id, member)| MemberReport {
            client_id: client_id.clone(),
            subscriptions: member.subscriptions.iter().map(|(t, f)| (t.clone(), f.clone())).collect(),
        });
        GroupReport {
            group: name.clone(),
            reconsume_times_max: self.reconsume_times_max,
            members: members.collect(),
            disagreement: self.disagreement(),
        }
    }

    /// The first difference between the first member and another.
    fn disagreement(&self) -> Option<String> {
        let mut members = self.members.iter();
        let (first_id, first) = members.next()?;
        members.find_map(|(other_id, other)| {
            let topics = first.subscriptions.keys().chain(other.subscriptions.keys());
            let mut topics = topics.filter(|topic| first.tags_of(topic) != other.tags_of(topic));
            topics.next().map(|topic| {
                format!(
                    "client '{first_id}' subscribes {}, client '{other_id}' {}: all instances of one Consumer ID \
                     must subscribe the same",
                    first.told(topic),
                    other.told(topic)
                )
            })
        })
    }
}

impl Member {
    fn tags_of(&self, topic: &str) -> Option<&[String]> {
        self.subscriptions.get(topic).map(|filter| filter.tags())
    }

    fn told(&self, topic: &str) -> String {
        match self.subscriptions.get(topic) {
            Some(filter) => format!("topic '{topic}' with '{}'", filter.text()),
            None => format!("not topic '{topic}'"),
        }
    }
}

fn encode_row(reconsume_times_max: i32) -> [u8; 5] {
    let [a, b, c, d] = reconsume_times_max.to_be_bytes();
    [ROW_VERSION, a, b, c, d]
}

pub(super) fn decode_row(name: &str, row: &[u8]) -> Result<i32, Failure> {
    match *row {
        [ROW_VERSION, a, b, c, d] => Ok(i32::from_be_bytes([a, b, c, d])),
        _ => Err(Failure::new(
            FailureKind::Corrupt,
            format!("the stored row of group '{name}' is damaged or of a newer version: {row:?}"),
        )),
    }
}
