//! Metadata: the headers and trailers of a call that belong to its users.
//!
//! An ordered multimap: all entries stand in one piece of memory, each behind its lengths. What most
//! calls have, nothing, is one word and allocates nothing. Keys are lower case; the values of keys
//! ending in `-bin` are bytes, all others are text. What a user puts in is validated, so it can always
//! be sent.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use super::base64;
use super::status::Status;

/// Headers or trailers of a call: an ordered list of keys and values, keys may repeat.
///
/// Keys are case-insensitive and kept in lower case. A key ending in `-bin` holds bytes
/// ([`insert_bin`](Self::insert_bin), [`get_bin`](Self::get_bin)); every other key holds printable
/// ASCII text ([`insert`](Self::insert), [`get`](Self::get)).
///
/// # Examples
///
/// ```
/// use rust_grpc::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("x-user", "alice")?;
/// metadata.append("x-user", "bob")?;
/// metadata.insert_bin("trace-bin", [0xff, 0x00])?;
///
/// assert_eq!(metadata.get("X-User"), Some("alice"));
/// assert_eq!(metadata.get_all("x-user").collect::<Vec<_>>(), ["alice", "bob"]);
/// assert_eq!(metadata.get_bin("trace-bin"), Some(&[0xff, 0x00][..]));
/// assert!(metadata.insert("grpc-status", "0").is_err());
/// # Ok::<(), rust_grpc::InvalidMetadata>(())
/// ```
#[derive(Clone, Default)]
pub struct Metadata {
    entries: Option<Box<Entries>>,
}

#[derive(Clone, Default)]
struct Entries {
    /// Each entry as the lengths of its key and its value, the key, and the value.
    records: Vec<u8>,
    len: usize,
}

