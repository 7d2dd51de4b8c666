//! A first look at a .proto, before any parser: its syntax or edition, its package, its imports.
//!
//! Invariant: never wrong about a file that protoc accepts; of any other file it may say anything,
//! because protoc then says what is wrong with it. It exists because the version of protoc to look
//! for, and the include folder to assume, have to be known before protoc runs.

use std::path::Path;

/// A token and the line that it stands on, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) line: usize,
}

/// What a .proto is made of, as far as a first look needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A name, a dotted name, a keyword or a number.
    Word(&'a str),
    /// A string as it stands between its quotes, escapes unread.
    Text(&'a str),
    /// Any other character.
    Sign(char),
}

/// What the first lines of a file say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) language: Language,
    pub(crate) package: String,
    pub(crate) imports: Vec<String>,
    /// A proto3 file with an `optional` field.
    pub(crate) proto3_optional: bool,
}

/// The language of a file: its `syntax` or its `edition`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// Said, or left unsaid.
    #[default]
    Proto2,
    Proto3,
    Edition(String),
}

impl Facts {
    /// Of the file at `path`; nothing where it cannot be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        Some(Self::of(&String::from_utf8_lossy(&bytes)))
    }

    /// Of the text of a file.
    pub(crate) fn of(source: &str) -> Self {
        let tokens = tokens(source);
        let mut facts = Self::default();
        let mut depth = 0_usize;
        let mut optional = false;
        for (index, located) in tokens.iter().enumerate() {
            let next = |ahead: usize| tokens.get(index + ahead).map(|located| located.token);
            match (located.token, next(1)) {
                (Token::Sign('{'), _) => depth += 1,
                (Token::Sign('}'), _) => depth = depth.saturating_sub(1),
                (Token::Word("optional"), Some(Token::Word(_))) => optional = true,
                (Token::Word(word), Some(after)) if depth == 0 => {
                    facts.note(word, after, next(2));
                }
                _ => {}
            }
        }
        facts.proto3_optional = optional && facts.language == Language::Proto3;
        facts
    }

    /// A statement at the top of the file.
    fn note(&mut self, word: &str, after: Token<'_>, later: Option<Token<'_>>) {
        match (word, after, later) {
            ("syntax", Token::Sign('='), Some(Token::Text("proto3"))) => {
                self.language = Language::Proto3;
            }
            ("edition", Token::Sign('='), Some(Token::Text(edition))) => {
                self.language = Language::Edition(edition.to_owned());
            }
            ("package", Token::Word(package), _) => package.clone_into(&mut self.package),
            ("import", Token::Text(path), _)
            | ("import", Token::Word("public" | "weak" | "option"), Some(Token::Text(path))) => {
                self.imports.push(path.to_owned());
            }
            _ => {}
        }
    }
}

/// Splits a .proto into tokens, comments left out.
pub(crate) fn tokens(source: &str) -> Vec<Located<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (token, length) = next_token(rest, first);
        if let Some(token) = token {
            tokens.push(Located { token, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The token at the start of `rest`, none for a comment or a space, and how many bytes it takes.
fn next_token(rest: &str, first: char) -> (Option<Token<'_>>, usize) {
    match first {
        '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => {
            (None, rest[2..].find("*/").map_or(rest.len(), |end| end + 4))
        }
        '"' | '\'' => {
            let end = closing_quote(&rest[1..], first);
            (Some(Token::Text(&rest[1..=end])), (end + 2).min(rest.len()))
        }
        _ if is_word(first) => {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (Some(Token::Word(&rest[..length])), length)
        }
        _ if first.is_whitespace() => (None, first.len_utf8()),
        _ => (Some(Token::Sign(first)), first.len_utf8()),
    }
}

/// How many bytes stand before the quote that closes a string, or before the end of the text.
fn closing_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return index,
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(source: &str) -> Vec<String> {
        Facts::of(source).imports
    }

    /// A file without a `syntax` line is proto2; one with a line says what it is.
    #[test]
    fn language_is_read_from_the_first_statement() {
        assert_eq!(Facts::of("message M {}").language, Language::Proto2);
        assert_eq!(Facts::of("syntax = \"proto2\";").language, Language::Proto2);
        assert_eq!(Facts::of("// hi\nsyntax='proto3';").language, Language::Proto3);
        let edition = Facts::of("\u{feff}edition = \"2023\";").language;
        assert_eq!(edition, Language::Edition("2023".to_owned()));
    }

    /// Imports of every kind count, comments and strings that look like imports do not.
    #[test]
    fn imports_are_read_and_look_alikes_are_not() {
        let source = r#"
            import "a.proto"; import public 'b.proto'; import weak "c.proto";
            import option "d.proto";
            // import "e.proto";
            /* import "f.proto"; */
            option java_package = "import \"g.proto\";";
            message M { message import { } }
        "#;
        assert_eq!(imports(source), ["a.proto", "b.proto", "c.proto", "d.proto"]);
    }

    /// `optional` raises what is needed of protoc only as a label in proto3.
    #[test]
    fn optional_counts_as_a_label_of_proto3_alone() {
        let check = |source: &str, expected: bool| {
            assert_eq!(Facts::of(source).proto3_optional, expected, "{source}");
        };
        check("syntax = \"proto3\"; message M { optional int32 a = 1; }", true);
        check("syntax = \"proto3\"; message M { optional .x.Y a = 1; }", true);
        check("syntax = \"proto3\"; message M { int32 optional = 1; }", false);
        check("syntax = \"proto2\"; message M { optional int32 a = 1; }", false);
    }

    /// Text that no parser would accept is looked at without a panic.
    #[test]
    fn broken_text_is_looked_at_without_a_panic() {
        for source in
            ["", "\"", "'a\\", "/*", "/* *", "//", "package", "import", "syntax =", "é{}}"]
        {
            let _ = Facts::of(source);
        }
        assert_eq!(tokens("a \"b")[1].token, Token::Text("b"));
        assert_eq!(tokens("a\n/* \n */ b")[1].line, 3);
    }
}
