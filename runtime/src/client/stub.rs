//! What generated stubs call: one function a kind of call.
//!
//! Thin on purpose: they are compiled once a method, everything behind them once.

use std::borrow::Borrow;
use std::sync::Arc;

use super::attempts::Requests;
use super::channel::Channel;
use super::handle::Handle;
use super::pending::Pending;
use super::request::{CallOptions, IntoRequest};
use super::response::Response;
use super::single::SingleReply;
use super::streaming::{BidiStream, ReplyStream, RequestSender, RequestSink};
use crate::grpc::{Codec, Method, Status, codec, scratch};

/// Calls a method with one request and one reply, and waits for the reply.
///
/// # Errors
///
/// The call's status.
pub fn unary<Req, Rep, C>(
    channel: &Channel,
    method: &Method,
    codec: &'static C,
    request: impl IntoRequest<Req>,
) -> Result<Response<Rep>, Status>
where
    C: Codec<Req> + Codec<Rep>,
{
    let (message, options) = request.into_request().into_parts();
    let mut call = begin_with_one(channel, method, options, codec, message.borrow())?;
    SingleReply::default().wait_alone(&mut call, codec)
}

/// Calls a method with one request and one reply, to be waited for later.
///
/// # Errors
///
/// Why nothing was sent.
pub fn unary_pending<Req, Rep, C>(
    channel: &Channel,
    method: &Method,
    codec: &'static C,
    request: impl IntoRequest<Req>,
) -> Result<Pending<Rep>, Status>
where
    C: Codec<Req> + Codec<Rep>,
{
    let (message, options) = request.into_request().into_parts();
    let call = begin_with_one(channel, method, options, codec, message.borrow())?;
    Ok(Pending::new(call, codec))
}

/// Calls a method with one request and a stream of replies.
///
/// # Errors
///
/// Why nothing was sent.
pub fn server_streaming<Req, Rep, C>(
    channel: &Channel,
    method: &Method,
    codec: &'static C,
    request: impl IntoRequest<Req>,
) -> Result<ReplyStream<Rep>, Status>
where
    C: Codec<Req> + Codec<Rep>,
{
    let (message, options) = request.into_request().into_parts();
    let call = begin_with_one(channel, method, options, codec, message.borrow())?;
    Ok(ReplyStream::new(Arc::new(call), codec))
}

/// Calls a method with a stream of requests and one reply.
///
/// # Errors
///
/// Why nothing was sent.
pub fn client_streaming<Req, Rep, C>(
    channel: &Channel,
    method: &Method,
    codec: &'static C,
    request: impl IntoRequest<()>,
) -> Result<RequestSink<Req, Rep>, Status>
where
    C: Codec<Req> + Codec<Rep>,
{
    let (call, send_max) = begin_stream(channel, method, request.into_request().into_parts().1)?;
    let requests = RequestSender::new(call, codec, send_max);
    Ok(RequestSink::new(requests, codec))
}

/// Calls a method with a stream of requests and a stream of replies.
///
/// # Errors
///
/// Why nothing was sent.
pub fn bidirectional<Req, Rep, C>(
    channel: &Channel,
    method: &Method,
    codec: &'static C,
    request: impl IntoRequest<()>,
) -> Result<BidiStream<Req, Rep>, Status>
where
    C: Codec<Req> + Codec<Rep>,
{
    let (call, send_max) = begin_stream(channel, method, request.into_request().into_parts().1)?;
    let requests = RequestSender::new(call.clone(), codec, send_max);
    Ok(BidiStream::new(requests, ReplyStream::new(call, codec)))
}

fn begin_with_one<Req>(
    channel: &Channel,
    method: &Method,
    mut options: Option<Box<CallOptions>>,
    codec: &dyn Codec<Req>,
    message: &Req,
) -> Result<Handle, Status> {
    let mut ordinary = CallOptions::default();
    let options = options.as_deref_mut().unwrap_or(&mut ordinary);
    options.configure(channel, method);
    let mut framed = scratch::take_writer();
    let send_max = options.send_max.unwrap_or_else(|| channel.settings().send_max);
    codec::frame(codec, message, send_max, &mut framed)?;
    Handle::begin(channel, method, options, Requests::One(framed))
}

/// Begins a call that streams its requests; says besides how large they may be.
fn begin_stream(
    channel: &Channel,
    method: &Method,
    mut options: Option<Box<CallOptions>>,
) -> Result<(Arc<Handle>, usize), Status> {
    let options = options.get_or_insert_default();
    options.configure(channel, method);
    let send_max = options.send_max.unwrap_or_else(|| channel.settings().send_max);
    let call = Handle::begin(channel, method, options, Requests::Stream)?;
    Ok((Arc::new(call), send_max))
}
