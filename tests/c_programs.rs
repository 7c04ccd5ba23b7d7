//! The C programs of tests/c, compiled as strict C89 and run against the very files that are installed. Guards against
//! a header that C does not take, symbols that leak, and calls that crash, hang, leak or lie when misused.
// The figures of the programs.
#![allow(clippy::print_stdout)]

mod proof;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

/// No program may take longer; one that does hangs.
const PROGRAM_SECONDS_MAX: u64 = 120;
/// The same when the whole is asked for.
const WHOLE_PROGRAM_SECONDS_MAX: u64 = 3600;
const STRICT: &[&str] = &["-std=c89", "-pedantic", "-Wall", "-Wextra", "-Werror", "-g"];

#[test]
fn version() {
    pass(&compile("version", LINK_SHARED), &[]);
}

#[test]
fn version_linked_statically() {
    let program = compile("version", &["-Wl,-dn", "-lonsclient4cpp", "-Wl,-dy", "-lpthread", "-ldl", "-lm"]);
    let libraries = run(Command::new("ldd").arg(&program));
    assert!(!String::from_utf8_lossy(&libraries.stdout).contains("onsclient4cpp"), "{libraries:?}");
    pass(&program, &[]);
}

#[test]
fn error() {
    pass(&compile("error", LINK_SHARED), &[]);
}

#[test]
fn factory_property() {
    pass(&compile("factory_property", LINK_SHARED), &[]);
}

#[test]
fn message() {
    pass(&compile("message", LINK_SHARED), &[]);
}

#[test]
fn log() {
    pass(&compile("log", LINK_SHARED), &[]);
}

#[test]
fn send_result() {
    pass(&compile("send_result", LINK_SHARED), &[]);
}

#[test]
fn producer() {
    pass(&compile("producer", LINK_SHARED), &[]);
}

#[test]
fn completions() {
    pass(&compile("completions", LINK_SHARED), &[]);
}

#[test]
fn push_consumer() {
    pass(&compile("push_consumer", LINK_SHARED), &[]);
}

#[test]
fn broker() {
    pass(&compile("broker", LINK_SHARED), &[]);
}

#[test]
fn cycles_leave_nothing_behind() {
    pass(&compile("cycles", LINK_SHARED), &[proof::size("100", "10000")]);
}

#[test]
fn a_shutdown_ends_every_send_of_eight_threads() {
    pass(&compile("shutdown_race", LINK_SHARED), &[proof::size("50", "1000")]);
}

#[test]
fn exit_without_shutdown_neither_hangs_nor_crashes() {
    let program = compile("process", LINK_SHARED);
    let ways =
        ["exit-without-shutdown", "exit-in-listener", "exit-in-listener-under-load", "exit-in-callback"];
    // What goes wrong there goes wrong now and then.
    let times = proof::size(5, 100);
    for what in ways {
        for _ in 0..times {
            pass(&program, &[what]);
        }
    }
    println!(
        "prove: exit() of a C program with everything running: {} ways, {times} times each, 0 hung",
        ways.len()
    );
}

/// What was acknowledged is there for the next process, whatever the first one did not do.
#[test]
fn exit_without_shutdown_loses_nothing() {
    let program = compile("process", LINK_SHARED);
    let home = scratch("exit-loses-nothing");
    run_at_home(&program, &["send-and-exit"], &home);
    run_at_home(&program, &["receive-all"], &home);
}

#[test]
fn a_forked_child_is_refused_and_its_parent_goes_on() {
    pass(&compile("process", LINK_SHARED), &["fork"]);
}

#[test]
fn a_child_forked_while_eight_threads_send_waits_for_nobody() {
    pass(&compile("process", LINK_SHARED), &["fork-under-load"]);
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    pass(&compile("process", LINK_SHARED), &["two-processes"]);
}

#[test]
fn loading_and_unloading_at_run_time() {
    let program = compile("dlopen", &["-ldl"]);
    let library = library().join("libonsclient4cpp.so");
    pass(&program, &[&library.to_string_lossy()]);
}

const LINK_SHARED: &[&str] = &["-lonsclient4cpp", "-lpthread", "-ldl"];

