//! A tunnel through a proxy: CONNECT, and a wire to the server behind it (RFC 9110 9.3.6).
//!
//! The invariant: exactly the head of the proxy's answer is taken from the socket; the first byte
//! behind it is the wire's.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::event::PollFlags;

use super::Proxy;
use crate::grpc::headers;
use crate::limits::PROXY_HEAD_SIZE_MAX;
use crate::transport::platform::Socket;
use crate::transport::socket::poll_socket;
use crate::transport::target::{Place, Target};
use crate::transport::wire::Wire;
use crate::transport::{Bound, Dial, tcp};

/// Connects to `target` through `proxy`, which looks the name up; addresses are tried one after the
/// other.
///
/// # Errors
///
/// What the proxy answered to the last attempt, or why it cannot be reached.
pub(in crate::transport) fn connect(
    target: &Target,
    proxy: &Proxy,
    dial: &Dial,
) -> io::Result<Box<dyn Wire>> {
    let mut places = match target.place() {
        Place::Host(name, port) => vec![format!("{name}:{port}")],
        Place::Addresses(addresses) => addresses.iter().map(ToString::to_string).collect(),
        Place::Unix(_) | Place::UnixAbstract(_) => Vec::new(),
    };
    let count = places.len().max(1);
    places.rotate_left(dial.failures % count);
    let mut last = io::Error::new(io::ErrorKind::Unsupported, "no proxy leads there");
    for place in places {
        match tunnel(&place, proxy, dial) {
            Ok(wire) => return Ok(wire),
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(last.kind(), format!("proxy {proxy}: {last}")))
}

/// Connects to `place` through `proxy`.
fn tunnel(place: &str, proxy: &Proxy, dial: &Dial) -> io::Result<Box<dyn Wire>> {
    let bound = dial.bound();
    let (socket, address) = match proxy.place.place() {
        Place::Addresses(addresses) => tcp::connect_socket(addresses, dial)?,
        Place::Host(name, port) => {
            tcp::connect_socket(&tcp::resolve(name, *port, dial.bound())?, dial)?
        }
        Place::Unix(_) | Place::UnixAbstract(_) => return Err(io::ErrorKind::Unsupported.into()),
    };
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    send(&stream, request(place, proxy).as_bytes(), &bound)?;
    let status_line = answer(&stream, &bound)?;
    if !(200..300).contains(&status_of(&status_line).ok_or_else(|| no_answer(&status_line))?) {
        let text = format!("answered CONNECT {place} with \"{}\"", printable(&status_line));
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, text));
    }
    stream.set_nonblocking(false)?;
    tcp::wire(Socket::from(stream), address)
}

/// RFC 9112 3.2.3: the target of CONNECT is the host and the port alone.
fn request(place: &str, proxy: &Proxy) -> String {
    let user_agent = headers::user_agent("");
    let mut request =
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: {user_agent}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request += &format!("Proxy-Authorization: {authorization}\r\n");
    }
    request + "\r\n"
}

fn send(mut stream: &TcpStream, mut bytes: &[u8], bound: &Bound) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(stream, PollFlags::OUT, bound)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The status line of the final answer, whose head has been taken.
fn answer(stream: &TcpStream, bound: &Bound) -> io::Result<Vec<u8>> {
    let mut left = PROXY_HEAD_SIZE_MAX;
    loop {
        let mut head = read_head(stream, left, bound)?;
        left -= head.len();
        let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
        head.truncate(end);
        // RFC 9110 15.2: answers of 1xx come before the final one.
        if !status_of(&head).is_some_and(|status| (100..200).contains(&status)) {
            return Ok(head);
        }
    }
}

/// A head with the empty line that ends it, of `size_max` bytes at most.
fn read_head(mut stream: &TcpStream, size_max: usize, bound: &Bound) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        // Looked at first: what follows the head is not ours to take.
        let count = match stream.peek(&mut buffer) {
            Ok(0) => {
                let text = "closed the connection before its answer to CONNECT was complete";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(stream, PollFlags::IN, bound)?;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let before = head.len();
        head.extend_from_slice(&buffer[..count]);
        let end = end_of_head(&head, before);
        head.truncate(end.unwrap_or(head.len()));
        stream.read_exact(&mut buffer[..head.len() - before])?;
        if !head.starts_with(&VERSION[..head.len().min(VERSION.len())]) {
            return Err(no_answer(&head));
        }
        if head.len() > size_max {
            let text =
                format!("expected an answer of at most {PROXY_HEAD_SIZE_MAX} bytes, got more");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if end.is_some() {
            return Ok(head);
        }
    }
}

/// Where the first empty line of `head` ends, whose first `looked_at` bytes hold none.
///
/// RFC 9112 2.2: a line may also end with LF alone.
fn end_of_head(head: &[u8], looked_at: usize) -> Option<usize> {
    (looked_at.saturating_sub(2)..head.len()).find_map(|at| match &head[at..] {
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        [b'\n', b'\n', ..] => Some(at + 2),
        _ => None,
    })
}

/// RFC 9112 4: `HTTP/1.1 200 Connection established`.
fn status_of(line: &[u8]) -> Option<u16> {
    let [minor, b' ', status @ ..] = line.strip_prefix(VERSION)? else { return None };
    let digits = status.split(|byte| byte.is_ascii_whitespace()).next()?;
    let is_status = minor.is_ascii_digit()
        && digits.len() == 3
        && digits.iter().all(|digit| digit.is_ascii_digit());
    is_status.then(|| digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

fn no_answer(got: &[u8]) -> io::Error {
    let line = got.split(|byte| *byte == b'\n').next().unwrap_or(got);
    let text = format!("expected an answer of HTTP/1.1 to CONNECT, got \"{}\"", printable(line));
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// What a peer has said, for words of ours.
fn printable(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    let shown = line[..line.len().min(SHOWN_MAX)].escape_ascii().to_string();
    if line.len() > SHOWN_MAX { shown + "…" } else { shown }
}

/// Waits for the proxy, as long as `bound` allows.
fn wait(stream: &TcpStream, flags: PollFlags, bound: &Bound) -> io::Result<()> {
    bound.check_wanted()?;
    if bound.is_late() {
        let text = "no answer to CONNECT within the deadline";
        return Err(io::Error::new(io::ErrorKind::TimedOut, text));
    }
    poll_socket(stream, flags, bound.wait())
}

/// What every answer begins with; the minor version follows.
const VERSION: &[u8] = b"HTTP/1.";

/// How many bytes of a proxy's line are repeated in words of ours.
const SHOWN_MAX: usize = 120;
