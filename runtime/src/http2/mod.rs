//! (module http2)

#[allow(dead_code, reason = "the other parts of the core are its users")]
mod headers;
#[allow(dead_code, reason = "the other parts of the core are its users")]
pub(crate) mod hpack;

#[allow(unused_imports, reason = "the other layers are its users")]
pub(crate) use headers::{Field, Headers};
