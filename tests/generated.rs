//! Generated files equal what their generators say today: a header or P/Invoke file that lags behind src/ffi makes
//! programs call functions with the wrong arguments. `UPDATE=1 cargo test --test generated` rewrites them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// In the order of the header: what others build on first.
const SOURCES: &[&str] = &[
    "boundary",
    "error",
    "version",
    "factory_property",
    "message",
    "message/properties",
    "message/parts",
    "send_result",
    "completions",
    "producer",
    "push_consumer",
    "broker",
    "log",
];

#[test]
fn every_source_is_read_by_the_generators() {
    let mut on_disk = Vec::new();
    for dir in ["src/ffi", "src/ffi/message"] {
        for entry in fs::read_dir(root().join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.file_name().unwrap() != "mod.rs" {
                on_disk.push(path);
            }
        }
    }
    on_disk.sort();
    let mut listed: Vec<PathBuf> = sources().collect();
    listed.sort();
    assert_eq!(on_disk, listed);
}

#[test]
fn c_header() {
    let config = cbindgen::Config::from_file(root().join("include/cbindgen.toml")).unwrap();
    let builder = sources().fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    compare("include/ons.h", &c89(&String::from_utf8(header).unwrap()));
}

/// `cbindgen` writes `//` comments after `#endif` and a comma after the last enumerator, which C89 has not.
fn c89(header: &str) -> String {
    assert!(header.is_ascii(), "C89 knows no other characters: look for them in the comments of src/ffi");
    // -Wundef: before C99 the macro may be missing.
    let header = header.replace("__STDC_VERSION__ >=", "defined(__STDC_VERSION__) && __STDC_VERSION__ >=");
    let mut lines: Vec<String> = Vec::new();
    for line in header.lines() {
        if line.trim_start().starts_with('}') {
            let last = lines.iter_mut().rev().find(|line| !line.is_empty());
            if let Some(last) = last
                && last.ends_with(',')
            {
                last.pop();
            }
        }
        let line = if line.starts_with('#') { line.split("//").next().unwrap_or(line) } else { line };
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n") + "\n"
}

#[test]
fn csharp_imports() {
    let builder = sources().fold(csbindgen::Builder::default(), |b, f| b.input_extern_file(f));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("NativeMethods.g.cs");
    builder
        .csharp_dll_name("onsclient4cpp")
        .csharp_namespace("Ons.Native")
        .generate_csharp_file(&scratch)
        .unwrap();
    let text = fs::read_to_string(scratch).unwrap();
    let tidy: Vec<&str> = text.lines().map(str::trim_end).collect();
    compare("bindings/dotnet/Ons/Native/NativeMethods.g.cs", &(tidy.join("\n") + "\n"));
}

fn compare(path: &str, now: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(path), now).unwrap();
    }
    let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
    assert!(committed == now, "{path} is stale: UPDATE=1 cargo test --test generated");
}

fn sources() -> impl Iterator<Item = PathBuf> {
    SOURCES.iter().map(|source| root().join(format!("src/ffi/{source}.rs")))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
