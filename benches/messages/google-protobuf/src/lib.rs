//! The messages of Google's protobuf 4, on upb.

#![allow(clippy::all)]

include!(concat!(env!("OUT_DIR"), "/protobuf_generated/generated.rs"));
