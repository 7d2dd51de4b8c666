//! The tables of rules in `docs/` say which tests prove which rule. Here they are held to their word.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How many rules of protobuf there are.
const PROTOBUF_RULES: usize = 77;

/// How many points the checklist of gRPC has.
const GRPC_RULES: usize = 68;

/// The rules of gRPC of which a part cannot be had so far: their rows say what is missing.
const GRPC_MISSING: &[usize] = &[];

/// What a row with a missing part says before the words about it.
const MISSING: &str = "**missing:**";

/// Every row of the tables of HTTP/2 names tests that exist.
#[test]
fn every_rule_of_http2_names_its_tests() {
    let tests = tests_in(&["runtime/src"]);
    let rows = rows("docs/http2-rules.md");
    for row in &rows {
        let [clause, rule, proof] = &row[..] else { panic!("three cells: {row:?}") };
        assert!(!clause.is_empty() && !rule.is_empty(), "{row:?}");
        assert!(!quoted(proof).is_empty(), "no proof: {row:?}");
        check_names(&quoted(proof), &tests, row);
    }
    assert!(rows.len() > 150, "the tables are gone: {} rows", rows.len());
}

/// Every conversation with the core of HTTP/2 stands in a table.
#[test]
fn every_conversation_is_a_rule() {
    const FILES: [&str; 10] = [
        "attacks", "control", "exchange", "flow", "framing", "honest", "lifetime", "messages",
        "preface", "states",
    ];
    let rules = read("docs/http2-rules.md");
    for file in FILES {
        for name in tests_of(&read(&format!("runtime/src/http2/tests/{file}.rs"))) {
            let is_bug_of_the_caller = name == "releasing_too_much_is_a_bug";
            assert!(is_bug_of_the_caller || rules.contains(&format!("`{name}`")), "{name}");
        }
    }
}

/// Every rule of protobuf has a row, and every row tests that exist: here, or in the conformance
/// suite, where `make conformance` looks for them.
#[test]
fn every_rule_of_protobuf_has_its_proof() {
    let tests = tests_in(&["runtime/src", "runtime/tests", "tests"]);
    let rows = rows("docs/protobuf-rules.md");
    for row in &rows {
        let [_, rule, ours, theirs] = &row[..] else { panic!("four cells: {row:?}") };
        assert!(!rule.is_empty(), "{row:?}");
        assert!(!quoted(ours).is_empty() || !quoted(theirs).is_empty(), "no proof: {row:?}");
        check_names(&quoted(ours), &tests, row);
        assert!(quoted(theirs).iter().all(|stem| stem.len() > 6), "too vague: {row:?}");
    }
    assert_eq!(numbers(&rows), (1..=PROTOBUF_RULES).collect::<Vec<_>>());
}

/// Every point of the checklist of gRPC has a row, every row a source and tests that exist, and
/// cases of the interop suite that exist; what is missing is said where it is known to be, and
/// nowhere else.
#[test]
fn every_rule_of_grpc_has_its_proof() {
    let tests = tests_in(&["runtime/src", "runtime/tests", "interop/suite"]);
    let cases = cases();
    let rows = rows("docs/grpc-rules.md");
    let mut missing = Vec::new();
    for (row, number) in rows.iter().zip(numbers(&rows)) {
        let [_, rule, source, ours, interop] = &row[..] else { panic!("five cells: {row:?}") };
        assert!(!rule.is_empty() && !source.is_empty(), "{row:?}");
        assert!(!quoted(ours).is_empty(), "no proof: {row:?}");
        check_names(&quoted(ours), &tests, row);
        check_names(&quoted(interop), &cases, row);
        if let Some((_, words)) = rule.split_once(MISSING) {
            assert!(words.len() > 10, "it says what is missing: {row:?}");
            missing.push(number);
        }
    }
    assert_eq!(numbers(&rows), (1..=GRPC_RULES).collect::<Vec<_>>());
    assert_eq!(missing, GRPC_MISSING, "the rows that say {MISSING}");
}

/// The table of gRPC names every case of the interop suite, and the matrix runs each of them.
#[test]
fn every_interop_case_is_in_the_table_and_in_the_matrix() {
    let rules = read("docs/grpc-rules.md");
    let matrix = read("interop/peers/peer.py");
    for case in cases() {
        assert!(rules.contains(&format!("`{case}`")), "no row names {case}");
        assert!(matrix.contains(&format!("\"{case}\",")), "the matrix does not run {case}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The cells of every row of the tables in `file`, without the heads.
fn rows(file: &str) -> Vec<Vec<String>> {
    let text = read(file);
    let lines: Vec<_> = text.lines().collect();
    let is_row = |at: &usize| lines[*at].starts_with("| ") && !is_head(&lines, *at);
    let cells = |at: usize| lines[at].trim_matches('|').split('|').map(|c| c.trim().to_owned());
    (0..lines.len()).filter(is_row).map(|at| cells(at).collect()).collect()
}

/// The head of a table stands above a line of dashes.
fn is_head(lines: &[&str], at: usize) -> bool {
    lines.get(at + 1).is_some_and(|below| below.starts_with("|---"))
}

/// The first cells, which number the rules.
fn numbers(rows: &[Vec<String>]) -> Vec<usize> {
    rows.iter().map(|row| row[0].parse().expect("the number of the rule")).collect()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[track_caller]
fn check_names(names: &[&str], known: &BTreeSet<String>, row: &[String]) {
    for name in names {
        assert!(known.contains(*name), "nothing is called {name}: {row:?}");
    }
}

/// The names of all tests in `folders`.
fn tests_in(folders: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    folders.iter().for_each(|folder| add_tests(&root().join(folder), &mut names));
    names
}

fn add_tests(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            add_tests(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_of(&fs::read_to_string(&path).expect("a source file")));
        }
    }
}

/// The names of all functions under `#[test]`.
fn tests_of(source: &str) -> impl Iterator<Item = String> {
    source.split("#[test]\n").skip(1).filter_map(|after| {
        let (_, function) = after.split_once("fn ")?;
        Some(function.split_once('(')?.0.to_owned())
    })
}

/// The cases of gRPC's interoperability tests that `make interop` runs.
fn cases() -> BTreeSet<String> {
    let source = read("interop/suite/src/cases/mod.rs");
    let (_, list) = source.split_once("CASES: &[(&str, Case)] = &[").expect("the list of cases");
    let (list, _) = list.split_once("];").expect("the end of the list");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
