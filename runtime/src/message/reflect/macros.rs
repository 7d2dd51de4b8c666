//! The macros by which generated code says what reflection needs to know: a line for each field.

/// Implements reflection for a generated message.
///
/// ```text
/// ::rust_grpc::reflect! {
///     message Order = super::FILE_ORDER_PROTO, 0, unknown [json text];
///     0 => implicit name;
///     1 => optional count;
///     2 => message main;
///     3 => repeated lines;
///     4 => map named;
///     5 => member choice 0;
/// }
/// ```
///
/// Behind the name: the file's static, the message's place in it (nested messages follow the one
/// that holds them, map entries count), the field that keeps unknown fields, and the formats. A
/// field's line: its position in the descriptor, its shape, its name in the struct and, for a member
/// of a oneof, the place in the oneof's enum.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect {
    (
        message $message:ident = $file:path, $place:literal, $unknown:ident [$($format:ident)*];
        $($index:literal => $shape:ident $field:ident $($member:literal)?;)*
    ) => {
        $crate::reflect_described! { $message = $file }

        #[allow(deprecated)]
        impl $crate::generated::reflect::Fields for $message {
            #[inline]
            fn descriptor(&self) -> $crate::message::MessageDescriptor<'_> {
                $file.message($place)
            }

            #[inline]
            fn field(&self, index: usize) -> $crate::message::FieldRef<'_> {
                match index {
                    $($index => $crate::reflect_field!($shape, &self.$field $(, $member)?),)*
                    _ => $crate::generated::reflect::no_field(index),
                }
            }

            #[inline]
            fn visit_set(
                &self,
                visit: &mut $crate::generated::reflect::SetVisitor<'_>,
            ) -> ::core::ops::ControlFlow<()> {
                $($crate::reflect_visit!($shape visit, $index, &self.$field $(, $member)?);)*
                let _ = visit;
                ::core::ops::ControlFlow::Continue(())
            }

            #[inline]
            fn field_mut(&mut self, index: usize) -> $crate::message::FieldMut<'_> {
                match index {
                    $($index => $crate::reflect_field!(mut $shape, &mut self.$field $(, $member)?),)*
                    _ => $crate::generated::reflect::no_field(index),
                }
            }

            #[inline]
            fn unknown_fields(&self) -> &$crate::UnknownFields {
                &self.$unknown
            }

            #[inline]
            fn unknown_fields_mut(&mut self) -> &mut $crate::UnknownFields {
                &mut self.$unknown
            }
        }

        $($crate::reflect_format!($format $message);)*
    };

    (debug $($debug:tt)*) => {
        $crate::reflect_debug! { $($debug)* }
    };

    (enum $enumeration:ident = $file:path;) => {
        $crate::reflect_described! { $enumeration = $file }

        #[allow(deprecated)]
        impl $crate::generated::reflect::Element for $enumeration {
            #[inline]
            fn value(&self) -> $crate::generated::reflect::ValueRef<'_> {
                $crate::generated::reflect::ValueRef::Enum($crate::Enumeration::number(*self))
            }

            #[inline]
            fn from_value(
                value: $crate::generated::reflect::Value,
            ) -> ::core::result::Result<Self, $crate::generated::reflect::ValueError> {
                $crate::generated::reflect::enumeration(value)
            }

            #[inline]
            fn is_default(&self) -> bool {
                $crate::Enumeration::number(*self) == 0
            }
        }
    };

    (oneof $oneof:ident; $($place:literal => $member:ident;)*) => {
        #[allow(deprecated)]
        impl $crate::generated::reflect::Oneof for $oneof {
            #[inline]
            fn value(
                &self,
                member: usize,
            ) -> ::core::option::Option<$crate::generated::reflect::ValueRef<'_>> {
                match (member, self) {
                    $(($place, Self::$member(value)) => ::core::option::Option::Some(
                        $crate::generated::reflect::Element::value(value),
                    ),)*
                    _ => ::core::option::Option::None,
                }
            }

            #[inline]
            fn from_value(
                member: usize,
                value: $crate::generated::reflect::Value,
            ) -> ::core::result::Result<Self, $crate::generated::reflect::ValueError> {
                match member {
                    $($place => ::core::result::Result::map(
                        $crate::generated::reflect::Element::from_value(value),
                        Self::$member,
                    ),)*
                    _ => $crate::generated::reflect::no_field(member),
                }
            }

            #[inline]
            fn message_mut(
                &mut self,
                member: usize,
            ) -> ::core::option::Option<&mut dyn $crate::message::Reflect> {
                match (member, self) {
                    $(($place, Self::$member(value)) => {
                        $crate::generated::reflect::Element::message_mut(value)
                    })*
                    _ => ::core::option::Option::None,
                }
            }

            #[inline]
            fn new_message(member: usize) -> ::core::option::Option<Self> {
                match member {
                    $($place => ::core::option::Option::map(
                        $crate::generated::reflect::Element::new_message(),
                        Self::$member,
                    ),)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    };
}

/// One field, by its shape.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_field {
    (mut implicit, $field:expr) => {
        $crate::generated::reflect::implicit_mut($field)
    };
    (mut optional, $field:expr) => {
        $crate::generated::reflect::optional_mut($field)
    };
    (mut message, $field:expr) => {
        $crate::generated::reflect::message_mut($field)
    };
    (mut repeated, $field:expr) => {
        $crate::generated::reflect::repeated_mut($field)
    };
    (mut map, $field:expr) => {
        $crate::generated::reflect::map_mut($field)
    };
    (mut member, $field:expr, $member:literal) => {
        $crate::generated::reflect::member_mut($field, $member)
    };
    ($shape:ident, $field:expr $(, $member:literal)?) => {
        $crate::generated::reflect::$shape($field $(, $member)?)
    };
}

