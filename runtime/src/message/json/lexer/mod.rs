//! RFC 8259: a text into tokens, strictly, within limits of depth and memory.
//!
//! Invariant: the sequence of tokens that comes out is a prefix of that of a valid JSON text. Commas
//! and colons are checked here and do not come out. Nothing recurses, so that no input costs stack.

mod containers;
mod quick;

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use containers::{Container, Containers};

use super::error::{JsonError, shortened};
use super::number;
use super::plain::plain_length;

/// A token, as far as possible borrowed from the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// The name of an object's member; its value follows.
    Name(Cow<'a, str>),
    String(Cow<'a, str>),
    /// As it is written.
    Number(&'a str),
    Bool(bool),
    Null,
    /// The text is over.
    End,
}

/// Reads tokens from a text.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where the last token begins.
    start: usize,
    /// Where the member begins that was looked at ahead.
    ahead: usize,
    expects: Expects,
    open: Containers,
    depth_max: usize,
    memory_left: usize,
    memory_max: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Expects {
    Value,
    /// The first name of an object, or its end.
    FirstName,
    /// The first element of an array, or its end.
    FirstElement,
    /// A comma or the end of the container, or the end of the text.
    AfterValue,
}

impl<'a> Lexer<'a> {
    /// A lexer that enters at most `depth_max` objects and arrays and lets at most `memory` bytes be
    /// charged.
    pub(super) fn new(text: &'a str, depth_max: usize, memory: usize) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            ahead: 0,
            expects: Expects::Value,
            open: Containers::default(),
            depth_max,
            memory_left: memory,
            memory_max: memory,
        }
    }

    /// The next token; [`Token::End`] once the text is over.
    pub(super) fn next(&mut self) -> Result<Token<'a>, JsonError> {
        self.skip_space();
        match self.expects {
            Expects::Value => self.value(),
            Expects::FirstElement if self.peek() == Some(b']') => Ok(self.close()),
            Expects::FirstElement => self.value(),
            Expects::FirstName if self.peek() == Some(b'}') => Ok(self.close()),
            Expects::FirstName => self.name("a name in quotes or '}'"),
            Expects::AfterValue => match (self.open.last(), self.peek()) {
                (None, None) => Ok(Token::End),
                (None, Some(_)) => Err(self.unexpected("the end of the text")),
                (Some(Container::Object), Some(b'}')) => Ok(self.close()),
                (Some(Container::Array), Some(b']')) => Ok(self.close()),
                (Some(container), Some(b',')) => {
                    self.at += 1;
                    self.skip_space();
                    match container {
                        Container::Object => self.name("a name in quotes"),
                        Container::Array => self.value(),
                    }
                }
                (Some(Container::Object), _) => Err(self.unexpected("',' or '}'")),
                (Some(Container::Array), _) => Err(self.unexpected("',' or ']'")),
            },
        }
    }

    /// Skips what is left of the value that begins with `token`, whatever it holds.
    pub(super) fn skip(&mut self, token: &Token<'a>) -> Result<(), JsonError> {
        if matches!(token, Token::ObjectBegin | Token::ArrayBegin) {
            let outside = self.open.depth - 1;
            while self.open.depth > outside {
                self.next()?;
            }
        }
        Ok(())
    }

    /// Takes `size` bytes from the memory budget.
    #[inline]
    pub(super) fn charge(&mut self, size: usize) -> Result<(), JsonError> {
        match self.memory_left.checked_sub(size) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.exhausted()),
        }
    }

    #[cold]
    fn exhausted(&self) -> JsonError {
        let expected = format!("to need at most {} bytes of memory", self.memory_max);
        self.error(expected, "a text that needs more")
    }

    /// An error at the last token.
    #[cold]
    pub(super) fn error(
        &self,
        expected: impl Into<Cow<'static, str>>,
        got: impl Into<String>,
    ) -> JsonError {
        JsonError::parsing(self.text, self.start, expected, got)
    }

    /// An error at the last token, which is this one.
    #[cold]
    pub(super) fn refuse(
        &self,
        expected: impl Into<Cow<'static, str>>,
        token: &Token<'_>,
    ) -> JsonError {
        self.error(expected, token.to_string())
    }

    /// An error at the last token, which is a name.
    #[cold]
    pub(super) fn refuse_name(&self, expected: &'static str) -> JsonError {
        let mut name = Self { at: self.start, ..self.clone() };
        match name.string() {
            Ok(name) => self.refuse(expected, &Token::Name(name)),
            Err(error) => error,
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips what may stand between tokens; the next one begins there.
    #[inline(always)]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.start = self.at;
    }

    fn value(&mut self) -> Result<Token<'a>, JsonError> {
        self.expects = Expects::AfterValue;
        match self.peek() {
            Some(b'{') => self.open(Container::Object),
            Some(b'[') => self.open(Container::Array),
            Some(b'"') => self.string().map(Token::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Token::Bool(true)),
            Some(b'f') => self.literal("false", Token::Bool(false)),
            Some(b'n') => self.literal("null", Token::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Where the last token begins, for [`Lexer::go_back`].
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// Lets errors be of the token that began there.
    pub(super) fn go_back(&mut self, place: usize) {
        self.start = place;
    }

    fn open(&mut self, container: Container) -> Result<Token<'a>, JsonError> {
        if self.open.depth >= self.depth_max {
            let expected = format!("at most {} levels of objects and arrays", self.depth_max);
            return Err(self.error(expected, "more"));
        }
        self.at += 1;
        self.open.push(container);
        match container {
            Container::Object => {
                self.expects = Expects::FirstName;
                Ok(Token::ObjectBegin)
            }
            Container::Array => {
                self.expects = Expects::FirstElement;
                Ok(Token::ArrayBegin)
            }
        }
    }

    fn close(&mut self) -> Token<'a> {
        self.at += 1;
        self.expects = Expects::AfterValue;
        match self.open.pop() {
            Some(Container::Object) => Token::ObjectEnd,
            _ => Token::ArrayEnd,
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<Token<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected(expected));
        }
        let start = self.start;
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("':'"));
        }
        self.at += 1;
        self.expects = Expects::Value;
        self.start = start;
        Ok(Token::Name(name))
    }

    fn literal(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if &rest[..length] != word.as_bytes() {
            return Err(self.unexpected("a value"));
        }
        self.at += length;
        Ok(token)
    }

    fn number(&mut self) -> Result<Token<'a>, JsonError> {
        let rest = &self.text[self.at..];
        match number::length(rest) {
            Some(length) => {
                self.at += length;
                Ok(Token::Number(&rest[..length]))
            }
            None => Err(self.unexpected("a number")),
        }
    }

    /// The string that begins at the quote here.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let plain = self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut string = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(string));
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => {
                    self.start = self.at;
                    return Err(self.unexpected("control characters to be escaped in strings"));
                }
                None => return Err(self.error("the end of the string", "the end of the text")),
            }
            string.push_str(self.plain());
        }
    }

    /// What follows and stands for itself in a string.
    fn plain(&mut self) -> &'a str {
        let length = plain_length(&self.text.as_bytes()[self.at..]);
        let plain = &self.text[self.at..self.at + length];
        self.at += length;
        plain
    }

    /// RFC 8259 7: the character of the escape that begins here.
    fn escape(&mut self) -> Result<char, JsonError> {
        let begin = self.at;
        self.at += 2;
        let character = match self.text.as_bytes().get(begin + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(begin),
            _ => return Err(self.bad_escape(begin, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")),
        };
        Ok(character)
    }

    /// The character of four digits, or of a pair of surrogates.
    fn unicode(&mut self, begin: usize) -> Result<char, JsonError> {
        let first = self.hexadecimal(begin)?;
        let pair = "a pair of surrogates";
        match first {
            0xd800..=0xdbff => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(self.bad_escape(begin, pair));
                }
                self.at += 2;
                let second = self.hexadecimal(begin)?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.bad_escape(begin, pair));
                }
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).ok_or_else(|| self.bad_escape(begin, pair))
            }
            code => char::from_u32(code).ok_or_else(|| self.bad_escape(begin, pair)),
        }
    }

    fn hexadecimal(&mut self, begin: usize) -> Result<u32, JsonError> {
        let bytes = self.text.as_bytes();
        let mut code = 0;
        for _ in 0..4 {
            let digit = bytes.get(self.at).and_then(|byte| char::from(*byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.bad_escape(begin, "four hexadecimal digits behind \\u"));
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    #[cold]
    fn bad_escape(&mut self, begin: usize, expected: &'static str) -> JsonError {
        self.start = begin;
        let got = self.text[begin..].chars().take_while(|c| *c != '"' && *c > ' ').take(12);
        self.error(expected, got.collect::<String>())
    }

    /// An error at what stands here.
    #[cold]
    fn unexpected(&self, expected: &'static str) -> JsonError {
        let rest = &self.text[self.start..];
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let word = rest.find(|c| !is_word(c)).map_or(rest, |end| &rest[..end]);
        let got = match (word, rest.chars().next()) {
            (_, None) => "the end of the text".to_owned(),
            ("", Some('"')) => "a string".to_owned(),
            ("", Some(first)) => format!("{first:?}"),
            (word, Some(_)) => shortened(word).into_owned(),
        };
        self.error(expected, got)
    }
}

/// As an error shows it.
impl Display for Token<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObjectBegin => formatter.write_str("an object"),
            Self::ObjectEnd => formatter.write_str("'}'"),
            Self::ArrayBegin => formatter.write_str("an array"),
            Self::ArrayEnd => formatter.write_str("']'"),
            Self::Name(text) | Self::String(text) => write!(formatter, "{:?}", shortened(text)),
            Self::Number(text) => formatter.write_str(&shortened(text)),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Null => formatter.write_str("null"),
            Self::End => formatter.write_str("the end of the text"),
        }
    }
}
