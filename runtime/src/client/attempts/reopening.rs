//! A further stream of a call, in place of one that has failed.
//!
//! The invariant: one thread has the duty to open it, and who waits for it is told in whatever way that
//! ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Attempts, Due, Kept, Number, Unopened, pause_after, tell};
use crate::client::retry::{Pause, Paused, Retry};
use crate::grpc::Status;
use crate::transport::latch::Latch;
use crate::transport::lock;

/// How a stream failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure<'a> {
    /// The server has surely not looked at it.
    Refused(&'a Status),
    Failed(&'a Status),
}

/// What is to be done about a stream that failed.
pub(crate) enum Claim {
    /// There is another one already, or somebody opens it.
    Another,
    /// Nothing: the call cannot be sent again.
    Nothing,
    /// The next stream is to be opened, by the one who has this.
    Reopen(Reopening),
}

/// The duty to open the next stream.
pub(crate) struct Reopening {
    kept: Kept,
    latch: Arc<Latch>,
    /// What comes first.
    pub(crate) paused: Option<Paused>,
}

/// What opening the next stream has come to.
pub(crate) enum Reopened {
    Open,
    /// It could not be opened, and is to be opened later.
    Again(Reopening),
    /// It could not be opened.
    Failed(Status),
}

impl Attempts {
    /// Who opens a stream in place of `failed`.
    pub(crate) fn claim(&self, failed: Number, failure: Failure<'_>) -> Claim {
        let mut state = lock(&self.state);
        let is_over = self.over.load(Ordering::Acquire);
        if is_over || state.number != failed || state.reopening.is_some() {
            return Claim::Another;
        }
        let kept = std::mem::replace(&mut state.kept, Kept::Nothing);
        if let Kept::Nothing = kept {
            return Claim::Nothing;
        }
        let pause = match failure {
            Failure::Refused(_) if state.retry.as_deref_mut().is_none_or(Retry::on_refused) => None,
            Failure::Refused(status) | Failure::Failed(status) => {
                match pause_after(status, state.retry.as_deref_mut(), &self.channel) {
                    Some(pause) => Some(pause),
                    None => return Claim::Nothing,
                }
            }
        };
        let latch = Arc::new(Latch::default());
        state.reopening = Some(latch.clone());
        state.pause.clone_from(&pause);
        drop(state);
        Claim::Reopen(self.reopening(kept, latch, pause))
    }

    pub(super) fn reopening(
        &self,
        kept: Kept,
        latch: Arc<Latch>,
        pause: Option<Arc<Pause>>,
    ) -> Reopening {
        let paused = pause.map(|pause| pause.known_to(&self.channel, &self.head.parents));
        Reopening { kept, latch, paused }
    }

    /// Opens the next stream; what is to come before has come.
    pub(crate) fn reopen(&self, reopening: Reopening) -> Reopened {
        let Reopening { kept, latch, paused } = reopening;
        drop(paused);
        let (ended, previous_attempts) = {
            let state = lock(&self.state);
            (state.ended, state.retry.as_deref().map_or(0, Retry::previous_attempts))
        };
        let opened = match self.head.check(&self.over) {
            Ok(()) => {
                let (first, end, over) = (kept.as_slice(), ended, &self.over);
                self.head.open(&self.channel, &Due { first, end, over, previous_attempts })
            }
            Err(status) => Err(Unopened::Refused(status)),
        };
        let mut state = lock(&self.state);
        let is_over = self.over.load(Ordering::Acquire);
        if let Err(Unopened::Unreachable(status)) = &opened
            && !is_over
            && let Some(pause) = pause_after(status, state.retry.as_deref_mut(), &self.channel)
        {
            state.pause = Some(pause.clone());
            drop(state);
            return Reopened::Again(self.reopening(kept, latch, Some(pause)));
        }
        state.number = Number(state.number.0.wrapping_add(1));
        state.reopening = None;
        let pause = state.pause.take();
        let waker = state.waker.take();
        let replaced = match opened {
            Ok((stream, tied)) => {
                // Whoever may end the call may end each of its streams.
                stream.set_shared();
                if state.retry.is_some() {
                    state.kept = kept;
                }
                // Who ended the requests meanwhile has left it to this.
                let unfinished = (state.ended && !ended).then(|| stream.clone());
                state.tally = stream.begin_tally();
                let stream = std::mem::replace(&mut state.stream, stream);
                let tied = std::mem::replace(&mut state._tied, tied);
                Ok((stream, tied, unfinished))
            }
            Err(Unopened::Unreachable(status) | Unopened::Refused(status)) => Err(status),
        };
        drop(state);
        drop(pause);
        let result = match replaced {
            Ok((stream, tied, unfinished)) => {
                drop((stream, tied));
                if let Some(stream) = unfinished {
                    // An error means that the stream is over; receiving says how.
                    let _ = stream.finish();
                }
                Reopened::Open
            }
            Err(status) => Reopened::Failed(status),
        };
        tell((Some(latch), waker));
        result
    }
}
