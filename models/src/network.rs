//! Who drives a connection: callers that wait for their replies, a client's watcher, a server's reactor.

use std::time::Duration;

use loom::thread;

use crate::inbox::Inbox;
use crate::lead::{Calls, Lead, Role};
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering};
use crate::wire::Interest;
use crate::{check, join, lock};

/// A connection on which something has come for some inboxes, and who drives it.
struct Network {
    lead: Lead,
    inboxes: Vec<Arc<Inbox>>,
    /// Who gets what was not read yet, last first.
    unread: Mutex<Vec<usize>>,
    is_pumped: AtomicBool,
    /// What its reactor watches for.
    watched: Mutex<Interest>,
    /// What the reactor watches, or what is unread, has changed.
    changed: Condvar,
    /// Whether callers pause the lead.
    may_pause: bool,
    /// Whether the monitor is to look.
    is_listed: Mutex<bool>,
}

impl Network {
    fn new(inboxes: usize, unread: &[usize]) -> Arc<Self> {
        Arc::new(Self::with_pauses(inboxes, unread, false))
    }

    fn with_pauses(inboxes: usize, unread: &[usize], may_pause: bool) -> Self {
        Self {
            lead: Lead::new(true),
            inboxes: (0..inboxes).map(|_| Arc::new(Inbox::default())).collect(),
            unread: Mutex::new(unread.to_vec()),
            is_pumped: AtomicBool::new(false),
            watched: Mutex::new(Interest::NONE),
            changed: Condvar::new(),
            may_pause,
            is_listed: Mutex::new(false),
        }
    }

    /// Reads one thing; says whether there was one.
    fn pump(&self) -> bool {
        let was_pumped = self.is_pumped.swap(true, Ordering::Relaxed);
        assert!(!was_pumped, "two threads drive one connection");
        let next = lock(&self.unread).pop();
        if let Some(next) = next {
            self.inboxes[next].put(&self.lead.parking);
        }
        self.is_pumped.store(false, Ordering::Relaxed);
        next.is_some()
    }

    /// What a caller does that waits at `index`.
    fn wait(&self, index: usize) {
        self.wait_for(index, None);
    }

    /// The same of one whose deadline passes meanwhile, so that it may give up.
    fn wait_briefly(&self, index: usize) {
        self.wait_for(index, Some(Duration::ZERO));
    }

    /// As `Link::wait` and `Link::lead_until` have it.
    fn wait_for(&self, index: usize, time: Option<Duration>) {
        let (lead, inbox) = (&self.lead, &self.inboxes[index]);
        if inbox.has(1) {
            return;
        }
        let buffer = match lead.enter(inbox, |interest| self.watch(interest)) {
            Role::Leads(buffer) => buffer,
            Role::Follows(space) => {
                let woken = inbox.wait_or_lead(1, time, &lead.parking, space);
                if !lead.leave(inbox, woken.is_to_lead) {
                    assert!(woken.is_there || time.is_some(), "woken for nothing");
                    return;
                }
                lead.buffer()
            }
        };
        while !inbox.has(1) {
            let is_read = !self.pump();
            if time.is_some() {
                break;
            }
            assert!(!is_read, "what comes next was read and not delivered");
        }
        let next = || Some(Interest::READ);
        if lead.pass_on(buffer, self.may_pause, next, |interest| self.watch(interest)) {
            *lock(&self.is_listed) = true;
        }
    }

    /// What a handler does that has received what it wanted.
    fn end_pause(&self) {
        self.lead.end_pause(|| Some(Interest::READ), |interest| self.watch(interest));
    }

    /// What the monitor does until it is not to look any more.
    fn monitor(&self) {
        let mut seen = u64::MAX;
        let next = || Some(Interest::READ);
        while self.lead.look(&mut seen, next, |interest| self.watch(interest)) {}
    }

    fn watch(&self, interest: Interest) {
        *lock(&self.watched) = interest;
        self.changed.notify_all();
    }

    fn is_read(&self) -> bool {
        lock(&self.unread).is_empty()
    }

    fn calls(&self, are_new: bool) -> Calls {
        Calls { are_open: !self.is_read(), are_new }
    }

    /// What the watcher of a client does, until there is nothing left that would wake it. `is_called_on`:
    /// calls are made all the time.
    fn watch_alone(&self, is_called_on: bool) {
        while !self.is_read() {
            if !self.lead.watch() {
                continue;
            }
            loop {
                if !self.pump() {
                    return;
                }
                if !self.lead.keeps_watching(|| self.calls(is_called_on)) {
                    break;
                }
            }
        }
    }

    /// What the reactor of a server does, until everything is read.
    fn react(&self) {
        while !self.is_read() {
            if !self.lead.begin_visit(|| Interest::NONE, |interest| self.watch(interest)) {
                let mut watched = lock(&self.watched);
                while !watched.read && !self.is_read() {
                    watched = self.changed.wait(watched).expect("a panic ends the model");
                }
                continue;
            }
            self.pump();
            self.lead.end_visit(Interest::READ, |interest| self.watch(interest));
        }
    }
}

/// Every caller gets its reply, whoever reads it, and one thread reads at a time.
pub fn callers_pass_the_lead_on() {
    check(|| {
        let network = Network::new(2, &[0, 1]);
        let other = network.clone();
        let caller = thread::spawn(move || other.wait(0));
        network.wait(1);
        join([caller]);
    });
}

