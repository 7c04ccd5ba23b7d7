//! What a machine finds on the simulated disk after the power was cut.
//!
//! A sector (512 B) is atomic and holds some state that the file had since its last sync: never a later write without
//! an earlier one of the same sector, never a change of bytes outside what was written. Everything beyond that may
//! happen: sectors, blocks, lengths and names survive independently of each other. Sectors that had never been
//! written may hold garbage.

use super::content::{Change, Content, FileState, PAGE_BYTES, SECTOR_BYTES};
use super::plan::Random;
use std::collections::HashSet;
use std::sync::Arc;

/// The ways in which unsynced changes may survive. One for each remainder of the seed, so that
/// [`STYLES`] consecutive seeds show them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Nothing unsynced survives.
    Nothing,
    /// All of it does, even what a failed sync gave up.
    Everything,
    /// The changes up to some moment survive, the write in flight torn at sectors.
    Prefix,
    /// Each write for itself.
    Writes,
    /// Each 4 KiB block of a write for itself.
    Blocks,
    /// Each 512 B sector of a write for itself.
    Sectors,
    /// Likewise, with garbage in place of lost sectors that had never been written.
    Garbage,
    /// Names and lengths survive, contents do not.
    NamesFirst,
    /// Contents survive, names do not.
    ContentsFirst,
    /// Another style for each file, and each name for itself.
    Mixed,
}

/// How many styles there are.
pub const STYLES: u64 = 10;

impl Style {
    fn of(number: u64) -> Self {
        match number % STYLES {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Prefix,
            3 => Self::Writes,
            4 => Self::Blocks,
            5 => Self::Sectors,
            6 => Self::Garbage,
            7 => Self::NamesFirst,
            8 => Self::ContentsFirst,
            _ => Self::Mixed,
        }
    }
}

/// One power cut: decides what survives.
#[derive(Debug)]
pub(super) struct PowerCut {
    style: Style,
    random: Random,
    /// In how many of 16 cases a change survives.
    survival: u64,
}

impl PowerCut {
    /// `moment` makes cuts at different times independent of each other.
    pub(super) fn new(seed: u64, moment: u64) -> Self {
        let mut random = Random::new(Random::new(seed).next_number() ^ moment);
        let survival = [4, 8, 12, 15][random.below(4) as usize];
        Self { style: Style::of(seed), random, survival }
    }

    /// Whether the next change of names survives, of `pending` in all.
    pub(super) fn names(&mut self, pending: usize) -> impl FnMut() -> bool + use<> {
        let mut prefix = match self.style {
            Style::Nothing | Style::ContentsFirst => 0,
            Style::Everything | Style::NamesFirst => pending as u64,
            Style::Prefix => self.random.below(pending as u64 + 1),
            _ => u64::MAX,
        };
        let is_prefix = prefix != u64::MAX;
        let (mut random, survival) = (Random::new(self.random.next_number()), self.survival);
        move || {
            if is_prefix {
                let survives = prefix > 0;
                prefix = prefix.saturating_sub(1);
                return survives;
            }
            random.chance(survival)
        }
    }

    /// What is left of a file.
    pub(super) fn content(&mut self, file: &FileState) -> Arc<Content> {
        let style = match self.style {
            Style::Mixed => Style::of(self.random.below(STYLES - 1)),
            style => style,
        };
        if style == Style::Everything {
            return file.volatile.clone();
        }
        if file.pending.is_empty() || style == Style::Nothing {
            return file.durable.clone();
        }
        let survival = self.survival;
        let mut damage = Damage {
            style,
            content: Content::clone(&file.durable),
            durable: &file.durable,
            random: &mut self.random,
            survival,
            lost_sectors: HashSet::new(),
            written_sectors: HashSet::new(),
            ceiling: u64::MAX,
        };
        damage.apply(&file.pending);
        if style == Style::NamesFirst && damage.content.len() < file.volatile.len() {
            damage.content.set_len(file.volatile.len());
        }
        Arc::new(damage.content)
    }
}

struct Damage<'a> {
    style: Style,
    content: Content,
    durable: &'a Content,
    random: &'a mut Random,
    survival: u64,
    /// Sectors that stay as they are from some moment on.
    lost_sectors: HashSet<u64>,
    /// Sectors of which an earlier unsynced write survived: they hold that older state, not garbage.
    written_sectors: HashSet<u64>,
    /// A cut of the file that was lost takes with it what was written beyond it afterwards.
    ceiling: u64,
}

impl Damage<'_> {
    fn apply(&mut self, pending: &[Change]) {
        let in_flight = match self.style {
            Style::Prefix => self.random.below(pending.len() as u64 + 1) as usize,
            _ => pending.len(),
        };
        for change in pending.iter().take(in_flight) {
            self.apply_one(change);
        }
        if let (Style::Prefix, Some(torn)) = (self.style, pending.get(in_flight)) {
            self.style = Style::Sectors;
            self.apply_one(torn);
        }
    }

    fn apply_one(&mut self, change: &Change) {
        match change {
            Change::Write { offset, bytes } => self.write(*offset, bytes),
            Change::SetLen(len) | Change::Allocate(len) => {
                let is_kept = match self.style {
                    Style::Prefix | Style::ContentsFirst | Style::NamesFirst => true,
                    _ => self.random.chance(self.survival),
                };
                if is_kept && *len <= self.ceiling {
                    change.apply(&mut self.content);
                } else if *len < self.content.len() {
                    self.ceiling = self.ceiling.min(*len);
                }
            }
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let unit = match self.style {
            Style::Writes => u64::MAX,
            Style::Blocks => PAGE_BYTES,
            _ => SECTOR_BYTES,
        };
        let end = offset + bytes.len() as u64;
        let mut at = offset;
        while at < end {
            let unit_end = (at / unit).saturating_add(1).saturating_mul(unit).min(end);
            let survives = match self.style {
                Style::Prefix | Style::ContentsFirst => true,
                Style::NamesFirst => false,
                _ => self.random.chance(self.survival),
            };
            while at < unit_end {
                let piece_end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(unit_end);
                let piece = &bytes[(at - offset) as usize..(piece_end - offset) as usize];
                self.write_piece(at, piece, survives);
                at = piece_end;
            }
        }
    }

    /// A piece within one sector.
    fn write_piece(&mut self, offset: u64, piece: &[u8], survives: bool) {
        let sector = offset / SECTOR_BYTES;
        let end = offset + piece.len() as u64;
        if end > self.ceiling || self.lost_sectors.contains(&sector) {
            return;
        }
        if survives {
            self.content.write(piece, offset);
            self.written_sectors.insert(sector);
            return;
        }
        self.lost_sectors.insert(sector);
        let was_written =
            !self.durable.is_hole(sector * SECTOR_BYTES) || self.written_sectors.contains(&sector);
        if self.style == Style::Garbage && !was_written && self.random.chance(8) {
            let mut garbage = [0; SECTOR_BYTES as usize];
            self.random.fill(&mut garbage);
            let start = sector * SECTOR_BYTES;
            // The whole sector, but no byte beyond the end that the file has or would have had.
            let len = self.content.len().max(end).min(start + SECTOR_BYTES) - start;
            self.content.write(&garbage[..len as usize], start);
        }
    }
}
