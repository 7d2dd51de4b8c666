//! The `h2` crate as an oracle: what it encodes we decode, and what we encode it decodes.
//!
//! The frames around the header blocks are read and written here by hand, over a pipe in memory.

use h2::{client, server};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{Decoder, Encoder, Limits};
use crate::http2::headers::Headers;

/// A frame as it stands on the wire (RFC 9113 4.1).
struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const HEADER_TABLE_SIZE: u16 = 1;
const FRAME_SIZE_MAX: usize = 16_384;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request of the property tests: its path, and fields of the form (name, value, sensitive).
#[derive(Clone, Debug)]
struct Sample {
    path: String,
    fields: Vec<(String, String, bool)>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let name = prop_oneof![
        Just("x-user".to_owned()),
        Just("x-request-id".to_owned()),
        Just("user-agent".to_owned()),
        Just("content-type".to_owned()),
        Just("authorization".to_owned()),
        Just("cookie".to_owned()),
        Just("trace-bin".to_owned()),
        Just("grpc-timeout".to_owned()),
        Just("accept-encoding".to_owned()),
        "[a-z][a-z0-9_.-]{0,20}".prop_filter("a name that HTTP/2 forbids", |name| {
            let forbidden =
                ["connection", "host", "te", "transfer-encoding", "upgrade", "keep-alive"];
            !forbidden.contains(&name.as_str()) && name != "content-length"
        }),
    ];
    let value = prop_oneof![
        4 => Just("alice".to_owned()),
        4 => Just("gzip, deflate".to_owned()),
        4 => "[!-~]{0,8}",
        4 => "[!-~][ -~]{0,300}[!-~]",
        1 => "[a-z]{900,2500}",
    ];
    // What is secret is so wherever it stands: h2 would send a secret that is also no secret by
    // the index of the latter.
    let field = (name, value, any::<bool>()).prop_map(|(name, value, sensitive)| {
        let value = if sensitive { format!("s3cret{value}") } else { value };
        (name, value, sensitive)
    });
    let fields = proptest::collection::vec(field, 0..12);
    let path = prop_oneof![Just("/a.B/C".to_owned()), "/[a-z]{1,3}", "/[a-zA-Z0-9_./]{0,80}"];
    (path, fields).prop_map(|(path, fields)| Sample { path, fields })
}

impl Sample {
    /// The whole list, sorted by name, because `h2` groups fields by name.
    fn sorted(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pseudo = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost:50051")];
        let mut list: Vec<(Vec<u8>, Vec<u8>)> =
            pseudo.map(|(name, value)| (name.into(), value.into())).to_vec();
        list.push((b":path".to_vec(), self.path.clone().into()));
        let fields = self.fields.iter();
        list.extend(fields.map(|(name, value, _)| (name.clone().into(), value.clone().into())));
        list.sort();
        list
    }

    fn to_headers(&self) -> Headers {
        let mut headers = Headers::new();
        headers.push(":method", "POST");
        headers.push(":scheme", "http");
        headers.push(":path", &self.path);
        headers.push(":authority", "localhost:50051");
        for (name, value, sensitive) in &self.fields {
            if *sensitive {
                headers.push_sensitive(name, value);
            } else {
                headers.push(name, value);
            }
        }
        headers
    }

