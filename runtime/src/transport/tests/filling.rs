//! What one read brings for several streams, and for one of them in several frames.
//!
//! Nobody drives these links but the test itself, which has them read once: what a stream has then came
//! in that read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::*;
use crate::http2::{Initiator, Reason};
use crate::limits::{READ_BUFFER_SIZE, READS_PER_VISIT_MAX};
use crate::transport::SendError;
use crate::transport::accepted::Arrived;
use crate::transport::verbs::Pumped;
use crate::transport::visits::Look;

/// The frames of two streams that take turns within a read come to each stream in its own order, on
/// either side.
#[test]
fn streams_that_take_turns_in_a_read_get_their_own_bytes_in_order() {
    let (link, mut peer, streams) = client([false, false]);
    peer.send_heads(&[FIRST, SECOND]);
    peer.send_in_turns(false);
    let [] = read_once(&link, &mut peer);
    let expected = SIZES.map(|sizes| [vec![head()], sizes.map(message).into()].concat());
    assert_eq!(streams.each_ref().map(come), expected);

    let (link, mut peer) = server(2);
    peer.send_in_turns(true);
    let streams = read_once(&link, &mut peer).map(|request| request.stream);
    let expected = SIZES.map(|sizes| [sizes.map(message).into(), vec![Incoming::End]].concat());
    assert_eq!(streams.each_ref().map(come), expected);
}

/// Two responses whose frames take turns, one of which ends well and the other by a reset, come out the
/// same wherever one read ends and the next one begins.
#[test]
fn where_a_read_ends_makes_no_difference() {
    for at in 1.. {
        let (link, mut peer, streams) = client([true, false]);
        peer.send_heads(&[FIRST, SECOND]);
        peer.send_in_turns(false);
        peer.send_trailers(FIRST);
        peer.core.reset(SECOND, Reason::INTERNAL_ERROR);
        let bytes = peer.core.take_output();
        if at == bytes.len() {
            break;
        }
        for part in [&bytes[..at], &bytes[at..]] {
            peer.wire.write(part).unwrap();
            let [] = read_once(&link, &mut peer);
        }
        let ends = [vec![Incoming::Trailers(trailers()), Incoming::End], vec![reset()]];
        for ((stream, sizes), end) in streams.iter().zip(SIZES).zip(ends) {
            let expected = [vec![head()], sizes.map(message).into(), end].concat();
            assert_eq!(come(stream), expected, "cut at {at}");
        }
    }
}

/// A message that ends in another read than it began in is told of when it is whole, and not before; the
/// whole message of another stream between its parts is there at once, and told of.
#[test]
fn a_message_cut_in_two_reads_is_told_of_when_it_is_whole() {
    let (link, mut peer, streams) = client([true, true]);
    peer.send_heads(&[FIRST, SECOND]);
    let [] = read_once(&link, &mut peer);
    assert_eq!(streams.each_ref().map(come), [[head()], [head()]]);
    for at in 1..framed(6).len() {
        let rings = streams.each_ref().map(Rings::watch);
        let counts = || rings.each_ref().map(|rings| rings.0.load(Ordering::Relaxed));
        peer.send(FIRST, &framed(6)[..at]);
        peer.send(SECOND, &framed(3));
        let [] = read_once(&link, &mut peer);
        assert_eq!(counts(), [0, 1], "cut at {at}");
        assert_eq!(streams.each_ref().map(come), [vec![], vec![message(3)]]);
        peer.send(FIRST, &framed(6)[at..]);
        let [] = read_once(&link, &mut peer);
        assert_eq!(counts(), [1, 1], "cut at {at}");
        assert_eq!(streams.each_ref().map(come), [vec![message(6)], vec![]]);
    }
}

/// Responses that come whole in one read are received from head to end, and none of their calls can send
/// any more; the link lets go of those whose requests had ended.
#[test]
fn whole_responses_of_a_read_are_all_received() {
    let (link, mut peer, [ended, open, plain]) = client([true, false, true]);
    for (id, len) in [(FIRST, 4), (SECOND, 5)] {
        peer.send_heads(&[id]);
        peer.send(id, &framed(len));
        peer.send_trailers(id);
    }
    peer.send_heads(&[THIRD]);
    peer.core.send_data(THIRD, &framed(6), true).unwrap();
    let [] = read_once(&link, &mut peer);
    let last = &[Incoming::Trailers(trailers()), Incoming::End];
    let streams =
        [(ended, 4, &last[..], true), (open, 5, last, false), (plain, 6, &last[1..], true)];
    for (stream, len, last, is_released) in streams {
        assert_eq!(stream.inbox().is_released(), is_released);
        assert_eq!(come(&stream), [&[head(), message(len)], last].concat());
        assert_eq!(stream.send_message(&framed(1), false, soon()), Err(SendError::Closed));
        assert!(stream.is_received() && !stream.is_cancelled());
    }
}

