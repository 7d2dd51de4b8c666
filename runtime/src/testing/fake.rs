//! A server whose calls the test answers itself.
//!
//! The invariant: a call waits, without a thread, until the test takes it; a call that the test
//! takes is the test's alone, and ends with what the test says, or with UNKNOWN when it is dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::{Channel, ChannelBuilder};
use crate::grpc::{Codec, Metadata, Method, Protobuf, RawBytes, Received, Status};
use crate::limits::{TEST_CALLS_MAX, TEST_PATIENCE};
use crate::server::{Context, DetachedSink, ReplySink, RequestStream, Server, ServerCall, Service};
use crate::transport::handover::Handover;
use crate::transport::{InProcess, clock};

/// A server in this process whose calls wait for the test to answer them.
///
/// Made of the constants that generated code has for every service, such as `GREETER_METHODS`.
/// Calls of other methods get UNIMPLEMENTED. Dropping it ends what still runs with UNAVAILABLE.
///
/// # Examples
///
/// ```
/// use rust_grpc::health::v1::{HEALTH_METHODS, HealthCheckRequest, HealthCheckResponse, HealthStub};
/// use rust_grpc::testing::FakeServer;
/// use rust_grpc::{Code, Request, Status};
///
/// let server = FakeServer::new(HEALTH_METHODS);
/// let stub = HealthStub::new(server.channel());
///
/// // What is under test makes a call: here by hand, elsewhere on a thread of its own.
/// let request = HealthCheckRequest { service: "shop".into(), ..Default::default() };
/// let pending = stub.check_pending(Request::new(&request).metadata("x-user", "alice"))?;
///
/// let mut call = server.take::<HealthCheckRequest, HealthCheckResponse>("Check");
/// assert_eq!(call.request(), request);
/// assert_eq!(call.metadata().get("x-user"), Some("alice"));
/// call.fail(Status::unavailable("closed on Sundays"));
/// assert_eq!(pending.wait().unwrap_err().code(), Code::Unavailable);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
pub struct FakeServer {
    place: InProcess,
    calls: Arc<Handover<Context>>,
    server: Server,
}

/// A call that a client has made of a [`FakeServer`], in the test's hands.
///
/// Whatever kind the method is, the test receives requests and sends replies as it likes, so that it
/// can also misbehave: two replies to a unary call, none, a status in the middle of a stream.
///
/// Dropped before its end it ends the call with UNKNOWN.
pub struct FakeCall<Req: 'static, Rep: 'static> {
    context: Context,
    requests: RequestStream<Req>,
    replies: DetachedSink<Rep>,
}

/// Hands every call over.
struct Script {
    name: String,
    methods: Vec<Method>,
    calls: Arc<Handover<Context>>,
}

impl FakeServer {
    /// A server of one service: of that which `methods` belong to.
    ///
    /// # Panics
    ///
    /// As [`FakeServer::of`].
    #[must_use]
    pub fn new(methods: &[Method]) -> Self {
        Self::of(&[methods])
    }

    /// A server of several services, each given by its methods.
    ///
    /// # Panics
    ///
    /// If a service has no methods, if methods of two services are mixed, or if no thread can be
    /// started.
    #[must_use]
    pub fn of(services: &[&[Method]]) -> Self {
        let place = InProcess::new();
        let calls = Arc::<Handover<Context>>::default();
        let mut builder = Server::builder();
        for methods in services {
            let name = methods.first().expect("a service has methods").service().to_owned();
            let (methods, calls) = (methods.to_vec(), calls.clone());
            builder = builder.add_service(Script { name, methods, calls });
        }
        let server = builder.bind(&place).and_then(crate::server::ServerBuilder::start);
        let server =
            server.unwrap_or_else(|error| panic!("the fake server does not start: {error}"));
        Self { place, calls, server }
    }

