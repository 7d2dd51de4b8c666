//! What each generator makes of `proto/*.proto`.

/// Made by rust-grpc-codegen.
pub mod ours {
    rust_grpc::include_protos!();
}

/// Made by prost-build, with JSON by pbjson-build.
#[allow(clippy::all)]
pub mod prost {
    pub mod codec {
        include!(concat!(env!("OUT_DIR"), "/prost/codec.rs"));
        include!(concat!(env!("OUT_DIR"), "/prost/codec.serde.rs"));
    }
    pub mod shapes {
        include!(concat!(env!("OUT_DIR"), "/prost/shapes.rs"));
        include!(concat!(env!("OUT_DIR"), "/prost/shapes.serde.rs"));
    }
}

/// Made by buffa-build.
#[allow(clippy::all)]
pub mod buffa {
    include!(concat!(env!("OUT_DIR"), "/buffa/all.rs"));
}

/// Made by protobuf-codegen 3.7.
pub use messages_rust_protobuf as rust_protobuf;

/// Made by protoc for Google's runtime: one module, whatever the package.
pub use messages_google_protobuf as google;
