//! From an accepted stream to the end of its response: the one way that every call takes.
//!
//! ```text
//! reader thread: head -> refusal, or route -> its lane's workers (full: RESOURCE_EXHAUSTED)
//! worker:        late or cancelled -> nothing; interceptors -> service -> outcome -> response
//! ```
//!
//! The invariant: user code runs on workers alone and without a lock of ours, and whatever it does,
//! its call gets one response and its connection goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::call::{Outcome, ServerCall, not_implemented, panicked};
use super::compressing::{Compressing, Messages};
use super::context::{Caller, Context};
use super::cost::Cost;
use super::handler::{GenericHandler, MethodHandler};
use super::interceptor::{Next, ServerInterceptor};
use super::lanes::{self, Lanes};
use super::quota::{Place, Quota};
use super::reply::{DEADLINE_PASSED, Reply, Terms};
use super::router::{NoRoute, Route, Router};
use crate::grpc::headers::{self, ContentType, ReceivedRequest};
use crate::grpc::{Code, Metadata, Method, MethodKind, Status, scratch};
use crate::http2::{Headers, Reason};
use crate::transport::channelz::Account;
use crate::transport::{Accepted, CurrentCall, Facts, Job, Serve, Stream, ThreadNames, Turn};

/// What every connection of a server hands its requests to.
pub(crate) struct Dispatcher<'s> {
    handlers: Arc<Handlers<'s>>,
    lanes: Lanes<'s>,
    messages: Messages,
    /// How many calls there may be, if that is limited.
    calls: Option<Arc<Quota>>,
    /// Where calls are counted, if the server is told of.
    account: Account,
}

/// What a worker runs a call with.
pub(crate) struct Handlers<'s> {
    pub(crate) router: Router<'s>,
    pub(crate) generic_handlers: Vec<Arc<dyn GenericHandler + 's>>,
    pub(crate) interceptors: Vec<Arc<dyn ServerInterceptor + 's>>,
    pub(crate) thread_names: ThreadNames,
}

/// A call that has been let in and waits for a worker.
pub(crate) struct Call {
    /// `None` if only a generic handler may know the method.
    route: Option<Route>,
    /// Not in place: a call changes hands several times before it runs.
    context: Box<Context>,
    /// Kept until the method has returned and all replies are sent.
    place: Option<Place>,
}

impl<'s> Dispatcher<'s> {
    pub(crate) fn new(
        handlers: Arc<Handlers<'s>>,
        lanes: Lanes<'s>,
        messages: Messages,
        calls: Option<Arc<Quota>>,
        account: Account,
    ) -> Self {
        Self { handlers, lanes, messages, calls, account }
    }

    /// Answers one request, sooner or later; never blocks and runs no user code.
    pub(crate) fn accept(&self, accepted: Accepted) {
        if let Some((lane, call)) = self.let_in(accepted) {
            self.lanes.run(lane, call);
        }
    }

    /// The call that a request begins, and its lane, unless it is refused.
    fn let_in(&self, accepted: Accepted) -> Option<(usize, Call)> {
        let accepted = self.unless_held(accepted)?;
        let Accepted { stream, headers, truncated, received } = accepted;
        match self.read(headers, truncated) {
            Ok((request, target)) => {
                let mut call = self.admit(stream, request, target, received);
                let lane = self.lane_of(&call);
                match self.count(&mut call, lane) {
                    Ok(()) => return Some((lane, call)),
                    Err(status) => call.refuse(&status),
                }
            }
            Err(refusal) => {
                let _failed = self.account.begin();
                refuse(&stream, &refusal);
            }
        }
        None
    }

    /// Holds a request until it is whole that a method of one message is to answer: the method has
    /// nothing to do before, and a client that is slow to send must not cost a worker.
    fn unless_held(&self, accepted: Accepted) -> Option<Accepted> {
        if accepted.stream.is_settled() || accepted.truncated {
            return Some(accepted);
        }
        let takes_one = |method: &Method| {
            matches!(method.kind(), MethodKind::Unary | MethodKind::ServerStreaming)
        };
        match self.read(accepted.headers.clone(), false) {
            Ok((request, (Some(_), method))) if takes_one(&method) => {
                begin(&accepted.stream, &request, &method, accepted.received);
                accepted.hold()
            }
            _ => Some(accepted),
        }
    }

    /// Whose workers run the call.
    fn lane_of(&self, call: &Call) -> usize {
        match &call.route {
            Some(route) => route.lane,
            None => self.lanes.lane_of(call.context.method()),
        }
    }

    /// Gives the call a place among those that the server has at once.
    fn count(&self, call: &mut Call, lane: usize) -> Result<(), Status> {
        let Some(calls) = &self.calls else { return Ok(()) };
        if self.lanes.is_reserved(lane) {
            return Ok(());
        }
        call.place = calls.take().or_else(|| {
            // Those that are over only wait to be found.
            self.lanes.drop_those_over();
            calls.take()
        });
        match call.place {
            Some(_) => Ok(()),
            None => {
                let max = calls.max();
                Err(lanes::busy(format!("the server has as many calls as it may, {max}")))
            }
        }
    }

