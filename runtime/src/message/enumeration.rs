//! Open enums: newtypes over `i32` whose constants read like variants.

use std::fmt::{self, Debug, Formatter};
use std::hash::Hash;

use super::redact::debug_name;

/// A protobuf enum.
///
/// Generated enums are open: a number that the .proto does not name is kept, and travels on when
/// the message is encoded again. Each named value is a constant of the type.
///
/// # Examples
///
/// ```
/// use rust_grpc::Enumeration;
/// # #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
/// # struct Mood(i32);
/// # #[allow(non_upper_case_globals)]
/// # impl Mood { const Happy: Self = Self(1); }
/// # impl Enumeration for Mood {
/// #     const FULL_NAME: &'static str = "hello.Mood";
/// #     const NAMES: &'static [(&'static str, i32)] =
/// #         &[("MOOD_UNSPECIFIED", 0), ("MOOD_HAPPY", 1)];
/// #     fn from_number(number: i32) -> Option<Self> { Some(Self(number)) }
/// #     fn number(self) -> i32 { self.0 }
/// # }
///
/// assert_eq!(Mood::from_number(1), Some(Mood::Happy));
/// assert_eq!(Mood::Happy.name(), Some("MOOD_HAPPY"));
/// assert_eq!(Mood::from_name("MOOD_HAPPY"), Some(Mood::Happy));
/// assert_eq!(Mood(17).name(), None);
/// ```
pub trait Enumeration:
    Copy + Default + Eq + Ord + Hash + Debug + Send + Sync + Sized + 'static
{
    /// The full name of the enum, such as `hello.Mood`.
    const FULL_NAME: &'static str;

    /// The values in the order of the .proto, under the names they have there; the first of several
    /// names for one number is the canonical one.
    const NAMES: &'static [(&'static str, i32)];

    /// The value with this number. An open enum has one for every number, a closed enum only for
    /// those that it names.
    fn from_number(number: i32) -> Option<Self>;

    /// The number of this value.
    fn number(self) -> i32;

    /// The name of this value in the .proto, if it has one there.
    fn name(self) -> Option<&'static str> {
        let number = self.number();
        Self::NAMES.iter().find(|(_, named)| *named == number).map(|(name, _)| *name)
    }

    /// The value with this name in the .proto.
    fn from_name(name: &str) -> Option<Self> {
        let entry = Self::NAMES.iter().find(|(known, _)| *known == name)?;
        Self::from_number(entry.1)
    }
}

/// Implements [`Enumeration`] and `Debug` for a generated open enum: the names of its constants, and
/// what they are called in the .proto.
///
/// ```text
/// ::rust_grpc::open_enumeration! { Mood = "hello.Mood"; Happy = "MOOD_HAPPY"; }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! open_enumeration {
    ($type:ident = $full_name:literal; $($constant:ident = $name:literal;)*) => {
        #[allow(deprecated)]
        impl $crate::Enumeration for $type {
            const FULL_NAME: &'static str = $full_name;
            const NAMES: &'static [(&'static str, i32)] = &[$(($name, Self::$constant.0)),*];

            #[inline]
            fn from_number(number: i32) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self(number))
            }

            #[inline]
            fn number(self) -> i32 {
                self.0
            }
        }

        #[allow(deprecated)]
        impl ::core::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::generated::message::debug_enumeration(
                    *self,
                    ::core::stringify!($type),
                    &[$(::core::stringify!($constant)),*],
                    formatter,
                )
            }
        }
    };
}

/// Formats an open enum as its constant's name, or as `Mood(17)` where it has none.
///
/// `constants[i]` is the Rust name of the value `E::NAMES[i]`.
///
/// # Errors
///
/// What the formatter gives.
pub fn debug_enumeration<E: Enumeration>(
    value: E,
    type_name: &'static str,
    constants: &[&'static str],
    formatter: &mut Formatter<'_>,
) -> fmt::Result {
    let number = value.number();
    let index = E::NAMES.iter().position(|(_, named)| *named == number);
    match index.and_then(|index| constants.get(index)) {
        Some(constant) => formatter.write_str(debug_name(constant)),
        None => write!(formatter, "{}({number})", debug_name(type_name)),
    }
}