/// Gives a field to the visitor if it is set: asked first, so that nothing is made of what is not.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_visit {
    (implicit $visit:ident, $index:literal, $field:expr) => {
        if !$crate::generated::reflect::Element::is_default($field) {
            $crate::reflect_visit!($visit, $index, $crate::generated::reflect::singular($field));
        }
    };
    (optional $visit:ident, $index:literal, $field:expr) => {
        if let ::core::option::Option::Some(value) = $field {
            $crate::reflect_visit!($visit, $index, $crate::generated::reflect::singular(value));
        }
    };
    (message $visit:ident, $index:literal, $field:expr) => {
        if let ::core::option::Option::Some(value) = $crate::MessageField::as_ref($field) {
            $crate::reflect_visit!($visit, $index, $crate::generated::reflect::singular(value));
        }
    };
    (member $visit:ident, $index:literal, $field:expr, $member:literal) => {
        if let ::core::option::Option::Some(oneof) = $field {
            let value = $crate::generated::reflect::Oneof::value(oneof, $member);
            if let ::core::option::Option::Some(value) = value {
                $crate::reflect_visit!($visit, $index, $crate::message::FieldRef::Singular(value));
            }
        }
    };
    // Lists and maps.
    ($shape:ident $visit:ident, $index:literal, $field:expr) => {
        if !$field.is_empty() {
            $crate::reflect_visit!($visit, $index, $crate::generated::reflect::$shape($field));
        }
    };
    ($visit:ident, $index:literal, $value:expr) => {
        if $visit($index, $value).is_break() {
            return ::core::ops::ControlFlow::Break(());
        }
    };
}

/// What a message can be printed as and parsed from, as far as the runtime has the features: the crate
/// of the generated code need not know.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_format {
    (json $message:ident) => {
        $crate::reflect_json!($message);
        $crate::reflect_serde!($message);
    };
    (text $message:ident) => {
        $crate::reflect_text!($message);
    };
}

/// JSON, with the feature `json`.
#[cfg(feature = "json")]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_json {
    ($message:ident) => {
        #[allow(deprecated)]
        impl $crate::message::Json for $message {}
    };
}

/// JSON, with the feature `json`.
#[cfg(not(feature = "json"))]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_json {
    ($message:ident) => {};
}

/// The text format, with the feature `text`.
#[cfg(feature = "text")]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_text {
    ($message:ident) => {
        #[allow(deprecated)]
        impl $crate::message::Text for $message {}
    };
}

/// The text format, with the feature `text`.
#[cfg(not(feature = "text"))]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_text {
    ($message:ident) => {};
}

/// serde's traits, with the feature `serde`.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_serde {
    ($message:ident) => {
        #[allow(deprecated)]
        impl $crate::generated::serde::Serialize for $message {
            fn serialize<S: $crate::generated::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::generated::serde::serialize(self, serializer)
            }
        }

        #[allow(deprecated)]
        impl<'de> $crate::generated::serde::Deserialize<'de> for $message {
            fn deserialize<D: $crate::generated::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::generated::serde::deserialize(deserializer)
            }
        }
    };
}

/// serde's traits, with the feature `serde`.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_serde {
    ($message:ident) => {};
}
