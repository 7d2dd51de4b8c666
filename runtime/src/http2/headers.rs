//! A field section: the names and values of one header block, in order.
//!
//! All fields stand in one piece of memory, each behind its lengths, so that a list costs one
//! allocation however many fields it has. A list that comes again and again is shared: its clones
//! are the same memory until one of them is changed.
//! The list is opaque bytes: what a field must look like (RFC 9113 8.2) is checked elsewhere.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The fields of one header block, in the order of the wire.
///
/// A name may occur more than once. Names are compared byte by byte: HTTP/2 has lower case names
/// only.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    records: Records,
    len: usize,
}

/// One field of [`Headers`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Never to be indexed by any hop (RFC 7541 6.2.3), and hidden by `Debug`.
    pub(crate) sensitive: bool,
}

/// Every field as [`RECORD_HEAD`] bytes of lengths, the name and the value.
#[derive(Clone)]
enum Records {
    Own(Vec<u8>),
    Shared(Arc<Shared>),
}

/// The memory of all clones of a list.
struct Shared {
    records: Vec<u8>,
    /// What somebody has read from them.
    reading: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// The fields of [`Headers`] in order, made by [`Headers::iter`].
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    records: &'a [u8],
    left: usize,
}

/// What a field costs beyond its bytes (RFC 7541 4.1, RFC 9113 6.5.2).
pub(crate) const FIELD_OVERHEAD: usize = 32;

/// The lengths of name and value in four bytes each; the highest bit of the first marks a field that
/// is sensitive.
pub(super) const RECORD_HEAD: usize = 8;
const SENSITIVE: u32 = 1 << 31;

impl Headers {
    /// An empty list, which has allocated nothing.
    pub(crate) const fn new() -> Self {
        Self { records: Records::Own(Vec::new()), len: 0 }
    }

    /// An empty list with room for `fields` fields of `bytes` bytes together.
    pub(crate) fn with_capacity(fields: usize, bytes: usize) -> Self {
        let room = fields.saturating_mul(RECORD_HEAD).saturating_add(bytes);
        Self { records: Records::Own(Vec::with_capacity(room)), len: 0 }
    }

    /// Appends a field.
    ///
    /// # Panics
    ///
    /// If a name or a value reaches 2 GiB: the caller has no limit on what it sends.
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
        Self::write_record(field, self.records.to_mut());
        self.len += 1;
    }

    /// Makes every clone from now on share this list's memory.
    pub(crate) fn share(&mut self) {
        if let Records::Own(records) = &mut self.records {
            let mut records = std::mem::take(records);
            records.shrink_to_fit();
            self.records = Records::Shared(Arc::new(Shared { records, reading: OnceLock::new() }));
        }
    }

    /// What was read from this list, or from another clone of it, and [kept](Self::keep_reading).
    #[inline]
    pub(crate) fn reading<T: Any>(&self) -> Option<&T> {
        match &self.records {
            Records::Own(_) => None,
            Records::Shared(shared) => shared.reading.get()?.downcast_ref(),
        }
    }

    /// Keeps what was read from this list for whoever reads the same list again, if there may be
    /// somebody: if the list is shared. It must follow from the list alone, and from what is the same
    /// for all lists of the connection. Only the first reading is kept.
    pub(crate) fn keep_reading<T: Any + Send + Sync>(&self, reading: impl FnOnce() -> T) {
        if let Records::Shared(shared) = &self.records {
            shared.reading.get_or_init(|| Box::new(reading()));
        }
    }

    /// Whether this list and `other` are the same memory, so that what was read from the one holds
    /// for the other.
    #[inline]
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        match (&self.records, &other.records) {
            (Records::Shared(one), Records::Shared(other)) => Arc::ptr_eq(one, other),
            (Records::Own(_) | Records::Shared(_), _) => false,
        }
    }

    /// This list once more, if that is the same memory.
    pub(super) fn same(&self) -> Option<Self> {
        matches!(self.records, Records::Shared(_)).then(|| self.clone())
    }

    /// The fields in order.
    #[inline]
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { records: self.records.as_slice(), left: self.len }
    }

    /// The value of the first field called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The size that SETTINGS_MAX_HEADER_LIST_SIZE speaks of: name, value and 32 for every field.
    pub(crate) fn size(&self) -> usize {
        self.records.as_slice().len() + self.len * (FIELD_OVERHEAD - RECORD_HEAD)
    }

    /// The list of `len` fields that stand in `records`.
    pub(super) fn of_records(records: Vec<u8>, len: usize) -> Self {
        Self { records: Records::Own(records), len }
    }

    /// Appends `field` to `records`.
    #[inline]
    pub(super) fn write_record(field: Field<'_>, records: &mut Vec<u8>) {
        records.reserve(RECORD_HEAD + field.name.len() + field.value.len());
        records.extend_from_slice(&record_head(field));
        records.extend_from_slice(field.name);
        records.extend_from_slice(field.value);
    }

    /// The field at the front of `records`, and the records behind it.
    #[inline]
    pub(super) fn first_record(records: &[u8]) -> Option<(Field<'_>, &[u8])> {
        first(records)
    }

    /// The whole list as bytes: equal for equal lists, and for no others.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.records.as_slice()
    }
}

