//! How a thread waits for something of its stream: it drives the connection meanwhile, if nobody else
//! does.
//!
//! Who may is decided by [`Lead`]; the invariant here: whoever has the lead passes it on, in whatever
//! way it ends.

use std::sync::Arc;
use std::time::Instant;

use super::inbox::Inbox;
use super::lead::{Lead, Role};
use super::link::Link;
use super::now;
use super::parking::Spaces;
use super::sending::{Busy, SendingTurn};
use super::verbs::{Caller, Pumped};
use super::waiting::{Awaited, DeadlinePassed};

impl Link {
    /// Waits until `what` is there at `inbox`, `until` at most; drives the connection meanwhile, if
    /// callers do that and nobody else does.
    pub(super) fn wait(
        self: &Arc<Self>,
        inbox: &Arc<Inbox>,
        what: Awaited,
        until: Option<Instant>,
    ) -> Result<(), DeadlinePassed> {
        match inbox.has(what) {
            true => Ok(()),
            false => self.wait_for_news(inbox, what, until),
        }
    }

    /// As [`Link::wait`], of a caller who has just looked for it.
    pub(super) fn wait_for_news(
        self: &Arc<Self>,
        inbox: &Arc<Inbox>,
        what: Awaited,
        until: Option<Instant>,
    ) -> Result<(), DeadlinePassed> {
        let in_time = |is_there: bool| if is_there { Ok(()) } else { Err(DeadlinePassed) };
        // Whoever sends on the stream comes to its end by itself.
        let Some(lead) = self.lead.as_ref().filter(|_| what != Awaited::Sending) else {
            self.uncork();
            return in_time(inbox.wait(what, until));
        };
        self.uncork();
        let (buffer, is_there) = match lead.enter(inbox, |interest| self.watch(interest)) {
            Role::Leads(buffer) => (buffer, false),
            Role::Follows(space) => {
                let (parking, yielding) = (&lead.parking, &self.yielding);
                let woken = inbox.wait_or_lead(what, until, parking, space, yielding);
                if !lead.leave(inbox, woken.is_to_lead) {
                    return in_time(woken.is_there);
                }
                (lead.buffer(), woken.is_there)
            }
        };
        let mut leading = Leading { link: self, lead, buffer };
        // Who has what it waits for only passes the lead on.
        in_time(is_there || self.lead_until(&mut leading.buffer, inbox, what, until))
    }

    /// Pumps until `what` is there at `inbox`, `until` at most; says whether it is.
    fn lead_until(
        self: &Arc<Self>,
        buffer: &mut [u8],
        inbox: &Arc<Inbox>,
        what: Awaited,
        until: Option<Instant>,
    ) -> bool {
        let mut is_patient = true;
        let mut arrived = Vec::new();
        loop {
            let caller = Some(Caller { inbox, what, is_patient });
            let (is_usable, read) = match self.pump(buffer, &mut arrived, until, caller) {
                Pumped::Alive { is_usable, read } => (is_usable, read),
                Pumped::Over => (false, 0),
            };
            self.leave_unserved(&mut arrived);
            if inbox.has(what) {
                return true;
            }
            // Whoever waits for long can be woken.
            is_patient = read > 0;
            if until.is_some_and(|until| until <= now()) {
                return false;
            }
            if !is_usable {
                self.tell_leaving();
                // It also sees to the end.
                self.attend();
            }
        }
    }

    /// As [`Link::begin_sending_now`], but waits while somebody else sends.
    pub(super) fn begin_sending<'a>(
        self: &'a Arc<Self>,
        inbox: &'a Arc<Inbox>,
        until: Option<Instant>,
    ) -> Result<Option<SendingTurn<'a>>, DeadlinePassed> {
        loop {
            match self.begin_sending_now(inbox) {
                Ok(turn) => return Ok(turn),
                Err(Busy) => self.wait(inbox, Awaited::Sending, until)?,
            }
        }
    }

    /// As [`attend`](Self::attend), by one who can wait until nobody has led for a while.
    pub(super) fn attend_unless_led(&self) {
        if let Some(lead) = self.lead.as_ref().filter(|_| self.bell.get().is_none()) {
            lead.attend_unless_led();
        }
    }

    /// Wakes those who follow at `spaces`.
    pub(super) fn call(&self, spaces: Spaces) {
        if let Some(lead) = &self.lead {
            lead.parking.wake(spaces);
        }
    }

    /// Somebody wants to be told of what comes without waiting for it.
    pub(super) fn attend(&self) {
        // Whoever asks may be about to wait elsewhere, for calls that were held.
        self.write_held_calls();
        // A reactor attends anyway.
        if let Some(lead) = self.lead.as_ref().filter(|_| self.bell.get().is_none()) {
            lead.attend();
        }
    }
}

/// A caller that leads; dropped, it passes the lead on.
struct Leading<'a> {
    link: &'a Arc<Link>,
    lead: &'a Lead,
    buffer: Vec<u8>,
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let (link, buffer) = (self.link, std::mem::take(&mut self.buffer));
        link.stop_leading(self.lead, buffer);
    }
}
