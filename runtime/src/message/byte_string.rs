//! [`ByteString`]: the value of a `string` field whose schema does not demand UTF-8.

use std::borrow::{Borrow, Cow};
use std::fmt::{self, Debug, Display, Formatter};
use std::ops::{Deref, DerefMut};
use std::str::Utf8Error;

/// Text that is UTF-8 by custom and not by rule: it can hold any bytes.
///
/// It is the type of `string` fields whose feature `utf8_validation` is `NONE`: all strings of
/// proto2, and those of editions that say so. Their senders may put anything into them, and it
/// travels on as it came.
///
/// # Examples
///
/// ```
/// use rust_grpc::ByteString;
///
/// let name = ByteString::from("Ada");
/// assert_eq!(name, "Ada");
/// assert_eq!(name.to_str(), Ok("Ada"));
///
/// let broken = ByteString::from(vec![b'A', 0xff]);
/// assert!(broken.to_str().is_err());
/// assert_eq!(broken.to_string(), "A\u{fffd}");
/// assert_eq!(format!("{broken:?}"), r#""A\xff""#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteString(Vec<u8>);

impl ByteString {
    /// An empty string.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The text, if it is UTF-8.
    ///
    /// # Errors
    ///
    /// Where the bytes cease to be UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }

    /// The text, with U+FFFD in place of what is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be changed.
    pub fn as_mut_vec(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Removes all bytes, and keeps their allocation.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The bytes, without a copy.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl Deref for ByteString {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for ByteString {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for ByteString {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for ByteString {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for ByteString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for ByteString {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&[u8]> for ByteString {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for ByteString {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for ByteString {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ByteString {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<String> for ByteString {
    fn eq(&self, other: &String) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<[u8]> for ByteString {
    fn eq(&self, other: &[u8]) -> bool {
        self.0 == other
    }
}

impl Debug for ByteString {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            write!(formatter, "{}", chunk.valid().escape_debug())?;
            write!(formatter, "{}", chunk.invalid().escape_ascii())?;
        }
        formatter.write_str("\"")
    }
}

impl Display for ByteString {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.to_string_lossy())
    }
}
