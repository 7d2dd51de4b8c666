//! Conversations of a client with a scripted HTTP/2 peer over an in-memory wire.

mod balancing;
mod calls;
mod cancellation;
mod channel;
#[cfg(feature = "gzip")]
mod compression;
mod connections;
mod connectivity;
mod deadlines;
mod generic;
#[cfg(feature = "json")]
mod health_checks;
mod interceptors;
mod misbehaving;
mod options;
mod peer;
mod pending;
mod proxies;
mod resolution;
mod retries;
mod sending;
#[cfg(feature = "json")]
mod service_config;
mod streams;

use crate::client::stub;
use crate::client::{
    BidiStream, Canceller, Channel, IntoRequest, Pending, ReplyStream, RequestSink, Response,
};
use crate::grpc::codec::Writer;
use crate::grpc::{Codec, Method, MethodKind, Status};

/// What a caller holds can be given to another thread, and shared where it is called through.
#[test]
fn what_a_caller_holds_is_send() {
    fn send<T: Send + Sync>() {}
    send::<Channel>();
    send::<Canceller>();
    send::<Pending<String>>();
    send::<ReplyStream<String>>();
    send::<RequestSink<String, String>>();
    send::<BidiStream<String, String>>();
    send::<Status>();
}

/// Messages that are text.
pub(super) struct Text;

impl Codec<String> for Text {
    fn encode(&self, value: &String, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value.as_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, Status> {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|_| Status::internal("the message is not UTF-8"))
    }
}

/// What generated code would make of a service with one method of every kind.
pub(super) struct Stub(pub(super) Channel);

impl Stub {
    pub(super) fn unary(
        &self,
        request: impl IntoRequest<String>,
    ) -> Result<Response<String>, Status> {
        stub::unary(&self.0, &METHODS[0], &Text, request)
    }

    pub(super) fn pending(
        &self,
        request: impl IntoRequest<String>,
    ) -> Result<Pending<String>, Status> {
        stub::unary_pending(&self.0, &METHODS[0], &Text, request)
    }

    pub(super) fn list(
        &self,
        request: impl IntoRequest<String>,
    ) -> Result<ReplyStream<String>, Status> {
        stub::server_streaming(&self.0, &METHODS[1], &Text, request)
    }

    pub(super) fn record(
        &self,
        request: impl IntoRequest<()>,
    ) -> Result<RequestSink<String, String>, Status> {
        stub::client_streaming(&self.0, &METHODS[2], &Text, request)
    }

    pub(super) fn chat(
        &self,
        request: impl IntoRequest<()>,
    ) -> Result<BidiStream<String, String>, Status> {
        stub::bidirectional(&self.0, &METHODS[3], &Text, request)
    }
}

pub(super) fn text(text: &str) -> String {
    text.to_owned()
}

const METHODS: &[Method] = &[
    Method::new("/test.Test/Unary", MethodKind::Unary),
    Method::new("/test.Test/List", MethodKind::ServerStreaming),
    Method::new("/test.Test/Record", MethodKind::ClientStreaming),
    Method::new("/test.Test/Chat", MethodKind::Bidirectional),
];
