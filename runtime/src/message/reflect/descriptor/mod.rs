//! Descriptors: what a .proto declares, linked and with its features resolved.
//!
//! A [`FileDescriptor`] owns what its file declares and holds the files that it imports; all others
//! are handles that borrow from one. Invariant: places and references in a file were checked when
//! it was built, so handles index without a check of their own.

mod build;
mod build_fields;
mod default;
mod enumeration;
mod extend;
mod features;
mod field;
mod file;
mod known_extensions;
mod message;
mod names;
mod service;

pub use build::DescriptorError;
pub use enumeration::{EnumDescriptor, EnumValueDescriptor};
pub use field::{Cardinality, FieldDescriptor, FieldKind};
pub use file::FileDescriptor;
pub use message::{MessageDescriptor, OneofDescriptor};
#[cfg(feature = "json")]
pub(in crate::message) use names::JsonKey;
pub use service::{MethodDescriptor, ServiceDescriptor};

/// A message or enum of this file, or of one that it uses.
#[derive(Clone, Copy, Debug)]
struct TypePlace {
    /// `None`: this file. Otherwise the place in [`file::FileParts::used`].
    file: Option<usize>,
    place: usize,
}

/// What a full name stands for.
#[derive(Clone, Copy, Debug)]
enum TypeAt {
    Message(usize),
    Enum(usize),
}

impl TypeAt {
    fn place(self) -> usize {
        match self {
            Self::Message(place) | Self::Enum(place) => place,
        }
    }
}
