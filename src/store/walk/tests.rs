//! Damage is stepped over, ends are told apart, and bytes that look like lengths cost no time.

use super::*;
use crate::protocol::record::{RecordHead, encode};
use crate::sys::disk::Disk;
use crate::sys::sim_disk::{OperationKind, SimDisk};
use bytes::BytesMut;
use std::path::Path;

const CAPACITY: u64 = 64 << 10;
const BASE: u64 = 1000;

/// A segment with records of these bodies; where each begins, and where they end.
fn segment(disk: &SimDisk, capacity: u64, bodies: &[&[u8]]) -> (Segment, Vec<u64>) {
    disk.create_dir_all(Path::new("/log")).unwrap();
    let segment = Segment::prepare(disk, Path::new("/log"), BASE, capacity, 3, &|| true).unwrap();
    let mut addresses = vec![BASE];
    for body in bodies {
        let at = addresses[addresses.len() - 1];
        let mut bytes = BytesMut::zeroed(ENVELOPE_BYTES);
        let head = RecordHead { position: (at + ENVELOPE_BYTES as u64) as i64, ..RecordHead::default() };
        encode(&head, "T", "", body, &mut bytes);
        envelope::close(&mut bytes, at, 3);
        segment.write(&bytes, at).unwrap();
        addresses.push(at + bytes.len() as u64);
    }
    (segment, addresses)
}

/// The steps of a walk: records by where they begin, places that are damaged, and how it ends.
fn steps(segment: &Segment) -> (Vec<u64>, Vec<(u64, u64)>, String) {
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    let mut walk = Walk::new(segment, BASE, 3);
    loop {
        match walk.step().unwrap() {
            Step::Record { address, .. } => records.push(address),
            Step::Damaged { from, to } => damaged.push((from, to)),
            end => return (records, damaged, format!("{end:?}")),
        }
    }
}

fn flip(disk: &SimDisk, segment: &Segment, address: u64) {
    disk.flip_bit(segment.path(), segment.file_offset(address), 1).unwrap();
}

#[test]
fn damage_is_stepped_over_up_to_the_next_record_or_the_end_mark() {
    let disk = SimDisk::new();
    let (segment, at) = segment(&disk, CAPACITY, &[b"one", &[0; 700], b"three"]);
    assert_eq!(steps(&segment), (at[..3].to_vec(), vec![], format!("End {{ at: {}, tail: Blank }}", at[3])));
    flip(&disk, &segment, at[1] + 300);
    assert_eq!(steps(&segment).0, [at[0], at[2]]);
    assert_eq!(steps(&segment).1, [(at[1], at[2])]);
    segment.write(&envelope::end_of_segment(at[3], 3), at[3]).unwrap();
    flip(&disk, &segment, at[2] + 30);
    assert_eq!(steps(&segment), (vec![at[0]], vec![(at[1], at[3])], "EndOfSegment".to_owned()));
}

#[test]
fn a_damaged_last_record_is_told_from_blank_space_and_from_leftovers() {
    let disk = SimDisk::new();
    let (segment, at) = segment(&disk, CAPACITY, &[b"one", b"last"]);
    for byte in 0..at[2] - at[1] {
        flip(&disk, &segment, at[1] + byte);
        let end = format!("End {{ at: {}, tail: Record }}", at[1]);
        assert_eq!(steps(&segment), (vec![at[0]], vec![], end), "byte {byte}");
        flip(&disk, &segment, at[1] + byte);
    }
    segment.write(b"left over from before", at[2]).unwrap();
    assert_eq!(steps(&segment).2, format!("End {{ at: {}, tail: Other }}", at[2]));
}

#[test]
fn a_body_of_numbers_that_look_like_lengths_is_searched_quickly() {
    let disk = SimDisk::new();
    let body: Vec<u8> = (0..1_000_000u32).flat_map(|number| (1_000_000 + number % 7).to_le_bytes()).collect();
    let (segment, at) = segment(&disk, 8 << 20, &[&body, b"next"]);
    flip(&disk, &segment, at[0] + 2);
    let reads = |disk: &SimDisk| {
        disk.operations().iter().filter(|operation| operation.kind == OperationKind::Read).count()
    };
    let before = reads(&disk);
    assert_eq!(steps(&segment).0, [at[1]]);
    assert!(reads(&disk) - before < 12, "{} reads", reads(&disk) - before);
}

#[test]
fn records_of_equal_size_in_a_recycled_file_are_leftovers() {
    let disk = SimDisk::new();
    let (old, at) = segment(&disk, CAPACITY, &[b"one", b"two", b"end"]);
    let base = BASE + CAPACITY;
    let recycled = Segment::recycle(&disk, Path::new("/log"), old.path(), base, CAPACITY, 4).unwrap();
    let mut walk = Walk::new(&recycled, base, 4);
    let end = |walk: &mut Walk| format!("{:?}", walk.step().unwrap());
    assert_eq!(end(&mut walk), format!("End {{ at: {base}, tail: Other }}"));
    let mut bytes = BytesMut::zeroed(ENVELOPE_BYTES);
    encode(&RecordHead::default(), "T", "", b"new", &mut bytes);
    assert_eq!(bytes.len() as u64, at[1] - at[0]);
    envelope::close(&mut bytes, base, 4);
    recycled.write(&bytes, base).unwrap();
    let mut walk = Walk::new(&recycled, base, 4);
    assert!(matches!(walk.step().unwrap(), Step::Record { .. }));
    assert_eq!(end(&mut walk), format!("End {{ at: {}, tail: Other }}", base + bytes.len() as u64));
}
