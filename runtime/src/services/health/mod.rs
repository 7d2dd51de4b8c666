//! gRPC's health checking (`grpc.health.v1`): what a server says of itself, and how a client asks.
//!
//! [`HealthService`] is the server's side, [`HealthClient`] the client's; [`v1`] holds the messages
//! and the generated trait and stub.
//!
//! Source: gRPC's health-checking.md, and health.proto for the limit of List.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use rust_grpc::health::{HealthClient, HealthService, ServingStatus};
//! use rust_grpc::{Channel, InProcess, Server};
//!
//! let place = InProcess::new();
//! let health = HealthService::new();
//! health.set("shop.Orders", ServingStatus::NotServing);
//! let server = Server::builder().add_service(health.clone()).bind(&place)?.start()?;
//!
//! let client = HealthClient::new(Channel::in_process(&place));
//! assert_eq!(client.check("shop.Orders")?, ServingStatus::NotServing);
//! health.set("shop.Orders", ServingStatus::Serving);
//! client.wait_until_serving("shop.Orders", Duration::from_secs(30))?;
//! # drop(server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod service;
#[cfg(test)]
mod tests;

pub use client::{HealthClient, HealthWatch};
pub use service::HealthService;
pub use v1::health_check_response::ServingStatus;

/// The messages of `grpc.health.v1`, and what is generated for its service.
pub mod v1 {
    // Generated code: its shape is checked where it is generated.
    #![allow(missing_docs, unused_qualifications)]
    #![allow(clippy::all, clippy::nursery, clippy::pedantic)]

    include!("generated/health.rs");
}
