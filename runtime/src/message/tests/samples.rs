//! Messages in exactly the shape that the generator writes, `crate` in place of `::rust_grpc`.
//!
//! ```proto
//! package sample;
//! enum Mood { MOOD_UNSPECIFIED = 0; MOOD_HAPPY = 1; MOOD_GLAD = 1; MOOD_SAD = -1; }
//! message Scalars { double double = 1; … string text = 14; bytes bytes = 15; Mood mood = 16; }
//! message Optionals { the same, each optional }
//! message Lists { the same, each repeated; unpacked int32 = 17; Point points = 18; }
//! message Point { sint32 x = 1; sint32 y = 2; }
//! message Tree { string name = 1; Tree parent = 2; repeated Tree children = 3; Point place = 4;
//!   oneof content { string text = 5; Point point = 6; Tree tree = 7; uint32 number = 8;
//!   Mood mood = 9; }
//!   map<string, Tree> named = 10; map<int32, string> texts = 11; map<bool, Mood> moods = 12;
//!   map<fixed64, bytes> blobs = 13; }
//! ```

#![allow(clippy::use_self, reason = "generated code writes names out")]

use crate::generated::message::{FieldWriter, Reader};
use crate::{DecodeError, Enumeration, Message, MessageField, UnknownFields};

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Mood(pub(super) i32);

#[allow(non_upper_case_globals, dead_code)]
impl Mood {
    pub(super) const Unspecified: Self = Self(0);
    pub(super) const Happy: Self = Self(1);
    pub(super) const Glad: Self = Self(1);
    pub(super) const Sad: Self = Self(-1);
}

impl Enumeration for Mood {
    const FULL_NAME: &'static str = "sample.Mood";
    const NAMES: &'static [(&'static str, i32)] =
        &[("MOOD_UNSPECIFIED", 0), ("MOOD_HAPPY", 1), ("MOOD_GLAD", 1), ("MOOD_SAD", -1)];

    fn from_number(number: i32) -> Option<Self> {
        Some(Self(number))
    }

    fn number(self) -> i32 {
        self.0
    }
}

impl ::core::fmt::Debug for Mood {
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        let constants = &["Unspecified", "Happy", "Glad", "Sad"];
        crate::generated::message::debug_enumeration(*self, "Mood", constants, formatter)
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Point {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) unknown: UnknownFields,
}

impl Message for Point {
    const FULL_NAME: &'static str = "sample.Point";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.implicit::<Sint32>(2, &self.y);
        writer.implicit::<Sint32>(1, &self.x);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                8 => reader.singular::<Sint32>(&mut self.x),
                16 => reader.singular::<Sint32>(&mut self.y),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

/// A message with one field of each scalar type, in a row of forms that differ in field types and
/// calls.
macro_rules! scalar_message {
    ($message:ident, $name:literal, $type:ident, $call:ident, [
        $($field:ident: $value:ty, $kind:ty, $number:literal, $tag:literal;)*
    ]) => {
        #[derive(Clone, PartialEq, Default, Debug)]
        pub(super) struct $message {
            $(pub(super) $field: $type<$value>,)*
            pub(super) unknown: UnknownFields,
        }

        impl Message for $message {
            const FULL_NAME: &'static str = $name;

            fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
                writer.unknown(&self.unknown);
                scalar_message!(@write self, writer, $call, [$($field, $kind, $number;)*]);
                writer.room_left()
            }

            fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
                use crate::generated::message::*;
                while let Some(tag) = reader.next_tag()? {
                    let read = match tag {
                        $($tag => scalar_message!(@read $call, reader, $kind, &mut self.$field),)*
                        tag => reader.unknown(tag, &mut self.unknown),
                    };
                    read?;
                }
                Ok(())
            }
        }
    };
    (@write $self:ident, $writer:ident, $call:ident, []) => {};
    (@write $self:ident, $writer:ident, $call:ident, [
        $field:ident, $kind:ty, $number:literal; $($rest:tt)*
    ]) => {
        scalar_message!(@write $self, $writer, $call, [$($rest)*]);
        {
            use crate::generated::message::*;
            $writer.$call::<$kind>($number, &$self.$field);
        }
    };
    (@read implicit, $reader:ident, $kind:ty, $place:expr) => { $reader.singular::<$kind>($place) };
    (@read optional, $reader:ident, $kind:ty, $place:expr) => { $reader.optional::<$kind>($place) };
}

