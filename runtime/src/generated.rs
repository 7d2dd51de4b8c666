//! The only names that generated code may use.

/// What generated message types use: no client, no server.
pub mod message {
    pub use crate::message::debug_enumeration;
    pub use crate::message::kind::{
        Bool, Bytes, Double, Enum, Fixed32, Fixed64, Float, Int32, Int64, Kind, Nested, Packable,
        Scalar, Sfixed32, Sfixed64, Sint32, Sint64, Str, Uint32, Uint64,
    };
    pub use crate::message::{Reader, Writer};
}

/// What generated service traits, servers and stubs use.
pub mod service {}
