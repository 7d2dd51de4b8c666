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

/// `Debug` of a message or a oneof with fields that are hidden.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_debug {
    (message $message:ident; $($how:ident $field:ident;)*) => {
        #[allow(deprecated)]
        impl ::core::fmt::Debug for $message {
            #[inline]
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut shown = formatter
                    .debug_struct($crate::generated::message::debug_name(stringify!($message)));
                $(shown.field(
                    $crate::generated::message::debug_name(stringify!($field)),
                    $crate::reflect_shown!($how &self.$field),
                );)*
                shown.finish()
            }
        }
    };

    (oneof $oneof:ident; $($how:ident $member:ident;)*) => {
        #[allow(deprecated)]
        impl ::core::fmt::Debug for $oneof {
            #[inline]
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    $(Self::$member(value) => formatter
                        .debug_tuple($crate::generated::message::debug_name(stringify!($member)))
                        .field($crate::reflect_shown!($how value))
                        .finish(),)*
                }
            }
        }
    };
}

/// What `Debug` shows of a field: all of it, or that it is hidden.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_shown {
    (show $value:expr) => {
        $value
    };
    (redact $value:expr) => {{
        let _ = $value;
        &$crate::generated::message::Redacted
    }};
}