/// One value of a [`Metadata`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataValue<'a> {
    /// The value of a key that does not end in `-bin`.
    Text(&'a str),
    /// The value of a key that ends in `-bin`.
    Binary(&'a [u8]),
}

/// A key and its value, as they are kept.
type Entry<'a> = (&'a [u8], &'a [u8]);

impl Metadata {
    /// Empty metadata; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: None }
    }

    /// Sets `key` to `value` alone, in place of all values it had.
    ///
    /// Spaces around the value are dropped, as HTTP/2 cannot carry them.
    ///
    /// # Errors
    ///
    /// If the key is not made of `0-9 a-z _ . -` (upper case becomes lower case), ends in `-bin`,
    /// or is reserved for gRPC and HTTP/2; if the value is not printable ASCII.
    pub fn insert(
        &mut self,
        key: impl AsRef<str>,
        value: impl AsRef<str>,
    ) -> Result<(), InvalidMetadata> {
        let (key, value) = valid_text(key.as_ref(), value.as_ref())?;
        self.remove(&key);
        self.push(key.as_bytes(), value.as_bytes());
        Ok(())
    }

    /// Adds `value` behind the values that `key` already has.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn append(
        &mut self,
        key: impl AsRef<str>,
        value: impl AsRef<str>,
    ) -> Result<(), InvalidMetadata> {
        let (key, value) = valid_text(key.as_ref(), value.as_ref())?;
        self.push(key.as_bytes(), value.as_bytes());
        Ok(())
    }

    /// Sets `key`, which ends in `-bin`, to the bytes `value` alone.
    ///
    /// The bytes travel as base64; any value is valid.
    ///
    /// # Errors
    ///
    /// If the key is malformed, reserved, or does not end in `-bin`.
    pub fn insert_bin(
        &mut self,
        key: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        let key = valid_binary_key(key.as_ref())?;
        self.remove(&key);
        self.push(key.as_bytes(), value.as_ref());
        Ok(())
    }

    /// Adds the bytes `value` behind the values that `key`, which ends in `-bin`, already has.
    ///
    /// # Errors
    ///
    /// As [`insert_bin`](Self::insert_bin).
    pub fn append_bin(
        &mut self,
        key: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        let key = valid_binary_key(key.as_ref())?;
        self.push(key.as_bytes(), value.as_ref());
        Ok(())
    }

    /// Removes all values of `key` and returns how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.len();
        if !self.contains_key(key) {
            return 0;
        }
        let old = std::mem::take(self);
        for (old_key, value) in old.entries() {
            if !old_key.eq_ignore_ascii_case(key.as_bytes()) {
                self.push(old_key, value);
            }
        }
        before - self.len()
    }

    /// Removes everything, keeping the memory.
    pub fn clear(&mut self) {
        if let Some(entries) = &mut self.entries {
            entries.records.clear();
            entries.len = 0;
        }
    }

    /// Adds all entries of `other`, behind those that are there.
    pub fn extend_from(&mut self, other: &Self) {
        for (key, value) in other.entries() {
            self.push(key, value);
        }
    }

    /// The first value of `key`; none for a key ending in `-bin`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// The first value of `key`, which ends in `-bin`.
    #[must_use]
    pub fn get_bin(&self, key: &str) -> Option<&[u8]> {
        self.get_all_bin(key).next()
    }

    /// All values of `key`, in order; none for a key ending in `-bin`.
    pub fn get_all<'a, 'k>(&'a self, key: &'k str) -> impl Iterator<Item = &'a str> + use<'a, 'k> {
        self.values(key).filter_map(|value| match value {
            MetadataValue::Text(text) => Some(text),
            MetadataValue::Binary(_) => None,
        })
    }

    /// All values of `key`, which ends in `-bin`, in order.
    pub fn get_all_bin<'a, 'k>(
        &'a self,
        key: &'k str,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a, 'k> {
        self.values(key).filter_map(|value| match value {
            MetadataValue::Text(_) => None,
            MetadataValue::Binary(bytes) => Some(bytes),
        })
    }

    /// Whether `key` has a value.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.values(key).next().is_some()
    }

    /// All keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MetadataValue<'_>)> {
        self.entries().map(|(key, value)| (text(key), value_of(key, value)))
    }

    /// How many entries there are, every value counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.len)
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes all keys and values have together, binary ones as they are.
    pub(crate) fn size(&self) -> usize {
        self.records().len() - self.len() * RECORD_HEAD
    }

    /// Adds a field as a peer sent it: `value` in base64 if the key says so.
    ///
    /// A binary value is split at commas before it is decoded, as peers may join the values of
    /// one key. Text that is not ASCII is kept as far as it is UTF-8.
    pub(crate) fn push_received(
        &mut self,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), base64::Malformed> {
        if !is_binary(key) {
            let value = String::from_utf8_lossy(value.trim_ascii());
            self.push(key, value.as_bytes());
            return Ok(());
        }
        let entries = self.entries.get_or_insert_default();
        for part in value.split(|byte| *byte == b',') {
            let decode = |records: &mut Vec<u8>| base64::decode(part.trim_ascii(), records);
            entries.push_with(key, decode)?;
        }
        Ok(())
    }

    /// Calls `each` with every field as it is to be sent, binary values in base64.
    ///
    /// Entries that a peer sent and that may not be sent on are left out.
    pub(crate) fn for_each_sent(&self, mut each: impl FnMut(&[u8], &[u8])) {
        let mut encoded = Vec::new();
        for (key, value) in self.entries() {
            if is_reserved(key) {
                continue;
            }
            if is_binary(key) {
                encoded.clear();
                base64::encode(value, &mut encoded);
                each(key, &encoded);
            } else if value.iter().all(is_printable) {
                each(key, value);
            }
        }
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        let entries = self.entries.get_or_insert_default();
        entries.records.reserve(RECORD_HEAD + key.len() + value.len());
        let copy = |records: &mut Vec<u8>| {
            records.extend_from_slice(value);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = entries.push_with(key, copy);
    }

    fn values<'a, 'k>(
        &'a self,
        key: &'k str,
    ) -> impl Iterator<Item = MetadataValue<'a>> + use<'a, 'k> {
        self.entries()
            .filter(|(own, _)| own.eq_ignore_ascii_case(key.as_bytes()))
            .map(|(key, value)| value_of(key, value))
    }

    fn records(&self) -> &[u8] {
        self.entries.as_ref().map_or(&[], |entries| &entries.records)
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut records = self.records();
        std::iter::from_fn(move || {
            let (entry, rest) = first_entry(records)?;
            records = rest;
            Some(entry)
        })
    }
}

