//! Place, rotation and failure of the log file.

use super::*;

fn write(writer: &mut LogFileWriter, message: &str) {
    let record = Record::builder().level(log::Level::Info).target("ons::test").build();
    writer.write(&record, message);
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_path_is_a_directory_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = |path: &Path| LogFile::new(path, 1, 1).path;
    assert_eq!(path(dir.path()), dir.path().join("ons.log"));
    assert_eq!(path(&dir.path().join("new")), dir.path().join("new/ons.log"));
    assert_eq!(path(&dir.path().join("new.d/")), dir.path().join("new.d/ons.log"));
    assert_eq!(path(&dir.path().join("my.log")), dir.path().join("my.log"));
    std::fs::write(dir.path().join("plain"), "").unwrap();
    assert_eq!(path(&dir.path().join("plain")), dir.path().join("plain"));
    assert!(path(Path::new("")).ends_with("logs/ons.log"));
}

#[test]
fn numbers_out_of_range_mean_the_default() {
    let old_files = |number| LogFile::new(Path::new("x.log"), 1, number).old_files_max;
    assert_eq!([old_files(1), old_files(100)], [1, 100]);
    assert_eq!([old_files(0), old_files(101), old_files(-1)], [10, 10, 10]);
    let bytes = |number| LogFile::new(Path::new("x.log"), number, 1).bytes_max;
    assert_eq!([bytes(1), bytes(0), bytes(-1)], [1, 64 << 20, 64 << 20]);
}

#[test]
fn rotation_keeps_the_current_file_and_so_many_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = LogFileWriter::new(LogFile::new(&dir.path().join("my.log"), 300, 3));
    for number in 0..100 {
        write(&mut writer, &format!("message {number:03}"));
    }
    let names = names(dir.path());
    assert_eq!(names.len(), 1 + 3, "{names:?}");
    let mut kept = String::new();
    for name in &names {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        // The line that passes the mark is the file's last.
        let before_last = text.trim_end().rfind('\n').unwrap_or(0);
        assert!(before_last <= 300, "{name} has {} bytes", text.len());
        kept += &text;
    }
    let last = std::fs::read_to_string(dir.path().join("my.log")).unwrap();
    assert!(last.ends_with("message 099\n"), "{last}");
    // The newest are kept, without a gap.
    let count = kept.lines().count();
    for number in 100 - count..100 {
        assert!(kept.contains(&format!("message {number:03}")), "message {number} is gone; kept {count}");
    }
}

#[test]
fn a_second_run_goes_on_in_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = LogFile::new(dir.path(), 0, 0);
    for run in 0..2 {
        write(&mut LogFileWriter::new(file.clone()), &format!("run {run}"));
    }
    assert_eq!(std::fs::read_to_string(&file.path).unwrap().lines().count(), 2);
    assert_eq!(names(dir.path()), ["ons.log"]);
}

#[test]
fn a_place_that_cannot_be_written_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let mut writer = LogFileWriter::new(LogFile::new(&dir.path().join("file/below/ons.log"), 0, 0));
    write(&mut writer, "one");
    assert!(writer.has_failed && writer.open.is_none());
    write(&mut writer, "two");
    assert!(writer.open.is_none());
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn a_log_directory_that_vanishes_ends_the_log_only() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let mut writer = LogFileWriter::new(LogFile::new(&logs.join("ons.log"), 1, 1));
    write(&mut writer, "one");
    std::fs::remove_dir_all(&logs).unwrap();
    for _ in 0..3 {
        write(&mut writer, "more");
    }
    assert!(!dir.path().join("logs").exists());
}
