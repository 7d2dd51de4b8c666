//! What a build script says to cargo.
//!
//! Invariant: cargo runs the script again when, and only when, an input changed: every file that
//! was read is named, and nothing that this crate itself writes.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::{Error, Report};

/// Whether this process is a build script: cargo sets both for no other.
pub(crate) fn is_build_script() -> bool {
    ["OUT_DIR", "TARGET"].iter().all(|name| std::env::var_os(name).is_some())
}

/// Prints what cargo has to know.
pub(crate) fn announce(report: &Report) {
    for line in lines(report) {
        println!("{line}");
    }
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec!["cargo:rerun-if-env-changed=PROTOC".to_owned()];
    let inputs = report.inputs();
    lines.extend(inputs.map(|path| format!("cargo:rerun-if-changed={}", path.display())));
    lines.extend(report.notes().map(|note| format!("cargo:warning={note}")));
    lines
}

/// Notes that this process made the module tree of a folder from these inputs.
///
/// A second call for the same folder would replace the tree of the first, and the missing modules
/// would be the first sign of it: it is refused instead.
pub(crate) fn claim(folder: &Path, inputs: &[PathBuf]) -> Result<(), Error> {
    let mut claims = CLAIMS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match claims.iter().find(|(claimed, _)| claimed == folder) {
        Some((_, before)) if before == inputs => Ok(()),
        Some((_, before)) => {
            let before: Vec<_> = before.iter().map(|path| path.display().to_string()).collect();
            Err(Error::usage(format!(
                "{} already holds the code of {}: expected one call for all files of a folder, \
                 got a second; give all files to one Config::compile, or an out_dir to each call",
                folder.display(),
                before.join(", ")
            )))
        }
        None => {
            claims.push((folder.to_path_buf(), inputs.to_vec()));
            Ok(())
        }
    }
}

/// Folders and the inputs of their trees, for the few calls that one build script makes.
static CLAIMS: Mutex<Vec<(PathBuf, Vec<PathBuf>)>> = Mutex::new(Vec::new());

#[cfg(test)]
mod tests {
    use super::*;

    /// Every input, the one variable, and every warning has its line.
    #[test]
    fn every_input_has_its_line() {
        let report = Report {
            inputs: vec![PathBuf::from("proto/a.proto"), PathBuf::from("proto/b.proto")],
            notes: vec!["a.proto:2:1: warning: unused".to_owned()],
            ..Report::default()
        };
        assert_eq!(
            lines(&report),
            [
                "cargo:rerun-if-env-changed=PROTOC",
                "cargo:rerun-if-changed=proto/a.proto",
                "cargo:rerun-if-changed=proto/b.proto",
                "cargo:warning=a.proto:2:1: warning: unused",
            ]
        );
    }

    /// One folder has one tree: the same call may be repeated, another one is refused.
    #[test]
    fn second_call_for_one_folder_is_refused() {
        let folder = Path::new("of this test alone");
        let inputs = |name: &str| [PathBuf::from(name)];
        claim(folder, &inputs("a.proto")).unwrap();
        claim(folder, &inputs("a.proto")).unwrap();
        let error = claim(folder, &inputs("b.proto")).unwrap_err().to_string();
        assert!(error.contains("already holds the code of a.proto"), "{error}");
        claim(Path::new("another"), &inputs("b.proto")).unwrap();
    }
}
