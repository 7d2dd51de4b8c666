//! The static table (RFC 7541 appendix A).

/// How many entries the static table has; the dynamic table's first one has the index after it.
pub(super) const LEN: usize = 61;

/// The name and value of the entry at `index`, which counts from 1.
#[inline]
pub(super) fn get(index: usize) -> Option<(&'static [u8], &'static [u8])> {
    let (name, value) = ENTRIES.get(index.checked_sub(1)?)?;
    Some((name.as_bytes(), value.as_bytes()))
}

/// The index of the entry of this value among the `count` entries from `first` on, which are all
/// that have their name.
pub(super) fn find_value(first: usize, count: usize, value: &[u8]) -> Option<usize> {
    let same_name = &ENTRIES[first - 1..first - 1 + count];
    let position = same_name.iter().position(|entry| entry.1.as_bytes() == value)?;
    Some(first + position)
}

#[rustfmt::skip]
pub(super) const ENTRIES: [(&str, &str); LEN] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541 appendix A: indices count from 1 to 61.
    #[test]
    fn static_indices_count_from_1_to_61() {
        assert_eq!(get(0), None);
        assert_eq!(get(1), Some((&b":authority"[..], &b""[..])));
        assert_eq!(get(2), Some((&b":method"[..], &b"GET"[..])));
        assert_eq!(get(16), Some((&b"accept-encoding"[..], &b"gzip, deflate"[..])));
        assert_eq!(get(31), Some((&b"content-type"[..], &b""[..])));
        assert_eq!(get(61), Some((&b"www-authenticate"[..], &b""[..])));
        assert_eq!(get(62), None);
    }

    /// A value is looked for among the entries of its name and nowhere else.
    #[test]
    fn values_are_found_among_entries_of_their_name() {
        assert_eq!(find_value(2, 2, b"POST"), Some(3));
        assert_eq!(find_value(8, 7, b"500"), Some(14));
        assert_eq!(find_value(8, 7, b"503"), None);
        assert_eq!(find_value(4, 2, b"http"), None);
        assert_eq!(find_value(1, 1, b""), Some(1));
        assert_eq!(find_value(61, 1, b"Basic"), None);
    }
}
