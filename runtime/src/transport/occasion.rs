//! What an application wants done when something becomes of a stream.
//!
//! The invariant: its code runs on the thread for callbacks, or on that of whoever asks too late, and
//! never under a lock.

use std::sync::Weak;

use super::callbacks::run_soon;
use super::current::Child;
use super::deadlines::Deadline;
use super::threads::contained;
use super::waiting::Told;

/// A callback for the cancellation or the end of a stream; code of the application.
pub(super) type OnCancel = Box<dyn FnOnce() + Send>;

/// What a callback is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The stream is cancelled.
    Cancelled,
    /// This side has ended the stream, or it is cancelled.
    Ended,
    /// This side wants no more streams on the connection.
    Leaving,
}

/// Who is told of the end of a stream.
#[derive(Default)]
pub(super) struct ToldOfEnd {
    pub(super) callbacks: Vec<(Occasion, OnCancel)>,
    /// What was begun for this one and ends with its cancellation.
    pub(super) children: Vec<Weak<dyn Child>>,
}

/// What is to be told, and let go of, because this side has ended a stream.
pub(super) struct SentEnd {
    /// Those who wait for it, or to send.
    pub(super) awaited: Told,
    /// Both sides have ended the stream in good order, and nobody runs its call any more.
    pub(super) is_over: bool,
    pub(super) told: Option<Box<ToldOfEnd>>,
    pub(super) _deadline: Option<Deadline>,
}

impl SentEnd {
    /// Hands the callbacks for the end to their thread, and drops those for a cancellation.
    pub(super) fn tell(self) {
        if let Some(told) = self.told {
            run_those(told.callbacks, |occasion| occasion == Occasion::Ended);
        }
    }
}

/// Hands those `callbacks` to their thread whose occasion it is, and drops the others.
pub(super) fn run_those(callbacks: Vec<(Occasion, OnCancel)>, is_it: fn(Occasion) -> bool) {
    if callbacks.is_empty() {
        return;
    }
    let (due, dropped): (Vec<_>, Vec<_>) =
        callbacks.into_iter().partition(|(occasion, _)| is_it(*occasion));
    drop(dropped);
    if !due.is_empty() {
        run_soon(move || due.into_iter().for_each(|(_, callback)| run(callback)));
    }
}

/// Runs a callback, whose panic is its own.
pub(super) fn run(callback: OnCancel) {
    contained(callback);
}
