//! Compression at the server: what it undoes, what it compresses, and with whose leave.

use super::support::{Peer, Response, Setup, Talk, TestServer, framed};
use crate::grpc::compression::{Compressor, Gzip, Output};
use crate::grpc::{Compression, envelope};
use crate::server::{Context, Next};

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";
const RECORD: &str = "/test.Talk/Record";
const ACCEPT_GZIP: (&str, &str) = ("grpc-accept-encoding", "identity, gzip");

/// A message that gzip makes smaller.
fn long() -> String {
    "hello ".repeat(100)
}

/// A compressed message behind its prefix.
fn gzipped(message: &str) -> Vec<u8> {
    let mut output = Output::new(1 << 20);
    Gzip::default().compress(message.as_bytes(), &mut output).unwrap();
    let mut bytes = envelope::compressed_prefix(output.as_slice().len()).to_vec();
    bytes.extend_from_slice(output.as_slice());
    bytes
}

/// Calls `Unary` with the bytes of messages.
fn call(peer: &mut Peer, extra: &[(&str, &str)], bytes: &[u8]) -> Response {
    let stream = peer.open(UNARY, extra, false);
    peer.send_bytes(stream, bytes, true);
    peer.response(stream)
}

/// The replies, each with whether it came compressed.
fn replies(response: &Response) -> Vec<(String, bool)> {
    let mut decoder = envelope::Decoder::new(usize::MAX);
    let (mut rest, mut replies) = (&response.bytes[..], Vec::new());
    while let (count, Some(message)) = decoder.decode(rest).unwrap() {
        rest = &rest[count..];
        let payload = match message.compressed {
            false => message.payload,
            true => {
                let mut output = Output::new(1 << 20);
                Gzip::default().decompress(&message.payload, &mut output).unwrap();
                output.into_vec()
            }
        };
        replies.push((String::from_utf8(payload).unwrap(), message.compressed));
    }
    replies
}

/// A server whose replies are compressed with gzip by default.
fn compressing(service: Talk) -> TestServer {
    Setup::new(service).compression(|options| options.compression = Compression::Gzip).start()
}

/// Interop client_compressed_unary: compressed and uncompressed requests are both read under one
/// encoding, and the method knows which was which.
#[test]
fn a_method_knows_whether_its_request_came_compressed() {
    let server = TestServer::new(Talk::unary(|request, context| {
        Ok(format!("{} {}", request.len(), context.is_request_compressed()))
    }));
    let mut peer = server.connect();
    let encoding = [("grpc-encoding", "gzip")];
    let response = call(&mut peer, &encoding, &gzipped(&long()));
    assert_eq!(response.messages(), ["600 true"]);
    // Checklist 40: flag 0 is allowed under any encoding.
    let response = call(&mut peer, &encoding, &framed(&long()));
    assert_eq!(response.messages(), ["600 false"]);
    assert_eq!(call(&mut peer, &[], &framed("abc")).messages(), ["3 false"]);
}

/// Interop client_compressed_streaming: each message of a stream is compressed by itself or not.
#[test]
fn each_request_of_a_stream_is_compressed_by_itself() {
    let server = TestServer::new(Talk::record(|requests, context| {
        let mut seen = Vec::new();
        while let Some(request) = requests.recv()? {
            seen.push(format!("{} {}", request.len(), context.is_request_compressed()));
        }
        Ok(seen.join(", "))
    }));
    let mut peer = server.connect();
    let stream = peer.open(RECORD, &[("grpc-encoding", "gzip")], false);
    let bytes = [gzipped(&long()), framed("abc"), gzipped(""), gzipped("abcd")].concat();
    peer.send_bytes(stream, &bytes, true);
    assert_eq!(peer.response(stream).messages(), ["600 true, 3 false, 0 true, 4 true"]);
}

/// Checklist 38: a compressed request without an encoding, or with identity, is INTERNAL.
#[test]
fn a_compressed_request_without_an_encoding_is_internal() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    for encoding in ["", "identity"] {
        let response = call(&mut peer, &[("grpc-encoding", encoding)], &gzipped("abc"));
        let (code, message) = response.status();
        assert_eq!(code, "13", "{encoding}");
        assert!(message.contains("compressed flag 1"), "{message}");
    }
    assert_eq!(call(&mut peer, &[], &framed("alive")).messages(), ["alive"]);
}

