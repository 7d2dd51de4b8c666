//! Reactors without a server behind them: what a thread leaves behind that loses its seat, links that
//! end in other ways than by their peers, and callers that drive a server's connection.

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::limits::REQUESTS_BETWEEN_WRITES;
use crate::transport::platform::Descriptor;
use crate::transport::reactor::Bell;
use crate::transport::work::{Next, Work};
use crate::transport::{
    Address, Dial, Latch, Listener, Listening, Reactors, Serve, Target, connect, lock,
};

/// Says what becomes of the requests of a test.
pub(super) struct Script {
    accept: Box<dyn Fn(Accepted) -> Option<Accepted> + Send + Sync>,
    run: Box<dyn Fn(Accepted) + Send + Sync>,
    overran: AtomicUsize,
    /// Requests that have waited behind one that took long.
    late: AtomicUsize,
}

impl Script {
    pub(super) fn new(
        accept: impl Fn(Accepted) -> Option<Accepted> + Send + Sync + 'static,
        run: impl Fn(Accepted) + Send + Sync + 'static,
    ) -> Self {
        let (overran, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { accept: Box::new(accept), run: Box::new(run), overran, late }
    }
}

impl Serve for Script {
    type Job = Accepted;

    fn accept(&self, accepted: Accepted, delays: u32) -> Option<Accepted> {
        self.late.fetch_add(usize::from(delays > 0), Ordering::Relaxed);
        (self.accept)(accepted)
    }

    fn run(&self, job: Accepted) {
        (self.run)(job);
    }

    fn number(&self, _: &Accepted) -> usize {
        0
    }

    fn overran(&self, _: usize) {
        self.overran.fetch_add(1, Ordering::Relaxed);
    }
}

/// One reactor, and where it is.
pub(super) struct Served {
    _listening: Listening,
    pub(super) reactors: Arc<Reactors<'static, Script>>,
    script: Arc<Script>,
    target: Target,
    /// Each connection keeps a clone.
    pub(super) kept: Arc<()>,
}

impl Served {
    fn new(script: Script) -> Self {
        Self::over(script, |wire| wire)
    }

    /// Each connection's wire is made into another one by `wrap`.
    pub(super) fn over(
        script: Script,
        wrap: impl Fn(Box<dyn Wire>) -> Box<dyn Wire> + Send + Sync + 'static,
    ) -> Self {
        let script = Arc::new(script);
        let threads = Threads::of_process();
        let reactors = Arc::new(Reactors::start(1, script.clone(), &threads).unwrap());
        let listener = Listener::bind(&Target::parse_listening("127.0.0.1:0").unwrap()).unwrap();
        let target = Target::parse(&listener.local().to_string()).unwrap();
        let serving = reactors.clone();
        let kept = Arc::new(());
        let each = kept.clone();
        let serve = move |wire| {
            // A test that has ended takes no more.
            let _ = serving.serve(wrap(wire), &accepting(Config::default()), each.clone());
        };
        let listening = listener.start("test-accept", &threads, serve).unwrap();
        Self { _listening: listening, reactors, script, target, kept }
    }

    pub(super) fn connect(&self) -> Arc<Link> {
        Link::client(self.wire(), Config::default(), "test-client").unwrap()
    }

    fn wire(&self) -> Box<dyn Wire> {
        connect(&self.target, &Dial { until: soon(), ..Dial::default() }).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.reactors.crew().end();
    }
}

/// What a wire has been asked for.
struct Seen {
    /// When it was read last.
    read_at: Mutex<Instant>,
    writes: AtomicUsize,
}

/// A wire that reads a few bytes at a time, and more than that from the socket, as TLS does.
struct Pieces {
    inner: Box<dyn Wire>,
    waiting: Mutex<VecDeque<u8>>,
    /// How many bytes at a time.
    piece: usize,
    seen: Arc<Seen>,
    /// Whose thread panics when it is about to wait, once.
    trap: Mutex<Option<&'static str>>,
}

impl Pieces {
    fn of(inner: Box<dyn Wire>, piece: usize, seen: &Arc<Seen>) -> Box<dyn Wire> {
        Self::trapped(inner, piece, seen, None)
    }