impl Entries {
    /// Adds an entry of `key` and what `write` appends; nothing if that fails.
    fn push_with<E>(
        &mut self,
        key: &[u8],
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.records.len();
        self.records.extend_from_slice(&key.len().to_ne_bytes());
        self.records.extend_from_slice(&[0; LENGTH]);
        self.records.extend_from_slice(key);
        let value_start = self.records.len();
        if let Err(error) = write(&mut self.records) {
            self.records.truncate(start);
            return Err(error);
        }
        let value_len = self.records.len() - value_start;
        self.records[start + LENGTH..][..LENGTH].copy_from_slice(&value_len.to_ne_bytes());
        self.len += 1;
        Ok(())
    }
}

/// The entry at the front of `records`, and the records behind it.
fn first_entry(records: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (key_len, rest) = records.split_first_chunk()?;
    let (value_len, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_at(usize::from_ne_bytes(*key_len));
    let (value, rest) = rest.split_at(usize::from_ne_bytes(*value_len));
    Some(((key, value), rest))
}

const LENGTH: usize = size_of::<usize>();
const RECORD_HEAD: usize = 2 * LENGTH;

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Metadata {}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self.iter() {
            match value {
                MetadataValue::Text(text) => map.entry(&key, &text),
                MetadataValue::Binary(bytes) => map.entry(&key, &bytes),
            };
        }
        map.finish()
    }
}

/// A metadata key or value that gRPC cannot carry.
///
/// Its text names the key, what was expected and what came; it becomes a [`Status`] of
/// INVALID_ARGUMENT with `?`.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidMetadata {
    message: Box<str>,
}

impl InvalidMetadata {
    fn new(message: String) -> Self {
        Self { message: message.into_boxed_str() }
    }
}

impl fmt::Display for InvalidMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for InvalidMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvalidMetadata({})", self.message)
    }
}

impl std::error::Error for InvalidMetadata {}

impl From<InvalidMetadata> for Status {
    fn from(error: InvalidMetadata) -> Self {
        Self::invalid_argument(error.message)
    }
}

/// Whether `key` belongs to gRPC or HTTP/2 and may not be set by a user.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    match key {
        b"connection" | b"content-length" | b"content-type" | b"host" | b"keep-alive"
        | b"proxy-connection" | b"te" | b"transfer-encoding" | b"upgrade" | b"user-agent" => true,
        b"grpc-previous-rpc-attempts"
        | b"grpc-retry-pushback-ms"
        | b"grpc-tags-bin"
        | b"grpc-trace-bin" => false,
        _ => key.starts_with(b"grpc-"),
    }
}

fn valid_key(key: &str) -> Result<Cow<'_, str>, InvalidMetadata> {
    if key.is_empty() {
        return Err(InvalidMetadata::new("empty metadata key".to_owned()));
    }
    let valid = |c: &char| matches!(c, '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' | '.' | '-');
    if let Some(bad) = key.chars().find(|c| !valid(c)) {
        return Err(InvalidMetadata::new(format!(
            "metadata key {key:?}: expected characters of 0-9 a-z _ . -, got {bad:?}"
        )));
    }
    let key = match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(key.to_ascii_lowercase()),
        false => Cow::Borrowed(key),
    };
    if is_reserved(key.as_bytes()) {
        return Err(InvalidMetadata::new(format!(
            "metadata key {key:?} is reserved for gRPC and HTTP/2"
        )));
    }
    Ok(key)
}

fn valid_binary_key(key: &str) -> Result<Cow<'_, str>, InvalidMetadata> {
    let key = valid_key(key)?;
    if !is_binary(key.as_bytes()) {
        return Err(InvalidMetadata::new(format!(
            "metadata key {key:?}: expected a key ending in \"-bin\" for a binary value"
        )));
    }
    Ok(key)
}

