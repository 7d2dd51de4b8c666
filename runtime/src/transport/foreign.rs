//! A response that is none of gRPC's, as a proxy gives it: its head, kept for a while until something
//! of its body has come, so that who reads the error sees what the proxy says.

use std::sync::Arc;

use super::inbox::Inbox;
use super::incoming::Incoming;
use super::link::Link;
use super::now;
use super::timer::Timer;
use crate::http2::Headers;
use crate::limits::{FOREIGN_BODY_MAX, FOREIGN_BODY_WAIT};

/// The response of a stream that is none of gRPC's.
pub(super) struct Foreign {
    /// Until it is taken.
    headers: Option<Headers>,
    /// The beginning of the body.
    body: Vec<u8>,
    /// The body was waited for long enough.
    is_overdue: bool,
}

impl Link {
    /// Has what came at `inbox`, a head that is none of gRPC's, told without a body if none comes soon;
    /// most often it has come with the head.
    pub(super) fn expect_body(self: &Arc<Self>, inbox: &Arc<Inbox>) {
        if !inbox.lacks_body() {
            return;
        }
        let (link, waiting) = (Arc::downgrade(self), Arc::downgrade(inbox));
        let tell = move || {
            if let (Some(link), Some(inbox)) = (link.upgrade(), waiting.upgrade()) {
                link.submit(|state| state.tell(&inbox, inbox.expect_no_body()));
            }
        };
        let scheduled =
            now().checked_add(FOREIGN_BODY_WAIT).map(|at| Timer::shared().run_at(at, tell));
        if !matches!(scheduled, Some(Ok(()))) {
            // Without a thread for the timer nothing is waited for.
            self.submit(|state| state.tell(inbox, inbox.expect_no_body()));
        }
    }
}

impl Foreign {
    pub(super) fn new(headers: Headers) -> Self {
        Self { headers: Some(headers), body: Vec::new(), is_overdue: false }
    }

    /// Keeps of `data` what belongs to the beginning of the body; the rest is nothing to anybody.
    pub(super) fn push(&mut self, data: &[u8]) {
        let room = FOREIGN_BODY_MAX - self.body.len();
        self.body.extend_from_slice(&data[..room.min(data.len())]);
    }

    /// The body is not waited for any longer.
    pub(super) fn expect_no_body(&mut self) {
        self.is_overdue = true;
    }

    /// Whether there is something to take; `has_ended`: no more of the body comes.
    pub(super) fn is_ready(&self, has_ended: bool) -> bool {
        self.headers.is_some() && (has_ended || self.is_overdue || !self.body.is_empty())
    }

    /// Whether the body is waited for.
    pub(super) fn lacks_body(&self, has_ended: bool) -> bool {
        self.headers.is_some() && !self.is_ready(has_ended)
    }

    /// What came, if it is to be taken.
    pub(super) fn take(&mut self, has_ended: bool) -> Option<Incoming> {
        match self.is_ready(has_ended) {
            true => {
                let (headers, body) = (self.headers.take()?, std::mem::take(&mut self.body));
                Some(Incoming::Foreign { headers, body })
            }
            false => None,
        }
    }

    /// What came, without taking it.
    pub(super) fn peek(&self) -> Option<Incoming> {
        let headers = self.headers.clone()?;
        Some(Incoming::Foreign { headers, body: self.body.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::incoming::Found;
    use crate::transport::received::Received;

    fn take(received: &mut Received) -> Option<Incoming> {
        match received.take() {
            Found::Incoming(incoming, _) => Some(incoming),
            Found::Credit(_) | Found::Nothing => None,
        }
    }

    fn page() -> Headers {
        [(":status", "503"), ("content-type", "text/html")].into_iter().collect()
    }

    /// The head of a foreign response is told with the beginning of its body, however that is cut,
    /// and without one only if none comes, or none in time.
    #[test]
    fn the_beginning_of_a_foreign_body_is_kept() {
        let mut received = Received::new(1 << 20, 1 << 16);
        received.push_head(page(), false, false);
        assert!(received.is_empty() && take(&mut received).is_none());
        for _ in 0..3 {
            assert_eq!(received.push_data(&[b'x'; 400], false), 0);
            assert!(!received.is_empty());
        }
        let body = vec![b'x'; FOREIGN_BODY_MAX];
        assert_eq!(take(&mut received), Some(Incoming::Foreign { headers: page(), body }));
        assert_eq!(received.push_data(b"more", false), 0);
        assert!(received.is_empty() && take(&mut received).is_none());

        let mut received = Received::new(1 << 20, 1 << 16);
        received.push_head(page(), false, false);
        assert_eq!(received.push_data(b"", true), 0);
        let foreign = Incoming::Foreign { headers: page(), body: Vec::new() };
        assert_eq!(received.ending(), Some(foreign.clone()));
        assert_eq!(take(&mut received), Some(foreign.clone()));
        assert_eq!(take(&mut received), Some(Incoming::End));

        let mut received = Received::new(1 << 20, 1 << 16);
        received.push_head(page(), false, false);
        assert!(received.is_empty());
        received.expect_no_body();
        assert!(!received.is_empty());
        assert_eq!(take(&mut received), Some(foreign));
        assert!(received.is_empty());
    }
}