    fn trapped(
        inner: Box<dyn Wire>,
        piece: usize,
        seen: &Arc<Seen>,
        trap: Option<&'static str>,
    ) -> Box<dyn Wire> {
        let (waiting, trap) = (Mutex::default(), Mutex::new(trap));
        Box::new(Self { inner, waiting, piece, seen: Arc::clone(seen), trap })
    }
}

fn seen() -> Arc<Seen> {
    Arc::new(Seen { read_at: Mutex::new(now()), writes: AtomicUsize::new(0) })
}

impl Wire for Pieces {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() {
            let count = self.inner.read(buffer)?;
            waiting.extend(&buffer[..count]);
        }
        let count = waiting.len().min(self.piece);
        buffer.iter_mut().zip(waiting.drain(..count)).for_each(|(to, from)| *to = from);
        *lock(&self.seen.read_at) = now();
        Ok(count)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.seen.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.write(bytes)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.begin_wait(interest).or_else(|interest| self.inner.wait(interest, timeout))
    }

    fn wake(&self) {
        self.inner.wake();
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        self.inner.descriptor()
    }

    fn attach(&self, bell: &Bell) {
        self.inner.attach(bell);
    }

    fn begin_wait(&self, interest: Interest) -> Result<Interest, Interest> {
        let here = std::thread::current();
        let trapped = lock(&self.trap).take_if(|name| here.name() == Some(*name));
        assert!(trapped.is_none(), "expected by a test");
        match interest.read && !lock(&self.waiting).is_empty() {
            true => Ok(Interest::READ),
            false => Err(interest),
        }
    }

    fn end_writing(&self) {
        self.inner.end_writing();
    }

    fn shutdown(&self) {
        self.inner.shutdown();
    }

    fn peer(&self) -> &Address {
        self.inner.peer()
    }

    fn local(&self) -> &Address {
        self.inner.local()
    }
}

const PIECE: usize = 16;

pub(super) fn is_answered(stream: &Stream) {
    assert!(matches!(receive(stream), Incoming::Head { .. }));
    assert_eq!(receive(stream), Incoming::Trailers(trailers()));
}

/// Answers every request, the first one only behind the gate; tells when that has come there.
fn holding_the_first() -> (Script, Arc<Latch>, Receiver<()>) {
    let (gate, (entered, enters)) = (Arc::new(Latch::default()), channel());
    let (held, first) = (gate.clone(), Mutex::new(Some(entered)));
    let run = move |accepted: Accepted| {
        let entered = lock(&first).take();
        if let Some(entered) = entered {
            entered.send(()).unwrap();
            assert!(held.wait(soon()));
        }
        answer(&accepted.stream);
    };
    (Script::new(Some, run), gate, enters)
}

/// A connection of which not everything was read, because others are to have their turn, is read on
/// though the thread that drives loses its seat meanwhile.
#[test]
fn what_is_left_to_read_passes_to_the_next_driver() {
    let (script, gate, enters) = holding_the_first();
    let served = Served::over(script, |wire| Pieces::of(wire, PIECE, &seen()));
    let link = served.connect();
    let first = open(&link, &framed(1000), true, None).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    is_answered(&open(&link, &[], true, None).unwrap());
    assert_eq!(served.script.overran.load(Ordering::Relaxed), 1);
    gate.open();
    is_answered(&first);
}

/// It is known of what has waited behind a request that took long, and of what comes later it is not.
#[test]
fn what_has_waited_behind_one_that_took_long_is_known() {
    let (script, gate, enters) = holding_the_first();
    let served = Served::new(script);
    let link = served.connect();
    let burst = burst(&link, 8);
    enters.recv_timeout(PATIENCE).unwrap();
    burst[1..].iter().for_each(is_answered);
    let late = || served.script.late.load(Ordering::Relaxed);
    assert_eq!(late(), 7);
    is_answered(&open(&link, &[], true, None).unwrap());
    assert_eq!(late(), 7);
    gate.open();
    is_answered(&burst[0]);
}

/// Requests that are written together.
fn burst(link: &Arc<Link>, count: usize) -> Vec<Stream> {
    link.hold_back();
    let streams = (0..count).map(|_| open(link, &[], true, None).unwrap()).collect();
    link.uncork();
    streams
}

