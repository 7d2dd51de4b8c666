//! The getters of members of oneofs that have a default.

/// The value of a member of a oneof, or its default while the member is not set. For generated code.
///
/// ```text
/// ::rust_grpc::member_or!(self.choice, order::Choice::Count, 7)
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! member_or {
    ($self:ident.$field:ident, $($member:ident)::+, $default:expr) => {
        match &$self.$field {
            ::core::option::Option::Some($($member)::+(value)) => *value,
            _ => $default,
        }
    };
}

/// As [`member_or`], for members that are given as slices.
#[doc(hidden)]
#[macro_export]
macro_rules! slice_or {
    ($self:ident.$field:ident, $($member:ident)::+, $default:expr) => {
        match &$self.$field {
            ::core::option::Option::Some($($member)::+(value)) => &**value,
            _ => $default,
        }
    };
}
