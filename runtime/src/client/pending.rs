//! A call with one reply that somebody waits for later: by blocking, by a callback, or by `await`.
//!
//! A waker is all that the last two need. It is woken when something has come for the call, and at
//! the call's deadline; whoever is woken looks without waiting.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::call::Wait;
use super::handle::Handle;
use super::response::Response;
use super::single::SingleReply;
use crate::grpc::{Codec, Status};
use crate::transport::callbacks::run_soon;
use crate::transport::contained;
use crate::transport::timer::{Scheduled, Timer};
use crate::transport::{CANCELLED, lock, now};

/// A call with one reply that is under way, to be waited for when the reply is needed.
///
/// Many calls can be under way at once from one thread. Dropping it cancels the call.
///
/// It is a [`Future`] too: whatever runs async code can await it, without a runtime of this library.
/// Beginning the call may block, as said below; awaiting it never does.
///
/// [`RequestSink::finish_pending`](crate::RequestSink::finish_pending) makes one of a call with a stream
/// of requests. The functions that begin a unary one, `*_pending`, return once the request is on its way, or
/// will be within some 0.2 ms: what one thread begins in quick succession is written together. They
/// wait for the connection if there is none yet, for a free stream while the server allows no more
/// at once (often 100), and while the server takes no more of the request; never beyond the call's
/// deadline.
///
/// What has come of a reply is kept until somebody waits for it, but a reply larger than the
/// stream's window, 512 KiB, comes whole only while somebody does, and holds its stream until then.
/// So a thread that begins more calls than the server allows, with such replies, and waits for none
/// of them, waits for itself: it should wait for the oldest ones first, and set a deadline.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::{Pending, Status};
///
/// fn try_one_second(mut call: Pending<String>) -> Option<Result<String, Status>> {
///     let result = call.wait_timeout(Duration::from_secs(1))?;
///     Some(result.map(|response| response.into_inner()))
/// }
///
/// fn wait_for_both(one: Pending<String>, other: Pending<String>) -> Result<String, Status> {
///     Ok(format!("{} {}", *one.wait()?, *other.wait()?))
/// }
/// ```
#[must_use = "dropping a pending call cancels it"]
pub struct Pending<T: 'static> {
    call: Arc<Handle>,
    codec: &'static dyn Codec<T>,
    reply: SingleReply,
    taken: bool,
    /// Who is woken at the deadline, and what does that.
    alarm: Option<(Waker, Scheduled)>,
}

impl<T> Pending<T> {
    pub(crate) fn new(call: Handle, codec: &'static dyn Codec<T>) -> Self {
        Self::of(Arc::new(call), codec)
    }

    /// What waits for `call`, whose requests have all been sent.
    pub(crate) fn of(call: Arc<Handle>, codec: &'static dyn Codec<T>) -> Self {
        Self { call, codec, reply: SingleReply::default(), taken: false, alarm: None }
    }

    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// The call's status.
    pub fn wait(mut self) -> Result<Response<T>, Status> {
        if let (false, Some(call)) = (self.taken, Arc::get_mut(&mut self.call)) {
            self.taken = true;
            return mem::take(&mut self.reply).wait_alone(call, self.codec);
        }
        self.advance(Wait::AsLongAsItTakes)
            .unwrap_or_else(|| Err(Status::internal("a wait without end has ended")))
    }

