//! (module message)
