//! The handshake, as a step of its own between a wire and a link: it blocks, until a deadline.
//!
//! What comes out speaks HTTP/2: RFC 9113 3.3 asks for the protocol `h2` by ALPN, and a peer that
//! does not name it is refused on both sides.

use std::io;
use std::sync::Arc;

use rustls::{Connection, HandshakeKind};

use super::wire::{Reading, TlsWire, send};
use super::{H2, certificate, words};
use crate::limits::HANDSHAKE_SIZE_MAX;
use crate::transport::Bound;
use crate::transport::auth_context::{AuthContext, SecurityLevel};
use crate::transport::wire::{Interest, Wire};

/// Runs the handshake of `tls` over `inner`, as long as `bound` allows.
///
/// # Errors
///
/// What the peer, its certificate or the network did, in words; [`io::ErrorKind::TimedOut`];
/// [`io::ErrorKind::ConnectionAborted`] if nobody wants it any more.
pub(super) fn shake_hands(
    inner: Arc<dyn Wire>,
    mut tls: Connection,
    bound: impl Into<Bound>,
) -> io::Result<TlsWire> {
    let bound = bound.into();
    let mut received = 0;
    loop {
        let sent = send(&mut tls, &*inner);
        if !tls.is_handshaking() {
            // What the inner wire has not taken leaves with what follows.
            break;
        }
        let is_sent = sent.map_err(|error| last_words(&mut tls, &*inner, &error))?;
        bound.check_wanted()?;
        if bound.is_late() {
            return Err(failed(io::ErrorKind::TimedOut, "not over within its time"));
        }
        let interest = Interest { read: tls.wants_read(), write: !is_sent };
        if inner.wait(interest, bound.wait())?.read {
            received += receive(&mut tls, &*inner)?;
            if received > HANDSHAKE_SIZE_MAX && tls.is_handshaking() {
                let text = format!("expected at most {HANDSHAKE_SIZE_MAX} bytes, got more");
                return Err(failed(io::ErrorKind::InvalidData, &text));
            }
        }
    }
    if tls.alpn_protocol() != Some(H2) {
        let text = words::without_h2(tls.alpn_protocol());
        tls.send_close_notify();
        // The peer is refused, whether it hears of it or not.
        let _ = send(&mut tls, &*inner);
        return Err(failed(io::ErrorKind::InvalidData, &text));
    }
    let auth_context = auth_context(&tls);
    Ok(TlsWire::new(inner, tls, auth_context))
}

/// Reads once; says how many bytes came.
fn receive(tls: &mut Connection, inner: &dyn Wire) -> io::Result<usize> {
    let count = match tls.read_tls(&mut Reading(inner)) {
        Ok(0) => {
            let text = "the peer closed the connection before the end";
            return Err(failed(io::ErrorKind::UnexpectedEof, text));
        }
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(failed(error.kind(), &error.to_string())),
    };
    tls.process_new_packets().map_err(|error| {
        // An alert tells the peer; where it cannot be told, the end of the wire does.
        let _ = send(tls, inner);
        failed(io::ErrorKind::InvalidData, &words::of(&error))
    })?;
    Ok(count)
}

/// Why a wire takes nothing more: what the peer said before it closed, or else `error`.
fn last_words(tls: &mut Connection, inner: &dyn Wire, error: &io::Error) -> io::Error {
    loop {
        match receive(tls, inner) {
            Ok(0) => return failed(error.kind(), &error.to_string()),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

fn auth_context(tls: &Connection) -> AuthContext {
    let is_resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
    let mut peer = vec![("ssl_session_reused", if is_resumed { "true" } else { "false" }.into())];
    let chain: Vec<&[u8]> =
        tls.peer_certificates().unwrap_or_default().iter().map(|c| &**c).collect();
    peer.extend(certificate::properties(&chain));
    AuthContext::new("ssl", SecurityLevel::PrivacyAndIntegrity, peer)
}

fn failed(kind: io::ErrorKind, text: &str) -> io::Error {
    io::Error::new(kind, format!("TLS handshake: {text}"))
}
