//! Compression at the client: what it sends, what it offers, and what it undoes.

use super::peer::{Peer, Peers, build_against, script, stub_against};
use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder, ClientNext, OutgoingCall, Request, Response};
use crate::grpc::compression::{Compressor, Gzip, Output};
use crate::grpc::{Code, Compression, Status, envelope};
use crate::http2::{Headers, Reason};

/// A message that gzip makes smaller.
fn long() -> String {
    "hello ".repeat(100)
}

fn gzipped(message: &str) -> Vec<u8> {
    let mut output = Output::new(1 << 20);
    Gzip::default().compress(message.as_bytes(), &mut output).unwrap();
    let mut bytes = envelope::compressed_prefix(output.as_slice().len()).to_vec();
    bytes.extend_from_slice(output.as_slice());
    bytes
}

/// The messages in `bytes`, each with whether it is compressed.
fn messages(mut bytes: &[u8]) -> Vec<(String, bool)> {
    let (mut decoder, mut messages) = (envelope::Decoder::new(usize::MAX), Vec::new());
    while let (count, Some(message)) = decoder.decode(bytes).unwrap() {
        bytes = &bytes[count..];
        let payload = match message.compressed {
            false => message.payload,
            true => {
                let mut output = Output::new(1 << 20);
                Gzip::default().decompress(&message.payload, &mut output).unwrap();
                output.into_vec()
            }
        };
        messages.push((String::from_utf8(payload).unwrap(), message.compressed));
    }
    messages
}

fn encoding_of(head: &Headers) -> Option<&str> {
    head.get("grpc-encoding").map(|value| str::from_utf8(value).unwrap())
}

/// Builds a channel whose peer expects one call with `encoding` and `expected`, and answers it.
fn expecting(
    builder: ChannelBuilder,
    encoding: Option<&'static str>,
    expected: Vec<(String, bool)>,
) -> (Stub, Peers) {
    build_against(
        builder,
        script(move |peer| {
            let (stream, head) = peer.head();
            assert_eq!(encoding_of(&head), encoding);
            assert_eq!(messages(&peer.rest(stream)), expected);
            peer.reply(stream, "done");
        }),
    )
}

/// A stub whose peer answers its call with these fields and bytes, and what the call gives.
fn answered(
    fields: &'static [(&'static str, &'static str)],
    bytes: Vec<u8>,
) -> Result<Response<String>, Status> {
    let builder = Channel::builder("memory").max_receive_message_size(1024);
    let (stub, peers) = build_against(
        builder,
        script(move |peer: &mut Peer| {
            let (stream, _) = peer.request();
            peer.send_head(stream, fields);
            peer.send_data(stream, &bytes, false);
            peer.send_trailers(stream, &[("grpc-status", "0")]);
        }),
    );
    let result = stub.unary(text("hello"));
    drop(stub);
    peers.join();
    result
}

/// compression.md, test case 1 and 2: nothing is compressed by default; what the channel says holds
/// for every call that says nothing.
#[test]
fn the_channel_sets_the_default() {
    for (builder, encoding, is_compressed) in [
        (Channel::builder("memory"), None, false),
        (Channel::builder("memory").compression(Compression::Gzip), Some("gzip"), true),
    ] {
        let (stub, peers) = expecting(builder, encoding, vec![(long(), is_compressed)]);
        assert_eq!(*stub.unary(long()).unwrap(), "done");
        peers.join();
    }
}

/// Interop client_compressed_unary: the call overrides the channel, on and off.
#[test]
fn the_call_overrides_the_channel() {
    let gzip = || Channel::builder("memory").compression(Compression::Gzip);
    for (builder, compression, encoding, is_compressed) in [
        (gzip(), Compression::Identity, None, false),
        (Channel::builder("memory"), Compression::Gzip, Some("gzip"), true),
    ] {
        let (stub, peers) = expecting(builder, encoding, vec![(long(), is_compressed)]);
        stub.unary(Request::new(long()).compression(compression)).unwrap();
        peers.join();
    }
}

/// An interceptor overrides both.
#[test]
fn an_interceptor_chooses_the_compression() {
    let choose = |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        call.set_compression(Compression::Gzip);
        next.run(call)
    };
    let builder = Channel::builder("memory").interceptor(choose);
    let (stub, peers) = expecting(builder, Some("gzip"), vec![(long(), true)]);
    stub.unary(Request::new(long()).compression(Compression::Identity)).unwrap();
    peers.join();
}

/// Interop client_compressed_streaming: single messages of a compressed stream are sent as they are.
#[test]
fn single_requests_of_a_stream_are_not_compressed() {
    let expected = vec![(long(), true), (long(), false), (long(), true), (text("small"), false)];
    let builder = Channel::builder("memory").compression(Compression::Gzip);
    let (stub, peers) = expecting(builder, Some("gzip"), expected);
    let mut sink = stub.record(()).unwrap();
    sink.send(long()).unwrap();
    sink.disable_next_message_compression();
    sink.send(long()).unwrap();
    sink.send(long()).unwrap();
    sink.send(text("small")).unwrap();
    assert_eq!(*sink.finish().unwrap(), "done");
    peers.join();
}

/// Messages below the smallest size of the channel are sent as they are, under the encoding.
#[test]
fn small_requests_are_sent_as_they_are() {
    let builder = || Channel::builder("memory").compression(Compression::Gzip);
    for (builder, is_compressed) in [
        (builder().min_message_size_to_compress(601), false),
        (builder().min_message_size_to_compress(600), true),
    ] {
        let (stub, peers) = expecting(builder, Some("gzip"), vec![(long(), is_compressed)]);
        stub.unary(long()).unwrap();
        peers.join();
    }
}

