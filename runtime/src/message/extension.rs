//! Extensions: fields that another .proto adds to a message, typed by the constants that the
//! generator writes for them.
//!
//! Their values live among the unknown fields of the message that they extend, as bytes. That is
//! why they travel on whether or not the program knows them; they are decoded when they are asked
//! for. Invariant: the unknown fields stay a sequence of whole, well-formed fields.
//!
//! Generated code has a constant for each extension, in the scope of its declaration, and one
//! `impl` for each message that has extension ranges:
//!
//! ```text
//! // extend Order { optional int32 priority = 100 [default = 5]; repeated Note notes = 101; }
//! pub const PRIORITY: ::rust_grpc::Extension<Order, i32> = {
//!     use ::rust_grpc::generated::extension::*;
//!     Extension::new::<Singular<Int32>>("acme.priority", 100).with_default(|| 5)
//! };
//! pub const NOTES: ::rust_grpc::Extension<Order, ::std::vec::Vec<Note>> = {
//!     use ::rust_grpc::generated::extension::*;
//!     Extension::new::<Repeated<Nested<_>>>("acme.notes", 101)
//! };
//!
//! impl ::rust_grpc::Extendable for Order {
//!     fn extension_fields(&self) -> &::rust_grpc::UnknownFields {
//!         &self.unknown
//!     }
//!     fn extension_fields_mut(&mut self) -> &mut ::rust_grpc::UnknownFields {
//!         &mut self.unknown
//!     }
//! }
//! ```
//!
//! | declaration | shape |
//! |---|---|
//! | optional scalar, string, bytes, open enum | `Singular<Int32>`, `Singular<Str>`, `Singular<ByteStr>`, `Singular<Enum<_>>` |
//! | message, group | `Singular<Nested<_>>`, `Singular<Delimited<_>>` |
//! | optional closed enum | `Closed<_>` |
//! | repeated string, bytes, message, group | `Repeated<Str>`, `Repeated<Nested<_>>`, ... |
//! | repeated number, bool or open enum, not packed | `Expanded<Int32>`, `Expanded<Enum<_>>` |
//! | the same, packed | `Packed<Int32>`, `Packed<Enum<_>>` |
//! | repeated closed enum, not packed, packed | `ClosedExpanded<_>`, `ClosedPacked<_>` |
//! | a message in a MessageSet | `Item<_>` |

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use super::budget::Budget;
use super::field_writer::FieldWriter;
use super::shape::Shape;
use super::{DecodeError, Message, MissingField, Reader, UnknownFields, Writer};

/// A field that another .proto adds to the message `E`, with values of type `T`.
///
/// Generated code has a constant for each; [`Extendable`] reads and sets them.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Extendable, Extension};
/// # use rust_grpc::{DecodeError, Message, UnknownFields};
/// # use rust_grpc::generated::message::{Reader, FieldWriter};
/// # use rust_grpc::generated::extension::{Int32, Packed, Singular, Str};
/// # #[derive(Clone, Debug, Default, PartialEq)]
/// # struct Order { unknown: UnknownFields }
/// # impl Message for Order {
/// #     const FULL_NAME: &'static str = "acme.Order";
/// #     fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize { writer.unknown(&self.unknown); writer.room_left() }
/// #     fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
/// #         while let Some(tag) = reader.next_tag()? { reader.unknown(tag, &mut self.unknown)?; }
/// #         Ok(())
/// #     }
/// # }
/// # impl Extendable for Order {
/// #     fn extension_fields(&self) -> &UnknownFields { &self.unknown }
/// #     fn extension_fields_mut(&mut self) -> &mut UnknownFields { &mut self.unknown }
/// # }
///
/// # const PRIORITY: Extension<Order, i32> =
/// #     Extension::new::<Singular<Int32>>("acme.priority", 100).with_default(|| 5);
/// # const SIZES: Extension<Order, Vec<i32>> = Extension::new::<Packed<Int32>>("acme.sizes", 101);
/// // extend Order { optional int32 priority = 100 [default = 5];
/// //                repeated int32 sizes = 101 [packed = true]; }
/// let mut order = Order::default();
/// assert!(!order.has_extension(&PRIORITY));
/// assert_eq!(order.extension(&PRIORITY)?, 5);
///
/// order.set_extension(&PRIORITY, 7);
/// order.set_extension(&SIZES, vec![1, 2]);
/// let received = Order::decode(&order.encode_to_vec())?;
/// assert_eq!(received.extension(&PRIORITY)?, 7);
/// assert_eq!(received.extension(&SIZES)?, [1, 2]);
/// # Ok::<(), DecodeError>(())
/// ```
pub struct Extension<E, T> {
    name: &'static str,
    number: u32,
    default: fn() -> T,
    merge: Merge<T>,
    write: for<'m> fn(&mut FieldWriter<'_, 'm>, u32, &'m T),
    is_at: fn(&Reader<'_>, u32, u32) -> bool,
    check: fn(&T) -> Result<(), MissingField>,
    extendee: PhantomData<fn(&E)>,
}