/// A request's time counts from when it has been read, and not from the beginning of a round in which other
/// links come first: or else its deadline would pass here before it does on its client.
#[test]
fn a_request_comes_when_it_has_been_read() {
    let (seen, (tell, told)) = (seen(), channel());
    let read = seen.clone();
    // Read on the thread that accepts, so that nothing more was read since.
    let accept = move |accepted: Accepted| {
        tell.send(accepted.received >= *lock(&read.read_at)).unwrap();
        Some(accepted)
    };
    let script = Script::new(accept, |accepted| answer(&accepted.stream));
    let served = Served::over(script, move |wire| Pieces::of(wire, usize::MAX, &seen));
    is_answered(&open(&served.connect(), &framed(1000), true, None).unwrap());
    assert!(told.recv_timeout(PATIENCE).unwrap(), "the request came before it was read");
}

/// What a burst of requests is answered with is written in few writes, be they more than are answered
/// between two of them.
#[test]
fn a_burst_is_answered_in_few_writes() {
    let seen = seen();
    let counted = seen.clone();
    let served =
        Served::over(Script::new(Some, |accepted| answer(&accepted.stream)), move |wire| {
            Pieces::of(wire, usize::MAX, &counted)
        });
    let link = served.connect();
    is_answered(&open(&link, &[], true, None).unwrap());
    let before = seen.writes.load(Ordering::Relaxed);
    burst(&link, 3 * REQUESTS_BETWEEN_WRITES).iter().for_each(is_answered);
    let writes = seen.writes.load(Ordering::Relaxed) - before;
    assert!(writes < REQUESTS_BETWEEN_WRITES / 2, "{writes} writes");
}

/// Only the connection whose several requests have their turn holds back what it sends: streams and
/// workers of those that wait send on, and one answer waits for no other.
#[test]
fn a_waiting_connection_holds_nothing_back() {
    let (sender, requests) = channel();
    let accept = move |accepted| {
        sender.send(accepted).unwrap();
        None
    };
    let served = Served::new(Script::new(accept, |_| ()));
    let clients = [served.connect(), served.connect()];
    let mut streams = Vec::new();
    let mut request = |client: &Arc<Link>| {
        streams.push(open(client, &[], true, None).unwrap());
        let accepted: Accepted = requests.recv_timeout(PATIENCE).unwrap();
        accepted
    };
    let work = Work::default();
    let burst = [0, 0, 1, 1, 1, 0].map(|client| request(&clients[client]));
    let [one, two] = [0, 2].map(|first: usize| Arc::clone(burst[first].stream.link()));
    burst.into_iter().for_each(|accepted| work.add(vec![accepted.into_arrived()]));
    let corked = || [&one, &two].map(|link| link.cork.is_in());
    let step = || {
        let Next { is_due, .. } = work.next().unwrap();
        let during = corked();
        if is_due {
            work.write();
        }
        (during, is_due)
    };
    assert_eq!(corked(), [false, false]);
    assert_eq!(step(), ([true, false], false));
    assert_eq!(step(), ([true, false], true));
    assert_eq!(step(), ([false, true], false));
    assert_eq!(step(), ([false, true], false));
    assert_eq!(step(), ([false, true], true));
    assert_eq!(step(), ([false, false], false));
    assert_eq!(corked(), [false, false]);
    assert!(work.next().is_none());
}

/// Whatever panics while a request is taken in ends that one alone: its connection goes on.
#[test]
fn a_panic_ends_one_request() {
    let is_first = Mutex::new(true);
    let accept = move |accepted| {
        let is_first = std::mem::take(&mut *lock(&is_first));
        assert!(!is_first, "expected by this test");
        Some(accepted)
    };
    let served = Served::new(Script::new(accept, |accepted| answer(&accepted.stream)));
    let link = served.connect();
    let stream = open(&link, &[], true, None).unwrap();
    let ended = receive(&stream);
    assert!(matches!(ended, Incoming::Reset { .. }), "{ended:?}");
    is_answered(&open(&link, &[], true, None).unwrap());
}

/// Whatever panics while a connection is looked at ends that one alone: its reactor goes on.
#[test]
fn a_panic_ends_one_connection() {
    let is_first = AtomicBool::new(true);
    let answered = Script::new(Some, |accepted| answer(&accepted.stream));
    let served = Served::over(answered, move |wire| {
        let trap = is_first.swap(false, Ordering::Relaxed).then_some("grpc-reactor");
        Pieces::trapped(wire, usize::MAX, &seen(), trap)
    });
    let (one, two) = (served.connect(), served.connect());
    assert!(one.wait_closed(soon()));
    is_answered(&open(&two, &[], true, None).unwrap());
}