/// Checklist 36: an encoding that the server does not accept is UNIMPLEMENTED, and the accepted ones
/// are listed, without that one; other refusals list nothing.
#[test]
fn encodings_that_are_not_accepted_are_unimplemented() {
    let server = Setup::new(Talk::echo())
        .compression(|options| options.accepted = Some(vec![Compression::Deflate]))
        .start();
    let mut peer = server.connect();
    let response = call(&mut peer, &[("grpc-encoding", "gzip")], &framed("hello"));
    assert!(response.is_trailers_only());
    let message = "received message encoding \"gzip\", expected one of identity, deflate";
    assert_eq!(response.status(), ("12", message));
    assert_eq!(response.header("grpc-accept-encoding"), Some("identity,deflate"));
    let response = peer.call("/test.Talk/Nothing", &[], "hello");
    assert_eq!(response.status().0, "12");
    assert_eq!(response.header("grpc-accept-encoding"), None);
}

/// Checklist 42: the receive limit counts decompressed bytes, and over it is RESOURCE_EXHAUSTED.
#[test]
fn a_request_that_decompresses_to_more_than_the_limit_is_resource_exhausted() {
    let server = TestServer::new(Talk::unary(|request, _| Ok(request.len().to_string())));
    let mut peer = server.connect();
    let encoding = [("grpc-encoding", "gzip")];
    let response = call(&mut peer, &encoding, &gzipped(&"x".repeat(1024)));
    assert_eq!(response.messages(), ["1024"]);
    for len in [1025, 1 << 18] {
        let response = call(&mut peer, &encoding, &gzipped(&"x".repeat(len)));
        let (code, message) = response.status();
        assert_eq!(code, "8", "{len}");
        assert!(message.ends_with("decompresses to more than the limit of 1024"), "{message}");
    }
}

/// A compressed request that is damaged is INTERNAL, and ends its call alone.
#[test]
fn a_damaged_compressed_request_is_internal() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let mut bytes = gzipped(&long());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let response = call(&mut peer, &[("grpc-encoding", "gzip")], &bytes);
    let (code, message) = response.status();
    assert_eq!(code, "13");
    assert!(message.starts_with("received a message that is not gzip"), "{message}");
    assert_eq!(call(&mut peer, &[], &framed("alive")).messages(), ["alive"]);
}

/// Checklist 41: the server compresses only with what the client accepts; a client that does not say
/// accepts at most what it uses itself.
#[test]
fn replies_are_compressed_only_with_what_the_client_accepts() {
    let server = compressing(Talk::echo());
    let mut peer = server.connect();
    for (fields, is_compressed) in [
        (&[ACCEPT_GZIP][..], true),
        (&[("grpc-accept-encoding", "gzip,deflate")], true),
        (&[("grpc-accept-encoding", "deflate , identity,deflate")], false),
        (&[("grpc-accept-encoding", "identity")], false),
        (&[], false),
        (&[("grpc-encoding", "gzip")], true),
        (&[("grpc-encoding", "deflate")], false),
        (&[("grpc-encoding", "gzip"), ("grpc-accept-encoding", "deflate")], false),
    ] {
        let response = call(&mut peer, fields, &framed(&long()));
        assert_eq!(replies(&response), [(long(), is_compressed)], "{fields:?}");
        assert_eq!(response.header("grpc-encoding"), is_compressed.then_some("gzip"));
        assert_eq!(response.status(), ("0", ""));
    }
}

/// compression.md, test case 1: without a compression nothing is compressed, whatever is accepted.
#[test]
fn nothing_is_compressed_unless_somebody_asks() {
    let server = TestServer::new(Talk::echo());
    let fields = [ACCEPT_GZIP, ("grpc-encoding", "gzip")];
    let response = call(&mut server.connect(), &fields, &gzipped(&long()));
    assert_eq!(replies(&response), [(long(), false)]);
    assert_eq!(response.header("grpc-encoding"), None);
}