type Merge<T> = fn(&mut Reader<'_>, u32, &mut Option<T>) -> Result<(), DecodeError>;

impl<E, T: Default> Extension<E, T> {
    /// The extension `number` of `E`, of the full name `name`, whose values stand on the wire as
    /// the shape says. For generated code.
    pub const fn new<S: Shape<Value = T>>(name: &'static str, number: u32) -> Self {
        Self {
            name,
            number,
            default: T::default,
            merge: S::merge,
            write: S::write,
            is_at: S::is_at,
            check: S::check,
            extendee: PhantomData,
        }
    }
}

impl<E, T> Extension<E, T> {
    /// The same with another value where none is set. For generated code.
    #[must_use]
    pub const fn with_default(mut self, default: fn() -> T) -> Self {
        self.default = default;
        self
    }

    /// The full name in the .proto, such as `acme.priority`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The field number.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The value among `fields` of the message `extendee`; `None` if there is none.
    fn find(
        &self,
        extendee: &'static str,
        fields: &UnknownFields,
    ) -> Result<Option<T>, DecodeError> {
        let mut value = None;
        let mut budget = Budget::new(fields.as_bytes());
        let mut start = 0;
        self.read(budget.reader(fields.as_bytes()), &mut start, &mut value)
            .map_err(|error| error.in_extension(extendee, self.name, start))?;
        match value.as_ref().map_or(Ok(()), |value| (self.check)(value)) {
            Ok(()) => Ok(value),
            Err(missing) => Err(DecodeError::missing_in_extension(extendee, self.name, missing)),
        }
    }

    /// Reads the fields that are of this extension; `start` is where the last one began.
    fn read(
        &self,
        mut reader: Reader<'_>,
        start: &mut usize,
        value: &mut Option<T>,
    ) -> Result<(), DecodeError> {
        let size = reader.rest().len();
        loop {
            *start = size - reader.rest().len();
            match reader.next_tag()? {
                None => return Ok(()),
                Some(tag) if (self.is_at)(&reader, tag, self.number) => {
                    (self.merge)(&mut reader, tag, value)?;
                }
                Some(tag) => reader.skip(tag)?,
            }
        }
    }

    /// Leaves only the `fields` that are not of this extension.
    fn remove_from(&self, fields: &mut UnknownFields) {
        let mut kept = UnknownFields::new();
        // The bytes are well formed, and as deep as the limit under which they came.
        let mut budget = Budget::unlimited(fields.as_bytes());
        let mut reader = budget.reader(fields.as_bytes());
        loop {
            let before = reader.rest();
            let Ok(Some(tag)) = reader.next_tag() else { break };
            let is_ours = tag >> 3 == self.number || (self.is_at)(&reader, tag, self.number);
            if reader.skip(tag).is_err() {
                break;
            }
            if !is_ours {
                kept.push_fields(&before[..before.len() - reader.rest().len()]);
            }
        }
        *fields = kept;
    }
}

impl<E, T> Clone for Extension<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Extension<E, T> {}

impl<E, T> Debug for Extension<E, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Extension({} = {})", self.name, self.number)
    }
}

/// A message that other .protos may extend.
///
/// Generated code implements it for messages with extension ranges.
pub trait Extendable: Message {
    /// Where the values of extensions are.
    #[doc(hidden)]
    fn extension_fields(&self) -> &UnknownFields;

    /// Where the values of extensions are.
    #[doc(hidden)]
    fn extension_fields_mut(&mut self) -> &mut UnknownFields;

    /// The value of `extension`, or its default if none is set. A message that came in parts is
    /// merged, elements are gathered, and of other values the last one counts.
    ///
    /// # Errors
    ///
    /// If the bytes that came under the extension's number are no such value: they are not looked
    /// at before.
    fn extension<T>(&self, extension: &Extension<Self, T>) -> Result<T, DecodeError> {
        let found = extension.find(Self::FULL_NAME, self.extension_fields())?;
        Ok(found.unwrap_or_else(extension.default))
    }

    /// Whether a value is set, be it one that cannot be decoded.
    fn has_extension<T>(&self, extension: &Extension<Self, T>) -> bool {
        !matches!(extension.find(Self::FULL_NAME, self.extension_fields()), Ok(None))
    }

    /// Sets the value in the place of what is there.
    ///
    /// A required field that a message in it lacks is no error here and none when this message is
    /// encoded: an extension is bytes from now on, whose type encoding does not know. It is an error for
    /// who asks for the value, and for who decodes it with a
    /// pool, `DecodeOptions::pool`. [`Message::check_required`] on the value tells it beforehand.
    fn set_extension<T>(&mut self, extension: &Extension<Self, T>, value: impl Into<T>) {
        let mut writer = Writer::new();
        let value = value.into();
        writer.fields(|writer| (extension.write)(writer, extension.number, &value));
        let fields = self.extension_fields_mut();
        extension.remove_from(fields);
        fields.push_fields(writer.as_slice());
    }

    /// Leaves no value set.
    fn clear_extension<T>(&mut self, extension: &Extension<Self, T>) {
        extension.remove_from(self.extension_fields_mut());
    }
}
