//! What the pure parser reads wrongly, or not at all, is refused before or after it has read.
//!
//! Invariant: every refusal names the file, the line where there is one, and the protoc to use.

use std::collections::{BTreeMap, BTreeSet};

use protobuf::descriptor::{DescriptorProto, FileDescriptorProto};

use crate::Error;
use crate::compile::inputs::Input;
use crate::compile::scan::{Facts, Located, Token, tokens};

/// Refuses files that import each other: the pure parser follows the circle until its stack ends.
pub(super) fn circles(sources: &[(Input, Facts)]) -> Result<(), Error> {
    let imports: BTreeMap<&str, &Facts> =
        sources.iter().map(|(input, facts)| (input.name.as_str(), facts)).collect();
    // A file without imports left to follow is done; those that are never done form circles.
    let mut done = BTreeSet::new();
    loop {
        let before = done.len();
        for (name, facts) in &imports {
            let followed = |import: &String| {
                done.contains(import.as_str()) || !imports.contains_key(import.as_str())
            };
            if facts.imports.iter().all(followed) {
                done.insert(*name);
            }
        }
        if done.len() == imports.len() {
            return Ok(());
        }
        if done.len() == before {
            let open: Vec<&str> =
                imports.keys().filter(|name| !done.contains(*name)).copied().collect();
            return Err(Error::new(format!(
                "{}: expected imports without a circle, got one that these files lie on or lead to",
                open.join(", ")
            )));
        }
    }
}

/// Refuses a file for what its text says.
pub(super) fn source(input: &Input) -> Result<(), Error> {
    let text = super::read(input)?;
    let tokens = tokens(&text);
    let mut depth = 0_usize;
    for (index, located) in tokens.iter().enumerate() {
        match located.token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if DEPTH_MAX < depth {
            let line = located.line;
            return Err(Error::new(format!(
                "{}:{line}: expected at most {DEPTH_MAX} braces within each other, got more",
                input.name
            )));
        }
        if let Some((what, oldest)) = defect_at(&tokens[index..]) {
            return Err(refusal(&format!("{}:{}", input.name, located.line), what, oldest));
        }
    }
    Ok(())
}

