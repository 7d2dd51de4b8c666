//! What texts have most: names that are expected, short numbers, strings without escapes.
//!
//! Each function here reads something whole in one go, or reads nothing and says so. Invariant: what
//! is read so, the tokens would have said too. All errors are left to them.

use std::ops::RangeInclusive;

use super::{Container, Expects, Lexer};
use crate::message::json::decimal::{Decimal, Digits, FromDecimal, FromDigits};
use crate::message::json::number;
use crate::message::json::plain::plain_length;

impl<'a> Lexer<'a> {
    /// What stands before the next member of the object that is open. Gives the text from there on;
    /// `None` if none can follow.
    #[inline]
    pub(in crate::message::json) fn member_ahead(&mut self) -> Option<&'a [u8]> {
        debug_assert!(self.open.last() == Some(Container::Object), "members are of objects");
        let bytes = self.text.as_bytes();
        let mut at = past_space(bytes, self.at);
        match self.expects {
            Expects::AfterValue if bytes.get(at) == Some(&b',') => {
                at = past_space(bytes, at + 1);
            }
            Expects::FirstName => {}
            _ => return None,
        }
        self.ahead = at;
        bytes.get(at..)
    }

    /// Reads so much of what [`Lexer::member_ahead`] gave: a name, and a colon at its end.
    #[inline]
    pub(in crate::message::json) fn take_key(&mut self, length: usize) {
        debug_assert!(self.text[..self.ahead + length].ends_with(':'), "a key ends in a colon");
        self.start = self.ahead;
        self.at = self.ahead + length;
        self.expects = Expects::Value;
    }

    /// Reads the name that begins there, which is so long and has no escapes, up to its value.
    fn take_name(&mut self, length: usize) -> bool {
        let bytes = self.text.as_bytes();
        let end = self.ahead + 1 + length;
        let colon = match bytes.get(end + 1) {
            Some(b':') => end + 1,
            _ => past_space(bytes, end + 1),
        };
        if bytes.get(end) != Some(&b'"') || bytes.get(colon) != Some(&b':') {
            return false;
        }
        self.take_key(colon + 1 - self.ahead);
        true
    }

    /// Reads a name without escapes, up to its value.
    #[inline]
    pub(in crate::message::json) fn quick_name(&mut self) -> Option<&'a str> {
        let [b'"', name @ ..] = self.member_ahead()? else { return None };
        let length = plain_length(name);
        let begin = self.ahead + 1;
        self.take_name(length).then(|| &self.text[begin..begin + length])
    }

    /// Where a value begins, if one may, and its first byte.
    #[inline(always)]
    fn value_ahead(&self) -> Option<(usize, u8)> {
        let bytes = self.text.as_bytes();
        let mut at = past_space(bytes, self.at);
        match self.expects {
            Expects::Value | Expects::FirstElement => {}
            Expects::AfterValue if bytes.get(at) == Some(&b',') => {
                debug_assert!(self.open.last() == Some(Container::Array), "names come first");
                at = past_space(bytes, at + 1);
            }
            Expects::AfterValue | Expects::FirstName => return None,
        }
        bytes.get(at).map(|byte| (at, *byte))
    }

    /// The value that begins at `start` was read up to `end`.
    #[inline(always)]
    fn read(&mut self, start: usize, end: usize) {
        self.start = start;
        self.at = end;
        self.expects = Expects::AfterValue;
    }

    /// An integer of at most 19 digits and no more than digits, in quotes or not.
    #[inline]
    pub(in crate::message::json) fn quick_integer<I: FromDigits>(&mut self) -> Option<I> {
        let bytes = self.text.as_bytes();
        let (start, first) = self.value_ahead()?;
        let is_quoted = first == b'"';
        let mut at = start + usize::from(is_quoted);
        let is_negative = bytes.get(at) == Some(&b'-');
        at += usize::from(is_negative);
        let (magnitude, length) = digits(bytes.get(at..)?, 0);
        match length {
            1 => {}
            2..=19 if bytes[at] != b'0' => {}
            // What is beyond 64 bits begins with a higher digit or has come round to less.
            20 if bytes[at] == b'1' && magnitude >= 10_u64.pow(19) => {}
            _ => return None,
        }
        at += length;
        match bytes.get(at) {
            Some(b'"') if is_quoted => at += 1,
            Some(b'.' | b'e' | b'E') => return None,
            _ if is_quoted => return None,
            _ => {}
        }
        let integer = I::from_digits(Digits { is_negative, magnitude })?;
        self.read(start, at);
        Some(integer)
    }

    /// A number without quotes.
    #[inline]
    pub(in crate::message::json) fn quick_float<F: FromDecimal>(&mut self) -> Option<F> {
        let bytes = self.text.as_bytes();
        let (start, first) = self.value_ahead()?;
        let is_negative = first == b'-';
        let whole = start + usize::from(is_negative);
        let (mut mantissa, mut length) = digits(bytes.get(whole..)?, 0);
        if length == 0 || (length > 1 && bytes[whole] == b'0') {
            return None;
        }
        let mut end = whole + length;
        let mut places = 0;
        if bytes.get(end) == Some(&b'.') {
            let (all, fraction) = digits(&bytes[end + 1..], mantissa);
            if fraction == 0 {
                return None;
            }
            mantissa = all;
            length += fraction;
            places = fraction;
            end += 1 + fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let end = start + number::length(&self.text[start..])?;
            let float = number::finite(&self.text[start..end])?;
            self.read(start, end);
            return Some(float);
        }
        let is_whole = DIGITS.contains(&length);
        let decimal = Decimal { is_negative, mantissa, places, is_whole };
        let float = F::from_decimal(decimal).or_else(|| number::finite(&self.text[start..end]))?;
        self.read(start, end);
        Some(float)
    }

    /// A string without escapes.
    #[inline]
    pub(in crate::message::json) fn quick_string(&mut self) -> Option<&'a str> {
        self.quick_string_if(Some)
    }

    /// What `read` makes of a string without escapes; the string is read if that is something.
    #[inline]
    pub(in crate::message::json) fn quick_string_if<T>(
        &mut self,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let (start, first) = self.value_ahead()?;
        if first != b'"' {
            return None;
        }
        let rest = &self.text.as_bytes()[start + 1..];
        let length = plain_length(rest);
        if rest.get(length) != Some(&b'"') {
            return None;
        }
        let value = read(&self.text[start + 1..start + 1 + length])?;
        self.read(start, start + length + 2);
        Some(value)
    }

    /// `true` or `false`.
    #[inline]
    pub(in crate::message::json) fn quick_bool(&mut self) -> Option<bool> {
        let (start, _) = self.value_ahead()?;
        let rest = &self.text.as_bytes()[start..];
        let (value, length) = match rest {
            [b't', b'r', b'u', b'e', ..] => (true, 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (false, 5),
            _ => return None,
        };
        if rest.get(length).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.read(start, start + length);
        Some(value)
    }

    /// The beginning of an object.
    #[inline]
    pub(in crate::message::json) fn quick_object(&mut self) -> bool {
        self.quick_open(b'{', Container::Object, Expects::FirstName)
    }

    /// The beginning of an array.
    #[inline]
    pub(in crate::message::json) fn quick_array(&mut self) -> bool {
        self.quick_open(b'[', Container::Array, Expects::FirstElement)
    }

    #[inline(always)]
    fn quick_open(&mut self, byte: u8, container: Container, expects: Expects) -> bool {
        match self.value_ahead() {
            Some((start, first)) if first == byte && self.open.depth < self.depth_max => {
                self.start = start;
                self.at = start + 1;
                self.open.push(container);
                self.expects = expects;
                true
            }
            _ => false,
        }
    }

    /// The end of the object or array that is open.
    #[inline]
    pub(in crate::message::json) fn quick_end(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let at = past_space(bytes, self.at);
        let end = match self.open.last() {
            Some(Container::Object) => b'}',
            Some(Container::Array) => b']',
            None => return false,
        };
        if self.expects == Expects::Value || bytes.get(at) != Some(&end) {
            return false;
        }
        (self.start, self.at) = (at, at);
        self.close();
        true
    }
}

/// Where the next byte stands that is no space.
#[inline(always)]
fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The digits that `bytes` begins with, behind those of `value`, and how many they are. Beyond 19 of
/// them the value is not theirs.
#[inline(always)]
fn digits(bytes: &[u8], mut value: u64) -> (u64, usize) {
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    (value, length)
}

/// As many digits as 64 bits hold whatever they are.
const DIGITS: RangeInclusive<usize> = 1..=19;
