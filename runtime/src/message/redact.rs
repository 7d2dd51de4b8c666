//! `debug_redact`: fields that `Debug` does not show.
//!
//! Messages and oneofs with such a field do not derive `Debug`; the generated line names their
//! fields, and which of them are hidden. Whether one is set is hidden as well.

use std::fmt::{self, Debug, Formatter};

/// Stands in for a value that is not to be shown.
pub struct Redacted;

impl Debug for Redacted {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(REDACTED)
    }
}

/// For generated code: a name without the mark of a raw identifier.
pub fn debug_name(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// What protobuf prints in place of a hidden value.
pub(super) const REDACTED: &str = "[REDACTED]";
