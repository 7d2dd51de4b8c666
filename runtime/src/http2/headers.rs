//! A field section: the names and values of one header block, in order.
//!
//! All bytes stand in one arena and every field is a span of it, so that a list costs two
//! allocations however many fields it has, and none when it is cleared and used again.
//! The list is opaque bytes: what a field must look like (RFC 9113 8.2) is checked elsewhere.

use std::fmt;

/// The fields of one header block, in the order of the wire.
///
/// A name may occur more than once. Names are compared byte by byte: HTTP/2 has lower case names
/// only.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Name and value of every field, one after the other.
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// One field of [`Headers`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Never to be indexed by any hop (RFC 7541 6.2.3), and hidden by `Debug`.
    pub(crate) sensitive: bool,
}

/// Where a field stands in the arena. A field begins where the one before it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Span {
    name_end: u32,
    value_end: u32,
    sensitive: bool,
}

/// The fields of [`Headers`] in order, made by [`Headers::iter`].
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    bytes: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
    start: usize,
}

/// What a field costs beyond its bytes (RFC 7541 4.1, RFC 9113 6.5.2).
pub(crate) const FIELD_OVERHEAD: usize = 32;

impl Headers {
    /// An empty list, which has allocated nothing.
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), spans: Vec::new() }
    }

    /// An empty list with room for `fields` fields of `bytes` bytes together.
    pub(crate) fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), spans: Vec::with_capacity(fields) }
    }

    /// Appends a field.
    ///
    /// # Panics
    ///
    /// If all names and values together reach 4 GiB: the caller has no limit on what it sends.
    pub(crate) fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.push_field(Field { name: name.as_ref(), value: value.as_ref(), sensitive: false });
    }

    /// Appends a field that no hop may put into a compression table (RFC 7541 7.1.3).
    ///
    /// # Panics
    ///
    /// As [`Headers::push`].
    pub(crate) fn push_sensitive(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.push_field(Field { name: name.as_ref(), value: value.as_ref(), sensitive: true });
    }

    /// Appends `field` as it stands.
    ///
    /// # Panics
    ///
    /// As [`Headers::push`].
    #[inline]
    pub(crate) fn push_field(&mut self, field: Field<'_>) {
        self.bytes.extend_from_slice(field.name);
        let name_end = self.position();
        self.bytes.extend_from_slice(field.value);
        let value_end = self.position();
        self.spans.push(Span { name_end, value_end, sensitive: field.sensitive });
    }

    /// The fields in order.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { bytes: &self.bytes, spans: self.spans.iter(), start: 0 }
    }

    /// The value of the first field called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The size that SETTINGS_MAX_HEADER_LIST_SIZE speaks of: name, value and 32 for every field.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.spans.len() * FIELD_OVERHEAD
    }

    fn position(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("a header list is smaller than 4 GiB")
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let span = self.spans.next()?;
        let (name_end, value_end) = (span.name_end as usize, span.value_end as usize);
        let name = &self.bytes[self.start..name_end];
        let value = &self.bytes[name_end..value_end];
        self.start = value_end;
        Some(Field { name, value, sensitive: span.sensitive })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Headers {
    type Item = Field<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in fields {
            headers.push(name, value);
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self).finish()
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.name.escape_ascii())?;
        if self.sensitive {
            return formatter.write_str("(sensitive)");
        }
        write!(formatter, "{}", self.value.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let mut headers = Headers::new();
        headers.push(":path", "/hello.Greeter/SayHello");
        headers.push("x-user", "alice");
        headers.push_sensitive(b"authorization", b"Bearer s3cret");
        headers.push("x-user", "");
        headers
    }

    /// A list gives back what was put in, in order, repeated names and empty values too.
    #[test]
    fn fields_keep_their_order() {
        let headers = sample();
        let names: Vec<&[u8]> = headers.iter().map(|field| field.name).collect();
        let values: Vec<&[u8]> = headers.iter().map(|field| field.value).collect();
        assert_eq!(names, [&b":path"[..], b"x-user", b"authorization", b"x-user"]);
        assert_eq!(values, [&b"/hello.Greeter/SayHello"[..], b"alice", b"Bearer s3cret", b""]);
        assert_eq!(headers.iter().len(), headers.len());
    }

    /// `get` finds the first field of a name, and none for a name that is not there.
    #[test]
    fn get_finds_the_first_of_a_name() {
        let headers = sample();
        assert_eq!(headers.get("x-user"), Some(&b"alice"[..]));
        assert_eq!(headers.get("x-use"), None);
        assert_eq!(Headers::new().get(""), None);
    }

    /// RFC 9113 6.5.2: the size of a list is its names and values, and 32 for every field.
    #[test]
    fn size_charges_32_for_every_field() {
        assert_eq!(Headers::new().size(), 0);
        let mut headers = Headers::new();
        headers.push("", "");
        assert_eq!(headers.size(), 32);
        headers.push("abc", "de");
        assert_eq!(headers.size(), 32 + 37);
    }

    /// RFC 7541 7.1.3: what is sensitive is marked, is part of equality, and is never printed.
    #[test]
    fn sensitive_values_are_not_printed() {
        let headers = sample();
        let text = format!("{headers:?}");
        assert!(text.contains("authorization: (sensitive)"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("x-user: alice"), "{text}");
        let mut open = Headers::new();
        open.push("a", "b");
        let mut hidden = Headers::new();
        hidden.push_sensitive("a", "b");
        assert_ne!(open, hidden);
    }

    /// The boundary between name and value is part of equality.
    #[test]
    fn the_same_bytes_cut_elsewhere_are_another_list() {
        let one: Headers = [("ab", "c")].into_iter().collect();
        let other: Headers = [("a", "bc")].into_iter().collect();
        assert_ne!(one, other);
    }
}
