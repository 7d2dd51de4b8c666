//! What a call means for the streams that are opened for it.

use super::*;
use crate::http2::{Initiator, Reason};
use crate::transport::CurrentCall;

/// A call that is served, and a stream that was opened for it.
struct Chain {
    above: Pair,
    below: Pair,
    caller: Stream,
    served: Stream,
    child: Stream,
    reached: Stream,
}

impl Chain {
    fn new() -> Self {
        let (above, below) = (Pair::new(), Pair::new());
        let (caller, accepted) = above.call(&[], true);
        let (child, reached) = below.call(&[], false);
        let (served, reached) = (accepted.stream, reached.stream);
        Self { above, below, caller, served, child, reached }
    }

    fn parent(&self) -> Parents {
        Parents { call: Some(CurrentCall::new(&self.served, None)), ..Parents::default() }
    }

    fn end(self) {
        let Self { above, below, caller, served, child, reached } = self;
        drop((caller, served, child, reached));
        above.end();
        below.end();
    }
}

/// Opens a stream for the call `parent`.
fn open_for(parents: &Parents, link: &Arc<Link>, first: &[u8]) -> Result<Stream, OpenError> {
    let head = &request();
    link.open(Beginning { head, first, end: true, receive_limit: LIMIT, until: None, parents })
}

/// A stream that was opened for a call is reset when the call is cancelled.
#[test]
fn a_child_is_reset_when_its_parent_is_cancelled() {
    let chain = Chain::new();
    let adopted = chain.parent().tie(&chain.child);
    assert_eq!(chain.served.inbox().children(), 1);
    chain.caller.reset(Reason::CANCEL);
    assert!(chain.reached.wait_cancelled(soon()));
    let found = chain.child.receive(soon()).unwrap();
    let expected = Incoming::Reset { reason: Reason::CANCEL, by: Initiator::Local };
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    assert_eq!(chain.served.inbox().children(), 0);
    drop(adopted);
    chain.end();
}

/// A stream that is opened for a call which is cancelled already is reset at once.
#[test]
fn a_child_of_a_cancelled_parent_is_reset_at_once() {
    let chain = Chain::new();
    chain.caller.reset(Reason::CANCEL);
    assert!(chain.served.wait_cancelled(soon()));
    assert!(chain.parent().cancelled().is_some());
    let adopted = chain.parent().tie(&chain.child);
    assert!(chain.child.is_cancelled());
    assert!(chain.reached.wait_cancelled(soon()));
    drop(adopted);
    chain.end();
}

/// A call that ends in good order leaves the streams alone that were opened for it.
#[test]
fn a_child_outlives_a_parent_that_ends_well() {
    let chain = Chain::new();
    let adopted = chain.parent().tie(&chain.child);
    let trailers: Headers = [(":status", "200")].into_iter().collect();
    chain.served.send_headers(&trailers, true).unwrap();
    chain.caller.reset(Reason::CANCEL);
    assert!(!chain.child.is_cancelled() && chain.parent().cancelled().is_none());
    drop(adopted);
    chain.end();
}

/// A call keeps nothing of the streams that were opened for it and have ended.
#[test]
fn a_parent_forgets_children_that_are_no_more() {
    let chain = Chain::new();
    let parent = chain.parent();
    for _ in 0..1000 {
        let adopted = parent.tie(&chain.child);
        assert_eq!(chain.served.inbox().children(), 1);
        drop(adopted);
    }
    let (first, second) = (parent.tie(&chain.child), parent.tie(&chain.reached));
    drop(first);
    drop(second);
    assert_eq!(chain.served.inbox().children(), 0);
    chain.end();
}

/// A thread works for the call that it entered last, until it leaves it.
#[test]
fn a_thread_works_for_the_call_that_it_entered_last() {
    let chain = Chain::new();
    let deadline = || CurrentCall::of_this_thread().map(|call| call.deadline());
    assert_eq!(deadline(), None);
    let outer = CurrentCall::new(&chain.served, None).enter();
    let later = now();
    let inner = CurrentCall::new(&chain.served, Some(later)).enter();
    assert_eq!(deadline(), Some(Some(later)));
    drop(inner);
    assert_eq!(deadline(), Some(None));
    drop(outer);
    assert_eq!(deadline(), None);
    chain.end();
}

/// A call that waits for the server to allow it a stream ends with the call that it is made for.
#[test]
fn a_call_that_queues_ends_with_the_call_it_is_for() {
    let chain = Chain::new();
    let (link, _peer) = Peer::server(0);
    let parent = chain.parent();
    std::thread::scope(|scope| {
        let open = || open_for(&parent, &link, &[]);
        let queued = scope.spawn(open);
        eventually(|| link.queued() == 1);
        chain.caller.reset(Reason::CANCEL);
        assert_eq!(queued.join().unwrap().unwrap_err(), OpenError::Cancelled);
        assert_eq!(link.queued(), 0);
        // Cancelled before it queues.
        assert_eq!(open().unwrap_err(), OpenError::Cancelled);
    });
    assert_eq!(chain.served.inbox().children(), 0);
    link.close();
    chain.end();
}

/// A call whose request the server does not take ends with the call that it is made for.
#[test]
fn a_call_whose_request_is_not_taken_ends_with_the_call_it_is_for() {
    let chain = Chain::new();
    let (link, mut peer) = Peer::server(1);
    let (parent, first) = (chain.parent(), framed(LIMIT));
    std::thread::scope(|scope| {
        let open = || open_for(&parent, &link, &first);
        let waiting = scope.spawn(open);
        peer.request();
        eventually(|| chain.served.inbox().children() == 1);
        chain.caller.reset(Reason::CANCEL);
        let stream = waiting.join().unwrap().unwrap();
        assert!(stream.is_cancelled());
    });
    link.close();
    chain.end();
}

/// The same of a call of which the server has taken a part behind the first.
#[test]
fn a_call_whose_request_is_taken_in_part_ends_with_the_call_it_is_for() {
    let chain = Chain::new();
    let (link, mut peer) = Peer::server(1);
    let (parent, first) = (chain.parent(), framed(LIMIT));
    std::thread::scope(|scope| {
        let open = || open_for(&parent, &link, &first);
        let waiting = scope.spawn(open);
        let stream = peer.request();
        let data = |event: &Event<'_>| match event {
            Event::Data { data, .. } => Some(data.len()),
            _ => None,
        };
        let mut taken = 0;
        while taken < Config::default().initial_window_size as usize {
            taken += peer.expect(data);
        }
        eventually(|| chain.served.inbox().children() == 1);
        peer.core.release(stream, taken);
        peer.flush();
        peer.expect(data);
        chain.caller.reset(Reason::CANCEL);
        assert!(waiting.join().unwrap().unwrap().is_cancelled());
    });
    link.close();
    chain.end();
}
