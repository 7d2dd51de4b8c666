//! A wire that encrypts: another wire with a TLS session over it.
//!
//! ```text
//! read    inner ─► input ─► session ─► plaintext        wait    inner, for both sides' sake
//! write   plaintext ─► session ─► inner
//! ```
//!
//! The lock of the session is held for computing and for writes that do not block. Bytes that the
//! session holds and the inner wire does not take are sent by whoever waits, so that a writer never
//! has to. Both buffers are bounded: the input by a read's size, the output by rustls (64 KiB).

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::Connection;
use rustls::pki_types::ServerName;
use rustls::server::ParsedCertificate;

use super::words;
use crate::limits::{READ_BUFFER_SIZE, TLS_READS_MAX};
use crate::transport::auth_context::AuthContext;
use crate::transport::lock;
use crate::transport::platform::Descriptor;
use crate::transport::reactor::Bell;
use crate::transport::wire::{Address, Interest, Wire};

/// An encrypted wire, after its handshake.
pub(super) struct TlsWire {
    inner: Arc<dyn Wire>,
    session: Mutex<Session>,
    /// Taken by the one thread that reads, before the session.
    input: Mutex<Input>,
    /// There may be plaintext that no byte on the inner wire will announce.
    has_plaintext: AtomicBool,
    /// The inner wire was full: the session holds bytes for it.
    has_output: AtomicBool,
    auth_context: AuthContext,
}

struct Session {
    tls: Connection,
    /// close_notify has been said, and the end of the inner wire has not.
    is_ending: bool,
    /// What writing has met, for the next writer to see.
    failure: Option<io::ErrorKind>,
}

/// Bytes that were read and that the session has not taken.
struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// What the session has found wrong; bytes before it are given out first.
    failure: Option<(io::ErrorKind, String)>,
}

impl TlsWire {
    /// The wire of a session whose handshake is over.
    pub(super) fn new(inner: Arc<dyn Wire>, tls: Connection, auth_context: AuthContext) -> Self {
        let has_output = AtomicBool::new(tls.wants_write());
        Self {
            inner,
            session: Mutex::new(Session { tls, is_ending: false, failure: None }),
            input: Mutex::new(Input::new()),
            // What came with the last message of the handshake is in the session.
            has_plaintext: AtomicBool::new(true),
            has_output,
            auth_context,
        }
    }

    /// Sends what the session holds, as far as the inner wire takes it.
    fn flush(&self, session: &mut Session) -> io::Result<()> {
        if let Some(kind) = session.failure {
            return Err(kind.into());
        }
        let result = send(&mut session.tls, &*self.inner);
        let is_flushed = match &result {
            Ok(is_flushed) => *is_flushed,
            Err(error) => {
                session.failure = Some(error.kind());
                true
            }
        };
        self.has_output.store(!is_flushed, Ordering::Release);
        if is_flushed && session.is_ending {
            session.is_ending = false;
            self.inner.end_writing();
        }
        result.map(|_| ())
    }

    /// As [`TlsWire::flush`], for threads that do not wait for the wire: who does takes the rest.
    fn flush_and_wake(&self, session: &mut Session) -> io::Result<()> {
        self.flush(session)?;
        if self.has_output.load(Ordering::Acquire) {
            self.inner.wake();
        }
        Ok(())
    }

    /// Fills `buffer` with the plaintext that is there; stops where the input ends.
    fn take(&self, input: &mut Input, buffer: &mut [u8]) -> io::Result<Taken> {
        let mut session = lock(&self.session);
        let mut count = 0;
        let failure = loop {
            match session.tls.reader().read(&mut buffer[count..]) {
                Ok(0) if count == 0 => return Ok(Taken::End),
                // Found again by the next read.
                Ok(0) => return Ok(Taken::Bytes { count, is_all: false }),
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Some((kind, text)) = &input.failure {
                        break io::Error::new(*kind, text.clone());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    break io::Error::new(error.kind(), CUT);
                }
                Err(error) => break error,
            }
            if count == buffer.len() {
                return Ok(Taken::Bytes { count, is_all: false });
            }
            if input.failure.is_some() {
                continue;
            }
            if input.is_empty() {
                return Ok(Taken::Bytes { count, is_all: true });
            }
            if let Err(error) = self.decrypt(&mut session, input) {
                input.failure = Some((error.kind(), error.to_string()));
            }
        };
        match count {
            0 => Err(failure),
            // Found again by the next read.
            count => Ok(Taken::Bytes { count, is_all: false }),
        }
    }

    /// Gives some of the input to the session.
    fn decrypt(&self, session: &mut Session, input: &mut Input) -> io::Result<()> {
        let mut rest = &input.buffer[input.start..input.end];
        let before = rest.len();
        session.tls.read_tls(&mut rest)?;
        let taken = before - rest.len();
        input.start += taken;
        if taken == 0 {
            // After close_notify nothing is taken any more.
            input.start = input.end;
        }
        let result = session.tls.process_new_packets();
        if session.tls.wants_write() {
            // An alert, or the answer to a key update. Where writing fails, writers see it.
            let _ = self.flush_and_wake(session);
        }
        result.map(|_| ()).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("TLS: {}", words::of(&error)))
        })
    }
}

