//! RFC 7541 2.2 and 6.1: header blocks that come again, which are recognised and not decoded.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use super::random::Random;
use crate::http2::error::Violation;
use crate::http2::headers::Headers;
use crate::http2::{Config, Reason};
use crate::limits::http2 as limits;

/// :method POST, :scheme http, :path /.
const HEAD: &[u8] = &[0x83, 0x86, 0x84];

fn head(stream: u32, more: &[&[u8]]) -> Frame {
    Frame::new(HEADERS, END_HEADERS, stream, [&[HEAD], more].concat().concat())
}

/// A literal with incremental indexing.
fn inserted(name: &str, value: &str) -> Vec<u8> {
    let mut field = literal(name.as_bytes(), value.as_bytes());
    field[0] = 0x40;
    field
}

impl Peer {
    /// The list of the next request.
    #[track_caller]
    fn told_list(&mut self, stream: u32) -> Headers {
        self.tells_head(stream);
        self.lists.pop().expect("a list was told")
    }
}

/// A block of indexed fields that comes again is the same list, and no second copy of it.
#[test]
fn a_repeated_section_is_shared() {
    let mut peer = Peer::of_server();
    peer.send(head(1, &[&inserted("x-user", "alice")])).tells_head(1);
    let first = peer.send(head(3, &[&[0xbe]])).told_list(3);
    let second = peer.send(head(5, &[&[0xbe]])).told_list(5);
    assert_eq!(first.get("x-user"), Some(&b"alice"[..]));
    assert!(first == second && second.is_shared_with(&first));
    let third = peer.send(head(7, &[])).told_list(7);
    assert_eq!(third.len(), 3);
}

/// Peers that index no paths and no lengths of content send the same block again all the same; another
/// path or length is another block.
#[test]
fn a_path_that_no_table_has_is_recognised() {
    let mut peer = Peer::of_server();
    // :method POST, :scheme http; :path and content-length without indexing.
    let block = |path: &str, length: &str| {
        let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
        block.extend_from_slice(path.as_bytes());
        block.extend_from_slice(&[0x0f, 0x0d, length.len() as u8]);
        block.extend_from_slice(length.as_bytes());
        block
    };
    let mut told = |stream: u32, path: &str, length: &str| {
        let frame = Frame::new(HEADERS, END_HEADERS, stream, block(path, length));
        let list = peer.send(frame).told_list(stream);
        assert_eq!(list.get(":path"), Some(path.as_bytes()));
        assert_eq!(list.get("content-length"), Some(length.as_bytes()));
        list
    };
    let lists: Vec<_> = [(1, "/a", "5"), (3, "/a", "5"), (5, "/b", "5"), (7, "/a", "7")]
        .map(|(stream, path, length)| told(stream, path, length))
        .into();
    assert!(lists[1].is_shared_with(&lists[0]));
    assert!(!lists[2].is_shared_with(&lists[0]) && !lists[3].is_shared_with(&lists[0]));
    assert!(told(9, "/a", "5").is_shared_with(&lists[0]));
    peer.send(data(9, [0; 6]).end());
    peer.resets(9, Violation::ContentLengthMismatch);
}

/// RFC 7541 2.3.3: an index means another field after an insertion, and after a change of the
/// table's size: what was remembered by the old table is not used by the new one.
#[test]
fn a_remembered_section_never_survives_a_change_of_the_table() {
    let mut peer = Peer::of_server();
    for (stream, user) in [(1, "alice"), (7, "bob"), (13, "carol")] {
        peer.send(head(stream, &[&inserted("x-user", user)])).tells_head(stream);
        for stream in [stream + 2, stream + 4] {
            let list = peer.send(head(stream, &[&[0xbe]])).told_list(stream);
            assert_eq!(list.get("x-user"), Some(user.as_bytes()));
        }
    }
    // The table is emptied: the index is none.
    let block = [&[0x20, 0x3f, 0xe1, 0x1f], HEAD].concat();
    peer.send(Frame::new(HEADERS, END_HEADERS, 21, block)).tells_head(21);
    peer.send(head(23, &[&[0xbe]])).ends_with(Violation::Compression);
}

/// RFC 7541 4.2: a table that SETTINGS made smaller is followed in the next block, also in one that
/// came before.
#[test]
fn a_remembered_block_does_not_excuse_a_missing_size_update() {
    let config = Config { header_table_size: 0, ..Config::default() };
    let mut peer = Peer::new(crate::http2::Connection::server(config));
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[])).forget();
    peer.send(head(1, &[])).tells_head(1);
    peer.send(head(3, &[])).tells_head(3);
    peer.send(settings_ack()).forget();
    peer.send(head(5, &[])).ends_with(Violation::Compression);
}

/// The deadline differs from call to call: the list around it is remembered, the value is read and
/// judged each time.
#[test]
fn a_deadline_may_differ_in_a_remembered_section() {
    let mut peer = Peer::of_server();
    let timeouts = ["1S", "999999u", "", "1000000u", "12345678H"];
    for (stream, timeout) in (1..).step_by(2).zip(timeouts) {
        let field = literal(b"grpc-timeout", timeout.as_bytes());
        let list = peer.send(head(stream, &[&field, &[0x90]])).told_list(stream);
        let names = [":method", ":scheme", ":path", "grpc-timeout", "accept-encoding"];
        assert!(list.iter().map(|field| field.name).eq(names.map(str::as_bytes)), "{list:?}");
        assert_eq!(list.get("grpc-timeout"), Some(timeout.as_bytes()));
    }
}

