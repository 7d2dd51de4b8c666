//! A connection takes calls only while its server says that it is SERVING: gRFC A17.
//!
//! ```text
//! connected ──Watch──▶ resting ──SERVING──▶ takes calls ──NOT_SERVING, UNKNOWN, the end──▶ resting
//!                         └──UNIMPLEMENTED──▶ takes calls, and is watched no more
//! ```
//!
//! The invariant: a watch holds no thread. It looks when something has come, on the thread of the timer,
//! and what it opens again is opened on a thread for calls that are sent again.

mod message;

use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::{Phase, Shared, State};
use crate::grpc::headers::{self, RequestHead};
use crate::grpc::{Code, Metadata, Status};
use crate::http2::{Headers, Reason};
use crate::transport::backoff::Backoff;
use crate::transport::callbacks::run_aside;
use crate::transport::timer::{Scheduled, Timer};
use crate::transport::{Beginning, Incoming, Link, Opening, Parents, Stream, lock, now, random};

/// What servers are asked for.
#[derive(Clone, Debug)]
pub(crate) struct HealthCheck {
    service: String,
    head: Headers,
    /// The framed request.
    request: Vec<u8>,
}

impl HealthCheck {
    /// Asks for `service`; `head` is what the calls of the channel begin with.
    pub(crate) fn new(
        service: &str,
        scheme: &'static str,
        authority: &str,
        user_agent: &str,
    ) -> Self {
        let head = RequestHead {
            scheme,
            authority,
            path: "/grpc.health.v1.Health/Watch",
            timeout: None,
            encoding: None,
            offer: "identity",
            user_agent,
            metadata: &Metadata::new(),
        };
        let (head, request) = (head.to_headers(), message::request(service));
        Self { service: service.to_owned(), head, request }
    }
}

/// Watches the server of one connection.
pub(super) struct Watch {
    connector: Weak<Shared>,
    check: Arc<HealthCheck>,
    link: Arc<Link>,
    /// Held by the one who looks, so that one answer is taken after the other.
    looking: Mutex<()>,
    state: Mutex<Watching>,
}

struct Watching {
    stream: Option<Stream>,
    backoff: Backoff,
    /// The server has said how it is since the call was begun.
    is_answered: bool,
    /// The next call.
    retry: Option<Scheduled>,
    is_over: bool,
}

/// What has come of a watch.
enum News {
    Nothing,
    Serving,
    NotServing(Status),
    /// The server has no health service: it is as good as healthy.
    Unimplemented,
    /// The call has ended otherwise.
    Ended(Status),
}

impl Watch {
    /// Begins to ask, on a thread for that.
    pub(super) fn begin_aside(self: &Arc<Self>) {
        let watch = Arc::clone(self);
        if !run_aside(move || watch.begin()) {
            self.end(Status::unavailable("no thread is free to ask for the server's health"));
        }
    }

