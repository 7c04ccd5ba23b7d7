//! The log: each segment from end to end, with its index file.

use super::index::Compared;
use super::{Finding, Opening, Verified, failed, failed_index};
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::record::Record;
use crate::store::envelope::ENVELOPE_BYTES;
use crate::store::error::io_failure;
use crate::store::index_file::{self, DirectoryRow, IndexFile};
use crate::store::log_files::without_header;
use crate::store::queue::is_too_far;
use crate::store::recovery::{Known, State, has_records};
use crate::store::segment::{HEADER_BYTES, Segment};
use crate::store::shared::Shared;
use crate::store::walk::{Step, Tail, Walk};
use crate::sys::disk::{DirEntry, Disk};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Progress is told every so many bytes.
const PROGRESS_BYTES: u64 = 4 << 20;

/// A segment and how far its index speaks of it.
struct Listed {
    segment: Segment,
    has_records: bool,
}

/// Checks all segments and index files. Where the log ends.
pub(super) fn check(
    disk: &Arc<dyn Disk>,
    files: Vec<DirEntry>,
    state: &State,
    verified: &mut Verified,
    progress: &mut dyn FnMut(u64, u64),
) -> u64 {
    let mut segments = BTreeMap::new();
    // In name order, which is the log's.
    let first = files.iter().map(|file| &file.path).find(|path| path.extension().is_some_and(|e| e == "log"));
    // In front of the first segment it is what a kill leaves of one that was being deleted.
    let is_segment_missing = |index: &PathBuf| {
        let segment = index.with_extension("log");
        first.is_none_or(|first| *first < segment) && !files.iter().any(|file| file.path == segment)
    };
    for file in &files {
        match file.path.extension().and_then(|extension| extension.to_str()) {
            Some("log") => match open(disk.as_ref(), file, verified) {
                Ok(listed) => drop(segments.insert(listed.segment.base(), listed)),
                Err(failure) => verified.report(failed(&file.path, &failure, Opening::Refuses)),
            },
            Some("idx") if is_segment_missing(&file.path) => {
                verified.report(Finding::new(&file.path, None, "its segment is missing", Opening::Ignores));
            }
            _ => {}
        }
    }
    let total = segments.values().map(|listed| listed.segment.capacity()).sum();
    let mut before: Option<u64> = None;
    let mut end = 0;
    let last_used = segments.iter().rev().find(|(_, listed)| listed.has_records).map(|(base, _)| *base);
    for (base, Listed { segment, .. }) in &segments {
        if let Some(missing) = before.filter(|before| before < base) {
            let what =
                format!("the segments in front of it, from log address {missing} to {base}, are missing");
            verified.report(Finding::new(segment.path(), None, what, Opening::LosesRecord));
        }
        before = Some(segment.end());
        let is_left = last_used.is_some_and(|last| last > *base);
        let mut check = Check { disk, verified, state, segment, is_left };
        let start: u64 = segments.range(..base).map(|(_, listed)| listed.segment.capacity()).sum();
        match check.run(&mut |done| progress(start + done, total)) {
            Ok(Some(reached)) => end = reached,
            Ok(None) => {}
            Err(failure) => verified.report(failed(segment.path(), &failure, Opening::Refuses)),
        }
        verified.segments += 1;
    }
    progress(total, total);
    end
}

fn open(disk: &dyn Disk, entry: &DirEntry, verified: &mut Verified) -> Result<Listed, Failure> {
    let path = &entry.path;
    let file = disk.open_to_read(path).map_err(|error| io_failure("open", path, &error))?;
    let segment = match Segment::open_file(file.clone(), path)? {
        Some(segment) => segment,
        None => {
            let (segment, generation) = without_header(disk, file, path)?;
            verified.report(Finding::new(
                path,
                Some(0),
                "its header has a wrong checksum",
                Opening::MakesAnew,
            ));
            segment.of_generation(generation)
        }
    };
    let expected = HEADER_BYTES + segment.capacity();
    if entry.len != expected {
        let what = format!("it has {} bytes, {expected} are its length", entry.len);
        verified.report(Finding::new(path, Some(entry.len), what, Opening::Ignores));
    }
    let index = IndexFile::open(disk, &index_file::path_of(path)).ok();
    let has_records = has_records(&segment, index.as_ref().map(|(index, _)| index));
    Ok(Listed { segment, has_records })
}

/// The check of one segment.
struct Check<'a> {
    disk: &'a Arc<dyn Disk>,
    verified: &'a mut Verified,
    state: &'a State,
    segment: &'a Segment,
    /// The log went on behind this segment.
    is_left: bool,
}

