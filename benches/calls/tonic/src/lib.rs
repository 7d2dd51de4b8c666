//! What the client and the server share: the generated code and the choice of tokio's runtime.

use std::io;

use tokio::runtime::{Builder, Runtime};

pub mod perf {
    tonic::include_proto!("perf");
}

/// `current` is tokio's runtime of one thread, `multi` that of a thread for each processor.
///
/// # Errors
///
/// If it is none of both, or the system gives no threads.
pub fn runtime(name: &str) -> io::Result<Runtime> {
    match name {
        "current" => Builder::new_current_thread().enable_all().build(),
        "multi" => Builder::new_multi_thread().enable_all().build(),
        other => Err(io::Error::other(format!("expected current or multi, got {other}"))),
    }
}
