//! A reactor that waits in the read of its only link, while others come to need it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::reactors::{Script, Served, is_answered};
use super::*;
use crate::limits;
use crate::transport::platform::Descriptor;
use crate::transport::reactor::Bell;
use crate::transport::{Address, Latch, lock};

/// What a test does with the wires of its server.
struct Gate {
    /// Told of each patient read.
    entered: Mutex<Sender<()>>,
    /// Patient reads begin behind it.
    opened: Latch,
    /// The next write finds the wire full.
    is_full: AtomicBool,
    /// Patient reads panic behind it.
    is_trap: AtomicBool,
    /// A patient read has ended for want of bytes.
    has_waited: AtomicBool,
}

/// Whether callers that come to the gate find it open.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Open,
    Closed,
}

/// A wire whose patient reads wait for a test.
struct Gated {
    inner: Box<dyn Wire>,
    gate: Arc<Gate>,
}

impl Wire for Gated {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.gate.is_full.swap(false, Ordering::Relaxed) {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => self.inner.write(bytes),
        }
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.inner.wait(interest, timeout)
    }

    fn is_patient(&self) -> bool {
        true
    }

    fn read_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // The test may be over.
        let _ = lock(&self.gate.entered).send(());
        assert!(self.gate.opened.wait(soon()));
        assert!(!self.gate.is_trap.load(Ordering::Relaxed), "expected by a test");
        let read = self.inner.read_patiently(buffer);
        let is_vain = read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        self.gate.has_waited.fetch_or(is_vain, Ordering::Relaxed);
        read
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

/// A server whose reactor waits in the read of its only link, where a caller has a call under way.
struct Alone {
    served: Served,
    gate: Arc<Gate>,
    link: Arc<Link>,
    is_over: Arc<AtomicBool>,
    caller: thread::JoinHandle<()>,
}

/// Brings a reactor there, with `before` done first on the link.
fn alone<R>(script: Script, before: impl FnOnce(&Arc<Link>) -> R) -> (Alone, R) {
    at(At::Closed, script, before)
}

fn at<R>(at: At, script: Script, before: impl FnOnce(&Arc<Link>) -> R) -> (Alone, R) {
    let (entered, enters): (_, Receiver<()>) = channel();
    let gate = Arc::new(Gate {
        entered: Mutex::new(entered),
        opened: Latch::default(),
        is_full: AtomicBool::new(false),
        is_trap: AtomicBool::new(false),
        has_waited: AtomicBool::new(false),
    });
    if at == At::Open {
        gate.opened.open();
    }
    let gated = Arc::clone(&gate);
    let wrap = move |inner| Box::new(Gated { inner, gate: Arc::clone(&gated) }) as Box<dyn Wire>;
    let served = Served::over(script, wrap);
    let link = served.connect();
    let done = before(&link);
    let is_over = Arc::new(AtomicBool::new(false));
    let (calling, ends) = (Arc::clone(&link), Arc::clone(&is_over));
    let caller = thread::spawn(move || {
        while !ends.load(Ordering::Relaxed) {
            is_answered(&open(&calling, &[], true, None).unwrap());
        }
    });
    enters.recv_timeout(PATIENCE).unwrap();
    (Alone { served, gate, link, is_over, caller }, done)
}

impl Alone {
    /// Lets the read go on, and the call that waits for it end.
    fn open_gate(self) -> Served {
        self.is_over.store(true, Ordering::Relaxed);
        self.gate.opened.open();
        self.caller.join().unwrap();
        self.served
    }
}

fn answering() -> Script {
    Script::new(Some, |accepted| answer(&accepted.stream))
}

/// A link that comes while the reactor's thread waits in the read of the only one is served by another
/// thread; so is what is read then, and both links later on.
#[test]
fn another_link_is_served_while_the_only_one_is_waited_for() {
    let (alone, ()) = alone(answering(), |_| ());
    let (first, second) = (Arc::clone(&alone.link), alone.served.connect());
    is_answered(&open(&second, &[], true, None).unwrap());
    let served = alone.open_gate();
    for link in [&first, &second, &served.connect()] {
        is_answered(&open(link, &[], true, None).unwrap());
    }
}

/// What is sent on the only link while its reactor's thread waits to read it is sent to its end, though
/// the wire was full.
#[test]
fn a_full_wire_is_written_on_while_its_read_is_waited_for() {
    let (tell, told) = channel();
    let is_first = AtomicBool::new(true);
    let accept = move |accepted| match is_first.swap(false, Ordering::Relaxed) {
        true => {
            tell.send(accepted).unwrap();
            None
        }
        false => Some(accepted),
    };
    let script = Script::new(accept, |accepted| answer(&accepted.stream));
    let (alone, (stream, accepted)) = alone(script, |link| {
        let stream = open(link, &[], true, None).unwrap();
        let accepted: Accepted = told.recv_timeout(PATIENCE).unwrap();
        (stream, accepted)
    });
    alone.gate.is_full.store(true, Ordering::Relaxed);
    answer(&accepted.stream);
    is_answered(&stream);
    assert!(!alone.gate.is_full.load(Ordering::Relaxed), "nothing was written");
    drop(alone.open_gate());
}

/// A caller that makes quick calls and pauses, over and over, is served by whichever thread has the
/// reactor: it is read in vain in between, and no connection or call is lost.
#[test]
fn a_caller_that_pauses_is_served_again() {
    let (alone, ()) = at(At::Open, answering(), |_| ());
    let (link, gate) = (Arc::clone(&alone.link), Arc::clone(&alone.gate));
    let served = alone.open_gate();
    let call = || is_answered(&open(&link, &[], true, None).unwrap());
    for _ in 0..3 {
        // On a loaded machine calls may come too slowly for it.
        eventually(|| {
            (0..100).for_each(|_| call());
            let until = now() + 4 * limits::PATIENCE;
            while now() < until && !gate.has_waited.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            gate.has_waited.swap(false, Ordering::Relaxed)
        });
        call();
    }
    drop(served);
}

/// Whatever panics in such a read when the reactor has another thread ends that connection alone, and
/// nothing is kept of it.
#[test]
fn a_panic_without_the_seat_ends_one_connection() {
    let (alone, ()) = alone(answering(), |_| ());
    let second = alone.served.connect();
    is_answered(&open(&second, &[], true, None).unwrap());
    alone.gate.is_trap.store(true, Ordering::Relaxed);
    alone.gate.opened.open();
    // The call that waits is lost with its connection, or the next one finds that gone.
    assert!(alone.caller.join().is_err());
    assert!(alone.link.wait_closed(soon()));
    is_answered(&open(&second, &[], true, None).unwrap());
    // What is left is the test's own, what makes the next ones, and the second connection's.
    eventually(|| Arc::strong_count(&alone.served.kept) == 3);
}

/// A reactor that is ended while its thread waits in the read of its last link goes on with that link, and
/// ends with it.
#[test]
fn a_reactor_ends_though_its_last_link_is_waited_for() {
    let (alone, ()) = alone(answering(), |_| ());
    let link = Arc::clone(&alone.link);
    alone.served.reactors.crew().end();
    let served = alone.open_gate();
    is_answered(&open(&link, &[], true, None).unwrap());
    link.close();
    // What is left is the test's own, and what makes the next ones.
    eventually(|| Arc::strong_count(&served.kept) == 2);
}
