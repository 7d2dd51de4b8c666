//! The descriptor of a generated file: its bytes, and what they say once somebody asks.

use std::sync::OnceLock;

use super::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};

/// The descriptor of a .proto in generated code: the bytes of its `FileDescriptorProto`, as protoc
/// gave them. They are read when the first descriptor is asked for.
pub struct GeneratedFile {
    bytes: &'static [u8],
    dependencies: &'static [fn() -> &'static Self],
    built: OnceLock<FileDescriptor>,
}

impl GeneratedFile {
    /// The file of these bytes; `dependencies` are the files whose types its fields, extensions and
    /// methods use.
    pub const fn new(bytes: &'static [u8], dependencies: &'static [fn() -> &'static Self]) -> Self {
        Self { bytes, dependencies, built: OnceLock::new() }
    }

    /// The encoded `FileDescriptorProto`, without source code info.
    pub const fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// What the file declares.
    ///
    /// # Panics
    ///
    /// If the bytes are not what the generator wrote.
    pub fn descriptor(&'static self) -> &'static FileDescriptor {
        self.built.get_or_init(|| {
            let dependencies = self.dependencies.iter().map(|file| file().descriptor().clone());
            match FileDescriptor::generated(self.bytes, dependencies.collect()) {
                Ok(file) => file,
                Err(error) => panic!("the descriptor in generated code is broken: {error}"),
            }
        })
    }

    /// The message at this place: nested messages follow the one that holds them.
    pub fn message(&'static self, index: usize) -> MessageDescriptor<'static> {
        self.descriptor().message(index)
    }

    /// The enum at this place: those of the file, then those of its messages.
    pub fn enumeration(&'static self, index: usize) -> EnumDescriptor<'static> {
        self.descriptor().enumeration(index)
    }
}

/// A generated message or enum that knows its file.
pub trait Described: 'static {
    /// The file.
    fn file() -> &'static GeneratedFile;
}

impl<M: Described> Described for Box<M> {
    fn file() -> &'static GeneratedFile {
        M::file()
    }
}
