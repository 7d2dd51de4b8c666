//! The kinds of fields: one zero-sized type for each scalar type of the .proto language, [`Enum`]
//! and [`Nested`].
//!
//! A kind says how one value is written and read, and nothing about how often or under which
//! number.

use std::marker::PhantomData;

use super::field_writer::FieldWriter;
use super::reader::Reader;
use super::varint::{unzigzag32, unzigzag64, zigzag32, zigzag64};
use super::{
    ByteString, DecodeError, Enumeration, FIXED32, FIXED64, LENGTH_DELIMITED, Message,
    MissingField, VARINT,
};

/// How one value is written and read.
pub trait Kind {
    /// The Rust type of the field.
    type Value: Default + 'static;

    /// The wire type in the field's tag.
    const WIRE_TYPE: u32;

    /// Bytes that a new value allocates before anything is read into it.
    const HEAP_SIZE: usize = 0;

    /// Writes the value with its tag.
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Self::Value);

    /// Replaces the value; a message is merged into.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    fn read(reader: &mut Reader<'_>, value: &mut Self::Value) -> Result<(), DecodeError>;

    /// Whether every required field in the value is set.
    ///
    /// # Errors
    ///
    /// The first one that is not.
    fn check(_: &Self::Value) -> Result<(), MissingField> {
        Ok(())
    }
}

/// Kinds that may have no presence, so that their default is not written.
pub trait Scalar: Kind {
    /// Whether the value is the default. -0.0 is not.
    fn is_default(value: &Self::Value) -> bool;
}

/// Kinds that may be packed: numbers, `bool` and enums.
pub trait Packable: Scalar {
    /// Writes the values one after the other.
    fn write_packed(writer: &mut FieldWriter<'_, '_>, values: &[Self::Value]);

    /// Appends all that `reader` holds, the values of a packed field.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    fn read_packed(reader: Reader<'_>, values: &mut Vec<Self::Value>) -> Result<(), DecodeError>;
}

/// `int32`. Negative numbers take 10 bytes; what comes is cut to 32 bits.
pub struct Int32;
/// `int64`.
pub struct Int64;
/// `uint32`. What comes is cut to 32 bits.
pub struct Uint32;
/// `uint64`.
pub struct Uint64;
/// `sint32`.
pub struct Sint32;
/// `sint64`.
pub struct Sint64;
/// `bool`. Any varint other than 0 is `true`.
pub struct Bool;
/// An enum. What comes is cut to 32 bits. Only open ones are read this way.
pub struct Enum<E>(PhantomData<E>);
/// `fixed32`.
pub struct Fixed32;
/// `fixed64`.
pub struct Fixed64;
/// `sfixed32`.
pub struct Sfixed32;
/// `sfixed64`.
pub struct Sfixed64;
/// `float`.
pub struct Float;
/// `double`.
pub struct Double;
/// `string`: UTF-8, and refused if it is not.
pub struct Str;
/// `bytes`.
pub struct Bytes;
/// `string` that may be anything.
pub struct ByteStr;
/// A message, `M` or `Box<M>`.
pub struct Nested<M>(PhantomData<M>);

macro_rules! varint_kind {
    ([$($generics:tt)*] $kind:ty, $value:ty, $encode:expr, $decode:expr) => {
        impl $($generics)* Kind for $kind {
            type Value = $value;
            const WIRE_TYPE: u32 = VARINT;

            #[inline(always)]
            fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m $value) {
                writer.head(number, VARINT, $encode(*value));
            }

            #[inline(always)]
            fn read(reader: &mut Reader<'_>, value: &mut $value) -> Result<(), DecodeError> {
                *value = $decode(reader.varint()?);
                Ok(())
            }
        }

        impl $($generics)* Scalar for $kind {
            #[inline]
            fn is_default(value: &$value) -> bool {
                *value == <$value>::default()
            }
        }

        impl $($generics)* Packable for $kind {
            #[inline(always)]
            fn write_packed(writer: &mut FieldWriter<'_, '_>, values: &[$value]) {
                writer.varints(values, $encode);
            }

            #[inline]
            fn read_packed(
                reader: Reader<'_>,
                values: &mut Vec<$value>,
            ) -> Result<(), DecodeError> {
                reader.varints(values, $decode)
            }
        }
    };
}

