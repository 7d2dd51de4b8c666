//! Versions of protoc, and which one an input needs.
//!
//! Invariant: the old numbers (3.21.12) come before the new ones (22.0 and up), as they did in time.

use std::fmt;

use super::scan::{Facts, Language};

/// A version of protoc, down to the part that decides what it understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    order: (u32, u32),
    text: String,
}

/// The oldest protoc that understands the input, and the file that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Major and minor.
    oldest: (u32, u32),
    /// "greeter.proto says edition 2024", nothing where any protoc will do.
    reason: Option<String>,
}

impl Version {
    /// Reads what `protoc --version` prints: `libprotoc 36.2`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let text = line.trim().strip_prefix("libprotoc ")?;
        let mut parts = text.split(['.', '-']).map(|part| part.parse::<u32>().ok());
        let major = parts.next().flatten()?;
        let minor = parts.next().flatten().unwrap_or(0);
        Some(Self { order: (major, minor), text: text.to_owned() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Need {
    /// Any protoc that knows proto3.
    pub(crate) fn least() -> Self {
        Self { oldest: (3, 0), reason: None }
    }

    /// Takes account of one more file.
    pub(crate) fn add(&mut self, name: &str, facts: &Facts) {
        let (oldest, what) = match &facts.language {
            Language::Proto2 => return,
            Language::Proto3 if facts.proto3_optional => (PROTO3_OPTIONAL, "has proto3 optional"),
            Language::Proto3 => return,
            Language::Edition(edition) => match edition.as_str() {
                "2023" => (EDITION_2023, "says edition 2023"),
                "2024" => (EDITION_2024, "says edition 2024"),
                "2026" => (EDITION_2026, "says edition 2026"),
                // Which protoc knows it, nobody can know yet: protoc itself will say so.
                _ => (EDITION_2026, "says a newer edition"),
            },
        };
        if self.oldest < oldest {
            *self = Self { oldest, reason: Some(format!("{name} {what}")) };
        }
    }

    /// Whether this protoc will do.
    pub(crate) fn is_met_by(&self, version: &Version) -> bool {
        self.oldest <= version.order
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.oldest;
        match &self.reason {
            Some(reason) => write!(formatter, "{reason}, which needs protoc ")?,
            None => write!(formatter, "the input needs protoc ")?,
        }
        match minor {
            0 => write!(formatter, "{major} or newer"),
            _ => write!(formatter, "{major}.{minor} or newer"),
        }
    }
}

/// `optional` in proto3 without an experimental flag.
const PROTO3_OPTIONAL: (u32, u32) = (3, 15);
const EDITION_2023: (u32, u32) = (27, 0);
const EDITION_2024: (u32, u32) = (32, 0);
const EDITION_2026: (u32, u32) = (36, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(&format!("libprotoc {text}\n")).expect("a version")
    }

    fn need(source: &str) -> Need {
        let mut need = Need::least();
        need.add("a.proto", &Facts::of(source));
        need
    }

    /// 3.21 is older than 22.0, and a release candidate counts as its release.
    #[test]
    fn versions_are_ordered_as_they_came_out() {
        let need = need("edition = \"2023\";");
        for (text, expected) in [
            ("3.21.12", false),
            ("26.1", false),
            ("27.0", true),
            ("27.0-rc1", true),
            ("36.2", true),
        ] {
            assert_eq!(need.is_met_by(&version(text)), expected, "{text}");
        }
        assert_eq!(Version::parse("protoc 3"), None);
        assert_eq!(Version::parse("libprotoc x"), None);
    }

    /// Each language asks for the first protoc that knows it.
    #[test]
    fn each_language_asks_for_the_first_protoc_that_knows_it() {
        let check = |source: &str, expected: &str| assert_eq!(need(source).to_string(), expected);
        check("syntax = \"proto3\";", "the input needs protoc 3 or newer");
        check(
            "syntax = \"proto3\"; message M { optional int32 a = 1; }",
            "a.proto has proto3 optional, which needs protoc 3.15 or newer",
        );
        check("edition = \"2023\";", "a.proto says edition 2023, which needs protoc 27 or newer");
        check("edition = \"2024\";", "a.proto says edition 2024, which needs protoc 32 or newer");
        check("edition = \"2026\";", "a.proto says edition 2026, which needs protoc 36 or newer");
    }

    /// The file that asks for most decides.
    #[test]
    fn the_most_demanding_file_decides() {
        let mut need = need("edition = \"2024\";");
        need.add("b.proto", &Facts::of("edition = \"2023\";"));
        assert!(need.to_string().starts_with("a.proto says edition 2024"));
    }
}