type Plain<T> = T;

scalar_message!(Scalars, "sample.Scalars", Plain, implicit, [
    double: f64, Double, 1, 9;
    float: f32, Float, 2, 21;
    int32: i32, Int32, 3, 24;
    int64: i64, Int64, 4, 32;
    uint32: u32, Uint32, 5, 40;
    uint64: u64, Uint64, 6, 48;
    sint32: i32, Sint32, 7, 56;
    sint64: i64, Sint64, 8, 64;
    fixed32: u32, Fixed32, 9, 77;
    fixed64: u64, Fixed64, 10, 81;
    sfixed32: i32, Sfixed32, 11, 93;
    sfixed64: i64, Sfixed64, 12, 97;
    bool: bool, Bool, 13, 104;
    text: String, Str, 14, 114;
    bytes: Vec<u8>, Bytes, 15, 122;
    mood: Mood, Enum<_>, 16, 128;
]);

scalar_message!(Optionals, "sample.Optionals", Option, optional, [
    double: f64, Double, 1, 9;
    float: f32, Float, 2, 21;
    int32: i32, Int32, 3, 24;
    int64: i64, Int64, 4, 32;
    uint32: u32, Uint32, 5, 40;
    uint64: u64, Uint64, 6, 48;
    sint32: i32, Sint32, 7, 56;
    sint64: i64, Sint64, 8, 64;
    fixed32: u32, Fixed32, 9, 77;
    fixed64: u64, Fixed64, 10, 81;
    sfixed32: i32, Sfixed32, 11, 93;
    sfixed64: i64, Sfixed64, 12, 97;
    bool: bool, Bool, 13, 104;
    text: String, Str, 14, 114;
    bytes: Vec<u8>, Bytes, 15, 122;
    mood: Mood, Enum<_>, 16, 128;
]);

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Lists {
    pub(super) double: ::std::vec::Vec<f64>,
    pub(super) float: ::std::vec::Vec<f32>,
    pub(super) int32: ::std::vec::Vec<i32>,
    pub(super) int64: ::std::vec::Vec<i64>,
    pub(super) uint32: ::std::vec::Vec<u32>,
    pub(super) uint64: ::std::vec::Vec<u64>,
    pub(super) sint32: ::std::vec::Vec<i32>,
    pub(super) sint64: ::std::vec::Vec<i64>,
    pub(super) fixed32: ::std::vec::Vec<u32>,
    pub(super) fixed64: ::std::vec::Vec<u64>,
    pub(super) sfixed32: ::std::vec::Vec<i32>,
    pub(super) sfixed64: ::std::vec::Vec<i64>,
    pub(super) bool: ::std::vec::Vec<bool>,
    pub(super) text: ::std::vec::Vec<::std::string::String>,
    pub(super) bytes: ::std::vec::Vec<::std::vec::Vec<u8>>,
    pub(super) mood: ::std::vec::Vec<Mood>,
    pub(super) unpacked: ::std::vec::Vec<i32>,
    pub(super) points: ::std::vec::Vec<Point>,
    pub(super) unknown: UnknownFields,
}

