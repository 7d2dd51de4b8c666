//! An encrypted wire is a wire: it never blocks, loses nothing, and its end is told.

use super::*;
use crate::http2::Config;
use crate::transport::channelz::Account;
use crate::transport::memory::Knobs;
use crate::transport::{Accepting, Link, Threads};

/// Both ends, and the knobs of the directions in which the client and the server write.
fn wires() -> (Box<dyn Wire>, Box<dyn Wire>, Knobs, Knobs) {
    let authority = Authority::new("roots");
    let (near, far) = pair();
    let (up, down) = (near.knobs(), far.knobs());
    let (near, far) = shake_over((near, far), &authority.server(), &authority.client(), HOST);
    (near.unwrap(), far.unwrap(), up, down)
}

/// Bytes that repeat at no power of two.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index % 251) as u8).collect()
}

/// Reads until the end of the wire.
fn read_to_end(wire: &dyn Wire, buffer: &mut [u8]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match read(wire, buffer).unwrap() {
            0 => return all,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What is written comes out, in order, through both ways at once; buffers of all sizes are filled.
#[test]
fn large_streams_come_out_as_they_went_in() {
    let (near, far, up, _) = wires();
    let sent = bytes(3_000_000);
    for (size, split) in [(1 << 16, usize::MAX), (1000, 999)] {
        up.split_reads(split);
        thread::scope(|scope| {
            scope.spawn(|| {
                write_all(&*near, &sent);
                // Nobody pumps this end: what the session holds leaves by waiting.
                let mut buffer = [0; 16];
                assert_eq!(read(&*near, &mut buffer).unwrap(), 4);
                assert_eq!(&buffer[..4], b"done");
            });
            let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
            while all.len() < sent.len() {
                let count = read(&*far, &mut buffer).unwrap();
                assert_ne!(count, 0);
                all.extend_from_slice(&buffer[..count]);
            }
            assert!(all == sent);
            write_all(&*far, b"done");
        });
    }
}

/// Attack 6: bytes out of which nothing comes, empty records too, do not keep the reader from what else
/// it has to do: a read gives up after a few, and waiting finds the rest.
#[test]
fn a_read_is_over_though_nothing_comes_out() {
    let (near, far, up, _) = wires();
    up.split_reads(1);
    write_all(&*near, b"hello");
    let mut buffer = [0; 16];
    assert_eq!(far.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(read(&*far, &mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
}

/// A peer that does not read makes writing stop, at a bounded size, and never block; what was taken
/// leaves as soon as it reads, by whoever waits.
#[test]
fn a_full_wire_takes_nothing_and_loses_nothing() {
    let (near, far, _, _) = wires();
    let sent = bytes(1 << 20);
    let mut taken = 0;
    let error = loop {
        match near.write(&sent[taken..]) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(taken <= 64 * 1024 * 3, "{taken} bytes were taken");
    // Interested in reading alone, as a link is that has given away all it had.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| read(&*near, &mut [0; 8]).unwrap());
        let (mut all, mut buffer) = (Vec::new(), vec![0; 4096]);
        while all.len() < taken {
            let count = read(&*far, &mut buffer).unwrap();
            all.extend_from_slice(&buffer[..count]);
        }
        assert!(all == sent[..taken]);
        write_all(&*far, b"x");
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

/// A write that leaves something in the session wakes who waits for reading alone.
#[test]
fn a_reader_that_waits_takes_over_what_a_writer_left() {
    let (near, far, up, _) = wires();
    up.set_capacity(10);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| read(&*near, &mut [0; 8]).unwrap());
        assert_eq!(near.write(b"hello").unwrap(), 5);
        let mut buffer = [0; 8];
        assert_eq!(read(&*far, &mut buffer).unwrap(), 5);
        write_all(&*far, b"x");
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

/// RFC 8446 6.1: the end of writing is announced by close_notify, after the last byte; reading goes
/// on.
#[test]
fn the_end_of_writing_is_announced() {
    let (near, far, _, _) = wires();
    write_all(&*near, b"last");
    near.end_writing();
    near.end_writing();
    assert_eq!(read_to_end(&*far, &mut [0; 64]), b"last");
    assert_eq!(read(&*far, &mut [0; 8]).unwrap(), 0);
    write_all(&*far, b"answer");
    assert_eq!(read(&*near, &mut [0; 64]).unwrap(), 6);
}

/// The end is announced behind what a full wire has not taken yet.
#[test]
fn the_end_waits_for_a_full_wire() {
    let (near, far, up, _) = wires();
    up.set_capacity(100);
    let sent = bytes(10_000);
    assert_eq!(near.write(&sent).unwrap(), 10_000);
    near.end_writing();
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(read(&*near, &mut [0; 8]).unwrap(), 0));
        assert!(read_to_end(&*far, &mut [0; 4096]) == sent);
        far.shutdown();
    });
}

/// RFC 8446 6.1: an end that was not announced may be an attacker's, and is an error; what came
/// before it is given out.
#[test]
fn an_end_without_close_notify_is_an_error() {
    let authority = Authority::new("roots");
    let (near, far) = pair();
    let server = authority.server().handshake().unwrap();
    let far = Arc::new(far);
    let inner = Arc::clone(&far);
    let serving = thread::spawn(move || server.secure(inner).unwrap());
    let client = authority.client().for_host(HOST).unwrap();
    let near = client.secure(Box::new(near), now().checked_add(PATIENCE)).unwrap();
    let serving = serving.join().unwrap();
    write_all(&*serving, b"last");
    far.end_writing();
    let mut buffer = [0; 64];
    assert_eq!(read(&*near, &mut buffer).unwrap(), 4);
    let error = read(&*near, &mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().ends_with("(close_notify)"), "{error}");
}

/// Bytes that were changed on the way are an error, after what came before them.
#[test]
fn changed_bytes_are_an_error() {
    let authority = Authority::new("roots");
    let (near, far) = pair();
    let far = Arc::new(far);
    let server = authority.server().handshake().unwrap();
    let inner = Arc::clone(&far);
    let serving = thread::spawn(move || server.secure(inner).unwrap());
    let client = authority.client().for_host(HOST).unwrap();
    let near = client.secure(Box::new(near), now().checked_add(PATIENCE)).unwrap();
    let serving = serving.join().unwrap();
    write_all(&*serving, b"good");
    let mut forged = vec![23, 3, 3, 0, 40];
    forged.extend([7; 40]);
    far.write(&forged).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(read(&*near, &mut buffer).unwrap(), 4);
    let error = read(&*near, &mut buffer).unwrap_err();
    assert_eq!(error.to_string(), "TLS: cannot decrypt peer's message");
    // It is found again, not waited for.
    assert!(read(&*near, &mut buffer).is_err());
}

/// A lost connection is told to readers and writers.
#[test]
fn a_cut_is_told() {
    let (near, _far, up, _) = wires();
    up.cut();
    assert_eq!(near.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let error = read(&*near, &mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// Links run over encrypted wires as over any, and end as they do.
#[test]
fn links_run_over_tls() {
    let (near, far, _, _) = wires();
    let (sender, requests) = std::sync::mpsc::channel();
    let (config, threads) = (Config::default(), Threads::of_process());
    let accepting =
        Accepting { config, receive_limit: 1 << 20, account: Account::default(), threads };
    let server = Link::server(far, &accepting, move |accepted| {
        let _ = sender.send(accepted);
    });
    let server = server.unwrap();
    let client = Link::client(near, Config::default(), "test-client").unwrap();
    client.wait_ready(now().checked_add(PATIENCE)).unwrap();
    assert_eq!(client.auth_context().transport_security_type(), "ssl");
    drop(requests);
    client.close();
    assert!(client.wait_closed(now().checked_add(PATIENCE)));
    assert!(server.wait_closed(now().checked_add(PATIENCE)));
}
