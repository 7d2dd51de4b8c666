//! What each generator makes of `proto/*.proto`.

/// Made by rust-grpc-codegen.
pub mod ours {
    rust_grpc::include_protos!();
}

/// Made by prost-build.
#[allow(clippy::all)]
pub mod prost {
    pub mod codec {
        include!(concat!(env!("OUT_DIR"), "/prost/codec.rs"));
    }
    pub mod shapes {
        include!(concat!(env!("OUT_DIR"), "/prost/shapes.rs"));
    }
}

/// Made by buffa-build.
#[allow(clippy::all)]
pub mod buffa {
    include!(concat!(env!("OUT_DIR"), "/buffa/all.rs"));
}