    /// A channel to the server.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Channel::in_process(&self.place)
    }

    /// A channel to the server that is to be configured first.
    pub fn channel_builder(&self) -> ChannelBuilder {
        Channel::in_process_builder(&self.place)
    }

    /// The next call of the method called `name`, which is `Check` or `/grpc.health.v1.Health/Check`;
    /// waits for it. Calls of other methods stay where they are.
    ///
    /// # Panics
    ///
    /// If none has come after 30 seconds of real time: the client under test has not called.
    #[track_caller]
    pub fn take<Req, Rep>(&self, name: &str) -> FakeCall<Req, Rep>
    where
        Protobuf: Codec<Req> + Codec<Rep>,
    {
        match self.take_timeout(name, TEST_PATIENCE) {
            Some(call) => call,
            None => panic!("no call of {name} within {TEST_PATIENCE:?}"),
        }
    }

    /// As [`FakeServer::take`], but waits for `timeout` of real time at most; `None` if none came.
    pub fn take_timeout<Req, Rep>(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Option<FakeCall<Req, Rep>>
    where
        Protobuf: Codec<Req> + Codec<Rep>,
    {
        let is_it = |context: &Context| {
            let path = context.method();
            path == name || path.rsplit_once('/').is_some_and(|(_, method)| method == name)
        };
        self.calls.take(timeout, is_it).map(FakeCall::new)
    }

    /// The next call of whatever method.
    pub(super) fn take_context(&self, timeout: Duration) -> Option<Context> {
        self.calls.take(timeout, |_| true)
    }

    /// Stops the server as a real one does; see [`Server::stop`].
    pub fn stop(&self, grace: Duration) {
        self.server.stop(grace);
    }
}

impl fmt::Debug for FakeServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FakeServer").finish_non_exhaustive()
    }
}

impl Service for Script {
    fn name(&self) -> &str {
        &self.name
    }

    fn methods(&self) -> &[Method] {
        &self.methods
    }

    fn call(&self, _: usize, call: ServerCall<'_>) {
        // On the wire the kinds differ by the number of messages alone, and that is the test's affair.
        call.bidirectional(
            &RawBytes,
            |_: &mut RequestStream<Vec<u8>>, _: &mut ReplySink<Vec<u8>>, context| {
                context.reply().detach();
                self.calls.push(context.duplicate(), TEST_CALLS_MAX).map_err(|_| {
                    Status::resource_exhausted(format!("{TEST_CALLS_MAX} calls wait for the test"))
                })
            },
        );
    }
}

impl<Req, Rep> FakeCall<Req, Rep> {
    pub(super) fn new(context: Context) -> Self
    where
        Protobuf: Codec<Req> + Codec<Rep>,
    {
        let requests = RequestStream::new(context.reply().clone(), &Protobuf);
        let replies = ReplySink::new(context.reply().clone(), &Protobuf).detach();
        Self { context, requests, replies }
    }

    /// What the server knows of the call: metadata, peer, deadline.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The metadata that came with the request.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.context.metadata()
    }

    /// The next request; waits for it.
    ///
    /// # Panics
    ///
    /// If the client has sent all, is gone, or sends nothing within 30 seconds of real time.
    #[track_caller]
    pub fn request(&mut self) -> Req {
        match clock::outside(|| self.requests.recv_timeout(TEST_PATIENCE)) {
            Ok(Received::Message(request)) => request,
            Ok(Received::End) => panic!("expected a request, the client has sent all"),
            Ok(Received::NotYet) => panic!("no request within {TEST_PATIENCE:?}"),
            Err(status) => panic!("expected a request, got {status}"),
        }
    }

    /// The stream of requests, for those that may end.
    pub fn requests(&mut self) -> &mut RequestStream<Req> {
        &mut self.requests
    }

    /// Sends the metadata that comes before the replies.
    ///
    /// # Errors
    ///
    /// As [`Context::send_initial_metadata`].
    pub fn send_initial_metadata(&self, metadata: &Metadata) -> Result<(), Status> {
        self.context.send_initial_metadata(metadata)
    }

    /// Sends one reply; the call goes on.
    ///
    /// # Errors
    ///
    /// As [`DetachedSink::send`].
    pub fn send(&mut self, reply: &Rep) -> Result<(), Status> {
        self.replies.send(reply)
    }

    /// The metadata that goes out with the status, to be filled in place.
    pub fn trailing_metadata_mut(&mut self) -> &mut Metadata {
        self.replies.trailing_metadata_mut()
    }

    /// Ends the call with OK behind `reply`.
    pub fn reply(mut self, reply: &Rep) {
        // A client that is gone has no use for it, and the test will see that elsewhere.
        let sent = self.replies.send(reply);
        self.finish(sent);
    }

    /// Ends the call with an error.
    pub fn fail(self, status: Status) {
        self.finish(Err(status));
    }

    /// Ends the call.
    pub fn finish(self, outcome: Result<(), Status>) {
        self.replies.finish(outcome);
    }

    /// Whether the client is gone or the deadline has passed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.context.is_cancelled()
    }

    /// Waits until the call is cancelled, 30 seconds of real time at most, and tells whether it is.
    #[must_use]
    pub fn wait_cancelled(&self) -> bool {
        clock::outside(|| self.context.wait_cancelled(TEST_PATIENCE))
    }
}

impl<Req, Rep> fmt::Debug for FakeCall<Req, Rep> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FakeCall").field("context", &self.context).finish_non_exhaustive()
    }
}
