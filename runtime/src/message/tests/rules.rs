//! `docs/protobuf-rules.md` says what proves which rule. Here it is held to its word.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How many rules there are.
const RULES: usize = 77;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of all functions under `#[test]` in `folder`.
fn tests_in(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_in(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source file");
            names.extend(source.split("#[test]").skip(1).filter_map(name_of));
        }
    }
}

/// The name of the function that follows.
fn name_of(source: &str) -> Option<String> {
    let (_, function) = source.split_once("fn ")?;
    Some(function.split_once('(')?.0.to_owned())
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Every rule has a row, and every row tests that exist: here, or in the conformance suite, where
/// `make conformance` looks for them.
#[test]
fn every_rule_has_its_proof() {
    let mut tests = BTreeSet::new();
    for folder in ["runtime/src", "runtime/tests", "tests"] {
        tests_in(&root().join(folder), &mut tests);
    }
    let rules = fs::read_to_string(root().join("docs/protobuf-rules.md")).expect("the table");
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| no. |");
    let mut numbers = Vec::new();
    for row in rules.lines().filter(is_row) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, rule, ours, theirs] = cells[..] else { panic!("four cells: {row}") };
        numbers.push(number.parse::<usize>().expect("the number of the rule"));
        assert!(!rule.is_empty(), "{row}");
        assert!(!quoted(ours).is_empty() || !quoted(theirs).is_empty(), "no proof: {row}");
        for name in quoted(ours) {
            assert!(tests.contains(name), "no test is called {name}: {row}");
        }
        assert!(quoted(theirs).iter().all(|stem| stem.len() > 6), "too vague: {row}");
    }
    assert_eq!(numbers, (1..=RULES).collect::<Vec<_>>());
}
