//! When a server's link is not watched for a moment.

use std::cell::RefCell;

use super::*;
use crate::limits::PAUSES_SKIPPED;
use crate::transport::inbox::Inbox;
use crate::transport::lead::{Lead, Role};

/// A handler that receives, and what its reactor is told to watch for.
struct Handler {
    lead: Lead,
    inbox: Arc<Inbox>,
    watched: RefCell<Vec<Interest>>,
    seen: u64,
}

impl Handler {
    fn new() -> Self {
        let inbox = Arc::new(Inbox::new(LIMIT, 1000));
        Self { lead: Lead::new(false), inbox, watched: RefCell::default(), seen: u64::MAX }
    }

    fn watch(&self, interest: Interest) {
        self.watched.borrow_mut().push(interest);
    }

    /// Leads for one message; says whether the monitor is to look from now on.
    fn receive(&self) -> bool {
        let Role::Leads(buffer) = self.lead.enter(&self.inbox, |it| self.watch(it)) else {
            panic!("somebody else leads");
        };
        self.lead.pass_on(buffer, true, || Some(Interest::READ), |it| self.watch(it))
    }

    /// The monitor looks; says whether it will again.
    fn look(&mut self) -> bool {
        let mut seen = self.seen;
        let again = self.lead.look(&mut seen, || Some(Interest::READ), |it| self.watch(it));
        self.seen = seen;
        again
    }

    fn watched(&self) -> Vec<Interest> {
        self.watched.take()
    }
}

/// A handler that comes back for the next message before the monitor has looked twice costs its reactor
/// nothing, however many they are.
#[test]
fn a_short_pause_is_not_watched() {
    let mut handler = Handler::new();
    for message in 0..100 {
        assert_eq!(handler.receive(), message == 0, "it is listed once");
        assert!(message % 10 != 0 || handler.look());
    }
    assert_eq!(handler.watched(), []);
}

/// A pause that the monitor sees twice ends, and so does the next one only after a while.
#[test]
fn a_long_pause_is_ended_by_the_monitor() {
    let mut handler = Handler::new();
    assert!(handler.receive());
    assert!(handler.look());
    assert_eq!(handler.watched(), []);
    assert!(!handler.look());
    assert_eq!(handler.watched(), [Interest::READ]);
    for _ in 0..PAUSES_SKIPPED {
        assert!(!handler.receive());
        assert_eq!(handler.watched(), [Interest::NONE, Interest::READ]);
    }
    assert!(handler.receive());
    assert_eq!(handler.watched(), [Interest::NONE]);
}

/// With the call its pause ends.
#[test]
fn a_call_that_ends_ends_its_pause() {
    let handler = Handler::new();
    assert!(handler.receive());
    for expected in [vec![Interest::READ], vec![]] {
        handler.lead.end_pause(|| Some(Interest::READ), |it| handler.watch(it));
        assert_eq!(handler.watched(), expected);
    }
}
