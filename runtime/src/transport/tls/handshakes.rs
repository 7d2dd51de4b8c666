//! The handshakes of a listener: what accepted connections go through before they are served.
//!
//! The thread that accepts never waits for a peer: a handshake that needs bytes of it runs on a
//! thread of its own, which ends with the handshake. How many run at once is bounded; over that the
//! oldest is given up, since honest peers are done in a few round trips.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use super::server::ServerHandshake;
use crate::limits::{HANDSHAKES_MAX, LINGER_MAX};
use crate::transport::wire::{Interest, Wire};
use crate::transport::{Threads, lock, now};

/// Secures connections and gives them to `serve`. Dropping it gives up the handshakes that run.
pub(crate) struct Handshakes<'s, S> {
    shared: Arc<Shared<S>>,
    threads: Threads<'s>,
}

struct Shared<S> {
    handshake: ServerHandshake,
    serve: S,
    running: Mutex<Running>,
}

/// The wires whose handshakes run, oldest first.
#[derive(Default)]
struct Running {
    wires: VecDeque<(u64, Arc<dyn Wire>)>,
    begun: u64,
    over: bool,
}

impl<'s, S: Fn(Box<dyn Wire>) + Send + Sync + 's> Handshakes<'s, S> {
    pub(crate) fn new(handshake: ServerHandshake, threads: &Threads<'s>, serve: S) -> Self {
        let shared = Arc::new(Shared { handshake, serve, running: Mutex::default() });
        Self { shared, threads: threads.clone() }
    }

    /// Takes a new connection; never blocks. One that cannot be secured is closed.
    pub(crate) fn accept(&self, wire: Arc<dyn Wire>) {
        let number = self.shared.enter(Arc::clone(&wire));
        let shared = Arc::clone(&self.shared);
        let begun = self.threads.spawn("grpc-handshake", move || shared.run(number, &wire));
        if begun.is_err() {
            // The system is at its limit: the connection is closed.
            self.shared.leave(number);
        }
    }
}

impl<S: Fn(Box<dyn Wire>)> Shared<S> {
    fn run(&self, number: u64, wire: &Arc<dyn Wire>) {
        let entry = Entry { shared: self, number };
        match self.handshake.secure(Arc::clone(wire)) {
            Ok(secured) => {
                if entry.shared.leave(number) {
                    (self.serve)(secured);
                }
            }
            Err(error) => {
                linger(&**wire);
                self.handshake.tell_failure(wire.peer(), &error);
            }
        }
    }

    /// Puts a wire into the line, and the oldest out of it if it is too long.
    fn enter(&self, wire: Arc<dyn Wire>) -> u64 {
        let mut running = lock(&self.running);
        let number = running.begun;
        running.begun += 1;
        running.wires.push_back((number, wire));
        let oldest = match running.wires.len() > HANDSHAKES_MAX {
            true => running.wires.pop_front(),
            false => None,
        };
        drop(running);
        if let Some((_, oldest)) = oldest {
            oldest.shutdown();
        }
        number
    }

    /// Takes a wire out of the line; says whether it was in it still, and is to be served.
    fn leave(&self, number: u64) -> bool {
        let mut running = lock(&self.running);
        let place = running.wires.iter().position(|(other, _)| *other == number);
        let wire = place.and_then(|place| running.wires.remove(place));
        wire.is_some() && !running.over
    }
}

/// Waits a little until the peer has read why it is refused: closing a socket with unread bytes
/// destroys what was written.
fn linger(wire: &dyn Wire) {
    wire.end_writing();
    let until = now() + LINGER_MAX;
    let mut buffer = [0; 4096];
    loop {
        let left = until.saturating_duration_since(now());
        let is_over = left.is_zero() || wire.wait(READING, Some(left)).is_err();
        let is_open = match wire.read(&mut buffer) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if is_over || !is_open {
            return;
        }
    }
}

/// A place in the line, given back if the handshake panics.
struct Entry<'a, S: Fn(Box<dyn Wire>)> {
    shared: &'a Shared<S>,
    number: u64,
}

impl<S: Fn(Box<dyn Wire>)> Drop for Entry<'_, S> {
    fn drop(&mut self) {
        self.shared.leave(self.number);
    }
}

impl<S> Drop for Handshakes<'_, S> {
    fn drop(&mut self) {
        let mut running = lock(&self.shared.running);
        running.over = true;
        let wires = std::mem::take(&mut running.wires);
        drop(running);
        for (_, wire) in wires {
            wire.shutdown();
        }
    }
}

const READING: Interest = Interest { read: true, write: false };
