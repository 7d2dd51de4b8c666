//! The two verbs that drive a link: `submit` puts commands in, `pump` takes from the network.
//!
//! Whoever holds the lock computes; nobody blocks under it. One thread writes at a time, and takes
//! along what others leave in the core meanwhile. When the wire is full, the rest is left to the
//! thread that pumps, which alone waits for the wire. So nobody ever blocks on writing without
//! reading.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::thread::yield_now;
use std::time::Instant;

use super::accepted::Arrived;
use super::flusher::flush_soon;
use super::inbox::Inbox;
use super::link::{Link, Side};
use super::openers::Pace;
use super::state::{Output, Phase, Pumping, State};
use super::taking::Taking;
use super::waiting::Awaited;
use super::wire::Interest;
use super::{earliest, lock, now};
use crate::limits::{BATCH_SIZE, LENT_MIN, LINGER_MAX};

/// What a round of `pump` has brought.
pub(super) enum Pumped {
    /// Whether streams can be opened by this side, and how many bytes were read.
    Alive { is_usable: bool, read: usize },
    /// The connection is over; there is nothing left to pump.
    Over,
}

/// A caller who pumps, and what it waits for.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) inbox: &'a Arc<Inbox>,
    pub(super) what: Awaited,
    /// It need not be woken for a while, if nothing but the wire can bring what it waits for.
    pub(super) is_patient: bool,
}

/// What a thread that pumps is to wait for.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    pub(super) interest: Interest,
    pub(super) until: Option<Instant>,
    /// By [`Wire::read_patiently`](super::wire::Wire::read_patiently).
    pub(super) is_patient: bool,
}

impl Link {
    /// Runs `commands` under the lock, then delivers what they brought about and writes the frames
    /// they made, as far as the wire takes them. Never blocks.
    pub(super) fn submit<R>(&self, commands: impl FnOnce(&mut State) -> R) -> R {
        let (state, result) = self.command(commands);
        self.flush(state);
        result
    }

    /// Whether `data` is worth being written from where it lies.
    fn lends(&self, data: &[u8]) -> bool {
        data.len() >= LENT_MIN && self.wire.takes_parts()
    }

    /// As [`Link::submit`] of commands that may lend the core a beginning of `data`, if they are told so:
    /// it is written from where it lies.
    pub(super) fn submit_lending<R>(
        &self,
        data: &[u8],
        commands: impl FnOnce(&mut State, bool) -> R,
    ) -> R {
        if !self.lends(data) {
            return self.submit(|state| commands(state, false));
        }
        let (mut state, result) = self.command(|state| {
            let lends = matches!(state.output, Output::Idle) && !self.cork.is_in();
            commands(state, lends)
        });
        let lent = state.core.take_lent();
        if !lent.is_empty() {
            let bytes = state.core.take_output();
            state.output = Output::Writing;
            drop(state);
            state = self.write_parts(bytes, &lent, data);
        }
        self.flush(state);
        result
    }

    /// As [`Link::submit_lending`], to begin a call: with several calls of several threads on their way
    /// the thread lets others run once before it writes, so that a burst of callers shares a write; and
    /// what one alone begins in quick succession is written together, see
    /// [`Openers`](super::openers::Openers). What is lent is written at once.
    pub(super) fn submit_together<R>(
        self: &Arc<Self>,
        data: &[u8],
        commands: impl FnOnce(&mut State, bool) -> R,
    ) -> R {
        if self.lends(data) {
            return self.submit_lending(data, |state, lends| {
                let result = commands(state, lends);
                state.openers.write_at_once();
                result
            });
        }
        let (mut state, result) = self.command(|state| commands(state, false));
        match state.openers.take_pace() {
            Pace::AmongOthers if state.awaits_others() => {
                state.output = Output::Writing;
                // Those who are woken have something to do meanwhile.
                self.unlock(state);
                yield_now();
                state = lock(&self.state);
                state.output = Output::Idle;
            }
            Pace::Held if state.core.output_len() < BATCH_SIZE => {
                self.calls_held.put_in();
                self.unlock(state);
                return result;
            }
            Pace::Begun => {
                self.calls_held.put_in();
                self.unlock(state);
                let link = Arc::downgrade(self);
                if !flush_soon(link) {
                    lock(&self.state).openers.end_burst();
                    self.write_held_calls();
                }
                return result;
            }
            _ => {}
        }
        self.flush(state);
        result
    }