/// What the peer sent before it reset a stream is received before the reset, though both came in one
/// read, and a stream whose frames came behind them loses nothing.
#[test]
fn what_came_before_a_reset_is_received_before_it() {
    let (link, mut peer, [one, two]) = client([false, false]);
    peer.send_heads(&[FIRST, SECOND]);
    peer.send(FIRST, &framed(3));
    peer.core.reset(FIRST, Reason::INTERNAL_ERROR);
    peer.send(SECOND, &framed(4));
    let [] = read_once(&link, &mut peer);
    assert_eq!(come(&one), [head(), message(3), reset()]);
    assert_eq!(come(&two), [head(), message(4)]);
    assert!(one.is_cancelled() && !two.is_cancelled());
}

/// A request whose reset came in the same read is handed on all the same, with what came of it, but seen
/// as cancelled from the beginning: it is not held for more, and cannot be answered.
#[test]
fn a_request_reset_in_its_own_read_is_cancelled_when_it_is_served() {
    let (link, mut peer) = server(3);
    for (id, is_whole) in [(FIRST, true), (SECOND, false), (THIRD, true)] {
        peer.core.send_data(id, &framed(3), is_whole).unwrap();
        if id != THIRD {
            peer.core.reset(id, Reason::INTERNAL_ERROR);
        }
    }
    let requests: [_; 3] = read_once(&link, &mut peer);
    let served = requests.map(|request| request.hold().expect("nothing more will come").stream);
    assert_eq!(served.each_ref().map(|stream| stream.handle.id), [FIRST, SECOND, THIRD]);
    let ends = [Incoming::End, reset(), Incoming::End];
    assert_eq!(served.each_ref().map(come), ends.map(|end| [message(3), end]));
    assert_eq!(served.each_ref().map(Stream::is_received), [true, false, true]);
    assert_eq!(served.each_ref().map(Stream::is_cancelled), [true, true, false]);
    let answered = served.map(|stream| stream.send_headers(&response(), true));
    assert_eq!(answered, [Err(SendError::Closed), Err(SendError::Closed), Ok(())]);
}

/// Requests that were put back come again in the order in which a read makes them whole, or says that
/// they never will be, and before one that it opens behind that.
#[test]
fn requests_come_in_the_order_in_which_a_read_makes_them_whole() {
    let (link, mut peer) = server(2);
    let held: [_; 2] = read_once(&link, &mut peer).map(Accepted::hold);
    assert!(held.iter().all(Option::is_none));
    peer.core.send_data(SECOND, &framed(2), true).unwrap();
    peer.core.reset(FIRST, Reason::INTERNAL_ERROR);
    peer.core.open(&request(), true).unwrap();
    let streams = read_once(&link, &mut peer).map(|request| request.stream);
    assert_eq!(streams.each_ref().map(|stream| stream.handle.id), [SECOND, FIRST, THIRD]);
    let expected = [vec![message(2), Incoming::End], vec![reset()], vec![Incoming::End]];
    assert_eq!(streams.each_ref().map(come), expected);
}

/// What came before a frame that breaks a rule is received before the loss of the connection, and
/// nothing behind that frame is.
#[test]
fn what_came_before_a_broken_rule_is_received_before_the_loss() {
    let (link, mut peer, [one, two]) = client([false, false]);
    peer.send_heads(&[FIRST, SECOND]);
    peer.send(SECOND, &framed(4));
    peer.send(FIRST, &framed(3));
    let before = peer.core.take_output();
    peer.send(FIRST, &framed(5));
    peer.send_trailers(SECOND);
    let behind = peer.core.take_output();
    peer.wire.write(&[&before[..], &PING_OF_NO_BYTES, &behind].concat()).unwrap();
    let [] = read_once(&link, &mut peer);
    for (stream, len) in [(one, 3), (two, 4)] {
        let mut come = come(&stream);
        let text = lost(come.pop().unwrap());
        assert!(text.contains("ended here: FRAME_SIZE_ERROR"), "{text}");
        assert_eq!(come, [head(), message(len)]);
        assert!(stream.is_cancelled());
    }
}

/// Once the streams are lost nothing of what a read still brings is looked at.
#[test]
fn a_read_behind_the_loss_brings_nothing() {
    let (link, mut peer) = server(1);
    peer.send(FIRST, &framed(3));
    let [Accepted { stream, .. }] = read_once(&link, &mut peer);
    link.close();
    peer.send(FIRST, &framed(4));
    peer.core.open(&request(), true).unwrap();
    let [] = read_once(&link, &mut peer);
    assert_eq!(stream.counts().received(), framed(3).len() as u64);
    assert_eq!(receive(&stream), message(3));
    assert_eq!(lost(receive(&stream)), "connection closed by this side");
}

/// How often somebody was told that there is something to take.
#[derive(Default)]
struct Rings(AtomicUsize);

