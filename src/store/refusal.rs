//! Why the log takes no messages, if it takes none.

use crate::protocol::failure::{Failure, FailureKind};

/// Two reasons apart from each other: that there is room on the disk again says nothing about a failed sync, and a closed
/// log stays closed.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// Until the store is opened again.
    lasting: Option<Failure>,
    /// Until there is room on the disk.
    for_space: Option<Failure>,
}

impl Refusal {
    /// The reason that stays before the one that may pass.
    pub(crate) fn why(&self) -> Option<&Failure> {
        self.lasting.as_ref().or(self.for_space.as_ref())
    }

    pub(crate) fn last(&mut self, why: Failure) {
        self.lasting.get_or_insert(why);
    }

    /// Because of a failed write or sync. Returns what is new about it.
    pub(crate) fn last_after(&mut self, failure: &Failure) -> Option<&Failure> {
        if self.lasting.is_some() {
            return None;
        }
        let cause = &failure.message;
        let message = format!("the store takes no messages until it is opened again, because {cause}");
        Some(self.lasting.insert(Failure::new(FailureKind::Storage, message)))
    }

    /// Because the disk is nearly full. Returns what is new about it.
    pub(crate) fn wait_for_space(&mut self, why: Failure) -> Option<&Failure> {
        if self.for_space.is_some() {
            return None;
        }
        Some(self.for_space.insert(why))
    }

    /// Takes a refusal for want of disk space back, and no other.
    pub(crate) fn found_space(&mut self) {
        self.for_space = None;
    }
}
