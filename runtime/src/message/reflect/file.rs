//! What the descriptor of a generated file says, once somebody asks.

use super::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};
use crate::message::GeneratedFile;

impl GeneratedFile {
    /// What the file declares.
    ///
    /// # Panics
    ///
    /// If the bytes are not what the generator wrote.
    pub fn descriptor(&'static self) -> &'static FileDescriptor {
        self.built.get_or_init(|| {
            let dependencies = self.dependencies.iter().map(|file| file().descriptor().clone());
            match FileDescriptor::generated(self.bytes(), dependencies.collect()) {
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