/// What [`TlsWire::take`] has found.
enum Taken {
    /// Perhaps none; and whether that was all there is.
    Bytes { count: usize, is_all: bool },
    /// close_notify.
    End,
}

impl Wire for TlsWire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut input = lock(&self.input);
        let mut reads = 0;
        loop {
            match self.take(&mut input, buffer)? {
                Taken::End => return Ok(0),
                Taken::Bytes { count, is_all } => {
                    self.has_plaintext.store(!is_all, Ordering::Release);
                    if count > 0 {
                        return Ok(count);
                    }
                }
            }
            if reads == TLS_READS_MAX {
                // Whoever waits for the inner wire finds the rest.
                return Err(io::ErrorKind::WouldBlock.into());
            }
            reads += 1;
            let count = self.inner.read(&mut input.buffer)?;
            (input.start, input.end) = (0, count);
            if count == 0 {
                // Tells the session of the end, which tells whether it was announced.
                lock(&self.session).tls.read_tls(&mut io::empty())?;
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut session = lock(&self.session);
        self.flush(&mut session)?;
        if self.has_output.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = session.tls.writer().write(bytes)?;
        self.flush_and_wake(&mut session)?;
        Ok(count)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        match self.begin_wait(interest) {
            Ok(found) => Ok(found),
            Err(inner) => Ok(self.end_wait(interest, self.inner.wait(inner, timeout)?)),
        }
    }

    fn prepare_wait(&self) {
        self.inner.prepare_wait();
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        self.inner.descriptor()
    }

    fn attach(&self, bell: &Bell) {
        self.inner.attach(bell);
    }

    fn begin_wait(&self, interest: Interest) -> Result<Interest, Interest> {
        let has_output = self.has_output.load(Ordering::Acquire);
        if interest.read && self.has_plaintext.load(Ordering::Acquire) {
            return Ok(Interest { read: true, write: interest.write && !has_output });
        }
        let inner = Interest { read: interest.read, write: interest.write || has_output };
        self.inner.begin_wait(inner)
    }

    fn end_wait(&self, interest: Interest, found: Interest) -> Interest {
        if found.write && self.has_output.load(Ordering::Acquire) {
            // Who reads sees more of the reason; who writes sees this one.
            let _ = self.flush(&mut lock(&self.session));
        }
        let is_full = self.has_output.load(Ordering::Acquire);
        Interest {
            write: interest.write && found.write && !is_full,
            read: interest.read && found.read,
        }
    }

    fn wake(&self) {
        self.inner.wake();
    }

    fn end_writing(&self) {
        let mut session = lock(&self.session);
        // RFC 8446 6.1: the end of the data is announced. A second time says nothing.
        session.tls.send_close_notify();
        session.is_ending = true;
        // The peer may be gone already; reading tells.
        let _ = self.flush_and_wake(&mut session);
    }

    fn shutdown(&self) {
        let mut session = lock(&self.session);
        session.tls.send_close_notify();
        // As above.
        let _ = self.flush(&mut session);
        self.inner.shutdown();
    }

    fn peer(&self) -> &Address {
        self.inner.peer()
    }

    fn local(&self) -> &Address {
        self.inner.local()
    }

    fn auth_context(&self) -> AuthContext {
        self.auth_context.clone()
    }

    fn verify_host(&self, host: &str) -> Result<(), String> {
        let name = ServerName::try_from(host)
            .map_err(|_| format!("{host:?} is neither a DNS name nor an IP address"))?;
        let session = lock(&self.session);
        let certificate = session.tls.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.ok_or("the server has shown no certificate")?;
        let parsed = ParsedCertificate::try_from(certificate);
        parsed
            .and_then(|parsed| rustls::client::verify_server_name(&parsed, &name))
            .map_err(|error| words::of(&error))
    }
}

impl Drop for TlsWire {
    fn drop(&mut self) {
        // The inner wire may have another owner.
        self.inner.shutdown();
    }
}

impl Input {
    fn new() -> Self {
        Self { buffer: vec![0; READ_BUFFER_SIZE], start: 0, end: 0, failure: None }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Sends what `tls` holds, as far as `wire` takes it; says whether nothing is left.
pub(super) fn send(tls: &mut Connection, wire: &dyn Wire) -> io::Result<bool> {
    while tls.wants_write() {
        match tls.write_tls(&mut Writing(wire)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// A wire as rustls reads from it.
pub(super) struct Reading<'a>(pub(super) &'a dyn Wire);

/// A wire as rustls writes to it.
struct Writing<'a>(&'a dyn Wire);

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 8446 6.1: an end without close_notify may be an attacker's.
const CUT: &str = "TLS: the peer closed the connection without saying so (close_notify)";
