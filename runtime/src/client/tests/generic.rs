//! Methods whose names are made at run time.

use super::peer::{script, stub_against};
use crate::client::Channel;
use crate::grpc::{Method, MethodKind, RawBytes};

type Bytes = Vec<u8>;

/// All four kinds can be called by their path, with messages as bytes.
#[test]
fn methods_made_at_run_time_are_called() {
    let (stub, peers) = stub_against(script(|peer| {
        for kind in ["UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream", "Pending"] {
            let (stream, head) = peer.head();
            assert_eq!(head.get(":path"), Some(format!("/some.Service/{kind}").as_bytes()));
            assert_eq!(peer.rest(stream), b"\0\0\0\0\x03ask");
            peer.reply(stream, kind);
        }
        peer.until_closed();
    }));
    call_all_kinds(&stub.0);
    drop(stub);
    peers.join();
}

fn call_all_kinds(channel: &Channel) {
    let ask = b"ask".to_vec();
    let made = |kind: &str, streams: MethodKind| {
        Method::from_path(format!("/some.Service/{kind}"), streams).unwrap()
    };
    let method = made("UnaryUnary", MethodKind::Unary);
    let reply = channel.unary_unary::<Bytes, Bytes, _>(&method, &RawBytes, &ask).unwrap();
    assert_eq!(*reply, b"UnaryUnary");
    let method = made("UnaryStream", MethodKind::ServerStreaming);
    let replies = channel.unary_stream::<Bytes, Bytes, _>(&method, &RawBytes, &ask).unwrap();
    assert_eq!(replies.collect::<Result<Vec<_>, _>>().unwrap(), [b"UnaryStream"]);
    let method = made("StreamUnary", MethodKind::ClientStreaming);
    let sink = channel.stream_unary::<Bytes, Bytes, _>(&method, &RawBytes, ()).unwrap();
    assert_eq!(*sink.send_all([&ask]).unwrap().finish().unwrap(), b"StreamUnary");
    let method = made("StreamStream", MethodKind::Bidirectional);
    let mut chat = channel.stream_stream::<Bytes, Bytes, _>(&method, &RawBytes, ()).unwrap();
    chat.send(&ask).unwrap();
    chat.close_send();
    assert_eq!(chat.recv().unwrap().unwrap(), b"StreamStream");
    let method = made("Pending", MethodKind::Unary);
    let call = channel.unary_unary_pending::<Bytes, Bytes, _>(&method, &RawBytes, &ask).unwrap();
    assert_eq!(*call.wait().unwrap(), b"Pending");
}