impl Message for Lists {
    const FULL_NAME: &'static str = "sample.Lists";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.repeated::<Nested<_>>(18, &self.points);
        writer.repeated::<Int32>(17, &self.unpacked);
        writer.packed::<Enum<_>>(16, &self.mood);
        writer.repeated::<Bytes>(15, &self.bytes);
        writer.repeated::<Str>(14, &self.text);
        writer.packed::<Bool>(13, &self.bool);
        writer.packed::<Sfixed64>(12, &self.sfixed64);
        writer.packed::<Sfixed32>(11, &self.sfixed32);
        writer.packed::<Fixed64>(10, &self.fixed64);
        writer.packed::<Fixed32>(9, &self.fixed32);
        writer.packed::<Sint64>(8, &self.sint64);
        writer.packed::<Sint32>(7, &self.sint32);
        writer.packed::<Uint64>(6, &self.uint64);
        writer.packed::<Uint32>(5, &self.uint32);
        writer.packed::<Int64>(4, &self.int64);
        writer.packed::<Int32>(3, &self.int32);
        writer.packed::<Float>(2, &self.float);
        writer.packed::<Double>(1, &self.double);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                10 => reader.packed::<Double>(&mut self.double),
                9 => reader.repeated::<Double>(&mut self.double),
                18 => reader.packed::<Float>(&mut self.float),
                21 => reader.repeated::<Float>(&mut self.float),
                26 => reader.packed::<Int32>(&mut self.int32),
                24 => reader.repeated::<Int32>(&mut self.int32),
                34 => reader.packed::<Int64>(&mut self.int64),
                32 => reader.repeated::<Int64>(&mut self.int64),
                42 => reader.packed::<Uint32>(&mut self.uint32),
                40 => reader.repeated::<Uint32>(&mut self.uint32),
                50 => reader.packed::<Uint64>(&mut self.uint64),
                48 => reader.repeated::<Uint64>(&mut self.uint64),
                58 => reader.packed::<Sint32>(&mut self.sint32),
                56 => reader.repeated::<Sint32>(&mut self.sint32),
                66 => reader.packed::<Sint64>(&mut self.sint64),
                64 => reader.repeated::<Sint64>(&mut self.sint64),
                74 => reader.packed::<Fixed32>(&mut self.fixed32),
                77 => reader.repeated::<Fixed32>(&mut self.fixed32),
                82 => reader.packed::<Fixed64>(&mut self.fixed64),
                81 => reader.repeated::<Fixed64>(&mut self.fixed64),
                90 => reader.packed::<Sfixed32>(&mut self.sfixed32),
                93 => reader.repeated::<Sfixed32>(&mut self.sfixed32),
                98 => reader.packed::<Sfixed64>(&mut self.sfixed64),
                97 => reader.repeated::<Sfixed64>(&mut self.sfixed64),
                106 => reader.packed::<Bool>(&mut self.bool),
                104 => reader.repeated::<Bool>(&mut self.bool),
                114 => reader.repeated::<Str>(&mut self.text),
                122 => reader.repeated::<Bytes>(&mut self.bytes),
                130 => reader.packed::<Enum<_>>(&mut self.mood),
                128 => reader.repeated::<Enum<_>>(&mut self.mood),
                138 => reader.packed::<Int32>(&mut self.unpacked),
                136 => reader.repeated::<Int32>(&mut self.unpacked),
                146 => reader.repeated::<Nested<_>>(&mut self.points),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Tree {
    pub(super) name: ::std::string::String,
    pub(super) parent: MessageField<::std::boxed::Box<Tree>>,
    pub(super) children: ::std::vec::Vec<Tree>,
    pub(super) place: MessageField<Point>,
    pub(super) content: ::core::option::Option<tree::Content>,
    pub(super) named: ::std::collections::HashMap<::std::string::String, Tree>,
    pub(super) texts: ::std::collections::HashMap<i32, ::std::string::String>,
    pub(super) moods: ::std::collections::HashMap<bool, Mood>,
    pub(super) blobs: ::std::collections::HashMap<u64, ::std::vec::Vec<u8>>,
    pub(super) unknown: UnknownFields,
}

pub(super) mod tree {
    #[derive(Clone, PartialEq, Debug)]
    pub(in crate::message::tests) enum Content {
        Text(::std::string::String),
        Point(super::Point),
        Tree(::std::boxed::Box<super::Tree>),
        Number(u32),
        Mood(super::Mood),
    }
}

impl Message for Tree {
    const FULL_NAME: &'static str = "sample.Tree";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        use crate::generated::message::*;
        writer.unknown(&self.unknown);
        writer.map::<Fixed64, Bytes>(13, &self.blobs);
        writer.map::<Bool, Enum<_>>(12, &self.moods);
        writer.map::<Int32, Str>(11, &self.texts);
        writer.map::<Str, Nested<_>>(10, &self.named);
        match &self.content {
            ::core::option::Option::Some(tree::Content::Text(value)) => {
                writer.singular::<Str>(5, value);
            }
            ::core::option::Option::Some(tree::Content::Point(value)) => {
                writer.singular::<Nested<_>>(6, value);
            }
            ::core::option::Option::Some(tree::Content::Tree(value)) => {
                writer.singular::<Nested<_>>(7, value);
            }
            ::core::option::Option::Some(tree::Content::Number(value)) => {
                writer.singular::<Uint32>(8, value);
            }
            ::core::option::Option::Some(tree::Content::Mood(value)) => {
                writer.singular::<Enum<_>>(9, value);
            }
            ::core::option::Option::None => {}
        }
        writer.field(4, &self.place);
        writer.repeated::<Nested<_>>(3, &self.children);
        writer.field(2, &self.parent);
        writer.implicit::<Str>(1, &self.name);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        use crate::generated::message::*;
        while let Some(tag) = reader.next_tag()? {
            let read = match tag {
                10 => reader.singular::<Str>(&mut self.name),
                18 => reader.field(&mut self.parent),
                26 => reader.repeated::<Nested<_>>(&mut self.children),
                34 => reader.field(&mut self.place),
                42 => reader.oneof::<Str, _>(&mut self.content, tree::Content::Text),
                50 => match &mut self.content {
                    Some(tree::Content::Point(value)) => reader.merge_into(value),
                    other => reader.oneof::<Nested<_>, _>(other, tree::Content::Point),
                },
                58 => match &mut self.content {
                    Some(tree::Content::Tree(value)) => reader.merge_into(value),
                    other => reader.oneof::<Nested<_>, _>(other, tree::Content::Tree),
                },
                64 => reader.oneof::<Uint32, _>(&mut self.content, tree::Content::Number),
                72 => reader.oneof::<Enum<_>, _>(&mut self.content, tree::Content::Mood),
                82 => reader.map::<Str, Nested<_>>(&mut self.named),
                90 => reader.map::<Int32, Str>(&mut self.texts),
                98 => reader.map::<Bool, Enum<_>>(&mut self.moods),
                106 => reader.map::<Fixed64, Bytes>(&mut self.blobs),
                tag => reader.unknown(tag, &mut self.unknown),
            };
            read?;
        }
        Ok(())
    }
}

/// A tree with something in every field.
pub(super) fn full_tree() -> Tree {
    let leaf = |name: &str| Tree { name: name.into(), ..Default::default() };
    Tree {
        name: "root ✓".into(),
        parent: leaf("parent").into(),
        children: vec![leaf("a"), Tree::default(), leaf("c")],
        place: Point { x: -1, y: 300, ..Default::default() }.into(),
        content: Some(tree::Content::Tree(Box::new(leaf("inner")))),
        named: [("x".into(), leaf("X")), ("é".into(), Tree::default())].into(),
        texts: [(-5, "minus five".into()), (0, String::new())].into(),
        moods: [(true, Mood::Sad), (false, Mood(17))].into(),
        blobs: [(u64::MAX, vec![0, 255])].into(),
        unknown: UnknownFields::new(),
    }
}
