//! `docs/http2-rules.md` says which test proves which rule. Here it is held to its word.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all functions under `#[test]` in `folder`.
fn tests_in(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_in(&path, names);
        } else {
            let source = fs::read_to_string(&path).expect("a source file");
            names.extend(tests_of(&source));
        }
    }
}

fn tests_of(source: &str) -> impl Iterator<Item = String> {
    source.split("#[test]").skip(1).filter_map(|after| {
        let (_, function) = after.split_once("fn ")?;
        Some(function.split_once('(')?.0.to_owned())
    })
}

fn rules() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/http2-rules.md");
    fs::read_to_string(path).expect("the table of rules")
}

/// Every row of a table names a test that exists.
#[test]
fn every_rule_names_a_test() {
    let mut tests = BTreeSet::new();
    tests_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut tests);
    let rules = rules();
    let rows = rules.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "three cells: {row}");
        let name = cells[3].trim_matches('`');
        assert!(tests.contains(name), "no test is called {name}: {row}");
        assert!(cells[1..3].iter().all(|cell| !cell.is_empty()), "{row}");
        count += 1;
    }
    assert!(count > 150, "the tables are gone: {count} rows");
}

/// Every conversation test stands in a table.
#[test]
fn every_conversation_is_a_rule() {
    let files = [
        include_str!("attacks.rs"),
        include_str!("control.rs"),
        include_str!("exchange.rs"),
        include_str!("flow.rs"),
        include_str!("framing.rs"),
        include_str!("honest.rs"),
        include_str!("lifetime.rs"),
        include_str!("messages.rs"),
        include_str!("preface.rs"),
        include_str!("states.rs"),
    ];
    let rules = rules();
    for name in files.into_iter().flat_map(tests_of) {
        let is_bug_of_the_caller = name == "releasing_too_much_is_a_bug";
        assert!(is_bug_of_the_caller || rules.contains(&format!("`{name}`")), "{name}");
    }
}