    /// Waits for the reply, `timeout` at most; `None` if it has not come by then.
    ///
    /// The call goes on, and so does its deadline. Once it has returned a result, the next one is
    /// FAILED_PRECONDITION.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<Response<T>, Status>> {
        self.advance(now().checked_add(timeout).map_or(Wait::AsLongAsItTakes, Wait::Until))
    }

    /// The reply if it has come; never waits.
    ///
    /// Once it has returned a result, the next one is FAILED_PRECONDITION.
    pub fn try_wait(&mut self) -> Option<Result<Response<T>, Status>> {
        self.advance(Wait::NotAtAll)
    }

    /// Has `callback` run once with the result of the call, at the deadline at the latest; the call
    /// goes on without anybody who waits for it.
    ///
    /// It runs on the one thread that the process has for callbacks, so one that blocks holds up
    /// those of other calls, and nothing else. With 65,536 of them waiting, further ones are dropped
    /// without having run. A panic ends the callback alone. The canceller ends the call, and the
    /// callback then gets CANCELLED.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Canceller, Pending};
    ///
    /// fn print_later(call: Pending<String>) -> Canceller {
    ///     call.on_done(|result| match result {
    ///         Ok(reply) => println!("{}", *reply),
    ///         Err(status) => eprintln!("{status}"),
    ///     })
    /// }
    /// ```
    pub fn on_done(
        self,
        callback: impl FnOnce(Result<Response<T>, Status>) + Send + 'static,
    ) -> Canceller
    where
        T: Send,
    {
        let canceller = self.canceller();
        let waiting = Waiting { call: self, callback };
        if let Some(done) = Arc::new(Watch(Mutex::new(Some(waiting)))).look() {
            run_soon(move || done.run());
        }
        canceller
    }

    /// Cancels the call; waiting for it then gives CANCELLED, unless the reply has come already.
    pub fn cancel(&self) {
        self.call.abandon(CANCELLED);
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.call.clone())
    }

    fn advance(&mut self, wait: Wait) -> Option<Result<Response<T>, Status>> {
        if self.taken {
            return Some(Err(Status::failed_precondition("the reply was already taken")));
        }
        let result = loop {
            let result = self.reply.advance(&self.call, self.codec, wait);
            // What was left goes on elsewhere, and the time is not up yet.
            if result.is_some() || !self.call.go_on() {
                break result;
            }
        };
        self.taken = result.is_some();
        result
    }

    /// Has `waker` woken at the deadline.
    fn set_alarm(&mut self, waker: &Waker) {
        let Some(at) = self.call.deadline() else { return };
        if self.alarm.as_ref().is_some_and(|(set, _)| set.will_wake(waker)) {
            return;
        }
        let woken = waker.clone();
        match Timer::shared().schedule(at, move || woken.wake()) {
            Ok(scheduled) => self.alarm = Some((waker.clone(), scheduled)),
            Err(error) => {
                self.call.fail(Status::internal(format!("no thread for deadlines: {error}")));
            }
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<Response<T>, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(result) = self.advance(Wait::NotAtAll) {
                self.alarm = None;
                return Poll::Ready(result);
            }
            self.set_alarm(context.waker());
            if !self.call.watch(context.waker()) {
                return Poll::Pending;
            }
        }
    }
}

/// A call whose result is for a callback; nothing once the callback has it.
struct Watch<T: 'static, F>(Mutex<Option<Waiting<T, F>>>);

struct Waiting<T: 'static, F> {
    call: Pending<T>,
    callback: F,
}

impl<T, F> Watch<T, F>
where
    F: FnOnce(Result<Response<T>, Status>) + Send + 'static,
{
    /// Looks for the result; the callback is to be run if it is there.
    fn look(self: &Arc<Self>) -> Option<Done<T, F>> {
        let waker = Waker::from(self.clone());
        let mut state = lock(&self.0);
        let call = &mut state.as_mut()?.call;
        match Pin::new(call).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => None,
            Poll::Ready(result) => {
                let Waiting { callback, .. } = state.take()?;
                Some(Done { callback, result })
            }
        }
    }
}

/// A callback and what it is called with.
struct Done<T, F> {
    callback: F,
    result: Result<Response<T>, Status>,
}

impl<T, F> Done<T, F>
where
    F: FnOnce(Result<Response<T>, Status>),
{
    fn run(self) {
        contained(|| (self.callback)(self.result));
    }
}

impl<T, F> Wake for Watch<T, F>
where
    F: FnOnce(Result<Response<T>, Status>) + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        // Whoever wakes is the reader of a connection or the timer, which decode nothing.
        run_soon(move || {
            if let Some(done) = self.look() {
                done.run();
            }
        });
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.taken {
            self.call.abandon("the pending call was dropped");
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("call", &self.call).finish_non_exhaustive()
    }
}

/// Cancels one call, from any thread; clones cancel the same call.
///
/// Cancelling tells the server at once and wakes whoever waits on the call, which ends with
/// CANCELLED. It does nothing to a call that has ended. Dropping it does nothing either.
///
/// A call gives it out once it has begun; a [`Cancellation`](crate::Cancellation) is made before.
#[derive(Clone, Debug)]
pub struct Canceller {
    call: Arc<Handle>,
}

impl Canceller {
    pub(crate) fn new(call: Arc<Handle>) -> Self {
        call.set_shared();
        Self { call }
    }

    /// Cancels the call.
    pub fn cancel(&self) {
        self.call.abandon(CANCELLED);
    }
}