    /// The request that a header section makes and where it leads, or the header section that
    /// refuses it.
    fn read(
        &self,
        headers: Headers,
        truncated: bool,
    ) -> Result<(ReceivedRequest, (Option<Route>, Method)), Headers> {
        if truncated {
            let status = Status::resource_exhausted("the request's header list is over the limit");
            return Err(headers::trailers_only(&ContentType::Grpc, Err(&status), &Metadata::new()));
        }
        let find = |path: &str| self.handlers.find(path);
        ReceivedRequest::read(headers, &self.messages.encodings, find)
            .map_err(|refusal| refusal.to_headers())
    }

    /// The call that a good request begins.
    fn admit(
        &self,
        stream: Stream,
        request: ReceivedRequest,
        (route, method): (Option<Route>, Method),
        received: Instant,
    ) -> Call {
        let deadline = begin(&stream, &request, &method, received);
        let ReceivedRequest { content_type, encoding, fields, .. } = request;
        let Messages { receive_limit, send_limit, ref encodings } = self.messages;
        let compressing = Compressing::new(encodings.clone(), encoding, &fields);
        let tally = self.account.begin();
        let terms = Terms { deadline, content_type, send_limit, receive_limit, compressing, tally };
        let caller = Caller { request: fields, deadline };
        let kind = route.as_ref().map(|_| method.kind());
        let context = Context::new(method, kind, caller, Arc::new(Reply::new(stream, terms)));
        Call { route, context: Box::new(context), place: None }
    }
}

/// Short calls run on the thread that has read them.
impl Serve for Dispatcher<'_> {
    type Job = (usize, Call);

    fn accept(&self, accepted: Accepted, delays: u32) -> Option<(usize, Call)> {
        let (lane, call) = self.let_in(accepted)?;
        let cost_of_unary = |route: &Route| {
            let is_unary = route.declared.kind() == MethodKind::Unary;
            is_unary.then(|| self.handlers.router.cost(route.number))
        };
        let cost = call.route.as_ref().and_then(cost_of_unary).filter(|cost| cost.is_short());
        // With its request whole the method has nothing to wait for.
        let Some(cost) = cost.filter(|_| call.context.reply().stream().is_received()) else {
            self.lanes.run(lane, call);
            return None;
        };
        // What nothing is known of may take long too, and so may everything where two have done so.
        let may_delay = delays > 1 || (delays == 1 && !cost.is_known());
        match may_delay {
            true => self.lanes.run_if_free(lane, call).map(|call| (lane, call)),
            false => Some((lane, call)),
        }
    }

    fn run(&self, (lane, call): (usize, Call)) {
        if let Some(call) = self.lanes.run_here(lane, call) {
            self.lanes.run(lane, call);
        }
    }

    fn number(&self, (_, call): &(usize, Call)) -> usize {
        call.route.as_ref().map_or(0, |route| route.number)
    }

    fn overran(&self, number: usize) {
        self.handlers.router.cost(number).set_long();
    }
}

