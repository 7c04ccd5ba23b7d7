//! An index file against the records of its segment.

use super::log::name_of;
use super::{Finding, Opening, failed_index};
use crate::protocol::failure::Failure;
use crate::store::index_file::{DirectoryRow, IndexFile};
use crate::store::queue::{Entry, LOST};
use crate::store::segment::Segment;
use crate::store::shared::Shared;
use std::sync::Arc;

/// How many lost records a finding names.
const NAMED_MAX: usize = 3;
/// Entries compared at once.
const ENTRIES: u64 = 4096;

/// What the comparison brought.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// The first thing that is wrong with the file.
    pub(super) finding: Option<Finding>,
    /// Records that the file knows and that lie in damaged places: address, topic, queue, offset.
    lost: Vec<(u64, Arc<str>, i32, u64)>,
}

impl Compared {
    /// `own` is what the segment's records say; `damaged` are the places of it that cannot be read.
    pub(super) fn run(
        index: &IndexFile,
        rows: &[DirectoryRow],
        own: &Shared,
        segment: &Segment,
        damaged: &[(u64, u64)],
    ) -> Self {
        let mut compared = Self::default();
        let outcome =
            compared.entries(index, rows, own, segment, damaged).and_then(|differs| match differs {
                Some(differs) => Ok(Some(differs)),
                None => keys(index, own, segment, damaged),
            });
        compared.finding = match outcome {
            Ok(None) => None,
            Ok(Some(what)) => {
                let what = format!(
                    "{what}, other than the records of {}. Take the file away: it is made anew",
                    name_of(segment.path())
                );
                Some(Finding::new(index.path(), None, what, Opening::Ignores))
            }
            Err(failure) => Some(failed_index(index.path(), &failure)),
        };
        compared
    }

    /// The first difference, if there is one.
    fn entries(
        &mut self,
        index: &IndexFile,
        rows: &[DirectoryRow],
        own: &Shared,
        segment: &Segment,
        damaged: &[(u64, u64)],
    ) -> Result<Option<String>, Failure> {
        let is_damaged = |address| damaged.iter().any(|(from, to)| (*from..*to).contains(&address));
        let mut differs = None;
        let mut matched = 0;
        for row in rows {
            let (first, found) = own
                .queue(&row.topic, row.queue_id)
                .map_or((0, Vec::new()), |queue| queue.recent_below(segment.end()));
            let recorded = |offset: u64| {
                let at = usize::try_from(offset.checked_sub(first)?).ok()?;
                found.get(at).filter(|entry| entry.address != LOST)
            };
            let mut done = 0;
            while done < row.count {
                let entries = index.entries(row.at + done, ENTRIES.min(row.count - done))?;
                for (offset, entry) in (row.first + done..).zip(&entries) {
                    match recorded(offset) {
                        Some(own) if own == entry => matched += 1,
                        None if entry.address == LOST => {}
                        None if is_damaged(entry.address) => {
                            self.lost.push((entry.address, row.topic.clone(), row.queue_id, offset));
                        }
                        _ => {
                            let (topic, id) = (&row.topic, row.queue_id);
                            differs.get_or_insert_with(|| {
                                format!("it has another entry for offset {offset} of queue {id} of topic '{topic}'")
                            });
                        }
                    }
                }
                done += ENTRIES;
            }
        }
        let is_covered = |entry: &Entry| entry.address < index.end;
        let recorded: usize = own
            .queues()
            .iter()
            .map(|queue| queue.recent_below(segment.end()).1.iter().filter(|entry| is_covered(entry)).count())
            .sum();
        if recorded > matched {
            differs.get_or_insert_with(|| format!("it has {matched} entries for {recorded} records"));
        }
        Ok(differs)
    }

    /// Names the records that were lost between two addresses, as far as the file knew them.
    pub(super) fn lost_between(&self, from: u64, to: u64) -> String {
        let lost: Vec<_> = self.lost.iter().filter(|(address, ..)| (from..to).contains(address)).collect();
        if lost.is_empty() {
            return String::new();
        }
        let named: Vec<String> = lost
            .iter()
            .take(NAMED_MAX)
            .map(|(_, topic, id, offset)| format!("offset {offset} of queue {id} of topic '{topic}'"))
            .collect();
        let more = match lost.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(", where {}{more} stood", named.join(", "))
    }
}

fn keys(
    index: &IndexFile,
    own: &Shared,
    segment: &Segment,
    damaged: &[(u64, u64)],
) -> Result<Option<String>, Failure> {
    let base = segment.base();
    let is_damaged = |at: u32| {
        let address = base + u64::from(at);
        damaged.iter().any(|(from, to)| (*from..*to).contains(&address))
    };
    let mut found = index.keys()?;
    found.retain(|key| !is_damaged(key.at));
    let (mut content, _) = own.content_of(segment, true);
    content.keys.retain(|key| base + u64::from(key.at) < index.end);
    content.keys.dedup();
    found.dedup();
    Ok((found != content.keys).then(|| format!("it has {} keys", found.len())))
}