impl Records {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(records) => records,
            Self::Shared(shared) => &shared.records,
        }
    }

    /// The list for a change, which no clone sees.
    #[inline]
    fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Self::Shared(shared) = self {
            *self = Self::Own(shared.records.clone());
        }
        match self {
            Self::Own(records) => records,
            Self::Shared(_) => unreachable!("was copied above"),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

#[inline]
fn record_head(field: Field<'_>) -> [u8; RECORD_HEAD] {
    let length = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length < SENSITIVE);
        length.expect("a name or a value is smaller than 2 GiB")
    };
    let mark = if field.sensitive { SENSITIVE } else { 0 };
    let [a, b, c, d] = (length(field.name) | mark).to_le_bytes();
    let [e, f, g, h] = length(field.value).to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The field at the front of `records`, and what stands behind it.
#[inline]
fn first(records: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let ([a, b, c, d, e, f, g, h], rest) = records.split_first_chunk::<RECORD_HEAD>()?;
    let name_len = u32::from_le_bytes([*a, *b, *c, *d]);
    let value_len = u32::from_le_bytes([*e, *f, *g, *h]);
    let (name, rest) = rest.split_at_checked((name_len & !SENSITIVE) as usize)?;
    let (value, rest) = rest.split_at_checked(value_len as usize)?;
    Some((Field { name, value, sensitive: name_len & SENSITIVE != 0 }, rest))
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Headers {}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let (field, rest) = first(self.records)?;
        self.records = rest;
        self.left -= 1;
        Some(field)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
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

    /// Clones of a shared list are the same memory; a change of one is seen in no other.
    #[test]
    fn a_shared_list_is_copied_when_it_is_changed() {
        let mut headers = sample();
        headers.share();
        let mut changed = headers.clone();
        assert!(changed.is_shared_with(&headers) && changed == headers);
        changed.push("x-user", "bob");
        assert!(!changed.is_shared_with(&headers));
        assert_eq!((headers.len(), changed.len()), (4, 5));
        assert_eq!(headers, sample());
        assert!(!sample().is_shared_with(&headers));
    }

    /// What was read from a shared list is found in every clone of it, and in no changed one.
    #[test]
    fn what_was_read_is_kept_with_the_list() {
        let own = sample();
        own.keep_reading(|| 1u32);
        assert_eq!(own.reading::<u32>(), None);
        let mut shared = sample();
        shared.share();
        let mut clone = shared.clone();
        shared.keep_reading(|| 2u32);
        clone.keep_reading(|| 3u32);
        assert_eq!((clone.reading::<u32>(), clone.reading::<u64>()), (Some(&2), None));
        clone.push("x-user", "bob");
        assert_eq!((clone.reading::<u32>(), shared.reading()), (None, Some(&2u32)));
    }

    /// The boundary between name and value is part of equality.
    #[test]
    fn the_same_bytes_cut_elsewhere_are_another_list() {
        let one: Headers = [("ab", "c")].into_iter().collect();
        let other: Headers = [("a", "bc")].into_iter().collect();
        assert_ne!(one, other);
    }
}