/// Checklist 40: a small reply is sent as it is, under an encoding.
#[test]
fn small_replies_are_sent_as_they_are() {
    let server = compressing(Talk::echo());
    let response = call(&mut server.connect(), &[ACCEPT_GZIP], &framed("small"));
    assert_eq!(replies(&response), [("small".to_owned(), false)]);
    assert_eq!(response.header("grpc-encoding"), Some("gzip"));
}

/// Interop server_compressed_unary: the method chooses, over the server's default, on and off.
#[test]
fn a_method_chooses_the_compression_of_its_reply() {
    fn echo_with(compression: Compression) -> Talk {
        Talk::unary(move |request, context| {
            context.set_compression(compression)?;
            Ok(request)
        })
    }
    let on = TestServer::new(echo_with(Compression::Gzip));
    let response = call(&mut on.connect(), &[ACCEPT_GZIP], &framed(&long()));
    assert_eq!(replies(&response), [(long(), true)]);
    let off = compressing(echo_with(Compression::Identity));
    let response = call(&mut off.connect(), &[ACCEPT_GZIP], &framed(&long()));
    assert_eq!(replies(&response), [(long(), false)]);
    assert_eq!(response.header("grpc-encoding"), None);
    // compression.md: what the client does not support is sent as it is.
    let response = call(&mut on.connect(), &[], &framed(&long()));
    assert_eq!(replies(&response), [(long(), false)]);
    let unknown = TestServer::new(echo_with(Compression::Custom("br")));
    let response = call(&mut unknown.connect(), &[ACCEPT_GZIP], &framed(&long()));
    assert_eq!(response.status().0, "3");
}

/// Interop server_compressed_streaming: single replies of a compressed stream are sent as they are.
#[test]
fn single_replies_of_a_stream_are_not_compressed() {
    let server = compressing(Talk::list(|_, replies, context| {
        replies.send(long())?;
        context.disable_next_message_compression();
        replies.send(long())?;
        replies.send(long())?;
        replies.disable_next_message_compression();
        replies.send(long())?;
        let mut replies = replies.detach();
        replies.disable_next_message_compression();
        replies.send(long())?;
        replies.send(long())?;
        replies.finish(Ok(()));
        Ok(())
    }));
    let mut peer = server.connect();
    let response = peer.call(LIST, &[ACCEPT_GZIP], "");
    let flags: Vec<bool> = replies(&response).iter().map(|reply| reply.1).collect();
    assert_eq!(flags, [true, false, true, false, false, true]);
    assert!(replies(&response).iter().all(|reply| reply.0 == long()));
}

/// compression.md: when the next message is not to be compressed, a unary reply is not.
#[test]
fn a_unary_reply_can_be_excepted_from_compression() {
    let server = compressing(Talk::unary(|request, context| {
        context.disable_next_message_compression();
        Ok(request)
    }));
    let response = call(&mut server.connect(), &[ACCEPT_GZIP], &framed(&long()));
    assert_eq!(replies(&response), [(long(), false)]);
}

/// The head names the encoding, so that it cannot be changed behind the head or behind the first
/// compressed reply.
#[test]
fn the_compression_is_fixed_by_the_head() {
    let late = "FAILED_PRECONDITION: the compression of this response is already in use or its \
                head is sent";
    let server = TestServer::new(Talk::list(move |_, replies, context| {
        context.send_initial_metadata(&crate::grpc::Metadata::new())?;
        let status = context.set_compression(Compression::Gzip).unwrap_err();
        assert_eq!(status.to_string(), late);
        replies.send(long())
    }));
    let response = server.connect().call(LIST, &[ACCEPT_GZIP], "");
    assert_eq!((response.status().0, replies(&response)), ("0", vec![(long(), false)]));

    let server = Setup::new(Talk::echo())
        .compression(|options| options.compression = Compression::Gzip)
        .interceptor(move |context: &mut Context, next: Next<'_>| {
            next.run(context)?;
            let status = context.set_compression(Compression::Deflate).unwrap_err();
            assert_eq!(status.to_string(), late);
            Ok(())
        })
        .start();
    let response = call(&mut server.connect(), &[ACCEPT_GZIP], &framed(&long()));
    assert_eq!((response.status().0, replies(&response)), ("0", vec![(long(), true)]));
}