/// Whatever panics while the monitor looks at a connection whose handler has paused ends that one alone:
/// the pauses of others end still.
#[test]
fn a_panic_of_the_monitor_ends_one_connection() {
    let ((entered, enters), (paused, pauses)) = (channel(), channel());
    let run = move |accepted: Accepted| {
        entered.send(()).unwrap();
        assert!(matches!(receive(&accepted.stream), Incoming::Message(..)));
        paused.send(accepted).unwrap();
    };
    let is_first = AtomicBool::new(true);
    let served = Served::over(Script::new(Some, run), move |wire| {
        let trap = is_first.swap(false, Ordering::Relaxed).then_some("grpc-monitor");
        Pieces::trapped(wire, usize::MAX, &seen(), trap)
    });
    // A handler that has received by itself, and does not come back.
    let pause = |link: &Arc<Link>| {
        let stream = open(link, &[], false, None).unwrap();
        enters.recv_timeout(PATIENCE).unwrap();
        stream.send_message(&framed(1), false, soon()).unwrap();
        (stream, pauses.recv_timeout(PATIENCE).unwrap())
    };
    let (one, two) = (served.connect(), served.connect());
    let (first, _handler) = pause(&one);
    lost(receive(&first));
    assert!(one.wait_closed(soon()));
    let (second, handler) = pause(&two);
    drop(second);
    eventually(|| handler.stream.is_cancelled());
}

/// A thread that drives the connection while it waits for the end of its stream learns that the
/// deadline has ended it.
#[test]
fn a_deadline_wakes_who_drives_the_connection() {
    let (sender, requests) = channel();
    let accept = move |accepted| {
        sender.send(accepted).unwrap();
        None
    };
    let served = Served::new(Script::new(accept, |_| ()));
    let link = served.connect();
    // It sends nothing more, so that nothing else wakes anybody.
    let _stream = open(&link, &[], false, None).unwrap();
    let accepted: Accepted = requests.recv_timeout(PATIENCE).unwrap();
    let until = soon();
    accepted.stream.set_deadline(now() + Duration::from_millis(50), |_| trailers());
    assert!(accepted.stream.wait_cancelled(until));
    assert!(Some(now()) < until, "it waited for its own time");
}

/// Nothing is kept for connections that have ended, whatever they would have been looked at for.
#[test]
fn ended_connections_leave_no_alarms() {
    let served = Served::new(Script::new(Some, |accepted| answer(&accepted.stream)));
    let crew = served.reactors.crew();
    let links: Vec<_> = (0..5).map(|_| served.connect()).collect();
    for link in &links {
        is_answered(&open(link, &[], true, None).unwrap());
    }
    assert_eq!(crew.alarms(), links.len(), "one for each, though their times have changed");
    links.iter().for_each(|link| link.close());
    eventually(|| crew.alarms() == 0);
}

/// A connection that comes when the reactors have ended is refused, and nothing is kept of it.
#[test]
fn no_connection_comes_in_at_the_end() {
    let served = Served::new(Script::new(Some, |_| ()));
    served.reactors.crew().end();
    let kept = Arc::new(());
    let result = served.reactors.serve(served.wire(), &accepting(Config::default()), kept.clone());
    assert!(result.is_err());
    assert_eq!(Arc::strong_count(&kept), 1);
}

/// What is kept for a connection goes with it, though a handler still runs on the thread that drove it.
#[test]
fn what_is_kept_goes_with_the_connection() {
    let (gate, (entered, enters)) = (Arc::new(Latch::default()), channel());
    let (held, entered) = (gate.clone(), Mutex::new(entered));
    let run = move |_: Accepted| {
        lock(&entered).send(()).unwrap();
        assert!(held.wait(soon()));
    };
    let served = Served::new(Script::new(Some, run));
    let before = Arc::strong_count(&served.kept);
    let link = served.connect();
    let _stream = open(&link, &[], true, None).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    assert_eq!(Arc::strong_count(&served.kept), before + 1);
    eventually(|| served.script.overran.load(Ordering::Relaxed) == 1);
    link.close();
    eventually(|| Arc::strong_count(&served.kept) == before);
    gate.open();
}
