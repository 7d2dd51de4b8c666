//! (module transport)