impl Rings {
    /// Those for what comes on `stream`, where there is nothing yet.
    fn watch(stream: &Stream) -> Arc<Self> {
        let rings = Arc::new(Self::default());
        assert!(!stream.watch(&Waker::from(Arc::clone(&rings))));
        rings
    }
}

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Peer {
    /// With the wire of the link that it is to speak to.
    fn of(core: Connection) -> (Self, MemoryWire) {
        let (wire, other) = pair();
        (Self { core, up: wire.knobs(), wire: other, bytes: Vec::new() }, wire)
    }

    fn send_heads(&mut self, ids: &[StreamId]) {
        ids.iter().for_each(|id| self.core.send_headers(*id, &response(), false).unwrap());
    }

    /// A DATA frame.
    fn send(&mut self, id: StreamId, data: &[u8]) {
        assert_eq!(self.core.send_data(id, data, false), Ok(data.len()));
    }

    /// Messages of [`SIZES`] on two streams, in DATA frames of four bytes that take turns.
    fn send_in_turns(&mut self, ends: bool) {
        let streams = SIZES.map(|sizes| sizes.map(framed).concat());
        let len = streams[0].len();
        for at in (0..len).step_by(4) {
            for (id, bytes) in [FIRST, SECOND].into_iter().zip(&streams) {
                let to = len.min(at + 4);
                self.core.send_data(id, &bytes[at..to], ends && to == bytes.len()).unwrap();
            }
        }
    }

    fn send_trailers(&mut self, id: StreamId) {
        self.core.send_headers(id, &trailers(), true).unwrap();
    }
}

/// A client's link, and its peer that has got calls on it; `ends` says which requests have ended.
fn client<const N: usize>(ends: [bool; N]) -> (Arc<Link>, Peer, [Stream; N]) {
    let (mut peer, wire) = Peer::of(Connection::server(Config::default()));
    let link = Link::of_client(Box::new(wire), Config::default(), &Account::default(), |_| ());
    let streams = ends.map(|end| open(&link, &[], end, None).unwrap());
    assert_eq!([(); N].map(|()| peer.request()), streams.each_ref().map(|it| it.handle.id));
    // The peer's SETTINGS.
    let [] = read_once(&link, &mut peer);
    (link, peer, streams)
}

/// A server's link, and its peer that is about to send the heads of requests.
fn server(requests: usize) -> (Arc<Link>, Peer) {
    let (mut peer, wire) = Peer::of(Connection::client(Config::default()));
    let link = Link::of_reactor(Box::new(wire), &accepting(Config::default()));
    for _ in 0..requests {
        peer.core.open(&request(), false).unwrap();
    }
    (link, peer)
}

/// Has `peer` write what it has to say and `link` read once, with nothing left to read; returns the
/// requests that came, as many as are expected.
fn read_once<const N: usize>(link: &Arc<Link>, peer: &mut Peer) -> [Accepted; N] {
    peer.flush();
    let (mut buffer, mut arrived) = (vec![0; READ_BUFFER_SIZE], Vec::new());
    let pumped = link.pump(&mut buffer, &mut arrived, soon(), None);
    assert!(matches!(pumped, Pumped::Alive { read: 1.., .. }), "nothing was read");
    let left = link.wire.wait(Interest::READ, Some(Duration::ZERO)).unwrap();
    assert!(!left.read, "one read was not enough");
    let requests: Vec<_> = arrived.into_iter().map(Arrived::accept).collect();
    requests.try_into().expect("as many requests as were sent")
}

/// A visit reads on without a wait where a read has filled its buffer, but other links get their turn.
#[test]
fn a_visit_reads_on_where_a_read_has_filled_its_buffer() {
    for reads in [1, 3, READS_PER_VISIT_MAX, 9] {
        let (link, mut peer) = server(20);
        let bytes = peer.core.take_output();
        peer.wire.write(&bytes).unwrap();
        let (mut buffer, mut arrived) = (vec![0; bytes.len() / reads + 1], Vec::new());
        let visit = link.visit(Look::At(Interest::READ), &mut buffer, &mut arrived).unwrap();
        assert_eq!(arrived.len() == 20, reads <= READS_PER_VISIT_MAX, "{reads}");
        // The rest is found by a wait, as that of any other link.
        assert!(!visit.is_ready && visit.interest == Interest::READ, "{reads}");
    }
}

/// All that has come for `stream`, up to the end, which would come again and again.
fn come(stream: &Stream) -> Vec<Incoming> {
    let mut come = Vec::new();
    let is_end = |last: &Incoming| {
        use Incoming::{End, Invalid, Lost, Reset};
        matches!(last, End | Reset { .. } | Lost(_) | Invalid(_))
    };
    while !come.last().is_some_and(is_end)
        && let Some(incoming) = stream.take()
    {
        come.push(incoming);
    }
    come
}

fn head() -> Incoming {
    Incoming::Head { headers: response(), end: false, truncated: false }
}

fn reset() -> Incoming {
    Incoming::Reset { reason: Reason::INTERNAL_ERROR, by: Initiator::Remote }
}

/// The streams of a client, in the order in which it opens them.
const FIRST: StreamId = StreamId(1);
const SECOND: StreamId = StreamId(3);
const THIRD: StreamId = StreamId(5);
/// The sizes of the messages of two streams, which are of the same length together.
const SIZES: [[usize; 3]; 2] = [[5, 0, 9], [1, 3, 10]];
/// RFC 9113 6.7: a PING has eight bytes.
const PING_OF_NO_BYTES: [u8; 9] = [0, 0, 0, 6, 0, 0, 0, 0, 0];
