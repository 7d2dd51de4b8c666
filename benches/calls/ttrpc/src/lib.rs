//! The generated code.

include!(concat!(env!("OUT_DIR"), "/all.rs"));