/// Only `ons_*` leaves the shared library, and everything the header declares does.
#[test]
fn the_library_exports_the_header_and_nothing_else() {
    // link-library.sh compares the symbols with the header and fails when they differ; here, that it can.
    let listed =
        run(Command::new("nm").args(["-D", "--defined-only"]).arg(library().join("libonsclient4cpp.so")));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let exports: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(exports.len() > 50, "{exports:?}");
    for export in exports {
        assert!(
            export == "ONS_1.0" || (export.starts_with("ons_") && export.ends_with("@@ONS_1.0")),
            "{export}"
        );
    }
    let header = fs::read_to_string(root().join("include/ons.h")).unwrap();
    assert!(listed.contains(" ons_version@") && header.contains("ons_version("));
    for name in ["libonsclient4cpp.so.1", "libons.so", "libonsclient4cpp.a", "libons.a"] {
        assert!(library().join(name).exists(), "{name}");
    }
}

#[test]
fn the_header_compiles_alone_as_c_and_as_cpp() {
    let source = scratch("header").join("header.c");
    fs::write(&source, "#include \"ons.h\"\n#include \"ons.h\"\nint main(void) { return ONS_OK; }\n")
        .unwrap();
    let include = format!("-I{}", root().join("include").display());
    for standard in ["c89", "c99", "c11", "c2x"] {
        let standard = format!("-std={standard}");
        let flags = ["-pedantic", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"];
        run(Command::new("cc").arg(standard).args(flags).arg(&include).arg(&source));
    }
    for standard in ["c++11", "c++17", "c++20"] {
        let standard = format!("-std={standard}");
        let flags = ["-pedantic", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only", "-x", "c++"];
        run(Command::new("c++").arg(standard).args(flags).arg(&include).arg(&source));
    }
}

/// Runs a program in a scratch directory of its own, which is its last argument, and wants exit code 0.
fn pass(program: &Path, arguments: &[&str]) {
    let name = format!("{}-{}", program.file_name().unwrap().to_string_lossy(), arguments.join("-"));
    run_at_home(program, arguments, &scratch(&name.replace('/', "_")));
}

/// Runs a program with a directory as its last argument and as its home; what it proves is passed on.
fn run_at_home(program: &Path, arguments: &[&str], home: &Path) {
    let output = run(Command::new(program).args(arguments).arg(home).env("HOME", home).env("ONS_HOME", home));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter(|line| line.starts_with("prove: ")).for_each(|line| println!("{line}"));
}

/// Compiles tests/c/`name`.c with what the C tests share.
fn compile(name: &str, link: &[&str]) -> PathBuf {
    let library = library();
    let program = scratch("bin").join(format!("{name}-{}", std::thread::current().name().unwrap()));
    let mut compiler = Command::new("cc");
    if name != "dlopen" {
        compiler.arg(root().join("tests/c/check.c")).arg(root().join("tests/c/footprint.c"));
    }
    run(compiler
        .args(STRICT)
        .arg(format!("-DONS_TEST_VERSION=\"{}\"", env!("CARGO_PKG_VERSION")))
        .arg(format!("-I{}", root().join("include").display()))
        .arg(root().join(format!("tests/c/{name}.c")))
        .arg(format!("-L{}", library.display()))
        .args(link)
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .arg("-o")
        .arg(&program));
    program
}

/// The directory of the linked library: what `make` puts into build/lib, here of the profile under test.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        // Cargo leaves the static library beside the test programs.
        let built = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lib");
        run(Command::new(root().join("tools/link-library.sh")).arg(built).arg(&out));
        out
    })
}

/// Runs a command to its end and wants success.
fn run(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    let waiter = std::thread::spawn(move || sender.send(child.wait_with_output()));
    let seconds_max = proof::size(PROGRAM_SECONDS_MAX, WHOLE_PROGRAM_SECONDS_MAX);
    let output = receiver.recv_timeout(Duration::from_secs(seconds_max)).unwrap_or_else(|_| {
        let stacks = proof::stacks_of(id);
        Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
        panic!("{command:?} hangs: it did not end within {seconds_max} s\n{stacks}")
    });
    waiter.join().unwrap().unwrap();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// An empty directory of this name, or what is left in it when it is the one for the compiled programs.
fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    if name != "bin" && dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
