//! Options that have a path: a package, a type or a field, and what is meant for it.

use syn::parse::Parser;

/// `.proto.path=::rust::path`: what lies under the first is found under the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExternPath {
    /// A package, message or enum, with its leading dot.
    pub(crate) proto: String,
    /// An absolute Rust path.
    pub(crate) rust: String,
}

/// `.proto.path=#[attribute]`, for the element of that name and all that lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// A package, message, enum, oneof or field, with its leading dot.
    pub(crate) proto: String,
    /// One or more outer attributes.
    pub(crate) rust: String,
}

/// `.proto.path=btree`, for the map fields of that name and all that lie in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MapChoice {
    /// A package, message or field, with its leading dot; `.` is everything.
    pub(super) proto: String,
    pub(super) kind: MapKind,
}

/// What a map field is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKind {
    Hash,
    Btree,
}

/// The elements that an option with a path changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppliesTo {
    /// Messages, enums and oneofs: `type_attribute`.
    Types,
    /// Fields and oneofs: `field_attribute`.
    Fields,
    /// Map fields: `map`.
    Maps,
    /// Fields of type `bytes`, and maps with such values: `bytes`.
    Bytes,
}

impl AppliesTo {
    /// The option that changes these elements.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Types => "type_attribute",
            Self::Fields => "field_attribute",
            Self::Maps => "map",
            Self::Bytes => "bytes",
        }
    }

    /// One of these elements, for a person.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Types => "message, enum or oneof",
            Self::Fields => "field",
            Self::Maps => "map field",
            Self::Bytes => "field of bytes",
        }
    }
}

impl Attribute {
    /// Whether the attribute is meant for the element of this name (with its leading dot).
    pub(crate) fn covers(&self, full_name: &str) -> bool {
        lies_in(full_name, &self.proto)
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let (proto, rust) = proto_and_rust(value)?;
        let attributes = syn::Attribute::parse_outer.parse_str(rust).ok()?;
        (!attributes.is_empty()).then(|| Self { proto, rust: rust.to_owned() })
    }
}

impl MapChoice {
    /// Whether the choice is meant for the field of this name (with its leading dot).
    pub(super) fn covers(&self, full_name: &str) -> bool {
        lies_in(full_name, &self.proto)
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let (proto, kind) = match value.contains('=') {
            true => proto_and_rust(value)?,
            false => (".".to_owned(), value),
        };
        let kind = match kind {
            "hash" => MapKind::Hash,
            "btree" => MapKind::Btree,
            _ => return None,
        };
        Some(Self { proto, kind })
    }
}

/// Whether `name` is `outer` or lies in it; both with their leading dot, `.` holds everything.
pub(crate) fn lies_in(name: &str, outer: &str) -> bool {
    match name.strip_prefix(outer) {
        Some(rest) => outer == "." || rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// An absolute path (`::name::…` or `crate::…`): it has to mean the same in every module.
pub(super) fn rust_path(value: &str) -> Option<String> {
    let path: syn::Path = syn::parse_str(value).ok()?;
    let from_crate = path.leading_colon.is_none() && path.segments.first()?.ident == "crate";
    let names = path.segments.iter().skip(usize::from(from_crate));
    let relative = ["self", "Self", "super", "crate"];
    let absolute = (path.leading_colon.is_some() || from_crate)
        && names.into_iter().all(|segment| relative.iter().all(|word| segment.ident != word));
    let plain = path.segments.iter().all(|segment| segment.arguments.is_none());
    (absolute && plain).then(|| value.split_whitespace().collect())
}

/// A path with its leading dot, and what stands behind the `=`.
pub(super) fn proto_and_rust(value: &str) -> Option<(String, &str)> {
    let (proto, rust) = value.split_once('=')?;
    Some((proto_path(proto.trim())?, rust.trim()))
}

/// The name of an element with its leading dot, or `.` for everything.
pub(super) fn proto_path(value: &str) -> Option<String> {
    let names = value.strip_prefix('.')?;
    let readable = names.is_empty() || names.split('.').all(is_word);
    readable.then(|| value.to_owned())
}

/// Whether protoc would take it for an identifier.
pub(crate) fn is_word(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    /// Maps are kept as the last option says whose path covers them; without one they are hash maps.
    #[test]
    fn the_last_covering_path_says_what_a_map_is() {
        let options = Options::parse("map=.a=btree,map=.a.B=hash,map=.a.B.c=btree").unwrap();
        for (field, kind) in [
            (".x.Y.z", MapKind::Hash),
            (".a.Y.z", MapKind::Btree),
            (".a.B.z", MapKind::Hash),
            (".a.B.c", MapKind::Btree),
            (".a.B.cd", MapKind::Hash),
        ] {
            assert_eq!(options.map_kind(field), kind, "{field}");
        }
        assert_eq!(Options::parse("map=btree").unwrap().map_kind(".a.B.c"), MapKind::Btree);
        assert_eq!(
            Options::parse("map=.a=btree,map=hash").unwrap().map_kind(".a.B.c"),
            MapKind::Hash
        );
    }

    /// The paths of `bytes` add up, and `.` is everything.
    #[test]
    fn paths_of_bytes_add_up() {
        let options = Options::parse("bytes=.a.B,bytes=.c.D.data").unwrap();
        for (field, shares) in
            [(".a.B.x", true), (".a.C.x", false), (".c.D.data", true), (".c.D.dat", false)]
        {
            assert_eq!(options.shares_bytes(field), shares, "{field}");
        }
        assert!(Options::parse("bytes=.").unwrap().shares_bytes(".a.B.x"));
    }

    /// A path covers the element it names and what lies in it, never a longer name.
    #[test]
    fn a_path_ends_at_a_dot() {
        assert!(lies_in(".a.B", ".a.B") && lies_in(".a.B.c", ".a.B") && lies_in(".a.B", "."));
        assert!(!lies_in(".a.Bc", ".a.B") && !lies_in(".a", ".a.B"));
    }
}