    /// Runs `commands` under the lock, and delivers what they brought about.
    fn command<R>(&self, commands: impl FnOnce(&mut State) -> R) -> (MutexGuard<'_, State>, R) {
        let mut state = lock(&self.state);
        let result = commands(&mut state);
        if state.core.wants_time() {
            state.core.tell_time(now());
        }
        state.settle();
        (state, result)
    }

    /// Waits for the wire, `until` at most; reads it once; turns bytes into events and events into
    /// inboxes; writes what is to be written; leaves the streams that the peer has opened in `arrived`.
    ///
    /// One thread at a time pumps. `buffer` is its own, and holds nothing between two calls. If it
    /// is a `caller` who waits for something besides, the wait ends when that is there.
    pub(super) fn pump(
        self: &Arc<Self>,
        buffer: &mut [u8],
        arrived: &mut Vec<Arrived>,
        until: Option<Instant>,
        caller: Option<Caller<'_>>,
    ) -> Pumped {
        self.wire.prepare_wait();
        let Some(Waiting { interest, until, is_patient }) = self.begin_pump(until, caller) else {
            return Pumped::Over;
        };
        if is_patient {
            return self.read_patiently(buffer, arrived);
        }
        let timeout = until.map(|until| until.saturating_duration_since(now()));
        match self.wire.wait(interest, timeout) {
            Ok(found) => self.take_found(buffer, arrived, found),
            Err(error) => {
                self.end(self.in_words(&error));
                Pumped::Over
            }
        }
    }

    /// Waits for bytes in the read itself, and does what there is to do.
    pub(super) fn read_patiently(
        self: &Arc<Self>,
        buffer: &mut [u8],
        arrived: &mut Vec<Arrived>,
    ) -> Pumped {
        let read = self.wire.read_patiently(buffer);
        self.take_read(buffer, arrived, Some(&read))
    }

    /// What follows a wait: reads once, if that was `found`, and does what there is to do.
    pub(super) fn take_found(
        self: &Arc<Self>,
        buffer: &mut [u8],
        arrived: &mut Vec<Arrived>,
        found: Interest,
    ) -> Pumped {
        if found.write {
            self.resume_writing();
        }
        let read = found.read.then(|| self.wire.read(buffer));
        self.take_read(buffer, arrived, read.as_ref())
    }

    /// What follows a read: bytes into events, events into inboxes, and what the time asks for.
    fn take_read(
        self: &Arc<Self>,
        buffer: &[u8],
        arrived: &mut Vec<Arrived>,
        read: Option<&io::Result<usize>>,
    ) -> Pumped {
        // Behind the read: a request's time counts from here, and its client must not be told that it is
        // over before it is by the client's own clock.
        let time = now();
        let mut state = lock(&self.state);
        (state.pumping, state.pumped) = (None, Some(time));
        let was_ready = state.core.is_ready();
        match read {
            Some(Ok(0)) => {
                let text = format!("{} closed the connection", self.peer()).into();
                self.lose_all(&mut state, text);
            }
            Some(Ok(count)) => {
                let bytes = &buffer[..*count];
                self.take_in(&mut state, Taking { bytes, time, arrived });
            }
            Some(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                self.lose_all(&mut state, self.in_words(error));
            }
            Some(Err(_)) | None => {}
        }
        let read = read.and_then(|read| read.as_ref().ok()).map_or(0, |count| *count);
        if !state.settled.is_empty() {
            arrived.append(&mut state.settled);
        }
        let has_changed = state.core.is_ready() != was_ready || state.lost.is_some();
        let foreign = std::mem::take(&mut state.foreign);
        let is_usable = self.end_pump(state, time);
        if has_changed {
            self.changed.notify_all();
        }
        foreign.iter().for_each(|inbox| self.expect_body(inbox));
        Pumped::Alive { is_usable, read }
    }

    /// The streams are lost, unless that has happened before, and nothing more is read or written.
    pub(super) fn end(&self, text: Arc<str>) {
        let mut state = lock(&self.state);
        self.lose_all(&mut state, text);
        self.unlock(state);
        self.changed.notify_all();
    }

    fn lose_all(&self, state: &mut State, mut text: Arc<str>) {
        if let Some(going) = &state.going {
            text = format!("{text}, after {going}").into();
        }
        state.lose(text);
        state.phase = Phase::Over;
        state.settle();
    }

