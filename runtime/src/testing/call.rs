//! A call of a service's method without a client: the test is the client and the server at once.

use std::fmt;

use super::fake::FakeServer;
use crate::client::stub::bidirectional;
use crate::client::{BidiStream, Request};
use crate::grpc::{Codec, Metadata, Method, MethodKind, Protobuf, Status};
use crate::limits::TEST_PATIENCE;
use crate::server::{Context, ReplySink, RequestStream};

/// A call to give to a method of a service: its context, its requests, its replies.
///
/// The test calls the trait's method itself, on its own thread, and then looks at what the client
/// would have got. Both ends are real, so a method that waits for cancellation, sends metadata or
/// detaches its replies does what it does in service.
///
/// # Examples
///
/// A unary method:
///
/// ```
/// use rust_grpc::testing::TestCall;
/// use rust_grpc::well_known::{Empty, StringValue};
/// use rust_grpc::{Context, Request, Status};
///
/// // The method of a service, as `MyGreeter::say_hello` is one.
/// fn who_am_i(_: Empty, context: &mut Context) -> Result<StringValue, Status> {
///     let user = context.metadata().get("x-user");
///     let user = user.ok_or_else(|| Status::unauthenticated("expected x-user"))?;
///     Ok(StringValue { value: user.to_owned(), ..Default::default() })
/// }
///
/// let mut call = TestCall::<Empty, StringValue>::with(Request::new(()).metadata("x-user", "alice"));
/// assert_eq!(who_am_i(Empty::default(), call.context())?.value, "alice");
/// # Ok::<(), Status>(())
/// ```
///
/// A streaming one:
///
/// ```
/// use rust_grpc::testing::TestCall;
/// use rust_grpc::well_known::Int64Value;
/// use rust_grpc::{Context, ReplySink, RequestStream, Status};
///
/// fn double(
///     requests: &mut RequestStream<Int64Value>,
///     replies: &mut ReplySink<Int64Value>,
///     _: &mut Context,
/// ) -> Result<(), Status> {
///     for request in requests {
///         replies.send(Int64Value { value: 2 * request?.value, ..Default::default() })?;
///     }
///     Ok(())
/// }
///
/// let mut call = TestCall::<Int64Value, Int64Value>::new();
/// call.send(&Int64Value { value: 21, ..Default::default() });
/// call.close_send();
/// let (requests, replies, context) = call.parts();
/// let result = double(requests, replies, context);
/// let outcome = call.finish(result);
/// assert_eq!(outcome.status, Ok(()));
/// assert_eq!(outcome.replies[0].value, 42);
/// ```
pub struct TestCall<Req: 'static, Rep: 'static> {
    // Dropped first: a server that stops cancels what runs.
    client: BidiStream<Req, Rep>,
    context: Context,
    requests: RequestStream<Req>,
    replies: ReplySink<Rep>,
    _server: FakeServer,
}

/// What the client of a [`TestCall`] got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome<Rep> {
    /// The replies that were sent.
    pub replies: Vec<Rep>,
    /// How the call ended.
    pub status: Result<(), Status>,
    /// The metadata before the replies.
    pub metadata: Metadata,
    /// The metadata at the end.
    pub trailing_metadata: Metadata,
}

impl<Req, Rep> TestCall<Req, Rep>
where
    Protobuf: Codec<Req> + Codec<Rep>,
{
    /// A call without metadata and without a deadline.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Request::new(()))
    }

    /// A call with the metadata, the timeout and so on of `request`.
    ///
    /// # Panics
    ///
    /// If `request` cannot be sent: its metadata is invalid or its deadline has passed.
    #[must_use]
    #[track_caller]
    pub fn with(request: Request<()>) -> Self {
        let method = [Method::new("/testing.Test/Call", MethodKind::Bidirectional)];
        let server = FakeServer::new(&method);
        let client = bidirectional(&server.channel(), &method[0], &Protobuf, request);
        let client = client.unwrap_or_else(|status| panic!("the call cannot be made: {status}"));
        let context = server.take_context(TEST_PATIENCE).expect("the call is on its way");
        let requests = RequestStream::new(context.reply().clone(), &Protobuf);
        let replies = ReplySink::new(context.reply().clone(), &Protobuf);
        Self { client, context, requests, replies, _server: server }
    }

    /// Sends one request to the method. Waits when there are more than flow control lets pass,
    /// which is 512 KiB.
    ///
    /// # Panics
    ///
    /// If the call is over.
    #[track_caller]
    pub fn send(&mut self, request: &Req) {
        if let Err(status) = self.client.send(request) {
            panic!("the call is over: {status}");
        }
    }

    /// Tells the method that no more requests follow.
    pub fn close_send(&mut self) {
        self.client.close_send();
    }

    /// Cancels the call as a client does.
    pub fn cancel(&self) {
        self.client.cancel();
    }

    /// The context to give to the method.
    pub fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// All that a streaming method takes.
    pub fn parts(&mut self) -> (&mut RequestStream<Req>, &mut ReplySink<Rep>, &mut Context) {
        (&mut self.requests, &mut self.replies, &mut self.context)
    }

    /// The next reply that the method has sent; waits for it. `None` at the end of the call.
    ///
    /// # Errors
    ///
    /// The status that the client gets.
    pub fn recv(&mut self) -> Result<Option<Rep>, Status> {
        self.client.recv()
    }

    /// Ends the call with what the method returned, and gives what the client got and had not
    /// received yet.
    ///
    /// Replies that the method has detached are waited for, until their sink is finished.
    #[allow(clippy::needless_pass_by_value, reason = "it is of no use once the call has ended")]
    pub fn finish(mut self, result: Result<(), Status>) -> Outcome<Rep> {
        let trailing = self.context.take_trailing_metadata();
        let reply = self.context.reply();
        match (&result, reply.is_detached()) {
            (Ok(()), true) => reply.leave(trailing, None),
            (Ok(()), false) => reply.end(Ok(()), &trailing),
            (Err(status), _) => reply.end(Err(status), &trailing),
        }
        let mut replies = Vec::new();
        let status = loop {
            match self.client.recv() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            }
        };
        let metadata = self.client.metadata().cloned().unwrap_or_default();
        let trailing_metadata = self.client.trailing_metadata().cloned().unwrap_or_default();
        Outcome { replies, status, metadata, trailing_metadata }
    }
}

impl<Req, Rep> Default for TestCall<Req, Rep>
where
    Protobuf: Codec<Req> + Codec<Rep>,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<Req, Rep> fmt::Debug for TestCall<Req, Rep> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TestCall").field("context", &self.context).finish_non_exhaustive()
    }
}
