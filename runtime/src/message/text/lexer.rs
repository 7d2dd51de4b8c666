//! The tokens of the text format.
//!
//! Source: "Text Format Language Specification" of the protobuf documentation. The lexer is a
//! position in the text: a copy of it goes back to where it was taken.

use super::error::TextError;
use crate::message::error::shortened;

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Identifier(&'a str),
    /// Decimal, without a sign.
    Decimal(&'a str),
    /// The digits behind `0`.
    Octal(&'a str),
    /// The digits behind `0x`.
    Hexadecimal(&'a str),
    /// With a point, an exponent or `f`; `f` is not part of it.
    Float(&'a str),
    /// With its quotes.
    String(&'a str),
    /// Punctuation.
    Symbol(char),
    End,
}

/// A position in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Where the next token begins, or white space in front of it.
    at: usize,
    /// Where the last token began.
    start: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, start: 0 }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'a>, TextError> {
        self.skip_space();
        self.start = self.at;
        let Some(first) = self.peek_byte() else { return Ok(Token::End) };
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = self.count(is_word);
                Ok(Token::Identifier(self.take(length)))
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) => self.number(),
            b'"' | b'\'' => self.string(first),
            b'{' | b'}' | b'<' | b'>' | b'[' | b']' | b':' | b',' | b';' | b'-' | b'.' | b'/' => {
                self.at += 1;
                Ok(Token::Symbol(char::from(first)))
            }
            _ => {
                let found = self.rest().chars().next().unwrap_or_default();
                Err(self.error(format!("expected a token, found {found:?}")))
            }
        }
    }

    /// The next token, which stays the next one.
    pub(super) fn peek(&self) -> Result<Token<'a>, TextError> {
        let mut ahead = *self;
        ahead.next()
    }

    /// Takes the symbol if it is the next token.
    pub(super) fn takes(&mut self, symbol: char) -> Result<bool, TextError> {
        let mut ahead = *self;
        let taken = ahead.next()? == Token::Symbol(symbol);
        if taken {
            *self = ahead;
        }
        Ok(taken)
    }

    /// The name in brackets, behind `[`, without white space and comments, up to `]`.
    pub(super) fn bracketed(&mut self) -> Result<String, TextError> {
        let mut name = String::new();
        loop {
            self.skip_space();
            self.start = self.at;
            match self.peek_byte() {
                Some(b']') if !name.is_empty() => {
                    self.at += 1;
                    return Ok(name);
                }
                Some(byte) if is_url(byte) => {
                    let length = self.count(is_url);
                    name.push_str(self.take(length));
                }
                _ => {
                    let found = self.found();
                    return Err(self.error(format!("expected a name and `]`, found {found}")));
                }
            }
        }
    }

    /// An error at the last token.
    #[cold]
    pub(super) fn error(&self, what: impl Into<String>) -> TextError {
        TextError::new(what, self.text, self.start)
    }

    /// What stands at the last token, for an error.
    pub(super) fn found(&self) -> String {
        let rest = &self.text[self.start..];
        match rest.chars().next() {
            None => "the end".to_owned(),
            Some(_) => {
                let word = rest.bytes().take_while(|byte| is_word(*byte)).count();
                let token = self.at.saturating_sub(self.start).max(word).max(1);
                let shown = rest.get(..token).unwrap_or(rest);
                format!("`{}`", shortened(shown, FOUND_MAX))
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// How many of the next bytes are such; they are ASCII.
    fn count(&self, is: impl Fn(u8) -> bool) -> usize {
        self.rest().bytes().take_while(|byte| is(*byte)).count()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + length];
        self.at += length;
        taken
    }

    fn skip_space(&mut self) {
        loop {
            self.at +=
                self.count(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c));
            if self.peek_byte() != Some(b'#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or_else(|| self.rest().len());
        }
    }

    fn number(&mut self) -> Result<Token<'a>, TextError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let second = bytes.get(1).copied().unwrap_or_default();
        let token = match (bytes[0], second) {
            (b'0', b'x' | b'X') => {
                self.at += 2;
                let length = self.count(|byte| byte.is_ascii_hexdigit());
                Token::Hexadecimal(self.take(length))
            }
            (b'0', b'0'..=b'9') => {
                self.at += 1;
                let length = self.count(|byte| byte.is_ascii_digit());
                Token::Octal(self.take(length))
            }
            _ => self.decimal(),
        };
        let is_whole = match token {
            Token::Hexadecimal(digits) => !digits.is_empty(),
            Token::Octal(digits) => digits.bytes().all(|digit| digit < b'8'),
            _ => true,
        };
        // A number ends where a word cannot go on, and `1.2.3` is no number.
        if !is_whole || self.peek_byte().is_some_and(|byte| is_word(byte) || byte == b'.') {
            let shown: String = rest.chars().take(20).collect();
            return Err(self.error(format!("expected a number, found `{shown}`")));
        }
        Ok(token)
    }

    fn decimal(&mut self) -> Token<'a> {
        let start = self.at;
        let digit = |byte: u8| byte.is_ascii_digit();
        self.at += self.count(digit);
        let mut is_float = false;
        if self.peek_byte() == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.at += self.count(digit);
        }
        if let Some(b'e' | b'E') = self.peek_byte() {
            let before = *self;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek_byte() {
                self.at += 1;
            }
            match self.count(digit) {
                0 => *self = before,
                digits => {
                    is_float = true;
                    self.at += digits;
                }
            }
        }
        let number = &self.text[start..self.at];
        if let Some(b'f' | b'F') = self.peek_byte() {
            is_float = true;
            self.at += 1;
        }
        if is_float { Token::Float(number) } else { Token::Decimal(number) }
    }

    fn string(&mut self, quote: u8) -> Result<Token<'a>, TextError> {
        let mut end = 1;
        let bytes = self.rest().as_bytes();
        loop {
            match bytes.get(end) {
                Some(byte) if *byte == quote => return Ok(Token::String(self.take(end + 1))),
                Some(b'\\') => end += 2,
                Some(b'\n' | 0) | None => {
                    return Err(self.error("expected a string that ends in its line"));
                }
                Some(_) => end += 1,
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What the names of extensions and the type URLs of `Any` are made of (RFC 3986, less `:@`).
pub(super) fn is_url(byte: u8) -> bool {
    is_word(byte) || b"-.~!$&'()*+,;=%/".contains(&byte)
}

/// Letters of a token that an error shows.
const FOUND_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next().map_err(|error| error.to_string())? {
                Token::End => return Ok(tokens),
                token => tokens.push(token),
            }
        }
    }

    /// Specification, "Numeric Literals": decimal, octal, hexadecimal, and floats by their look.
    #[test]
    fn numbers_are_told_apart() {
        use Token::{Decimal, Float, Hexadecimal, Octal};
        assert_eq!(
            tokens("0 12 017 0x1F 0XaB 1.5 .5 1. 1e3 1E-3 1.5e+3 10f 1.5F").unwrap(),
            [
                Decimal("0"),
                Decimal("12"),
                Octal("17"),
                Hexadecimal("1F"),
                Hexadecimal("aB"),
                Float("1.5"),
                Float(".5"),
                Float("1."),
                Float("1e3"),
                Float("1E-3"),
                Float("1.5e+3"),
                Float("10"),
                Float("1.5"),
            ]
        );
        for text in ["0x", "08", "1a", "1.2.3", "0x1g", "1e", "1ff"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    /// Specification, "Characters": comments go to the end of the line, white space is nothing.
    #[test]
    fn comments_are_white_space() {
        let read = tokens("a # {\n\t:\x0b1 # end").unwrap();
        assert_eq!(read, [Token::Identifier("a"), Token::Symbol(':'), Token::Decimal("1")]);
    }

    /// Specification, "String Literals": either quote; a line ends no string.
    #[test]
    fn strings_end_in_their_line() {
        assert_eq!(
            tokens(r#""a'\"" 'b"\''"#).unwrap(),
            [Token::String(r#""a'\"""#), Token::String(r#"'b"\''"#)]
        );
        for text in ["\"a", "'a\n'", "\"a\\\"", "'\\"] {
            let error = tokens(text).unwrap_err();
            assert!(error.ends_with("expected a string that ends in its line"), "{error}");
        }
    }

    /// Specification, "Any fields": names in brackets may be cut by white space and comments.
    #[test]
    fn names_in_brackets_are_joined() {
        let mut lexer = Lexer::new(" type.googleapis.com # one\n / a . b%2F ]x");
        assert_eq!(lexer.bracketed().unwrap(), "type.googleapis.com/a.b%2F");
        assert_eq!(lexer.next().unwrap(), Token::Identifier("x"));
        for text in ["", "]", "a", "a{", "a\"b\"]"] {
            assert!(Lexer::new(text).bracketed().is_err(), "{text}");
        }
    }

    /// Errors say where, in lines and bytes from 1.
    #[test]
    fn errors_say_where() {
        assert_eq!(
            tokens("a: 1\n  b: @").unwrap_err(),
            "invalid text format: line 2, column 6: expected a token, found '@'"
        );
    }
}
