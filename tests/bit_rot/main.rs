//! Guards against bytes that rot on the disk and are handed out, take other messages with them, or go unnoticed.
//!
//! Each byte of small stores (closed, killed, killed before their segments had index files; every file of them) is flipped
//! in turn. The store is checked with `ons verify`'s check, which must change nothing, then opened and read: every other
//! record is there, in order, with its keys, tags and timers; the damaged one is not handed out and its place is named; or
//! opening refuses, names the file, and has changed nothing. What the check does not report has no effect at all.
//! `PROVE=full` flips several bits of each byte, and every bit of headers.
// The summary is the test's result for a person.
#![allow(clippy::print_stdout)]

mod capture;
mod check;
mod metadata;
mod shell;
mod stores;

use check::{Count, Known};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use stores::Built;

/// One byte changed.
#[derive(Debug, Clone)]
struct Flip {
    store: usize,
    file: PathBuf,
    offset: u64,
    bit: u8,
}

#[test]
fn every_flipped_byte_is_detected_or_harmless_and_confined() {
    capture::install();
    let is_full = std::env::var("PROVE").is_ok_and(|value| value == "full");
    let stores: Vec<Built> = stores::all();
    let known: Vec<Known> = stores.iter().map(Known::of).collect();
    let flips: Vec<Flip> =
        stores.iter().enumerate().flat_map(|(number, store)| flips(number, store, is_full)).collect();
    let next = AtomicUsize::new(0);
    let count = Mutex::new(Count::default());
    let errors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(flip) = flips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match check::run(&stores[flip.store], &known[flip.store], flip) {
                        Ok(outcome) => count.lock().unwrap().add(outcome),
                        Err(error) => errors.lock().unwrap().push(format!("{flip:?}: {error}")),
                    }
                }
            });
        }
    });
    let (count, errors) = (count.into_inner().unwrap(), errors.into_inner().unwrap());
    println!("prove: bit rot: {count}, {} not confined", errors.len());
    let shown: Vec<_> = errors.iter().step_by(errors.len() / 20 + 1).cloned().collect();
    assert!(errors.is_empty(), "{} of {}:\n{}", errors.len(), flips.len(), shown.join("\n"));
    assert!(count.is_telling(), "{count}");
}

/// Which bits of a store's files to flip: of unused bytes one in a while, of others each byte.
fn flips(number: usize, store: &Built, is_full: bool) -> Vec<Flip> {
    let mut flips = Vec::new();
    for (file, content) in store.disk.files() {
        let kind = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        for (offset, byte) in (0..).zip(&content) {
            let is_header = offset < header_bytes(&kind);
            let is_near = is_near_data(&content, offset);
            let bits = match (is_full, is_header, *byte != 0) {
                (true, true, _) => 8,
                (true, false, true) if kind == "redb" => 1,
                (true, false, true) => 3,
                // Zeroes are unused space for the most part; those of records and rows are near other bytes.
                (true, false, false) => u64::from(is_near || offset % 31 == 0),
                (false, true, _) => 1,
                (false, false, true) => u64::from(offset % stride(&kind) == 0),
                (false, false, false) => u64::from(offset % if is_near { 23 } else { 997 } == 0),
            };
            flips.extend((0..bits).map(|turn| Flip {
                store: number,
                file: file.clone(),
                offset,
                bit: ((offset + 3 * turn) % 8) as u8,
            }));
        }
    }
    flips
}

/// The bounded run takes one in so many bytes. redb's file is large and mostly what it keeps for itself.
fn stride(kind: &str) -> u64 {
    match kind {
        "redb" => 211,
        "log" => 7,
        "idx" => 3,
        _ => 1,
    }
}

fn header_bytes(kind: &str) -> u64 {
    match kind {
        "log" => 36,
        "idx" => 76,
        "redb" => 320,
        _ => 12,
    }
}

fn is_near_data(content: &[u8], offset: u64) -> bool {
    let offset = offset as usize;
    let around = offset.saturating_sub(4)..(offset + 5).min(content.len());
    content[around].iter().any(|byte| *byte != 0)
}