    /// Begins to ask; may wait for the wire, no longer than it takes to connect.
    fn begin(self: &Arc<Self>) {
        let Some(connector) = self.connector.upgrade() else { return };
        let until = now().checked_add(connector.options.connect_timeout);
        let beginning = Beginning {
            head: &self.check.head,
            first: &self.check.request,
            end: true,
            receive_limit: message::SIZE_MAX,
            until,
            parents: &Parents::default(),
        };
        let mut opening = Opening::new(&self.link, &beginning);
        let stream = match opening.ask(Arc::clone(&self.link)) {
            Ok(Some(opened)) => opening.begin(opened).map_err(|error| error.to_string()),
            Ok(None) => Err("the server allows no more calls".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match stream {
            Err(error) => self.end(Status::unavailable(error)),
            Ok(stream) => {
                // Whoever leaves the connection ends it.
                stream.set_shared();
                let mut state = lock(&self.state);
                if state.is_over {
                    drop(state);
                    return stream.reset(Reason::CANCEL);
                }
                state.stream = Some(stream);
                // Or the connection would never be free.
                self.link.uncount_one();
                drop(state);
                self.look();
            }
        }
    }

    /// Ends the watch: its connection is left.
    pub(super) fn stop(&self) {
        let (stream, retry) = {
            let mut state = lock(&self.state);
            state.is_over = true;
            self.link.count_all();
            (state.stream.take(), state.retry.take())
        };
        drop(retry);
        if let Some(stream) = stream {
            stream.reset(Reason::CANCEL);
        }
    }

    /// Whether its connection takes no more calls.
    pub(super) fn is_left(&self) -> bool {
        !self.link.is_usable()
    }

    /// Takes what has come, and is told of what comes next.
    fn look(self: &Arc<Self>) {
        let _looking = lock(&self.looking);
        loop {
            let stream = lock(&self.state).stream.clone();
            let Some(stream) = stream else { return };
            let Some(incoming) = stream.take() else {
                if stream.watch(&Waker::from(Arc::clone(self))) {
                    continue;
                }
                return;
            };
            match self.read(incoming) {
                News::Nothing => {}
                News::Serving => {
                    self.on_answer();
                    self.tell(Ok(()));
                }
                News::NotServing(status) => {
                    self.on_answer();
                    self.tell(Err(status));
                }
                News::Unimplemented => {
                    self.stop();
                    return self.tell(Ok(()));
                }
                News::Ended(status) => return self.end(status),
            }
        }
    }

    fn on_answer(&self) {
        let mut state = lock(&self.state);
        state.backoff.reset();
        state.is_answered = true;
    }

    /// The call has ended, or could not be begun: the health is not known until the next one says it.
    fn end(self: &Arc<Self>, status: Status) {
        let (stream, wait) = {
            let mut state = lock(&self.state);
            if state.is_over {
                return;
            }
            // A17: after an answer the next attempt is made at once, and further ones with backoff.
            let wait = match std::mem::take(&mut state.is_answered) {
                true => Duration::ZERO,
                false => state.backoff.next_wait(random()),
            };
            self.link.count_all();
            (state.stream.take(), wait)
        };
        if let Some(stream) = stream {
            stream.reset(Reason::CANCEL);
        }
        // Before the next call can tell anything else.
        self.tell(Err(status));
        self.begin_after(wait);
    }

    fn begin_after(self: &Arc<Self>, wait: Duration) {
        let watch = Arc::clone(self);
        let again = move || watch.begin_aside();
        let mut state = lock(&self.state);
        if !state.is_over {
            state.retry = Timer::shared().schedule(now() + wait, again).ok();
        }
    }

    fn read(&self, incoming: Incoming) -> News {
        let outcome = match incoming {
            Incoming::Head { end: false, .. } => return News::Nothing,
            Incoming::Message(payload, false) => {
                return match message::is_serving(&payload) {
                    Some(true) => News::Serving,
                    Some(false) => {
                        let service = &self.check.service;
                        let text = format!("its service {service:?} is not serving");
                        News::NotServing(Status::unavailable(text))
                    }
                    None => News::Ended(Status::internal("an answer about health is malformed")),
                };
            }
            Incoming::Head { headers, .. } | Incoming::Trailers(headers) => {
                headers::read_trailers(&headers)
            }
            Incoming::Foreign { headers, body } => Err(headers::read_foreign(&headers, &body)),
            Incoming::Message(_, true)
            | Incoming::Run
            | Incoming::CutTrailers
            | Incoming::End
            | Incoming::Reset { .. }
            | Incoming::Lost(_)
            | Incoming::Invalid(_) => Ok(Metadata::new()),
        };
        match outcome {
            Err(status) if status.code() == Code::Unimplemented => News::Unimplemented,
            Err(status) => News::Ended(status),
            Ok(_) => News::Ended(Status::unavailable("the server has ended the watch")),
        }
    }

    fn tell(&self, health: Result<(), Status>) {
        if let Some(connector) = self.connector.upgrade() {
            connector.on_health(&self.link, health);
        }
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        // Whoever wakes may be in the middle of anything.
        let at = now();
        let _ = Timer::shared().run_at(at, move || self.look());
    }
}

impl Shared {
    /// A connection that is there takes calls once its server says that it is SERVING; returns the watch that is
    /// to be begun.
    pub(super) fn rest(
        self: &Arc<Self>,
        state: &mut State,
        check: &Arc<HealthCheck>,
        link: &Arc<Link>,
    ) -> Arc<Watch> {
        let watching = Watching {
            stream: None,
            backoff: self.options.backoff.clone(),
            is_answered: false,
            retry: None,
            is_over: false,
        };
        let watch = Arc::new(Watch {
            connector: Arc::downgrade(self),
            check: Arc::clone(check),
            link: Arc::clone(link),
            looking: Mutex::default(),
            state: Mutex::new(watching),
        });
        state.phase = Phase::Idle;
        state.unwell = None;
        state.watches.push(Arc::clone(&watch));
        self.pool.rest(link);
        self.tell(state);
        watch
    }

    /// The server of `link` has said how it is, or nobody knows.
    fn on_health(self: &Arc<Self>, link: &Arc<Link>, health: Result<(), Status>) {
        let mut state = lock(&self.state);
        if matches!(state.phase, Phase::Closed) || !link.is_usable() {
            return;
        }
        match health {
            Ok(()) if self.pool.takes_calls_at(link) => return,
            Ok(()) => {
                state.unwell = None;
                self.add(link);
            }
            Err(status) => {
                let text = format!("{}: {}", self.target, status.message());
                state.unwell = Some(Status::unavailable(text));
                self.pool.rest(link);
            }
        }
        self.tell(&state);
        // It may have left meanwhile.
        let attempt = if link.is_usable() { None } else { self.replace(&mut state) };
        drop(state);
        attempt.iter().for_each(|attempt| self.start(attempt));
    }
}

impl State {
    /// The watches of connections that take no more calls, to be stopped.
    pub(super) fn take_left(&mut self) -> Vec<Arc<Watch>> {
        self.watches.extract_if(.., |watch| watch.is_left()).collect()
    }
}
