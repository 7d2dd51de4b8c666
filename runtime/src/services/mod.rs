//! Services that gRPC defines for every server, each behind a feature of its name.
//!
//! They stand above client and server and use nothing that a user's own service could not, but for
//! the locks and waits of transport. The code in their folders `generated` is made by this project's generator
//! from the files in runtime/proto (`make well-known`).

#[cfg(feature = "channelz")]
pub mod channelz;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "reflection")]
pub mod reflection;
