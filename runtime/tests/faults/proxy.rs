//! A proxy for one connection that cuts it at a byte, or freezes it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// After so many bytes in one direction both connections are closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) direction: Direction,
    pub(crate) bytes: usize,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    frozen: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Proxy {
    /// Waits for one connection and passes it on to `target`, written as gRPC does.
    pub(crate) fn start(target: &str, cut: Option<Cut>) -> Self {
        let target: SocketAddr = target.strip_prefix("ipv4:").unwrap_or(target).parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let frozen = Arc::new(AtomicBool::new(false));
        let shared = frozen.clone();
        let thread = thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            drop(listener);
            let server = TcpStream::connect(target).unwrap();
            let to = |direction| cut.filter(|cut| cut.direction == direction).map(|cut| cut.bytes);
            let (up, down) = (to(Direction::ToServer), to(Direction::ToClient));
            thread::scope(|scope| {
                scope.spawn(|| pass(&client, &server, up, &shared));
                pass(&server, &client, down, &shared);
            });
        });
        Self { address, frozen, thread }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing passes; what comes is swallowed.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Waits until both sides have closed.
    pub(crate) fn join(self) {
        self.thread.join().unwrap();
    }
}

/// Passes bytes on until the end or the limit, and closes both then. An error is an end too.
fn pass(from: &TcpStream, to: &TcpStream, limit: Option<usize>, frozen: &AtomicBool) {
    let mut left = limit.unwrap_or(usize::MAX);
    let mut buffer = [0; 4096];
    let mut copy = || -> io::Result<()> {
        while left > 0 {
            let count = (&mut &*from).read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let count = count.min(left);
            left -= count;
            if !frozen.load(Ordering::SeqCst) {
                (&mut &*to).write_all(&buffer[..count])?;
            }
        }
        Ok(())
    };
    let _ = copy();
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
