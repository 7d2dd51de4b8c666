//! docs/from-grpcio.md against the names of grpcio: nothing is left out, and nothing is shown
//! without an example.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

/// Each name of grpcio's sync API stands on the page, with all its parameters on the same line.
#[test]
fn every_public_name_of_grpcio_is_on_the_page() {
    let page = read("docs/from-grpcio.md");
    let missing: Vec<_> = lines("testdata/grpcio/names.txt")
        .into_iter()
        .filter(|name| !page.lines().any(|line| has(line, name)))
        .collect();
    assert!(missing.is_empty(), "the page lacks {missing:#?}");
}

/// Each option of channels and servers that grpcio knows stands on the page.
#[test]
fn every_option_of_grpcio_is_on_the_page() {
    let page = read("docs/from-grpcio.md");
    let missing: Vec<_> = lines("testdata/grpcio/options.txt")
        .into_iter()
        .filter(|option| !page.contains(&format!("`{option}`")))
        .collect();
    assert!(missing.is_empty(), "the page lacks {missing:#?}");
}

/// What a table gives in place of a name of grpcio, an example of the page shows: all code of its
/// second column that names something of ours.
#[test]
fn every_replacement_is_in_an_example() {
    let page = read("docs/from-grpcio.md");
    let examples = examples(&page);
    let mut unshown = Vec::new();
    let (page, _) = page.split_once("What is decided, without an option").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let ours = row.split(" | ").nth(1).unwrap();
        for code in ours.split('`').skip(1).step_by(2) {
            let name = last_name(code);
            if !name.is_empty() && !words(&examples).any(|word| word == name) {
                unshown.push(format!("{name} of {row}"));
            }
        }
    }
    assert!(unshown.is_empty(), "no example has {unshown:#?}");
}

/// Whether `line` has `signature` as grpcio prints it, as code and not as a part of another name.
fn has(line: &str, signature: &str) -> bool {
    line.contains(&format!("`{signature}`"))
}

/// `Channel::builder(target)` is called `builder`; what does not begin like a name has none.
fn last_name(code: &str) -> &str {
    let path = code.split(['(', '<', ' ', '{']).next().unwrap_or_default();
    let name = path.rsplit([':', '.']).next().unwrap_or_default();
    let is_name = name.starts_with(char::is_alphabetic);
    if is_name && name.chars().all(|char| char.is_alphanumeric() || char == '_') {
        name
    } else {
        ""
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_')
}

/// All Rust of a page, without its comments.
fn examples(page: &str) -> String {
    let blocks = page.split("\n```rust").skip(1).map(|block| block.split("\n```").next().unwrap());
    let lines = blocks.flat_map(str::lines);
    lines.map(|line| line.split("// ").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn lines(name: &str) -> Vec<String> {
    let text = read(name);
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}