    /// What to wait for, and until when; nothing if the connection is over.
    pub(super) fn begin_pump(
        &self,
        until: Option<Instant>,
        caller: Option<Caller<'_>>,
    ) -> Option<Waiting> {
        let mut state = lock(&self.state);
        if caller.is_some() {
            state.openers.on_wait();
        }
        let lingering = match state.phase {
            Phase::Open => None,
            Phase::Lingering(until) => Some(until),
            Phase::Over => return None,
        };
        let broken = match &state.output {
            Output::Broken { until, .. } => Some(*until),
            Output::Idle | Output::Writing | Output::Full(..) => None,
        };
        // The last stream may have ended since the last round, when nobody waited to be woken.
        let finished = state.is_finished().then(now);
        let times = [lingering, broken, finished, state.next_timeout()];
        let until = times.into_iter().fold(until, earliest);
        let interest = Interest {
            read: state.lost.is_some() || state.core.wants_input(),
            write: matches!(state.output, Output::Full(..)),
        };
        let mut waiting = Waiting { interest, until, is_patient: false };
        if let Some(Caller { inbox, what, is_patient }) = caller {
            // Only what comes by the wire ends such a wait.
            let is_remote = what == Awaited::Incoming && !inbox.is_shared();
            waiting.is_patient = is_patient
                && is_remote
                && interest == Interest::READ
                && state.is_far(until)
                && self.wire.is_patient();
            if inbox.has(what) {
                // It has come since the caller looked.
                let (interest, until) = (Interest::NONE, Some(now()));
                waiting = Waiting { interest, until, is_patient: false };
            }
        }
        let Waiting { interest, until, is_patient } = waiting;
        // Who is patient is not woken for what it waits for.
        let caller = caller.filter(|_| !is_patient);
        let caller = caller.map(|caller| (Arc::clone(caller.inbox), caller.what));
        state.pumping = Some(Pumping { interest, until, caller, is_patient });
        Some(waiting)
    }

    /// What the time asks for, and the end when it has come. Says whether streams can be opened.
    fn end_pump(&self, mut state: MutexGuard<'_, State>, time: Instant) -> bool {
        if state.lost.is_none() {
            state.core.on_time(time);
            self.check_core(&mut state, time);
        }
        state.settle();
        if state.is_finished() {
            let text = format!("connection to {} was closed after its last call", self.peer());
            state.lose(text.into());
            self.changed.notify_all();
            state.phase = match self.side {
                Side::Client => Phase::Over,
                Side::Server => Phase::Lingering(time + LINGER_MAX),
            };
        }
        let is_quiet = state.phase == Phase::Open && !matches!(state.output, Output::Broken { .. });
        let is_usable = state.is_usable();
        self.flush(state);
        if is_quiet {
            return is_usable;
        }

        let mut state = lock(&self.state);
        let overdue = match (&state.phase, &state.output) {
            (Phase::Lingering(_), Output::Broken { error, .. }) => Some(Arc::clone(error)),
            (Phase::Lingering(until), _) if *until <= time => Some("".into()),
            (Phase::Open, Output::Broken { until, error }) if *until <= time => {
                Some(Arc::clone(error))
            }
            _ => None,
        };
        let says_end = matches!(state.phase, Phase::Lingering(_))
            && matches!(state.output, Output::Idle)
            && !state.core.has_output();
        if overdue.is_some() {
            state.phase = Phase::Over;
        }
        let is_usable = state.is_usable();
        drop(state);
        if let Some(text) = overdue {
            self.end(text);
        } else if says_end {
            self.wire.end_writing();
        }
        is_usable
    }

    /// If the core has ended the connection, the streams are lost; its GOAWAY still leaves.
    #[inline]
    pub(super) fn check_core(&self, state: &mut State, time: Instant) {
        if state.core.error().is_some() {
            self.lose_core(state, time);
        }
    }

    #[cold]
    fn lose_core(&self, state: &mut State, time: Instant) {
        let Some(error) = state.core.error() else { return };
        state.lose(format!("connection to {} ended here: {error}", self.peer()).into());
        // Who waits for the link to become ready does not wait for it to linger.
        self.changed.notify_all();
        if state.phase == Phase::Open {
            state.phase = Phase::Lingering(time + LINGER_MAX);
        }
    }

    pub(super) fn in_words(&self, error: &io::Error) -> Arc<str> {
        format!("connection to {}: {error}", self.peer()).into()
    }
}