impl Check<'_> {
    /// Where the log's records end in this segment, if it has any.
    fn run(&mut self, progress: &mut dyn FnMut(u64)) -> Result<Option<u64>, Failure> {
        let index = self.index();
        let known =
            Known::of(self.segment, index.as_ref().map(|(index, _)| index), self.state.synced, self.is_left);
        let own = Shared::scratch(self.disk.clone());
        // As the opening: behind a clean close nothing counts but what was appended since.
        let is_of_close = |index: &&IndexFile| !index.is_complete && self.state.applied >= index.end;
        let closed = index.as_ref().map(|(index, _)| index).filter(is_of_close);
        let closed = closed.map(|index| (index.end, index.log_generation));
        let (damaged, end) = self.walk(&own, known, closed, progress)?;
        let compared = match &index {
            Some((index, rows)) => {
                self.verified.index_files += 1;
                Compared::run(index, rows, &own, self.segment, &damaged)
            }
            None => Compared::default(),
        };
        for (from, to) in damaged {
            let offset = self.segment.file_offset(from);
            let what = format!(
                "it is damaged up to offset {}{}",
                self.segment.file_offset(to),
                compared.lost_between(from, to)
            );
            self.report(Some(offset), what, Opening::LosesRecord);
        }
        if let Some(finding) = compared.finding {
            self.verified.report(finding);
        }
        self.take_bounds(&own, index.as_ref().map_or(&[], |(_, rows)| rows));
        Ok((end > self.segment.base()).then_some(end))
    }

    fn report(&mut self, offset: Option<u64>, what: impl Into<String>, opening: Opening) {
        self.verified.report(Finding::new(self.segment.path(), offset, what, opening));
    }

    fn index(&mut self) -> Option<(IndexFile, Vec<DirectoryRow>)> {
        let path = index_file::path_of(self.segment.path());
        match IndexFile::open(self.disk.as_ref(), &path) {
            Ok((index, rows)) if index.is_of(self.segment) => Some((index, rows)),
            Ok(_) => {
                let what = "it belongs to another segment";
                self.verified.report(Finding::new(&path, None, what, Opening::MakesAnew));
                None
            }
            Err(failure) => {
                // A segment in use has none.
                let is_there = self.disk.open_to_read(&path).is_ok();
                if is_there || failure.kind == FailureKind::Corrupt {
                    self.verified.report(failed_index(&path, &failure));
                }
                None
            }
        }
    }

    /// Reads all records into `own`. `closed`: where the log ended at a clean close, and its generation then. The damaged
    /// places, and where the records end.
    fn walk(
        &mut self,
        own: &Shared,
        known: Known,
        closed: Option<(u64, u32)>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Vec<(u64, u64)>, u64), Failure> {
        let segment = self.segment;
        let mut walk = Walk::new(segment, segment.base(), segment.generation());
        let mut damaged = Vec::new();
        let mut told = 0;
        loop {
            let done = walk.at() - segment.base();
            if done >= told + PROGRESS_BYTES {
                told = done;
                progress(done);
            }
            if let Some((_, generation)) = closed.filter(|(end, _)| *end == walk.at()) {
                walk.raise_generation(generation);
            }
            match walk.step()? {
                Step::Record { address, record, .. } => {
                    self.verified.records += 1;
                    self.verified.log_bytes += (ENVELOPE_BYTES + record.len()) as u64;
                    self.check_record(own, address, &record);
                }
                Step::Damaged { from, to } => damaged.push((from, to)),
                Step::EndOfSegment => break,
                Step::End { at, tail } => {
                    let offset = Some(segment.file_offset(at));
                    if at < known.end {
                        damaged.push((at, known.end));
                    } else if known.is_finished && at + ENVELOPE_BYTES as u64 <= segment.end() {
                        let what = "the mark that ends the segment is damaged, records in front of it may be missing";
                        self.report(offset, what, Opening::LosesRecord);
                    } else if tail == Tail::Record {
                        let what = "an append was cut off there, or the last record was damaged";
                        self.report(offset, what, Opening::EndsLog);
                    }
                    return Ok((damaged, at.max(known.end)));
                }
            }
        }
        Ok((damaged, walk.at()))
    }

    /// The checksum of the envelope is right: the record is what was appended. It must make sense, too.
    fn check_record(&mut self, own: &Shared, address: u64, bytes: &Bytes) {
        let position = address + ENVELOPE_BYTES as u64;
        let offset = Some(self.segment.file_offset(address));
        match Record::decode(bytes) {
            Err(error) => {
                self.report(offset, format!("the record cannot be read: {error}"), Opening::LosesRecord);
                return;
            }
            Ok(record) if u64::try_from(record.head.position) != Ok(position) => {
                let what = format!("the record says that its position is {}", record.head.position);
                self.report(offset, what, Opening::Ignores);
            }
            Ok(record) if !record.is_body_intact() => {
                let what = "the body of the record was damaged before it was written";
                self.report(offset, what, Opening::Ignores);
            }
            Ok(record) => {
                let next = own.queue(record.topic(), record.head.queue_id).map(|queue| queue.max_offset());
                let (topic, id, own) = (record.topic(), record.head.queue_id, record.head.queue_offset);
                let what = match next {
                    Some(next) if own < next as i64 => "was given before",
                    Some(next) if is_too_far(next, own as u64, address) => "is too far behind those before",
                    _ => "",
                };
                if !what.is_empty() {
                    let what = format!("offset {own} of queue {id} of topic '{topic}' {what}");
                    self.report(offset, what, Opening::LosesRecord);
                }
            }
        }
        // What keeps it out was reported above.
        let _ = own.adopt_record(self.segment, address, bytes);
    }

    fn take_bounds(&mut self, own: &Shared, rows: &[DirectoryRow]) {
        let recorded = own
            .queues()
            .into_iter()
            .map(|queue| (queue.topic().clone(), queue.id(), queue.min_offset(), queue.max_offset()));
        let indexed =
            rows.iter().map(|row| (row.topic.clone(), row.queue_id, row.first, row.first + row.count));
        for (topic, id, min, max) in recorded.chain(indexed) {
            let bounds = self.verified.queues.entry((topic, id)).or_insert((min, max));
            *bounds = (bounds.0.min(min), bounds.1.max(max));
        }
    }
}

/// The name of a file for a message within one directory.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
