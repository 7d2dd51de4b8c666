//! The only names that generated code may use.

/// What generated message types use: no client, no server.
pub mod message {
    // The bodies of generated functions import all of this, so that `Some` means this one even
    // beside a message of that name.
    pub use core::option::Option::{None, Some};

    pub use crate::message::enumeration::debug_enumeration;
    pub use crate::message::group::Delimited;
    pub use crate::message::kind::{
        Bool, ByteStr, Bytes, Double, Enum, Fixed32, Fixed64, Float, Int32, Int64, Kind, Nested,
        Packable, Scalar, Sfixed32, Sfixed64, Sint32, Sint64, Str, Uint32, Uint64,
    };
    pub use crate::message::redact::{Redacted, debug_name};
    pub use crate::message::required::{check, check_each, check_field, require};
    #[cfg(feature = "bytes")]
    pub use crate::message::shared_bytes::SharedBytes;
    pub use crate::message::{FieldWriter, Reader, Writer};
    pub use crate::{closed_member, merge_member};
}

/// What the reflection of generated types uses; the macro `reflect` names it.
pub mod reflect {
    pub use crate::message::generated_file::{Described, GeneratedFile};
    #[cfg(feature = "reflect")]
    pub use crate::message::reflect::generated::*;
}

/// What generated types use with the feature `serde`.
#[cfg(feature = "serde")]
pub mod serde {
    pub use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub use crate::message::json::serde::{deserialize, serialize};
}

/// What the generated constants of extensions use.
pub mod extension {
    pub use super::message::{
        Bool, ByteStr, Bytes, Delimited, Double, Enum, Fixed32, Fixed64, Float, Int32, Int64,
        Nested, Sfixed32, Sfixed64, Sint32, Sint64, Str, Uint32, Uint64,
    };
    pub use crate::message::Extension;
    pub use crate::message::shape::{
        Closed, ClosedExpanded, ClosedPacked, Expanded, Item, Packed, Repeated, Singular,
    };
}

/// What generated service traits, servers and stubs use.
pub mod service {
    pub use crate::client::stub::{
        bidirectional, client_streaming, server_streaming, unary, unary_pending,
    };
    pub use crate::grpc::codec::Protobuf;
    #[cfg(feature = "prost")]
    pub use crate::grpc::prost_codec::Prost;
    pub use crate::server::{ServerCall, unimplemented};
}

/// The shape of generated code that this runtime serves. Every generated file names the constant
/// of its generator: a runtime that no longer serves it does not have it.
pub const GENERATED_CODE_VERSION_1: () = ();
