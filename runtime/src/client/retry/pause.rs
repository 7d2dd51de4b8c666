//! The wait before an attempt: ended by its time, or before it by what ends the call.
//!
//! Who waits for the call anyway waits here, on a thread of its own. For everybody else the timer
//! starts what is to be done, and no thread is held.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::client::Channel;
use crate::grpc::Status;
use crate::transport::latch::Latch;
use crate::transport::timer::{Scheduled, Timer};
use crate::transport::{Child, Parents, Tied, lock, now};

/// The wait before an attempt.
pub(crate) struct Pause {
    at: Instant,
    /// What the attempt before it ended with.
    cause: Status,
    over: Latch,
    then: Mutex<Then>,
}

/// What is to be done when it is over.
enum Then {
    Nothing,
    Run(Box<dyn FnOnce() + Send>, #[allow(dead_code, reason = "cancels when dropped")] Scheduled),
    /// It is over: nothing is to come.
    Over,
}

/// A pause that others can end: the call's parents, and the channel.
pub(crate) struct Paused {
    pause: Arc<Pause>,
    _tied: Tied,
    channel: Channel,
    number: u64,
}

impl Pause {
    /// A pause of `wait` from now on, after an attempt that ended with `cause`.
    pub(crate) fn new(wait: Duration, cause: Status) -> Arc<Self> {
        let time = now();
        let at = time.checked_add(wait).unwrap_or(time);
        Arc::new(Self { at, cause, over: Latch::default(), then: Mutex::new(Then::Nothing) })
    }

    /// Makes it known to those who can end it.
    pub(crate) fn known_to(self: Arc<Self>, channel: &Channel, parents: &Parents) -> Paused {
        let child: Weak<dyn Child> = Arc::<Self>::downgrade(&self);
        let tied = parents.tie_child(&child);
        let number = channel.retries().watch(&self);
        Paused { pause: self, _tied: tied, channel: channel.clone(), number }
    }

    /// Has `run`, which must not block, run when it is over; here if it is.
    ///
    /// # Errors
    ///
    /// If no thread can be started for it; `run` is dropped then.
    pub(crate) fn then(
        self: &Arc<Self>,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), Status> {
        let ending = Arc::downgrade(self);
        let scheduled = Timer::shared().schedule(self.at, move || {
            if let Some(pause) = ending.upgrade() {
                pause.end();
            }
        });
        let scheduled = scheduled
            .map_err(|error| Status::internal(format!("no thread for retries: {error}")))?;
        let mut then = lock(&self.then);
        if let Then::Over = *then {
            drop(then);
            run();
            return Ok(());
        }
        *then = Then::Run(Box::new(run), scheduled);
        Ok(())
    }

    /// Ends it: what is to be done is done.
    pub(crate) fn end(&self) {
        let then = std::mem::replace(&mut *lock(&self.then), Then::Over);
        self.over.open();
        if let Then::Run(run, _scheduled) = then {
            run();
        }
    }

    /// Ends it because the call is over: what was to be done is dropped.
    pub(crate) fn cancel(&self) {
        let then = std::mem::replace(&mut *lock(&self.then), Then::Over);
        self.over.open();
        drop(then);
    }
}

impl Paused {
    /// Waits until it is over.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED if `deadline` comes first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Result<(), Status> {
        let Pause { at, cause, over, .. } = &*self.pause;
        let until = deadline.map_or(*at, |deadline| deadline.min(*at));
        if over.wait(Some(until)) || deadline.is_none_or(|deadline| *at < deadline) {
            return Ok(());
        }
        let text = format!("deadline passed while waiting to send the call again after {cause}");
        Err(Status::deadline_exceeded(text))
    }

    pub(crate) fn pause(&self) -> &Arc<Pause> {
        &self.pause
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.channel.retries().forget(self.number);
    }
}

/// One of the call's parents is cancelled.
impl Child for Pause {
    fn cancel(self: Arc<Self>) {
        self.end();
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause").field("cause", &self.cause).finish_non_exhaustive()
    }
}
