//! The one error of this crate: text for a person, because nobody else reads it.
//!
//! Invariant: `Debug` prints what `Display` prints. A build script shows an error by `unwrap()`,
//! and what cargo then prints is `Debug`.

use std::fmt;

/// Why no code was generated.
///
/// `Display` and `Debug` both give the text for a person, so that `compile(..).unwrap()` in a build
/// script prints protoc's own message and not the innards of a struct.
pub struct Error {
    message: String,
    fault: Fault,
}

/// Who has to mend it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The call: an unknown option, no file named.
    Call,
    /// A file, a program or the machine.
    World,
}

impl Error {
    /// A fault in a file, in a program that was run, or of the machine.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), fault: Fault::World }
    }

    /// A fault of the caller: an option that does not exist, no input.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), fault: Fault::Call }
    }

    /// Whether the call itself is wrong, an unknown option for example, rather than a file that
    /// it names.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        self.fault == Fault::Call
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    /// `unwrap()` prints `Debug`: it has to read like `Display`.
    #[test]
    fn debug_prints_like_display() {
        let error = Error::new("greeter.proto:3:1: expected \";\"\nsecond line");
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(!error.is_usage());
        assert!(Error::usage("no file").is_usage());
    }
}
