//! The bytes of a simulated file, in pages that images share until one of them writes.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const PAGE_BYTES: u64 = 4096;
pub(super) const SECTOR_BYTES: u64 = 512;

type Page = [u8; PAGE_BYTES as usize];

/// A length and its bytes; a page that was never written is a hole and reads as zeroes.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    len: u64,
    pages: Vec<Option<Arc<Page>>>,
    /// Pages below this one take room on the disk even as holes.
    reserved_pages: u64,
}

/// A part of a page: which one, from where in it, and where that is in the caller's bytes.
struct Piece {
    page: usize,
    start: usize,
    bytes: std::ops::Range<usize>,
}

fn pieces(offset: u64, len: usize) -> impl Iterator<Item = Piece> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let start = (at % PAGE_BYTES) as usize;
        let count = (len - done).min(PAGE_BYTES as usize - start);
        let bytes = done..done + count;
        done += count;
        (count > 0).then_some(Piece { page: (at / PAGE_BYTES) as usize, start, bytes })
    })
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let len = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        for piece in pieces(offset, len) {
            let target = &mut buffer[piece.bytes.clone()];
            match self.pages.get(piece.page) {
                Some(Some(page)) => {
                    target.copy_from_slice(&page[piece.start..piece.start + piece.bytes.len()]);
                }
                _ => target.fill(0),
            }
        }
        len
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        if bytes.is_empty() {
            return;
        }
        self.len = self.len.max(offset + bytes.len() as u64);
        for piece in pieces(offset, bytes.len()) {
            if self.pages.len() <= piece.page {
                self.pages.resize(piece.page + 1, None);
            }
            let page = self.pages[piece.page].get_or_insert_with(|| Arc::new([0; PAGE_BYTES as usize]));
            let source = &bytes[piece.bytes.clone()];
            Arc::make_mut(page)[piece.start..piece.start + source.len()].copy_from_slice(source);
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let kept = len.div_ceil(PAGE_BYTES);
            self.pages.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            self.reserved_pages = self.reserved_pages.min(kept);
            let tail = (len % PAGE_BYTES) as usize;
            if tail > 0
                && self.pages.len() as u64 == kept
                && let Some(Some(page)) = self.pages.last_mut()
            {
                Arc::make_mut(page)[tail..].fill(0);
            }
        }
        self.len = len;
    }

    pub(super) fn allocate(&mut self, len: u64) {
        self.set_len(len);
        self.reserved_pages = self.reserved_pages.max(len.div_ceil(PAGE_BYTES));
    }

    /// Whether no byte of the sector at `offset` was ever written.
    pub(super) fn is_hole(&self, offset: u64) -> bool {
        let page = self.pages.get((offset / PAGE_BYTES) as usize);
        offset >= self.len || !matches!(page, Some(Some(_)))
    }

    fn takes_room(&self, page: u64) -> bool {
        page < self.reserved_pages || matches!(self.pages.get(page as usize), Some(Some(_)))
    }

    /// Bytes of the disk that the file occupies.
    pub(super) fn room_taken(&self) -> u64 {
        let end = (self.pages.len() as u64).max(self.reserved_pages);
        (0..end).filter(|page| self.takes_room(*page)).count() as u64 * PAGE_BYTES
    }

    /// How many of the bytes `offset..offset + len` can be written into what is there and `free` bytes more.
    pub(super) fn fitting(&self, offset: u64, len: u64, free: u64) -> u64 {
        let mut free_pages = free / PAGE_BYTES;
        let (mut at, end) = (offset, offset + len);
        while at < end {
            let page = at / PAGE_BYTES;
            if !self.takes_room(page) {
                if free_pages == 0 {
                    return at - offset;
                }
                free_pages -= 1;
            }
            at = (page + 1) * PAGE_BYTES;
        }
        len
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX)];
        self.read(&mut bytes, 0);
        bytes
    }
}

/// A change of a file that no sync has made durable yet.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
    Allocate(u64),
}

impl Change {
    pub(super) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(bytes, *offset),
            Self::SetLen(len) => content.set_len(*len),
            Self::Allocate(len) => content.allocate(*len),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct FileState {
    /// Its present name, or the last one it had.
    pub(super) name: Arc<Path>,
    /// What the operating system answers from its cache.
    pub(super) volatile: Arc<Content>,
    /// What is on the device for certain.
    pub(super) durable: Arc<Content>,
    pub(super) pending: Vec<Change>,
}

/// A file, whatever its names are.
#[derive(Debug)]
pub(super) struct File(Mutex<FileState>);

impl File {
    pub(super) fn new(name: Arc<Path>) -> Arc<Self> {
        Self::with_state(FileState {
            name,
            volatile: Arc::default(),
            durable: Arc::default(),
            pending: Vec::new(),
        })
    }

    /// A file at rest: the cache and the device agree.
    pub(super) fn settled(name: Arc<Path>, content: Arc<Content>) -> Arc<Self> {
        Self::with_state(FileState { name, volatile: content.clone(), durable: content, pending: Vec::new() })
    }

    pub(super) fn with_state(state: FileState) -> Arc<Self> {
        Arc::new(Self(Mutex::new(state)))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, FileState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileState {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.volatile));
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let durable = Arc::make_mut(&mut self.durable);
        for change in self.pending.drain(..) {
            change.apply(durable);
        }
    }

    /// The system takes the pages for clean although they never reached the device: reads still see them, no later
    /// sync writes them.
    pub(super) fn fail_sync(&mut self) {
        self.pending.clear();
    }
}