// protobuf encoding: int32 is sign-extended to 64 bits, so that int32 and int64 are compatible.
varint_kind!([] Int32, i32, |value: i32| i64::from(value).cast_unsigned(), |raw: u64| raw as i32);
varint_kind!([] Int64, i64, i64::cast_unsigned, u64::cast_signed);
varint_kind!([] Uint32, u32, u64::from, |raw: u64| raw as u32);
varint_kind!([] Uint64, u64, |value: u64| value, |raw: u64| raw);
varint_kind!([] Sint32, i32, |value| u64::from(zigzag32(value)), |raw: u64| unzigzag32(raw as u32));
varint_kind!([] Sint64, i64, zigzag64, unzigzag64);
varint_kind!([] Bool, bool, u64::from, |raw: u64| raw != 0);
varint_kind!(
    [<E: Enumeration>] Enum<E>,
    E,
    |value: E| i64::from(value.number()).cast_unsigned(),
    |raw: u64| E::from_number(raw as i32).unwrap_or_default()
);

macro_rules! fixed_kind {
    ($kind:ty, $value:ty, $wire_type:expr, $bits:expr) => {
        impl Kind for $kind {
            type Value = $value;
            const WIRE_TYPE: u32 = $wire_type;

            #[inline(always)]
            fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m $value) {
                let tag = number << 3 | $wire_type;
                if tag < 0x80 {
                    let mut bytes = [0; 1 + size_of::<$value>()];
                    bytes[0] = tag as u8;
                    bytes[1..].copy_from_slice(&value.to_le_bytes());
                    writer.prepend_chunk(bytes);
                } else {
                    writer.prepend_chunk(value.to_le_bytes());
                    writer.tag(number, $wire_type);
                }
            }

            #[inline(always)]
            fn read(reader: &mut Reader<'_>, value: &mut $value) -> Result<(), DecodeError> {
                *value = <$value>::from_le_bytes(*reader.chunk()?);
                Ok(())
            }
        }

        impl Scalar for $kind {
            #[inline]
            fn is_default(value: &$value) -> bool {
                $bits(*value) == 0
            }
        }

        impl Packable for $kind {
            #[inline(always)]
            fn write_packed(writer: &mut FieldWriter<'_, '_>, values: &[$value]) {
                writer.chunks(values, <$value>::to_le_bytes);
            }

            #[inline]
            fn read_packed(
                reader: Reader<'_>,
                values: &mut Vec<$value>,
            ) -> Result<(), DecodeError> {
                reader.chunks(values, <$value>::from_le_bytes)
            }
        }
    };
}

fixed_kind!(Fixed32, u32, FIXED32, u64::from);
fixed_kind!(Fixed64, u64, FIXED64, u64::from);
fixed_kind!(Sfixed32, i32, FIXED32, i64::from);
fixed_kind!(Sfixed64, i64, FIXED64, i64::from);
fixed_kind!(Float, f32, FIXED32, f32::to_bits);
fixed_kind!(Double, f64, FIXED64, f64::to_bits);

impl Kind for Str {
    type Value = String;
    const WIRE_TYPE: u32 = LENGTH_DELIMITED;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m String) {
        writer.length_delimited(number, value.as_bytes());
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut String) -> Result<(), DecodeError> {
        reader.text_into(value)
    }
}

impl Scalar for Str {
    #[inline]
    fn is_default(value: &String) -> bool {
        value.is_empty()
    }
}

impl Kind for Bytes {
    type Value = Vec<u8>;
    const WIRE_TYPE: u32 = LENGTH_DELIMITED;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<u8>) {
        writer.length_delimited(number, value);
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut Vec<u8>) -> Result<(), DecodeError> {
        reader.bytes_into(value)
    }
}

impl Scalar for Bytes {
    #[inline]
    fn is_default(value: &Vec<u8>) -> bool {
        value.is_empty()
    }
}

impl Kind for ByteStr {
    type Value = ByteString;
    const WIRE_TYPE: u32 = LENGTH_DELIMITED;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m ByteString) {
        writer.length_delimited(number, value);
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut ByteString) -> Result<(), DecodeError> {
        Bytes::read(reader, value.as_mut_vec())
    }
}

impl Scalar for ByteStr {
    #[inline]
    fn is_default(value: &ByteString) -> bool {
        value.is_empty()
    }
}

impl<M: Message> Kind for Nested<M> {
    type Value = M;
    const WIRE_TYPE: u32 = LENGTH_DELIMITED;
    const HEAP_SIZE: usize = M::HEAP_SIZE;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m M) {
        writer.nested(number, value);
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut M) -> Result<(), DecodeError> {
        reader.merge_into(value)
    }

    fn check(value: &M) -> Result<(), MissingField> {
        value.check_required()
    }
}
