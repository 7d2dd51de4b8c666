//! prost's messages in rust-grpc's calls: what an application writes that keeps the messages it has.
//!
//! The messages are prost-build's, in the modules that it writes; the services are the golden files
//! of the case `messages_prost`, generated with `messages=prost,extern_path=.=crate::pb`.

/// The messages, by package.
#[allow(missing_docs)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/pb.rs"));
}

/// The services, by package.
#[path = "../../../golden/messages_prost/mod.rs"]
pub mod services;