/// What the channel does not know is INVALID_ARGUMENT: when it is built, and before a call begins.
#[test]
fn an_unknown_compression_is_refused_before_anything_is_sent() {
    let unknown = Compression::Custom("br");
    let status = Channel::builder("memory").compression(unknown).build().unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let (stub, peers) = stub_against(Vec::new());
    let status = stub.unary(Request::new(long()).compression(unknown)).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("compression \"br\" is not known here"), "{status}");
    assert_eq!(peers.connects(), 0);
}

/// PROTOCOL-HTTP2.md: every call says what the server may compress with.
#[test]
fn every_call_says_what_the_client_accepts() {
    let all = match cfg!(feature = "zstd") {
        true => "identity,gzip,deflate,zstd",
        false => "identity,gzip,deflate",
    };
    for (builder, offer) in [
        (Channel::builder("memory"), all),
        (Channel::builder("memory").accept_compression([Compression::Deflate]), "identity,deflate"),
        (Channel::builder("memory").accept_compression([]), "identity"),
    ] {
        let (stub, peers) = build_against(
            builder,
            script(move |peer| {
                let (stream, head) = peer.head();
                assert_eq!(head.get("grpc-accept-encoding"), Some(offer.as_bytes()));
                peer.rest(stream);
                peer.reply(stream, "done");
            }),
        );
        stub.unary(text("hello")).unwrap();
        peers.join();
    }
}

/// Interop server_compressed_unary: replies are read, compressed or not, and it shows which it was.
#[test]
fn a_compressed_reply_is_read() {
    let gzip = &[("grpc-encoding", "gzip")];
    let response = answered(gzip, gzipped(&long())).unwrap();
    assert_eq!((&**response, Response::is_compressed(&response)), (&*long(), true));
    let plain = [&[0, 0, 0, 0, 3][..], b"abc"].concat();
    let response = answered(gzip, plain).unwrap();
    assert_eq!((&**response, Response::is_compressed(&response)), ("abc", false));
}

/// Interop server_compressed_streaming: each reply of a stream is compressed by itself or not.
#[test]
fn each_reply_of_a_stream_is_compressed_by_itself() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.send_head(stream, &[("grpc-encoding", "gzip")]);
        peer.send_data(stream, &gzipped(&long()), false);
        peer.send_message(stream, "abc");
        peer.send_data(stream, &gzipped(""), false);
        peer.send_trailers(stream, &[("grpc-status", "0")]);
    }));
    let mut replies = stub.list(text("hello")).unwrap();
    for expected in [(Some(long()), true), (Some(text("abc")), false), (Some(text("")), true)] {
        assert_eq!((replies.recv().unwrap(), replies.is_compressed()), expected);
    }
    assert_eq!(replies.recv().unwrap(), None);
    peers.join();
}

/// Checklist 37: an encoding that the client did not offer is INTERNAL.
#[test]
fn an_encoding_that_was_not_offered_is_internal() {
    for fields in [&[("grpc-encoding", "snappy")], &[("grpc-encoding", "x-gzip")]] {
        let builder = Channel::builder("memory");
        let (stub, peers) = build_against(
            builder,
            script(move |peer: &mut Peer| {
                let (stream, _) = peer.request();
                peer.send_head(stream, fields);
                assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            }),
        );
        let status = stub.unary(text("hello")).unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().contains("expected one of identity, gzip"), "{status}");
        peers.join();
    }
}

/// Checklist 38: a compressed reply without an encoding, or with identity, is INTERNAL.
#[test]
fn a_compressed_reply_without_an_encoding_is_internal() {
    for fields in [&[][..], &[("grpc-encoding", "identity")]] {
        let status = answered(fields, gzipped("abc")).unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().contains("compressed flag 1"), "{status}");
    }
}

/// Checklist 39: a compressed flag that is neither 0 nor 1 is INTERNAL, under an encoding too.
#[test]
fn other_flags_of_a_reply_are_internal() {
    for flag in [2, 3, 0x80, 0xff] {
        let mut bytes = gzipped("abc");
        bytes[0] = flag;
        let status = answered(&[("grpc-encoding", "gzip")], bytes).unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{flag}");
        assert!(status.message().contains(&format!("flag {flag}")), "{status}");
    }
}

/// Checklist 42: the receive limit counts decompressed bytes, and over it is RESOURCE_EXHAUSTED.
#[test]
fn a_reply_that_decompresses_to_more_than_the_limit_is_resource_exhausted() {
    let gzip = &[("grpc-encoding", "gzip")];
    assert_eq!(answered(gzip, gzipped(&"x".repeat(1024))).unwrap().len(), 1024);
    for len in [1025, 1 << 18] {
        let status = answered(gzip, gzipped(&"x".repeat(len))).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{len}");
        assert!(status.message().ends_with("more than the limit of 1024"), "{status}");
    }
}

/// A compressed reply that is damaged is INTERNAL.
#[test]
fn a_damaged_compressed_reply_is_internal() {
    let mut bytes = gzipped(&long());
    bytes[8] ^= 0x40;
    let status = answered(&[("grpc-encoding", "gzip")], bytes).unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().starts_with("received a message that is not gzip"), "{status}");
}
