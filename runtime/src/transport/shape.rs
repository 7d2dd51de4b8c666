//! Which threads drive connections.

use std::ffi::OsStr;
use std::io;
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
    *chosen().as_ref().unwrap_or(&ThreadShape::Callers)
}

/// Whether the environment names a shape that there is, or none.
///
/// # Errors
///
/// What it says, and what was expected.
pub(crate) fn check_shape() -> io::Result<()> {
    let invalid = |text: &String| io::Error::new(io::ErrorKind::InvalidInput, text.clone());
    chosen().as_ref().map(|_| ()).map_err(invalid)
}

fn chosen() -> &'static Result<ThreadShape, String> {
    static CHOSEN: OnceLock<Result<ThreadShape, String>> = OnceLock::new();
    CHOSEN.get_or_init(|| named(std::env::var_os(VARIABLE).as_deref()))
}

fn named(name: Option<&OsStr>) -> Result<ThreadShape, String> {
    match name {
        None => Ok(ThreadShape::Callers),
        Some(name) if name.is_empty() || name == "callers" => Ok(ThreadShape::Callers),
        Some(name) if name == "readers" => Ok(ThreadShape::Readers),
        Some(name) => Err(format!("{VARIABLE} is {name:?}, expected \"readers\" or \"callers\"")),
    }
}

const VARIABLE: &str = "RUST_GRPC_THREADS";

#[cfg(test)]
mod tests {
    use super::*;

    /// The environment names a shape, or none; another word is told, and not taken for either.
    #[test]
    fn a_shape_has_a_name() {
        let named = |name: &str| named(Some(OsStr::new(name)));
        assert_eq!(super::named(None), Ok(ThreadShape::Callers));
        assert_eq!(["", "callers"].map(named), [const { Ok(ThreadShape::Callers) }; 2]);
        assert_eq!(named("readers"), Ok(ThreadShape::Readers));
        let told = named("reader").unwrap_err();
        assert_eq!(told, "RUST_GRPC_THREADS is \"reader\", expected \"readers\" or \"callers\"");
    }
}
