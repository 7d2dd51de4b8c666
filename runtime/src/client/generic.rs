//! Calls of methods that are known at run time alone.
//!
//! The invariant: a generic call is what a generated stub makes; only the method and the codec come
//! from the caller.

use super::channel::Channel;
use super::pending::Pending;
use super::request::IntoRequest;
use super::response::Response;
use super::streaming::{BidiStream, ReplyStream, RequestSink};
use super::stub;
use crate::grpc::{Codec, Method, Status};

/// Generic calls, for proxies, tools and services without generated code. The kind of call is that
/// of the function, whatever [`Method::kind`] says.
impl Channel {
    /// Calls `method` with one request and one reply, and waits for the reply.
    ///
    /// # Errors
    ///
    /// The call's status.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Channel, Method, MethodKind, RawBytes, Request, Status};
    ///
    /// fn call(channel: &Channel, path: &str, message: Vec<u8>) -> Result<Vec<u8>, Status> {
    ///     let method = Method::from_path(path, MethodKind::Unary)?;
    ///     let request = Request::new(message).metadata("x-user", "ada");
    ///     Ok(channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&method, &RawBytes, request)?.into_inner())
    /// }
    /// ```
    pub fn unary_unary<Req, Rep, C>(
        &self,
        method: &Method,
        codec: &'static C,
        request: impl IntoRequest<Req>,
    ) -> Result<Response<Rep>, Status>
    where
        C: Codec<Req> + Codec<Rep>,
    {
        stub::unary(self, method, codec, request)
    }

    /// Calls `method` with one request and one reply, to be waited for later.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub fn unary_unary_pending<Req, Rep, C>(
        &self,
        method: &Method,
        codec: &'static C,
        request: impl IntoRequest<Req>,
    ) -> Result<Pending<Rep>, Status>
    where
        C: Codec<Req> + Codec<Rep>,
    {
        stub::unary_pending(self, method, codec, request)
    }

    /// Calls `method` with one request and a stream of replies.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub fn unary_stream<Req, Rep, C>(
        &self,
        method: &Method,
        codec: &'static C,
        request: impl IntoRequest<Req>,
    ) -> Result<ReplyStream<Rep>, Status>
    where
        C: Codec<Req> + Codec<Rep>,
    {
        stub::server_streaming(self, method, codec, request)
    }

    /// Calls `method` with a stream of requests and one reply.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub fn stream_unary<Req, Rep, C>(
        &self,
        method: &Method,
        codec: &'static C,
        request: impl IntoRequest<()>,
    ) -> Result<RequestSink<Req, Rep>, Status>
    where
        C: Codec<Req> + Codec<Rep>,
    {
        stub::client_streaming(self, method, codec, request)
    }

    /// Calls `method` with a stream of requests and a stream of replies.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub fn stream_stream<Req, Rep, C>(
        &self,
        method: &Method,
        codec: &'static C,
        request: impl IntoRequest<()>,
    ) -> Result<BidiStream<Req, Rep>, Status>
    where
        C: Codec<Req> + Codec<Rep>,
    {
        stub::bidirectional(self, method, codec, request)
    }
}