    fn to_request(&self) -> Request<()> {
        let uri = Uri::builder().scheme("http").authority("localhost:50051");
        let uri = uri.path_and_query(self.path.as_str()).build().expect("a path of letters");
        let mut request = Request::builder().method(Method::POST).uri(uri).body(()).unwrap();
        for (name, value, sensitive) in &self.fields {
            let name = HeaderName::try_from(name).expect("a name of HTTP/2");
            let mut value = HeaderValue::try_from(value).expect("a value of HTTP/2");
            value.set_sensitive(*sensitive);
            request.headers_mut().append(name, value);
        }
        request
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(test);
}

async fn read_frame(wire: &mut DuplexStream) -> Frame {
    let mut head = [0; 9];
    wire.read_exact(&mut head).await.expect("a frame");
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    wire.read_exact(&mut payload).await.expect("a whole frame");
    Frame { kind: head[3], flags: head[4], payload }
}

async fn write_frame(wire: &mut DuplexStream, stream: u32, frame: Frame) {
    let mut bytes = (frame.payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([frame.kind, frame.flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(frame.payload);
    wire.write_all(&bytes).await.expect("the peer reads");
}

fn settings(table_size: u32) -> Frame {
    let mut payload = HEADER_TABLE_SIZE.to_be_bytes().to_vec();
    payload.extend(table_size.to_be_bytes());
    Frame { kind: SETTINGS, flags: 0, payload }
}

fn settings_ack() -> Frame {
    Frame { kind: SETTINGS, flags: ACK, payload: Vec::new() }
}

/// The setting of this identifier in a SETTINGS frame.
fn setting(frame: &Frame, identifier: u16) -> Option<u32> {
    let entry = frame.payload.chunks(6).find(|entry| entry[..2] == identifier.to_be_bytes())?;
    Some(u32::from_be_bytes(entry[2..].try_into().expect("four octets")))
}

/// The part of the header block that a HEADERS or CONTINUATION frame holds.
fn fragment(frame: &Frame) -> &[u8] {
    assert_eq!(frame.flags & PADDED, 0, "h2 does not pad");
    let skipped = if frame.flags & PRIORITY != 0 { 5 } else { 0 };
    &frame.payload[skipped..]
}

/// Sends the samples from an h2 client that was told `table_size`, and decodes what it sends.
async fn decode_what_h2_encodes(table_size: u32, samples: &[Sample]) {
    let (near, mut wire) = duplex(1 << 20);
    let (mut sender, connection) = client::handshake(near).await.expect("a handshake");
    let driver = tokio::spawn(connection);
    write_frame(&mut wire, 0, settings(table_size)).await;
    let mut preface = [0; PREFACE.len()];
    wire.read_exact(&mut preface).await.expect("a preface");
    assert_eq!(preface, PREFACE);

    let mut decoder = Decoder::new(4096);
    let mut pending = Vec::new();
    let limits = Limits { list_size_max: 1 << 20, fields_max: 1000, decoded_size_max: 1 << 20 };
    for sample in samples {
        sender = sender.ready().await.expect("a stream");
        // A response that is dropped too early would take back its request.
        pending.push(sender.send_request(sample.to_request(), true).expect("a request"));
        let mut block = Vec::new();
        loop {
            let frame = read_frame(&mut wire).await;
            match frame.kind {
                SETTINGS if frame.flags & ACK != 0 => {
                    decoder.set_table_size_max(table_size as usize);
                }
                SETTINGS => write_frame(&mut wire, 0, settings_ack()).await,
                HEADERS | CONTINUATION => {
                    block.extend_from_slice(fragment(&frame));
                    if frame.flags & END_HEADERS != 0 {
                        break;
                    }
                }
                kind => assert_ne!(kind, DATA, "requests have no body"),
            }
        }
        let mut headers = Headers::new();
        decoder.decode(&block, &limits, &mut headers).expect("a block of h2");
        check_received(sample, &headers);
    }
    driver.abort();
}

fn check_received(sample: &Sample, headers: &Headers) {
    let mut received: Vec<(Vec<u8>, Vec<u8>)> =
        headers.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect();
    received.sort();
    assert_eq!(received, sample.sorted());
    for (name, value, _) in sample.fields.iter().filter(|(_, _, sensitive)| *sensitive) {
        let is_marked = headers.iter().any(|field| {
            (field.name, field.value, field.sensitive) == (name.as_bytes(), value.as_bytes(), true)
        });
        assert!(is_marked, "{name} came without its mark");
    }
}

/// Encodes the samples for an h2 server that announces `table_size`, and compares what it hands out.
async fn let_h2_decode_what_we_encode(table_size: u32, samples: &[Sample]) {
    let (near, mut wire) = duplex(1 << 20);
    wire.write_all(PREFACE).await.expect("the server reads");
    write_frame(&mut wire, 0, settings(4096)).await;
    let mut builder = server::Builder::new();
    builder.header_table_size(table_size).max_concurrent_streams(1000);
    let mut connection = builder.handshake::<_, &[u8]>(near).await.expect("a handshake");

    let mut encoder = Encoder::default();
    let mut is_told = false;
    let mut responders = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        let mut block = Vec::new();
        encoder.encode(&sample.to_headers(), &mut block);
        write_block(&mut wire, number as u32 * 2 + 1, &block).await;
        let accepted = connection.accept().await.expect("a request").expect("a correct block");
        let (request, responder) = accepted;
        responders.push(responder);
        check_accepted(sample, &request);
        while !is_told {
            let frame = read_frame(&mut wire).await;
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                let told = setting(&frame, HEADER_TABLE_SIZE).expect("the size we asked for");
                encoder.set_table_size(told as usize);
                write_frame(&mut wire, 0, settings_ack()).await;
                is_told = true;
            }
        }
    }
}

async fn write_block(wire: &mut DuplexStream, stream: u32, block: &[u8]) {
    let mut chunks = block.chunks(FRAME_SIZE_MAX).peekable();
    let mut kind = HEADERS;
    while let Some(chunk) = chunks.next() {
        let mut flags = if kind == HEADERS { END_STREAM } else { 0 };
        if chunks.peek().is_none() {
            flags |= END_HEADERS;
        }
        write_frame(wire, stream, Frame { kind, flags, payload: chunk.to_vec() }).await;
        kind = CONTINUATION;
    }
}

fn check_accepted<B>(sample: &Sample, request: &Request<B>) {
    let mut received: Vec<(Vec<u8>, Vec<u8>)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.as_bytes().into()))
        .collect();
    let uri = request.uri();
    for (name, value) in [
        (":method", request.method().as_str()),
        (":scheme", uri.scheme_str().expect("a scheme")),
        (":authority", uri.authority().expect("an authority").as_str()),
        (":path", uri.path()),
    ] {
        received.push((name.into(), value.into()));
    }
    received.sort();
    assert_eq!(received, sample.sorted());
}

fn table_size() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(64), Just(300), Just(4096), Just(65_536)]
}

proptest! {
    // A failing case is to become a test of its own, with a name.
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// RFC 7541: whatever requests an h2 client makes, with any size of its table, we decode them.
    #[test]
    fn we_decode_what_h2_encodes(
        table_size in table_size(),
        samples in proptest::collection::vec(sample(), 1..20),
    ) {
        block_on(decode_what_h2_encodes(table_size, &samples));
    }

    /// RFC 7541: whatever requests we encode, for any size of its table, an h2 server decodes them.
    #[test]
    fn h2_decodes_what_we_encode(
        table_size in table_size(),
        samples in proptest::collection::vec(sample(), 1..20),
    ) {
        block_on(let_h2_decode_what_we_encode(table_size, &samples));
    }
}
