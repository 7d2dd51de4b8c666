//! Stands in for the runtime's wires.

/// What a reactor watches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
}

impl Interest {
    pub(crate) const NONE: Self = Self { read: false };
    pub(crate) const READ: Self = Self { read: true };
}
