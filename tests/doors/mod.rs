//! What the tests of the doors share: a folder of a test's own, and programs run in it.
//!
//! Invariant: no program sees a protoc of this machine; `PATH` and `PROTOC` are what a test sets.

// Each test binary uses its part; outside of a test function `unwrap` is not known to be a test.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_protoc-gen-rust-grpc");

/// A folder that is gone after the test.
pub(crate) struct Folder {
    root: tempfile::TempDir,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// Every file below a folder by its name, with its content.
    pub(crate) fn files(&self, below: &str) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let base = self.path().join(below);
        collect(&base, &base, &mut files);
        files
    }

    /// Runs the command line.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(&[], arguments)
    }

    /// Runs the command line with these variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        let mut command = self.command(Path::new(PROGRAM));
        command.args(arguments).envs(variables.iter().copied());
        Outcome::of(&command.output().unwrap())
    }

    /// Runs the vendored protoc with the plugin.
    pub(crate) fn protoc(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command(&protoc_bin_vendored::protoc_bin_path().unwrap());
        command.arg(format!("--plugin=protoc-gen-rust-grpc={PROGRAM}")).args(arguments);
        Outcome::of(&command.output().unwrap())
    }

    /// A program that runs here and finds no protoc.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("PROTOC").env("PATH", self.path().join("no-programs"));
        for variable in ["OUT_DIR", "TARGET", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        command
    }

    /// A script in `bin` that answers `--version` and refuses everything else in words.
    #[cfg(unix)]
    pub(crate) fn fake_protoc(&self, version: &str) -> PathBuf {
        self.write(
            "bin/text",
            &format!(
                "#!/bin/sh\nif [ \"$1\" = --version ]; then echo {version}; exit 0; fi\n\
                 echo 'the fake protoc was run' >&2\nexit 1\n"
            ),
        );
        self.install(&self.path().join("bin/text"), "bin/protoc")
    }

    /// Copies a file and makes a program of it.
    ///
    /// Another process does it: a program that this one has written may still be open for writing
    /// in a child that another test starts just now, and then cannot be run.
    #[cfg(unix)]
    pub(crate) fn install(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path().join(name);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cp \"$0\" \"$1\" && chmod 755 \"$1\""]).args([from, &to]);
        assert!(command.status().unwrap().success());
        to
    }
}

impl Outcome {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It ended well.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It ended with this code and said all of this on stderr, without a panic.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "expected {word:?} in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{}", self.err);
        self
    }
}

fn collect(base: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(base, &path, files),
            false => {
                let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
}

/// A greeter with an import of protobuf's own, for all doors.
pub(crate) const GREETER: &str = r#"syntax = "proto3";
package hello.v1;
import "google/protobuf/timestamp.proto";
service Greeter { rpc SayHello(HelloRequest) returns (HelloReply); }
message HelloRequest { string name = 1; Mood mood = 2; }
message HelloReply { string message = 1; google.protobuf.Timestamp at = 2; }
enum Mood { MOOD_UNSPECIFIED = 0; MOOD_HAPPY = 1; }
"#;