/// RFC 7541 6.2.3: what is never indexed stays marked, and differs as other values do; of a literal
/// that means something to HTTP/2 each block is read anew.
#[test]
fn secrets_and_lengths_are_read_each_time() {
    let mut peer = Peer::of_server();
    let secret = |token: &str| {
        let mut field = literal(b"authorization", token.as_bytes());
        field[0] = 0x10;
        field
    };
    for (stream, token) in (1..).step_by(2).zip(["one", "two", "three"]) {
        let id = literal(b"x-id", token.as_bytes());
        let list = peer.send(head(stream, &[&secret(token), &id])).told_list(stream);
        let fields: Vec<_> =
            list.iter().skip(3).map(|field| (field.value, field.sensitive)).collect();
        assert_eq!(fields, [(token.as_bytes(), true), (token.as_bytes(), false)]);
    }
    for (stream, length) in [(21, 5), (23, 7)] {
        let field = literal(b"content-length", length.to_string().as_bytes());
        peer.send(head(stream, &[&field])).tells_head(stream);
        peer.send(data(stream, [0; 6]).end());
        peer.resets(stream, Violation::ContentLengthMismatch).forget();
    }
    peer.send(head(31, &[&literal(b"te", b"trailers")])).tells_head(31);
    peer.send(head(33, &[&literal(b"te", b"gzip")])).resets(33, Violation::TeNotTrailers);
}

/// RFC 9113 8.2.1: NUL, CR and LF make a message malformed, wherever the section was seen before.
#[test]
fn the_value_of_a_remembered_section_is_checked() {
    for byte in [0, b'\n', b'\r'] {
        let mut peer = Peer::of_server();
        for stream in [1, 3] {
            peer.send(head(stream, &[&literal(b"grpc-timeout", b"1S")])).tells_head(stream);
        }
        peer.send(head(5, &[&literal(b"grpc-timeout", &[b'1', byte])]));
        peer.resets(5, Violation::FieldValue);
    }
}

/// RFC 9113 8.1: a section that was a good head is still no trailers.
#[test]
fn a_remembered_head_is_no_trailers() {
    let mut peer = Peer::of_client();
    for _ in 0..2 {
        let stream = peer.open().0;
        let response = Frame::new(HEADERS, END_HEADERS, stream, [0x88]);
        peer.send(response.clone()).tells_head(stream);
        peer.send(response.end()).resets(stream, Violation::PseudoInTrailers);
        peer.tells_reset(stream, Reason::PROTOCOL_ERROR, crate::http2::Initiator::Local);
    }
}

/// RFC 9113 10.5.1: a remembered list that becomes too large is cut as any other.
#[test]
fn a_remembered_section_keeps_the_limit_of_lists() {
    // Three fields of HEAD are 43, 43 and 38, the deadline is 44 and its value.
    let size = (5 + 7 + 5 + 1 + 7 + 4 + 4 + 1 + 12) + 4 * 32 - 5 - 1;
    let config = Config { max_header_list_size: size + 10, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    for (stream, length) in [(1, 1), (3, 10), (5, 30)] {
        let field = literal(b"grpc-timeout", &vec![b'1'; length]);
        peer.send(head(stream, &[&field]));
        match length {
            30 => peer.tells(Told::Cut { stream }),
            _ => peer.tells_head(stream),
        };
    }
}

/// Whatever comes again in whatever order, and however the table changes meanwhile, the lists are
/// those of a decoder that remembers nothing.
#[test]
fn what_is_recognised_is_what_would_be_decoded() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let (mut peer, mut oracle) = (Peer::of_server(), Peer::of_server());
        for stream in (1..600).step_by(2) {
            let mut block = HEAD.to_vec();
            if random.once_in(60) {
                let size = random.pick(&[0x20, 0x3e]);
                block.insert(0, size);
            }
            for _ in 0..random.below(4) {
                let value = random.below(3).to_string();
                let field = match random.below(6) {
                    0 => inserted("x-kept", &value),
                    1 => literal(b"x-id", value.as_bytes()),
                    2 => [&[0x10], &literal(b"authorization", value.as_bytes())[1..]].concat(),
                    // What no entry may have yet: then both sides end.
                    3 if stream > 100 => vec![0xbe + random.below(2) as u8],
                    _ => vec![random.pick(&[0x90, 0x91, 0x93])],
                };
                block.extend(field);
            }
            peer.send(Frame::new(HEADERS, END_HEADERS, stream, block.clone()));
            if peer.error.is_some() {
                break;
            }
            assert_eq!(peer.lists.pop(), Some(oracle.decode(&block)), "seed {seed}");
            peer.send(reset(stream, Reason::CANCEL)).wait(Duration::from_secs(1)).forget();
        }
    }
}

/// What is remembered is bounded, whatever a peer sends.
#[test]
fn what_is_remembered_is_bounded() {
    let mut peer = Peer::of_server();
    let mut stream = 1;
    for one in 0x81..=0xbd_u8 {
        for other in [0x90, 0x91, 0x92] {
            peer.send(head(stream, &[&[one, other]])).forget();
            peer.send(reset(stream, Reason::CANCEL)).wait(Duration::from_secs(1)).forget();
            stream += 2;
        }
    }
    let bound = limits::MEMO_SECTIONS_MAX * (limits::MEMO_LIST_SIZE_MAX + 256) + (16 << 10);
    assert!(peer.connection.memory() < bound, "{}", peer.connection.memory());
}
