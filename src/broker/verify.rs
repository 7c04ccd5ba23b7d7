//! Checks a directory that no broker has open: the store, and the rows that the broker keeps in it.

use crate::broker::membership;
use crate::broker::offsets;
use crate::broker::topics;
use crate::protocol::failure::Failure;
use crate::store::Table;
use crate::store::verify;
use crate::store::verify::Finding;
use crate::store::verify::Opening;
use crate::store::verify::Verified;
use crate::sys::disk::Disk;
use std::path::Path;
use std::sync::Arc;

/// Checks everything and changes nothing; `progress` hears how many bytes of how many were read. An error means that it
/// could not be checked: there is no store, or somebody has it open.
pub fn verify(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Failure> {
    let mut verified = verify::verify(disk, dir, progress)?;
    let file = verify::metadata_file(dir);
    let wrong: Vec<Finding> = verified
        .rows
        .iter()
        .filter_map(|((table, key), row)| {
            let (what, opening) = match table {
                Table::Topics => (topics::decode_row(key, row).err()?.message, Opening::Refuses),
                Table::Groups => (membership::decode_row(key, row).err()?.message, Opening::Refuses),
                Table::Offsets => check_offset(key, row, &verified)?,
            };
            Some(Finding::new(&file, None, what, opening))
        })
        .collect();
    wrong.into_iter().for_each(|finding| verified.report(finding));
    Ok(verified)
}

/// What is wrong with the offset of a group.
fn check_offset(key: &str, row: &[u8], verified: &Verified) -> Option<(String, Opening)> {
    let (group, queue, offset) = match offsets::decode_row(key, row) {
        Ok(decoded) => decoded,
        Err(failure) => return Some((failure.message, Opening::Refuses)),
    };
    let bounds = verified.queues.get(&(queue.topic.clone(), queue.queue_id));
    let max = bounds.map_or(0, |(_, max)| i64::try_from(*max).unwrap_or(i64::MAX));
    (offset > max).then(|| {
        let (topic, id) = (&queue.topic, queue.queue_id);
        let what = format!(
            "group '{group}' has come to {offset} in queue {id} of topic '{topic}', which ends at {max}"
        );
        (what, Opening::Corrects)
    })
}
