//! What an input does to the files of a store: flips, noise, zeroes, cuts, growth, misdirected copies, files removed or
//! put in the place of others; and, when it may forge, its own bytes and the checksums of headers made right again.

use super::Input;
use ons::sys::disk::{Disk, DiskFile};
use ons::sys::sim_disk::SimDisk;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CHANGES_MAX: usize = 24;
const BLOCK: u64 = 4096;

pub(super) fn apply(disk: &SimDisk, input: &mut Input<'_>, is_forged: bool) {
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        let kind = input.byte();
        let Some((path, file)) = choose(disk, input) else { return };
        change(disk, &path, file.as_ref(), kind, input, is_forged);
    }
    if is_forged {
        files(disk).iter().for_each(|path| make_right(disk, path));
    }
}

fn files(disk: &SimDisk) -> Vec<PathBuf> {
    let inside = |dir: &str| disk.list(Path::new(dir)).unwrap().into_iter().map(|entry| entry.path);
    inside("/data/log").chain(inside("/data")).filter(|path| !path.ends_with("lock")).collect()
}

fn choose(disk: &SimDisk, input: &mut Input<'_>) -> Option<(PathBuf, Arc<dyn DiskFile>)> {
    let names = files(disk);
    let path = names.get(input.below(names.len().max(1)))?.clone();
    let file = disk.open(&path).unwrap();
    Some((path, file))
}

fn change(
    disk: &SimDisk,
    path: &Path,
    file: &dyn DiskFile,
    kind: u8,
    input: &mut Input<'_>,
    is_forged: bool,
) {
    let len = file.len().unwrap();
    let at = place(len, input);
    match kind % 10 {
        0 => disk.flip_bit(path, at, input.byte()).unwrap_or_default(),
        1 => write(file, at, &noise(input)),
        2 => write(file, at, &vec![0; usize::from(input.u16()) % 9000]),
        3 => file.set_len(at).unwrap(),
        4 => file.set_len(len + u64::from(input.u16())).unwrap(),
        5 => copy(disk, file, at, input),
        6 => disk.remove(path).unwrap(),
        7 => swap(disk, path, input),
        // The header of the file, where the rarest branches are.
        8 if is_forged => write(file, u64::from(input.byte()) % 76, number(input).as_slice()),
        9 if is_forged => write(file, at, number(input).as_slice()),
        _ => write(file, at, &noise(input)),
    }
}

/// A byte of the file: near its beginning, or near the beginning of the records, or anywhere.
fn place(len: u64, input: &mut Input<'_>) -> u64 {
    let (how, near) = (input.byte(), u64::from(input.byte()));
    let at = match how % 4 {
        0 => near,
        1 => BLOCK + near,
        _ => u64::from(how >> 2) << 16 | near << 8 | u64::from(input.byte()),
    };
    at % len.max(1)
}

/// Within the file: what lies behind its end is no damage to it.
fn write(file: &dyn DiskFile, at: u64, bytes: &[u8]) {
    let room = usize::try_from(file.len().unwrap() - at.min(file.len().unwrap())).unwrap_or(0);
    file.write_all_at(&bytes[..bytes.len().min(room)], at).unwrap();
}

/// Bytes that the input chooses only by a seed, so that it cannot grope its way to a right checksum.
fn noise(input: &mut Input<'_>) -> Vec<u8> {
    let (seed, len) = (u64::from(input.byte()), usize::from(input.byte()) + 1);
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB).to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

/// One to eight bytes, most often a number that is at some edge.
fn number(input: &mut Input<'_>) -> Vec<u8> {
    let how = input.byte();
    let len = 1usize << (how % 4);
    match how >> 6 {
        0 => vec![0xFF; len],
        1 => vec![0; len],
        2 => input.i64().to_le_bytes()[..len].to_vec(),
        _ => input.take(len).to_vec(),
    }
}

/// What belongs elsewhere, in this file or another, of at most two blocks.
fn copy(disk: &SimDisk, to: &dyn DiskFile, at: u64, input: &mut Input<'_>) {
    let Some((_, from)) = choose(disk, input) else { return };
    let mut bytes = vec![0; usize::from(input.u16()) % (2 * BLOCK as usize)];
    let start = place(from.len().unwrap(), input);
    let read = from.read_at(&mut bytes, start).unwrap();
    write(to, at, &bytes[..read]);
}

/// Another file under this name.
fn swap(disk: &SimDisk, path: &Path, input: &mut Input<'_>) {
    let Some((other, _)) = choose(disk, input) else { return };
    disk.rename(&other, path).unwrap();
}

/// Gives headers the checksums that their bytes have now: what a header claims must not hurt, whoever wrote it. What
/// lies behind the headers stays damaged: a record that is intact is what the store itself wrote. The formats are drawn
/// in `store::segment` and `store::index_file`.
fn make_right(disk: &SimDisk, path: &Path) {
    let header_bytes = match path.extension().and_then(|extension| extension.to_str()) {
        Some("idx") => 72,
        Some("log") => 32,
        _ => return,
    };
    let file = disk.open(path).unwrap();
    let mut header = vec![0; header_bytes];
    if file.read_at(&mut header, 0).unwrap() == header_bytes {
        write(file.as_ref(), header_bytes as u64, &crc32c::crc32c(&header).to_le_bytes());
    }
}