/// The same of three.
pub fn three_callers_pass_the_lead_on() {
    check(|| {
        let network = Network::new(3, &[2, 0, 1]);
        let callers = [0, 2].map(|index| {
            let network = network.clone();
            thread::spawn(move || network.wait(index))
        });
        network.wait(1);
        join(callers);
    });
}

/// Two threads that wait for the same stream: an offer of the lead never stays with one that has gone.
pub fn an_offer_is_taken_by_whoever_still_waits() {
    check(|| {
        let network = Network::new(2, &[1, 0]);
        let callers = [0, 0].map(|index| {
            let network = network.clone();
            thread::spawn(move || network.wait(index))
        });
        network.wait(1);
        join(callers);
    });
}

/// A follower whose deadline passes, and whose reply never comes, takes no offer of the lead along: a
/// caller that comes back leads, or is told of its next reply.
pub fn who_gives_up_leaves_the_lead_to_callers() {
    check(|| {
        let network = Network::new(3, &[2, 1]);
        let other = network.clone();
        let caller = thread::spawn(move || other.wait_briefly(0));
        network.wait(1);
        network.wait(2);
        join([caller]);
    });
}

/// The same when another thread waits for the same stream, and goes on doing so.
pub fn who_gives_up_leaves_the_lead_to_its_like() {
    check(|| {
        let network = Network::new(2, &[0, 1]);
        let brief = network.clone();
        let patient = network.clone();
        let callers =
            [thread::spawn(move || brief.wait_briefly(0)), thread::spawn(move || patient.wait(0))];
        network.wait(1);
        join(callers);
    });
}

/// The same of a follower whose call is cancelled.
pub fn who_is_cancelled_leaves_the_lead_to_callers() {
    check(|| {
        let network = Network::new(3, &[0, 2, 1]);
        let (calling, cancelling) = (network.clone(), network.clone());
        let threads = [
            thread::spawn(move || calling.wait(0)),
            thread::spawn(move || cancelling.inboxes[0].put(&cancelling.lead.parking)),
        ];
        network.wait(1);
        network.wait(2);
        join(threads);
    });
}

/// The same when no caller comes any more: the watcher of a client leads, and what nobody waits for is
/// read.
pub fn who_gives_up_leaves_the_lead_to_the_watcher() {
    check(|| {
        let network = Network::new(3, &[2, 1]);
        let (brief, patient) = (network.clone(), network.clone());
        let callers =
            [thread::spawn(move || brief.wait_briefly(0)), thread::spawn(move || patient.wait(1))];
        network.watch_alone(false);
        join(callers);
        assert!(network.inboxes[2].has(1));
    });
}

/// The same of the reactor of a server.
pub fn who_gives_up_leaves_the_lead_to_the_reactor() {
    check(|| {
        let network = Network::new(3, &[2, 1]);
        let brief = network.clone();
        let caller = thread::spawn(move || {
            brief.wait_briefly(0);
            // It may have read the last.
            brief.changed.notify_all();
        });
        network.react();
        join([caller]);
        assert!(network.inboxes[1].has(1) && network.inboxes[2].has(1));
    });
}

/// A client's watcher leads when nobody else does, and leaves the lead to those who wait, or who make
/// calls and will wait.
pub fn a_watcher_leaves_the_lead_to_callers() {
    [false, true].into_iter().for_each(a_watcher_leaves_the_lead);
}

fn a_watcher_leaves_the_lead(is_called_on: bool) {
    check(move || {
        let network = Network::new(2, &[0, 1]);
        let callers = [0, 1].map(|index| {
            let network = network.clone();
            thread::spawn(move || network.wait(index))
        });
        network.watch_alone(is_called_on);
        join(callers);
    });
}

/// What nobody waits for is read by the reactor of a server, also when a caller has led meanwhile.
pub fn a_reactor_reads_what_callers_leave() {
    check(|| {
        let network = Network::new(2, &[1, 0]);
        let calling = network.clone();
        let caller = thread::spawn(move || {
            calling.wait(0);
            // It may have read the last.
            calling.changed.notify_all();
        });
        network.react();
        join([caller]);
        assert!(network.inboxes[1].has(1));
    });
}

/// The same when the caller pauses the lead and then is done with its call.
pub fn a_pause_ends_with_the_call() {
    check(|| {
        let network = Arc::new(Network::with_pauses(2, &[1, 0], true));
        let calling = network.clone();
        let caller = thread::spawn(move || {
            calling.wait(0);
            calling.end_pause();
            calling.changed.notify_all();
        });
        network.react();
        join([caller]);
        assert!(network.inboxes[1].has(1));
    });
}

/// The same when the caller stays away: the monitor ends the pause.
pub fn the_monitor_ends_a_pause() {
    check(|| {
        let network = Arc::new(Network::with_pauses(2, &[1, 0], true));
        let calling = network.clone();
        let caller = thread::spawn(move || {
            calling.wait(0);
            if *lock(&calling.is_listed) {
                calling.monitor();
            }
            calling.changed.notify_all();
        });
        network.react();
        join([caller]);
        assert!(network.inboxes[1].has(1));
    });
}