fn valid_text<'a>(
    key: &'a str,
    value: &'a str,
) -> Result<(Cow<'a, str>, &'a str), InvalidMetadata> {
    let key = valid_key(key)?;
    if is_binary(key.as_bytes()) {
        return Err(InvalidMetadata::new(format!(
            "metadata key {key:?} ends in \"-bin\": expected a binary value, got text"
        )));
    }
    if let Some(bad) = value.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(InvalidMetadata::new(format!(
            "metadata value of {key:?}: expected printable ASCII, got {bad:?}"
        )));
    }
    Ok((key, value.trim_matches(' ')))
}

pub(crate) fn is_binary(key: &[u8]) -> bool {
    key.ends_with(b"-bin")
}

fn is_printable(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~')
}

fn value_of<'a>(key: &[u8], value: &'a [u8]) -> MetadataValue<'a> {
    match is_binary(key) {
        true => MetadataValue::Binary(value),
        false => MetadataValue::Text(text(value)),
    }
}

/// Keys and text values enter the arena as UTF-8.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reserved keys that a peer sent are not sent on, whether their values are text or binary.
    #[test]
    fn received_reserved_keys_are_not_sent_on() {
        let mut metadata = Metadata::new();
        for key in ["grpc-status", "grpc-status-details-bin", "x-bin", "grpc-trace-bin", "x"] {
            metadata.push_received(key.as_bytes(), b"AAAA").unwrap();
        }
        let mut sent = Vec::new();
        metadata.for_each_sent(|key, _| sent.push(String::from_utf8_lossy(key).into_owned()));
        assert_eq!(sent, ["x-bin", "grpc-trace-bin", "x"]);
    }

    fn sent(metadata: &Metadata) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        metadata.for_each_sent(|key, value| {
            fields.push((
                String::from_utf8(key.to_vec()).unwrap(),
                String::from_utf8(value.to_vec()).unwrap(),
            ));
        });
        fields
    }

    fn refusal(key: &str, value: &str) -> String {
        Metadata::new().insert(key, value).unwrap_err().to_string()
    }

    /// PROTOCOL-HTTP2.md, Custom-Metadata: keys are lower case and made of `0-9 a-z _ . -`.
    #[test]
    fn keys_are_lower_cased_and_validated() {
        let mut metadata = Metadata::new();
        metadata.insert("X-User_1.a", "v").unwrap();
        assert_eq!(sent(&metadata), [("x-user_1.a".to_owned(), "v".to_owned())]);
        assert_eq!(metadata.get("x-USER_1.A"), Some("v"));

        assert_eq!(refusal("", "v"), "empty metadata key");
        assert_eq!(
            refusal("a b", "v"),
            "metadata key \"a b\": expected characters of 0-9 a-z _ . -, got ' '"
        );
        for key in [":path", "ключ", "a\r\nb", "a\0", "a:b", "a=b"] {
            assert!(refusal(key, "v").contains("expected characters"), "{key}");
        }
    }

    /// Keys of gRPC and HTTP/2 are refused, except those that gRPC leaves to its users.
    #[test]
    fn reserved_keys_are_refused() {
        for key in
            ["grpc-status", "GRPC-Timeout", "grpc-x", "te", "Content-Type", "user-agent", "host"]
        {
            assert!(refusal(key, "v").contains("reserved"), "{key}");
        }
        assert_eq!(refusal("te", "v"), "metadata key \"te\" is reserved for gRPC and HTTP/2");
        let mut metadata = Metadata::new();
        metadata.insert("grpc-previous-rpc-attempts", "1").unwrap();
        metadata.insert("grpc-retry-pushback-ms", "-1").unwrap();
        metadata.insert_bin("grpc-trace-bin", "x").unwrap();
        assert_eq!(metadata.len(), 3);
    }

    /// A text value is printable ASCII; every other byte is refused, so nothing can be injected.
    #[test]
    fn text_values_are_printable_ascii() {
        for code in 0..=255_u8 {
            let value = format!("a{}b", char::from(code));
            let valid = matches!(code, 0x20..=0x7e);
            assert_eq!(Metadata::new().insert("k", &value).is_ok(), valid, "{code}");
        }
        assert_eq!(
            refusal("k", "a\nb"),
            "metadata value of \"k\": expected printable ASCII, got '\\n'"
        );
    }

    /// RFC 9113 8.2.1: a field value neither starts nor ends with a space.
    #[test]
    fn outer_spaces_are_dropped() {
        let mut metadata = Metadata::new();
        metadata.insert("k", "  a b ").unwrap();
        metadata.push_received(b"r", b"\t c ").unwrap();
        assert_eq!((metadata.get("k"), metadata.get("r")), (Some("a b"), Some("c")));
    }

    /// Keys ending in `-bin` hold bytes and all others text; mixing them is refused.
    #[test]
    fn binary_and_text_keys_do_not_mix() {
        assert_eq!(
            refusal("a-bin", "v"),
            "metadata key \"a-bin\" ends in \"-bin\": expected a binary value, got text"
        );
        let mut metadata = Metadata::new();
        assert_eq!(
            metadata.insert_bin("a", "v").unwrap_err().to_string(),
            "metadata key \"a\": expected a key ending in \"-bin\" for a binary value"
        );
        metadata.insert_bin("a-bin", "v").unwrap();
        assert_eq!((metadata.get("a-bin"), metadata.get_bin("a-bin")), (None, Some(&b"v"[..])));
    }

    /// Duplicate keys keep their order, `insert` replaces them all, `remove` takes them all.
    #[test]
    fn duplicate_keys_keep_their_order() {
        let mut metadata = Metadata::new();
        for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("A", "")] {
            metadata.append(key, value).unwrap();
        }
        assert_eq!(metadata.get_all("a").collect::<Vec<_>>(), ["1", "3", ""]);
        assert_eq!(format!("{metadata:?}"), r#"{"a": "1", "b": "2", "a": "3", "a": ""}"#);
        metadata.insert("a", "4").unwrap();
        assert_eq!(format!("{metadata:?}"), r#"{"b": "2", "a": "4"}"#);
        assert_eq!((metadata.remove("B"), metadata.remove("B"), metadata.len()), (1, 0, 1));
    }

    /// Binary values are sent as unpadded base64 and accepted padded or not; values joined by
    /// commas are split before they are decoded.
    #[test]
    fn binary_values_are_split_before_decoding() {
        let mut metadata = Metadata::new();
        metadata.append_bin("k-bin", [0xff]).unwrap();
        metadata.append_bin("k-bin", b"").unwrap();
        assert_eq!(sent(&metadata)[0].1, "/w");
        assert_eq!(sent(&metadata)[1].1, "");

        let mut received = Metadata::new();
        received.push_received(b"k-bin", b"/w==,YQ, YWI=").unwrap();
        let values: Vec<_> = received.get_all_bin("k-bin").collect();
        assert_eq!(values, [&b"\xff"[..], b"a", b"ab"]);
        assert!(received.push_received(b"k-bin", b"YQ,*").is_err());
        assert_eq!(received.get_all_bin("k-bin").last(), Some(&b"a"[..]));
    }

    /// Received text that is not ASCII is no error, and it is never sent on.
    #[test]
    fn obsolete_text_is_kept_but_not_sent_on() {
        let mut metadata = Metadata::new();
        metadata.push_received(b"k", "naïve".as_bytes()).unwrap();
        metadata.push_received(b"l", b"\xff").unwrap();
        metadata.push_received(b"user-agent", b"x").unwrap();
        assert_eq!((metadata.get("k"), metadata.get("l")), (Some("naïve"), Some("\u{fffd}")));
        assert_eq!(metadata.get("user-agent"), Some("x"));
        assert_eq!(sent(&metadata), []);
    }

    /// Equality looks at the entries, not at how they came to be.
    #[test]
    fn equality_is_that_of_entries() {
        let (mut a, mut b) = (Metadata::new(), Metadata::new());
        a.insert("k", "old").unwrap();
        a.insert("k", "v").unwrap();
        b.insert("K", "v").unwrap();
        assert_eq!(a, b);
        b.append("k", "v").unwrap();
        assert_ne!(a, b);
    }
}