impl Handlers<'_> {
    /// Where `path` leads, and the method there; no route if a generic handler is to be asked.
    ///
    /// # Errors
    ///
    /// UNIMPLEMENTED.
    fn find(&self, path: &str) -> Result<(Option<Route>, Method), Status> {
        match self.router.find(path) {
            Ok(route) => {
                let method = route.declared.clone();
                Ok((Some(route), method))
            }
            Err(NoRoute::UnknownService(_) | NoRoute::UnknownMethod { .. })
                if !self.generic_handlers.is_empty() =>
            {
                // Nothing is known of its kind before a handler is found.
                let method = Method::from_path(path, MethodKind::Bidirectional);
                let method = method.map_err(|error| Status::unimplemented(error.message()));
                Ok((None, method?))
            }
            Err(no_route) => Err(Status::unimplemented(no_route.to_string())),
        }
    }

    /// Runs a call on a worker and ends its response.
    pub(crate) fn run(&self, call: Call, turn: &Turn<'_>) {
        let Call { route, mut context, place } = call;
        if context.is_cancelled() {
            return;
        }
        let reply = context.reply();
        if reply.is_late() {
            return reply.end(Err(&reply.over()), &Metadata::new());
        }
        let mut outcome = Outcome::default();
        let current = CurrentCall::new(reply.stream(), reply.deadline()).enter();
        reply.stream().begin_running(context.declared_method(), self.thread_names);
        let cost = route.as_ref().map(|route| self.router.cost(route.number));
        let began = cost.and_then(Cost::begin);
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.intercept(route.as_ref(), &mut context, &mut outcome)
        }));
        if let (Some(cost), Some(began)) = (cost, began) {
            cost.end(began);
        }
        drop(current);
        context.reply().stream().end_running();
        // Given back before the client learns of the end, so that its next call finds them.
        let place = place.filter(|_| context.reply().is_detached());
        turn.end();
        context.seal();
        let trailing = context.take_trailing_metadata();
        let reply = context.reply();
        let result = result.unwrap_or_else(|_| Err(panicked())).map_err(never_ok);
        let words = context.ok_with_details();
        let ok = words.as_ref().map_or(Ok(()), Err);
        match (result.and_then(|()| context.chosen_outcome()), &outcome.reply) {
            (Err(status), Some(framed)) if context.has_chosen(&status) => {
                reply.end_with(framed.as_slice(), Err(&status), &trailing);
            }
            (Err(status), _) => reply.end(Err(&status), &trailing),
            (Ok(()), Some(framed)) => reply.end_with(framed.as_slice(), ok, &trailing),
            (Ok(()), None) if reply.is_detached() => reply.leave(trailing, place),
            (Ok(()), None) if outcome.streamed => reply.end(ok, &trailing),
            (Ok(()), None) => {
                let status = Status::internal("an interceptor answered OK without a reply");
                reply.end(Err(&status), &trailing);
            }
        }
        if let Some(framed) = outcome.reply {
            scratch::keep_writer(framed);
        }
    }

    /// The interceptors, then the service.
    fn intercept(
        &self,
        route: Option<&Route>,
        context: &mut Context,
        outcome: &mut Outcome,
    ) -> Result<(), Status> {
        let mut handler = |context: &mut Context, instead: Option<&MethodHandler>| {
            context.seal();
            match (instead, route) {
                (Some(handler), _) => handler.call(ServerCall::new(context, outcome)),
                (None, Some(route)) => {
                    let (service, method) = self.router.target(route);
                    service.call(method, ServerCall::new(context, outcome));
                }
                (None, None) => self.call_generic(context, outcome)?,
            }
            outcome.result.take().unwrap_or_else(|| Err(not_implemented(context.method())))
        };
        match &self.interceptors[..] {
            [] => handler(context, None),
            interceptors => Next::new(interceptors, &mut handler).run(context),
        }
    }

    /// Has the first generic handler answer that knows the method.
    fn call_generic(&self, context: &mut Context, outcome: &mut Outcome) -> Result<(), Status> {
        let found = self.generic_handlers.iter().find_map(|generic| generic.handler(context));
        match (found, self.router.find(context.method())) {
            (Some(handler), _) => {
                context.set_kind(handler.kind());
                handler.call(ServerCall::new(context, outcome));
                Ok(())
            }
            (None, Err(no_route)) => Err(Status::unimplemented(no_route.to_string())),
            (None, Ok(_)) => Err(not_implemented(context.method())),
        }
    }
}

impl Call {
    /// Ends the call before it has begun.
    pub(crate) fn refuse(self, status: &Status) {
        self.context.reply().end(Err(status), &Metadata::new());
    }
}

impl Job for Call {
    /// Attack 1: cancelled before it started; checklist 34: its deadline has passed.
    fn is_over(&self) -> bool {
        self.context.is_cancelled()
    }

    fn overdue(self) {
        self.refuse(&lanes::waited_too_long());
    }
}

/// Has a call that was let in end at its deadline, which is returned, and be shown until it ends.
fn begin(
    stream: &Stream,
    request: &ReceivedRequest,
    method: &Method,
    received: Instant,
) -> Option<Instant> {
    // A timeout beyond what the clock can express is no deadline at all.
    let deadline = request.timeout.and_then(|timeout| received.checked_add(timeout));
    if let Some(deadline) = deadline {
        // Whoever still runs then learns of it as of any other cancellation.
        match request.content_type == ContentType::Grpc {
            // A closure that owns nothing is not allocated.
            true => {
                stream.set_deadline(deadline, |head_sent| last_word(&ContentType::Grpc, head_sent));
            }
            false => {
                let content_type = request.content_type.clone();
                stream.set_deadline(deadline, move |head_sent| last_word(&content_type, head_sent));
            }
        }
    }
    stream.set_facts(Facts { method: method.clone(), received, deadline });
    deadline
}

/// Answers a request that is not a call.
fn refuse(stream: &Stream, refusal: &Headers) {
    // An error means that the client is gone already.
    if stream.send_headers(refusal, true).is_ok() && !stream.is_received() {
        stream.reset(Reason::NO_ERROR);
    }
}

/// What ends a response whose deadline has passed.
fn last_word(content_type: &ContentType, head_sent: bool) -> Headers {
    let status = Status::deadline_exceeded(DEADLINE_PASSED);
    match head_sent {
        true => headers::trailers(Err(&status), &Metadata::new()).into_owned(),
        false => headers::trailers_only(content_type, Err(&status), &Metadata::new()),
    }
}

/// An error with the code OK contradicts itself, and a reply that OK promises is missing.
fn never_ok(status: Status) -> Status {
    match status.code() {
        Code::Ok => Status::internal("the method returned an error whose code is OK"),
        _ => status,
    }
}
