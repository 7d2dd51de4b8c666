//! The field names that the encoder knows, and what it does with their values.
//!
//! A name is found by one multiplication-free hash and one comparison. That no two of them share a
//! slot is checked when the crate is compiled.

use super::static_table;

/// Whether a field's value goes into the dynamic table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Of few values on one connection: inserted at first sight.
    Stable,
    /// Unknown to us: inserted when the same value is seen again, so that values which are never
    /// repeated do not push out those that are.
    Repeated,
    /// Of another value in every call: never inserted.
    Volatile,
    /// A secret: never inserted, by any hop (RFC 7541 7.1.3).
    Sensitive,
}

/// A name that the encoder knows.
#[derive(Debug)]
pub(super) struct Known {
    name: &'static [u8],
    /// The first entry of this name in the static table, or 0.
    pub(super) static_index: u8,
    /// How many entries of this name the static table has.
    pub(super) static_count: u8,
    pub(super) policy: Policy,
}

/// What is known of `name`.
pub(super) fn find(name: &[u8]) -> Option<&'static Known> {
    if name.len() < NAME_LEN_MIN {
        return None;
    }
    let known = KNOWN.get(usize::from(SLOTS[slot(name)]))?;
    (known.name == name).then_some(known)
}

const fn slot(name: &[u8]) -> usize {
    let (first, middle, late) = (name[0], name[name.len() / 2], name[name.len() - 2]);
    (name.len() * 3 + first as usize * 17 + middle as usize + late as usize * 13) % SLOT_COUNT
}

const fn fill_slots() -> [u8; SLOT_COUNT] {
    let mut slots = [NONE; SLOT_COUNT];
    let mut index = 0;
    while index < KNOWN.len() {
        assert!(KNOWN[index].name.len() >= NAME_LEN_MIN);
        let slot = slot(KNOWN[index].name);
        assert!(slots[slot] == NONE, "two names share a slot: choose other factors");
        slots[slot] = index as u8;
        index += 1;
    }
    slots
}

const fn known(name: &'static str, policy: Policy) -> Known {
    let (mut static_index, mut static_count, mut index) = (0, 0, static_table::LEN);
    while index > 0 {
        if equal(static_table::ENTRIES[index - 1].0, name) {
            static_index = index as u8;
            static_count += 1;
        }
        index -= 1;
    }
    Known { name: name.as_bytes(), static_index, static_count, policy }
}

const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

const NAME_LEN_MIN: usize = 2;
const SLOT_COUNT: usize = 256;
const NONE: u8 = u8::MAX;
const SLOTS: [u8; SLOT_COUNT] = fill_slots();

/// All names of the static table, and those of gRPC.
const KNOWN: [Known; 60] = [
    known(":authority", Policy::Stable),
    known(":method", Policy::Stable),
    known(":path", Policy::Stable),
    known(":scheme", Policy::Stable),
    known(":status", Policy::Stable),
    known("accept-charset", Policy::Repeated),
    known("accept-encoding", Policy::Stable),
    known("accept-language", Policy::Repeated),
    known("accept-ranges", Policy::Repeated),
    known("accept", Policy::Repeated),
    known("access-control-allow-origin", Policy::Repeated),
    known("age", Policy::Volatile),
    known("allow", Policy::Repeated),
    known("authorization", Policy::Sensitive),
    known("cache-control", Policy::Repeated),
    known("content-disposition", Policy::Repeated),
    known("content-encoding", Policy::Repeated),
    known("content-language", Policy::Repeated),
    known("content-length", Policy::Volatile),
    known("content-location", Policy::Volatile),
    known("content-range", Policy::Volatile),
    known("content-type", Policy::Stable),
    known("cookie", Policy::Sensitive),
    known("date", Policy::Volatile),
    known("etag", Policy::Volatile),
    known("expect", Policy::Repeated),
    known("expires", Policy::Volatile),
    known("from", Policy::Repeated),
    known("host", Policy::Repeated),
    known("if-match", Policy::Volatile),
    known("if-modified-since", Policy::Volatile),
    known("if-none-match", Policy::Volatile),
    known("if-range", Policy::Volatile),
    known("if-unmodified-since", Policy::Volatile),
    known("last-modified", Policy::Volatile),
    known("link", Policy::Repeated),
    known("location", Policy::Volatile),
    known("max-forwards", Policy::Repeated),
    known("proxy-authenticate", Policy::Repeated),
    known("proxy-authorization", Policy::Sensitive),
    known("range", Policy::Volatile),
    known("referer", Policy::Repeated),
    known("refresh", Policy::Repeated),
    known("retry-after", Policy::Volatile),
    known("server", Policy::Stable),
    known("set-cookie", Policy::Sensitive),
    known("strict-transport-security", Policy::Repeated),
    known("transfer-encoding", Policy::Repeated),
    known("user-agent", Policy::Stable),
    known("vary", Policy::Repeated),
    known("via", Policy::Repeated),
    known("www-authenticate", Policy::Repeated),
    known("te", Policy::Stable),
    known("grpc-encoding", Policy::Stable),
    known("grpc-accept-encoding", Policy::Stable),
    known("grpc-status", Policy::Stable),
    known("grpc-timeout", Policy::Volatile),
    known("grpc-message", Policy::Volatile),
    known("grpc-status-details-bin", Policy::Volatile),
    known("grpc-previous-rpc-attempts", Policy::Volatile),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every name of the static table is known, with the index of its first entry
    /// and how many there are; they stand together.
    #[test]
    fn all_names_of_the_static_table_are_known() {
        let mut first = 0;
        for (position, (name, _)) in static_table::ENTRIES.iter().enumerate() {
            if position == 0 || static_table::ENTRIES[position - 1].0 != *name {
                first = position + 1;
            }
            let known = find(name.as_bytes()).expect("a name of the static table");
            assert_eq!(usize::from(known.static_index), first, "{name}");
            let count = static_table::ENTRIES.iter().filter(|entry| entry.0 == *name).count();
            assert_eq!(usize::from(known.static_count), count, "{name}");
        }
    }

    /// A name that only resembles a known one is not known.
    #[test]
    fn names_that_only_resemble_are_unknown() {
        for name in ["", "t", "tf", "ve", ":pat", ":path2", "x-user", "Content-Type"] {
            assert!(find(name.as_bytes()).is_none(), "{name}");
        }
        assert_eq!(find(b"te").expect("te is known").static_index, 0);
    }
}
