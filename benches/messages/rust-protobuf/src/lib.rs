//! The messages of rust-protobuf 3.7.

include!(concat!(env!("OUT_DIR"), "/messages/mod.rs"));
