//! Which threads drive connections.

use std::sync::OnceLock;

/// Which threads drive connections; the choice of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadShape {
    /// A thread for each connection reads it and nothing else does.
    Readers,
    /// Callers read the connection that they wait on.
    Callers,
}

/// The shape of this process: [`ThreadShape::Callers`], unless the environment has
/// `RUST_GRPC_THREADS=readers`.
pub(crate) fn shape() -> ThreadShape {
    static SHAPE: OnceLock<ThreadShape> = OnceLock::new();
    *SHAPE.get_or_init(|| match std::env::var_os("RUST_GRPC_THREADS") {
        Some(name) if name == "readers" => ThreadShape::Readers,
        _ => ThreadShape::Callers,
    })
}
