//! The descriptor of a generated file: the bytes that it has, whether or not there is reflection to
//! read them.

#[cfg(feature = "reflect")]
use std::sync::OnceLock;

#[cfg(feature = "reflect")]
use super::FileDescriptor;

/// The descriptor of a .proto in generated code: the bytes of its `FileDescriptorProto`, as protoc
/// gave them. With the feature `reflect` they are read when the first descriptor is asked for.
pub struct GeneratedFile {
    bytes: &'static [u8],
    #[cfg_attr(not(feature = "reflect"), expect(dead_code, reason = "reflection reads it"))]
    pub(super) dependencies: &'static [fn() -> &'static Self],
    #[cfg(feature = "reflect")]
    pub(super) built: OnceLock<FileDescriptor>,
}

impl GeneratedFile {
    /// The file of these bytes; `dependencies` are the files whose types its fields, extensions and
    /// methods use.
    pub const fn new(bytes: &'static [u8], dependencies: &'static [fn() -> &'static Self]) -> Self {
        Self {
            bytes,
            dependencies,
            #[cfg(feature = "reflect")]
            built: OnceLock::new(),
        }
    }

    /// The encoded `FileDescriptorProto`, without source code info.
    pub const fn bytes(&self) -> &'static [u8] {
        self.bytes
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

/// Implements [`Described`]: what generated code has of reflection in any case.
#[doc(hidden)]
#[macro_export]
macro_rules! reflect_described {
    ($described:ident = $file:path) => {
        #[allow(deprecated)]
        impl $crate::generated::reflect::Described for $described {
            #[inline]
            fn file() -> &'static $crate::generated::reflect::GeneratedFile {
                &$file
            }
        }
    };
}
