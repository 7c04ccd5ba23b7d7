//! Levels, callback and settings of the client log.

use super::*;

fn record<'a>(args: std::fmt::Arguments<'a>, level: log::Level) -> Record<'a> {
    Record::builder().args(args).level(level).target("ons::test").build()
}

fn collecting(log: &ClientLog) -> Arc<Mutex<Vec<(LogLevel, String)>>> {
    let seen: Arc<Mutex<Vec<(LogLevel, String)>>> = Arc::default();
    let sink = seen.clone();
    log.lock().callback = Some(Arc::new(move |level, message: &str| {
        sink.lock().unwrap().push((level, message.to_owned()));
    }));
    seen
}

#[test]
fn the_callback_hears_what_the_level_lets_through() {
    let log = ClientLog::new();
    let seen = collecting(&log);
    log.log(&record(format_args!("info"), log::Level::Info));
    log.log(&record(format_args!("debug"), log::Level::Debug));
    log.level.store(LogLevel::Debug as i32, Ordering::Relaxed);
    log.log(&record(format_args!("debug again"), log::Level::Debug));
    log.log(&record(format_args!("trace"), log::Level::Trace));
    let expected = [(LogLevel::Info, "info".to_owned()), (LogLevel::Debug, "debug again".to_owned())];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_callback_that_logs_is_not_called_again_from_within() {
    let log: &'static ClientLog = Box::leak(Box::new(ClientLog::new()));
    let calls = Arc::new(AtomicI32::new(0));
    let counted = calls.clone();
    log.lock().callback = Some(Arc::new(move |_, _: &str| {
        counted.fetch_add(1, Ordering::Relaxed);
        log.log(&record(format_args!("from the callback"), log::Level::Error));
    }));
    log.log(&record(format_args!("one"), log::Level::Error));
    log.log(&record(format_args!("two"), log::Level::Error));
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_callback_that_panics_ends_neither_the_thread_nor_the_log() {
    let log = ClientLog::new();
    log.lock().callback = Some(Arc::new(|_, _: &str| std::panic::resume_unwind(Box::new("host bug"))));
    log.log(&record(format_args!("one"), log::Level::Error));
    let seen = collecting(&log);
    log.log(&record(format_args!("two"), log::Level::Error));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn without_a_callback_the_first_message_makes_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = ClientLog::new();
    log.lock().set_file(LogFile::new(dir.path(), 0, 0));
    let path = dir.path().join("ons.log");
    assert!(!path.exists(), "no file before the first message");
    log.log(&record(format_args!("two\nlines"), log::Level::Warn));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.ends_with("ons::test: two\\nlines\n"), "{text}");
    assert!(text.contains(&format!(" WARN  {} [", std::process::id())), "{text}");
}

#[test]
fn level_names_and_numbers() {
    assert_eq!(LogLevel::from_name(" warn "), LogLevel::Warn);
    assert_eq!(LogLevel::from_name("ERROR"), LogLevel::Error);
    assert_eq!(LogLevel::from_name("Debug"), LogLevel::Debug);
    assert_eq!(LogLevel::from_name("TRACE"), LogLevel::Info);
    assert_eq!(LogLevel::from_number(4), Some(LogLevel::Debug));
    assert_eq!(LogLevel::from_number(0), None);
    assert_eq!(LogLevel::from_number(5), None);
}