/// What the pure parser gets wrong at the start of these tokens, and the protoc that does not.
fn defect_at(tokens: &[Located<'_>]) -> Option<(&'static str, &'static str)> {
    let at = |index: usize| tokens.get(index).map(|located| located.token);
    match (at(0)?, at(1), at(2)) {
        (Token::Word("edition"), Some(Token::Sign('=')), Some(Token::Text(edition))) => {
            let oldest = match edition {
                "2023" => "27",
                "2024" => "32",
                _ => "36",
            };
            Some(("does not know editions", oldest))
        }
        (Token::Word("extensions"), Some(Token::Word(_)), _) if range_has_options(tokens) => {
            Some(("does not know options of an extension range", "3.21"))
        }
        (Token::Word("message_set_wire_format"), Some(Token::Sign('=')), _) => {
            Some(("reads the extension range of a message set wrongly", "3.21"))
        }
        (Token::Word("default" | "json_name"), Some(Token::Sign('=')), Some(Token::Text(text)))
            if text.contains('\\') || !text.is_ascii() =>
        {
            Some(("misreads a string with an escape or beyond ASCII", "3.21"))
        }
        (Token::Sign('['), Some(Token::Word(_)), Some(Token::Sign('/'))) => {
            Some(("drops the content of an Any in an option", "3.21"))
        }
        (Token::Sign('='), Some(Token::Sign('{')), _) if repeats_a_name(&tokens[1..]) => {
            Some(("drops all but the last of what an option repeats", "3.21"))
        }
        _ => None,
    }
}

/// Whether a message in braces names one of its fields twice.
fn repeats_a_name(tokens: &[Located<'_>]) -> bool {
    let mut open: Vec<BTreeSet<&str>> = Vec::new();
    for (index, located) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(index + ahead).map(|located| located.token);
        let begins = |token| matches!(token, Some(Token::Sign(':' | '{' | '<')));
        match located.token {
            Token::Sign('{' | '<') => open.push(BTreeSet::new()),
            Token::Sign('}' | '>') => drop(open.pop()),
            Token::Word(name) => {
                // A field, or an extension in brackets.
                let is_field =
                    begins(next(1)) || next(1) == Some(Token::Sign(']')) && begins(next(2));
                if is_field && open.last_mut().is_some_and(|names| !names.insert(name)) {
                    return true;
                }
            }
            Token::Text(_) | Token::Sign(_) => {}
        }
        if open.is_empty() {
            break;
        }
    }
    false
}

/// Whether `extensions 100 to 200 […]` comes before the statement's end.
fn range_has_options(tokens: &[Located<'_>]) -> bool {
    tokens
        .iter()
        .map(|located| located.token)
        .take_while(|token| *token != Token::Sign(';'))
        .any(|token| token == Token::Sign('['))
}

/// Refuses a file for what the parser made of it.
pub(super) fn descriptor(file: &FileDescriptorProto) -> Result<(), Error> {
    file.message_type.iter().try_for_each(|message| oneofs(file.name(), message))
}

/// protoc puts the oneof that stands for a proto3 `optional` after the real ones and gives it a
/// name that nothing else has; the pure parser does neither.
fn oneofs(file: &str, message: &DescriptorProto) -> Result<(), Error> {
    let place = format!("{file}: message {}", message.name());
    let is_synthetic = |index: i32| {
        let mut fields = message.field.iter().filter(|field| field.has_oneof_index());
        fields.any(|field| field.oneof_index() == index && field.proto3_optional())
    };
    let (synthetic, real): (Vec<_>, Vec<_>) =
        (0_i32..).zip(&message.oneof_decl).partition(|(index, _)| is_synthetic(*index));
    if !synthetic.is_empty() && !real.is_empty() {
        return Err(refusal(&place, "misorders optional fields beside a oneof", "3.15"));
    }
    let is_taken = |name: &str| message.field.iter().any(|field| field.name() == name);
    if synthetic.iter().any(|(_, oneof)| is_taken(oneof.name())) {
        return Err(refusal(&place, "gives a field and an optional field one name", "3.15"));
    }
    message.nested_type.iter().try_for_each(|nested| oneofs(file, nested))
}

fn refusal(place: &str, what: &str, oldest: &str) -> Error {
    Error::new(format!(
        "{place}: the pure parser {what}; use protoc {oldest} or newer: leave the pure parser out"
    ))
}

/// The pure parser recurses into braces: far beyond what people write, far below what a stack holds.
const DEPTH_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn refused(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.proto");
        fs::write(&path, text).unwrap();
        let input = Input { name: "a.proto".to_owned(), path };
        source(&input).err().map(|error| error.to_string())
    }

    /// Every construct that is known to be misread is refused with its file, line and protoc.
    #[test]
    fn known_defects_are_refused_by_line() {
        let check = |text: &str, expected: &str| {
            let got = refused(text).unwrap_or_default();
            assert_eq!(got, format!("{expected}: leave the pure parser out"), "{text}");
        };
        check(
            "\nedition = \"2023\";",
            "a.proto:2: the pure parser does not know editions; use protoc 27 or newer",
        );
        check(
            "edition = \"2024\";",
            "a.proto:1: the pure parser does not know editions; use protoc 32 or newer",
        );
        check(
            "message M { extensions 4 to 9 [verification = UNVERIFIED]; }",
            "a.proto:1: the pure parser does not know options of an extension range; use protoc \
             3.21 or newer",
        );
        check(
            "message M { option message_set_wire_format = true; }",
            "a.proto:1: the pure parser reads the extension range of a message set wrongly; use \
             protoc 3.21 or newer",
        );
        check(
            "message M { optional string a = 1 [default = \"b\\u00e9\"]; }",
            "a.proto:1: the pure parser misreads a string with an escape or beyond ASCII; use \
             protoc 3.21 or newer",
        );
        check(
            "option (x) = { any { [type.googleapis.com/P] { a: 1 } } };",
            "a.proto:1: the pure parser drops the content of an Any in an option; use protoc 3.21 \
             or newer",
        );
        check(
            "option (x) = { a { b: 1 c: 2 b: 3 } };",
            "a.proto:1: the pure parser drops all but the last of what an option repeats; use \
             protoc 3.21 or newer",
        );
    }

    /// What looks like a defect and is none passes.
    #[test]
    fn what_only_looks_like_a_defect_passes() {
        for text in [
            "// edition = \"2023\";\nsyntax = \"proto3\";",
            "message M { extensions 4 to 9; optional int32 a = 1 [deprecated = true]; }",
            "message M { optional string default = 1 [default = \"plain\"]; }",
            "option (x) = { a { b: 1 } c: [{ b: 1 }, { b: 2 }] d <b: b> }; option (x) = { a: 1 };",
            "option (http) = { get: \"/v1/{name}\" more: [{ get: \"/é\" }] };",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    /// Braces may be nested to the limit and not beyond.
    #[test]
    fn braces_are_limited() {
        let nested = |count: usize| "{".repeat(count) + &"}".repeat(count);
        assert_eq!(refused(&nested(DEPTH_MAX)), None);
        assert!(refused(&nested(DEPTH_MAX + 1)).unwrap().contains("at most 100 braces"));
    }
}
