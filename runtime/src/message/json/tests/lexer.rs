//! The grammar of RFC 8259 and the limits.

use std::borrow::Cow;

use super::super::JsonError;
use super::super::lexer::{Lexer, Token};
use crate::limits;

fn tokens(text: &str) -> Result<Vec<Token<'_>>, JsonError> {
    let mut lexer = Lexer::new(text, limits::JSON_DEPTH_MAX, limits::decode_memory(text.len()));
    let mut tokens = Vec::new();
    loop {
        match lexer.next()? {
            Token::End => return Ok(tokens),
            token => tokens.push(token),
        }
    }
}

fn check(text: &str, expected: &[Token<'_>]) {
    assert_eq!(tokens(text).as_deref(), Ok(expected), "{text}");
}

fn string(text: &str) -> Token<'_> {
    Token::String(Cow::Borrowed(text))
}

fn error(text: &str) -> String {
    tokens(text).expect_err(text).to_string()
}

/// RFC 8259 2: values, structural characters, and space between them.
#[test]
fn values_come_in_their_order() {
    check(
        " {\"a\" : [1, -2.5e+3 ,true,null] ,\t\"b\":{}\r\n} ",
        &[
            Token::ObjectBegin,
            Token::Name("a".into()),
            Token::ArrayBegin,
            Token::Number("1"),
            Token::Number("-2.5e+3"),
            Token::Bool(true),
            Token::Null,
            Token::ArrayEnd,
            Token::Name("b".into()),
            Token::ObjectBegin,
            Token::ObjectEnd,
            Token::ObjectEnd,
        ],
    );
    check("[]", &[Token::ArrayBegin, Token::ArrayEnd]);
    check("false", &[Token::Bool(false)]);
}

/// RFC 8259 2: one value, with its commas and colons and no others.
#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "[}",
        "{]",
        "1 2",
        "{} {}",
        "]",
        "tru",
        "True",
        "nul",
        "nulll",
        "NaN",
        "Infinity",
        "+1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "'a'",
        "[1]//c",
        "/*c*/1",
        "\u{feff}1",
        "\u{a0}1",
        "-a",
        "\"a",
    ] {
        assert!(tokens(text).is_err(), "{text}");
    }
}

/// RFC 8259 7: the eight short escapes and `\u`, and no others.
#[test]
fn escapes_stand_for_their_characters() {
    check(r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u0000""#, &[string("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\0")]);
    check("\"\u{7f}\u{2028}\u{1f600}\"", &[string("\u{7f}\u{2028}\u{1f600}")]);
    for text in
        [r#""\a""#, r#""\U0041""#, r#""\u004""#, r#""\u00g0""#, r#""\u+041""#, r#""\"#, r#""\'""#]
    {
        assert!(tokens(text).is_err(), "{text}");
    }
}

/// RFC 8259 7: beyond U+FFFF a pair of surrogates, the high one first; half a pair is refused.
#[test]
fn surrogates_come_in_pairs() {
    check(r#""\ud83d\ude00x\uDBFF\uDFFF""#, &[string("\u{1f600}x\u{10ffff}")]);
    for text in [
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ude00\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d\ud83d""#,
    ] {
        assert!(tokens(text).is_err(), "{text}");
    }
}

/// RFC 8259 7: characters below U+0020 are escaped.
#[test]
fn control_characters_are_refused_in_strings() {
    for character in '\0'..' ' {
        assert!(tokens(&format!("\"a{character}\"")).is_err(), "{character:?}");
    }
    check("\"a \"", &[string("a ")]);
}

/// An error says where it is, what was expected and what came.
#[test]
fn errors_name_line_and_column() {
    assert_eq!(
        error("{\n \"\u{e9}\": tru\n}"),
        "invalid JSON for message: line 2, column 7: expected a value, got tru"
    );
    assert_eq!(
        error("[1,"),
        "invalid JSON for message: line 1, column 4: expected a value, got the end of the text"
    );
    assert_eq!(
        error("{1"),
        "invalid JSON for message: line 1, column 2: expected a name in quotes or '}', got 1"
    );
    assert_eq!(
        error(r#"["a\ud800 "]"#),
        r"invalid JSON for message: line 1, column 4: expected a pair of surrogates, got \ud800"
    );
}

/// The limit of depth: so many levels of objects and arrays, and not one more.
#[test]
fn depth_has_a_limit() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(tokens(&nested(limits::JSON_DEPTH_MAX)).is_ok());
    assert_eq!(
        error(&nested(limits::JSON_DEPTH_MAX + 1)),
        "invalid JSON for message: line 1, column 203: expected at most 202 levels of objects and \
         arrays, got more"
    );
    assert!(tokens(&"[".repeat(1_000_000)).is_err());
    assert!(tokens(&"{\"a\":".repeat(1_000_000)).is_err());
}

/// A skipped value is as valid as one that is read, and nothing behind it is skipped.
#[test]
fn skipping_ends_with_the_value() {
    let mut lexer = Lexer::new(r#"[{"a":[1,{}]},2,[3}"#, 100, 1 << 20);
    assert_eq!(lexer.next(), Ok(Token::ArrayBegin));
    let token = lexer.next().unwrap();
    lexer.skip(&token).unwrap();
    let token = lexer.next().unwrap();
    assert_eq!(token, Token::Number("2"));
    lexer.skip(&token).unwrap();
    let token = lexer.next().unwrap();
    assert!(lexer.skip(&token).is_err());
}

/// The budget: what is charged runs down to 0 and no further.
#[test]
fn memory_has_a_limit() {
    let mut lexer = Lexer::new("1", 100, 10);
    assert!(lexer.charge(10).is_ok());
    assert!(lexer.charge(0).is_ok());
    assert!(lexer.charge(1).is_err());
}
