//! The layers of docs/architecture.md, enforced by reading the sources.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer with the modules of the crate that it may name. Every layer may name itself and `limits`.
const LAYERS: &[(&str, &[&str])] = &[
    ("message", &["generated::message", "generated::extension", "generated::reflect"]),
    ("http2", &[]),
    ("grpc", &["http2"]),
    ("transport", &["http2", "grpc"]),
    ("client", &["http2", "grpc", "transport"]),
    ("server", &["http2", "grpc", "transport"]),
    ("testing", &["grpc", "transport", "client", "server", "message"]),
    ("services", &["grpc", "transport", "client", "server", "message"]),
];

/// Single files that may name more than their layer, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The default codec is where messages and calls meet.
    ("grpc/codec.rs", "message"),
    // A service tells the file that declares it, for reflection.
    ("server/service.rs", "message"),
    // A service config is JSON, and one parser is enough.
    ("client/service_config/json.rs", "message"),
    // Rich details are messages that a status carries.
    ("grpc/details.rs", "message"),
];

/// What only `transport` may do: clocks, sockets, threads and waiting.
const TRANSPORT_ALONE: &[&str] = &[
    "::now()",
    "std::net",
    "std::os::unix::net",
    "thread::spawn",
    "thread::Builder",
    "thread::park",
    "sleep(",
    "Condvar",
    "mpsc",
    "rustix",
    "socket2",
];

/// The line limit of a source file.
const LINES_MAX: usize = 800;

/// Architecture: each folder names only the layers below it; client and server never name each other.
#[test]
fn layers_name_only_what_lies_below_them() {
    let mut faults = Vec::new();
    for (layer, below) in LAYERS {
        for source in Source::of_layer(layer) {
            for (number, line) in source.code() {
                for path in crate_paths(line) {
                    let allowed = starts_with_module(path, layer)
                        || starts_with_module(path, "limits")
                        || below.iter().any(|module| starts_with_module(path, module))
                        || EXCEPTIONS.iter().any(|(file, module)| {
                            source.name == *file && starts_with_module(path, module)
                        });
                    if !allowed {
                        faults
                            .push(format!("{}:{number}: {layer} names crate::{path}", source.name));
                    }
                }
                if climbs_out(line, &source.name) {
                    faults.push(format!("{}:{number}: super:: leads out of {layer}", source.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Architecture: sockets, clocks, thread spawns and blocking waits stand in `transport` and nowhere else.
#[test]
fn transport_alone_touches_sockets_clocks_and_threads() {
    let mut faults = Vec::new();
    for (layer, _) in LAYERS.iter().filter(|(layer, _)| *layer != "transport") {
        let sources = Source::of_layer(layer).into_iter();
        // The bytes of a descriptor may read like anything.
        for source in sources.filter(|source| !is_generated(Path::new(&source.name))) {
            for (number, line) in source.code() {
                // Asking transport for the time is how the others get it.
                let line = line.replace("transport::now()", "");
                for word in TRANSPORT_ALONE.iter().filter(|word| line.contains(*word)) {
                    faults.push(format!("{}:{number}: {word}", source.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Architecture: what is Linux-only stands in two files of `transport`, with a portable one beside them.
#[test]
fn linux_stands_in_files_of_its_own() {
    let mut faults = Vec::new();
    for (layer, _) in LAYERS {
        for source in Source::of_layer(layer) {
            for (number, line) in source.code() {
                let linux_only = ["eventfd", "epoll", "std::os::linux"];
                if !["transport/linux.rs", "transport/poller.rs"].contains(&&*source.name)
                    && linux_only.iter().any(|word| line.contains(word))
                {
                    faults.push(format!("{}:{number}: {line}", source.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Style 7: no source file has more than 800 lines.
#[test]
fn files_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut faults = Vec::new();
    for folder in ["src", "runtime/src", "runtime/tests", "tests", "interop/src", "examples"] {
        for path in rust_files(&root.join(folder)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            if lines > LINES_MAX && !is_generated(&path) {
                faults.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether our own generator made the file.
fn is_generated(path: &Path) -> bool {
    path.components()
        .any(|part| ["well_known", "generated"].iter().any(|made| part.as_os_str() == *made))
}

struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The files of a layer, tests aside.
    fn of_layer(layer: &str) -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = rust_files(&root.join(layer));
        assert!(!files.is_empty(), "the layer {layer} has no files");
        files
            .into_iter()
            .map(|path| Self {
                name: path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
                text: fs::read_to_string(&path).unwrap(),
            })
            .filter(|source| !source.is_test())
            .collect()
    }

    fn is_test(&self) -> bool {
        ["/tests/", "/tests.rs", "_tests.rs", "/oracle.rs", "/fuzzing.rs"]
            .iter()
            .any(|part| self.name.contains(part))
    }

    /// The lines of code before the first `#[cfg(test)]`, comments left out, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let without_comment = |line: &'_ str| line.find("//").unwrap_or(line.len());
        self.text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]" && line.trim() != "mod tests {")
            .enumerate()
            .map(move |(index, line)| (index + 1, &line[..without_comment(line)]))
    }
}

/// What follows each `crate::` of a line; braces directly behind it are taken apart.
fn crate_paths(line: &str) -> Vec<&str> {
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with('$'))
        .flat_map(|(at, word)| {
            let rest = &line[at + word.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(str::trim).collect(),
                None => vec![rest],
            }
        })
        .filter(|path| !path.is_empty())
        .collect()
}

fn starts_with_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether a chain of `super::` in this file would leave its layer's folder.
fn climbs_out(line: &str, name: &str) -> bool {
    let depth = name.matches('/').count() - usize::from(name.ends_with("/mod.rs"));
    line.contains(&"super::".repeat(depth + 1))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
