//! The rules at the very end of a call, when what comes after it must not be taken for it.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::*;
use crate::transport::inbox::Inbox;
use crate::transport::incoming::Found;
use crate::transport::{Address, lock};

/// What is to be done once, behind the next write.
type Upon = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A wire whose peer acts upon what it is written before the writer gets on.
struct Prompt {
    wire: MemoryWire,
    upon_write: Upon,
}

impl Wire for Prompt {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.wire.write(bytes);
        let act = lock(&self.upon_write).take();
        act.into_iter().for_each(|act| act());
        written
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.wire.wait(interest, timeout)
    }

    fn wake(&self) {
        self.wire.wake();
    }

    fn end_writing(&self) {
        self.wire.end_writing();
    }

    fn shutdown(&self) {
        self.wire.shutdown();
    }

    fn peer(&self) -> &Address {
        self.wire.peer()
    }

    fn local(&self) -> &Address {
        self.wire.local()
    }
}

/// A client that is gone as soon as it has its response has not cancelled its call.
#[test]
fn a_client_that_leaves_with_its_response_cancels_nothing() {
    let upon_write = Upon::default();
    let (client_wire, wire) = pair();
    let wire = Prompt { wire, upon_write: upon_write.clone() };
    let (sender, requests) = channel();
    let server = Link::server(Box::new(wire), &accepting(Config::default()), move |accepted| {
        sender.send(accepted).unwrap();
    });
    let client = Link::client(Box::new(client_wire), Config::default(), "test-client").unwrap();
    let call = open(&client, &[], false, None).unwrap();
    let Accepted { stream, .. } = requests.recv_timeout(PATIENCE).unwrap();

    let (cancelled, told) = channel::<()>();
    stream.on_cancel(Box::new(move || cancelled.send(()).unwrap()));
    let (leaving, left) = (client.clone(), stream.clone());
    *lock(&upon_write) = Some(Box::new(move || {
        leaving.close();
        lost(receive(&left));
    }));
    answer(&stream);
    assert!(!stream.is_cancelled());
    assert!(told.recv().is_err(), "the callback has run");
    drop((call, stream, client));
    assert!(server.unwrap().wait_closed(soon()));
}

/// A response that is none of gRPC's is waited for only while its body has not come: no time is set for
/// one that has come with its head, or that somebody has taken.
#[test]
fn no_time_is_set_for_a_body_that_has_come() {
    let (link, _peer) = Peer::server(1);
    let page = || [(":status", "503"), ("content-type", "text/html")].into_iter().collect();
    let is_waited_for = |inbox: &Arc<Inbox>| {
        link.expect_body(inbox);
        Arc::weak_count(inbox) > 0
    };
    let inbox = || {
        let inbox = Arc::new(Inbox::new(LIMIT, 1000));
        let _nobody = inbox.put(|received| received.push_head(page(), false, false));
        assert!(inbox.lacks_body());
        inbox
    };
    assert!(is_waited_for(&inbox()));
    let come = inbox();
    let _nobody = come.put(|received| _ = received.push_data(b"<html>", false));
    assert!(!is_waited_for(&come));
    assert!(matches!(come.take(), Found::Incoming(Incoming::Foreign { .. }, _)));
    assert!(!is_waited_for(&come));
}
