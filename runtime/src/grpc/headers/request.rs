//! The head of a request: written by clients, read and checked by servers.
//!
//! PROTOCOL-HTTP2.md, Requests: pseudo-header fields, then the call's definition, then metadata.

use std::any::Any;
use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use super::{ContentType, read_encoding, read_metadata, write_metadata};
use crate::grpc::compression::{Accepted, Encoding, Encodings};
use crate::grpc::metadata::{self, Metadata};
use crate::grpc::status::Status;
use crate::grpc::timeout;
use crate::http2::Headers;

/// What a client says when it begins a call.
#[derive(Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
    /// How long the call may take from now on.
    pub(crate) timeout: Option<Duration>,
    /// What messages may be compressed with.
    pub(crate) encoding: Option<&'a str>,
    /// What the server may compress with.
    pub(crate) offer: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) metadata: &'a Metadata,
}

impl RequestHead<'_> {
    pub(crate) fn to_headers(&self) -> Headers {
        let texts = self.authority.len() + self.path.len() + self.user_agent.len();
        let texts = texts + self.offer.len();
        // Binary values grow by a third, and the texts here have their names beside them.
        let bytes = FIXED_SIZE + texts + self.metadata.size() * 4 / 3 + 2 * self.metadata.len();
        let mut headers = Headers::with_capacity(FIXED_FIELDS + self.metadata.len(), bytes);
        headers.push(":method", "POST");
        headers.push(":scheme", self.scheme);
        headers.push(":path", self.path);
        headers.push(":authority", self.authority);
        headers.push("te", "trailers");
        if let Some(timeout) = self.timeout {
            headers.push("grpc-timeout", timeout::format(timeout));
        }
        headers.push("content-type", ContentType::Grpc.as_str());
        if let Some(encoding) = self.encoding {
            headers.push("grpc-encoding", encoding);
        }
        headers.push("grpc-accept-encoding", self.offer);
        headers.push("user-agent", self.user_agent);
        write_metadata(self.metadata, &mut headers);
        headers
    }
}

/// The `user-agent` of a client; what the user calls itself comes first.
pub(crate) fn user_agent(prefix: &str) -> String {
    match prefix {
        "" => USER_AGENT.to_owned(),
        prefix => format!("{prefix} {USER_AGENT}"),
    }
}

/// The head of a request as a server received it.
#[derive(Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) timeout: Option<Duration>,
    /// What the response repeats.
    pub(crate) content_type: ContentType,
    /// What the requests may be compressed with.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) fields: RequestFields,
}

/// What was read from the head of a good request without binary metadata, for those that have the same.
struct Known<T> {
    timeout: Option<Duration>,
    content_type: ContentType,
    encoding: Option<Encoding>,
    authority: Option<Box<str>>,
    /// Where the path leads.
    target: T,
}

/// The header list of a good request; what a method seldom asks for is read when it does.
#[derive(Clone, Debug)]
pub(crate) struct RequestFields {
    headers: Headers,
    /// If it does not stand in the list as text.
    authority: Option<Box<str>>,
    metadata: OnceLock<Metadata>,
}

impl ReceivedRequest {
    /// Reads a header section that HTTP/2 has already found well-formed. `find` tells where a path leads,
    /// always the same for one path of a connection, or the status that refuses it.
    ///
    /// # Errors
    ///
    /// How to refuse the request; no user code may see it.
    pub(crate) fn read<T: Any + Clone + Send + Sync>(
        headers: Headers,
        encodings: &Encodings,
        find: impl FnOnce(&str) -> Result<T, Status>,
    ) -> Result<(Self, T), Refusal> {
        if let Some(known) = headers.reading::<Known<T>>() {
            let (timeout, encoding, target) = (known.timeout, known.encoding, known.target.clone());
            let (content_type, authority) = (known.content_type.clone(), known.authority.clone());
            let fields = RequestFields { headers, authority, metadata: OnceLock::new() };
            return Ok((Self { timeout, content_type, encoding, fields }, target));
        }
        let request = Self::read_new(headers, encodings)?;
        let target = find(&request.fields.path()).map_err(|status| {
            let content_type = request.content_type.clone();
            Refusal { http: 200, status, content_type, offer: None }
        })?;
        request.keep_reading(&target);
        Ok((request, target))
    }

    /// Keeps what was read for the same list, if that is all there is to be read of it.
    fn keep_reading<T: Any + Clone + Send + Sync>(&self, target: &T) {
        let Self { timeout, content_type, encoding, fields } = self;
        let RequestFields { headers, authority, metadata } = fields;
        if metadata.get().is_none() {
            headers.keep_reading(|| Known {
                timeout: *timeout,
                content_type: content_type.clone(),
                encoding: *encoding,
                authority: authority.clone(),
                target: target.clone(),
            });
        }
    }

    fn read_new(headers: Headers, encodings: &Encodings) -> Result<Self, Refusal> {
        let found = Found::in_list(&headers);
        if found.method != Some(b"POST") {
            let method = lossy(found.method);
            let message = format!("received method {method:?}, expected POST");
            return Err(Refusal::new(405, Status::internal(message)));
        }
        let Some(content_type) = found.content_type.and_then(ContentType::read) else {
            let found = lossy(found.content_type);
            let message = format!("received content-type {found:?}, expected application/grpc");
            return Err(Refusal::new(415, Status::invalid_argument(message)));
        };
        let refuse = |http, status| {
            let content_type = content_type.clone();
            Refusal { http, status, content_type, offer: None }
        };
        let path = lossy(found.path);
        if !path.strip_prefix('/').is_some_and(|rest| rest.contains('/')) {
            let message = format!("malformed method name {path:?}, expected /service/method");
            return Err(refuse(200, Status::unimplemented(message)));
        }
        if found.hosts > 1 {
            return Err(refuse(400, Status::internal("received more than one host")));
        }
        let authority = match lossy(found.authority.or(found.host)) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text.into()),
        };
        let timeout = read_timeout(found.timeout).map_err(|status| refuse(400, status))?;
        let encoding = read_encoding(found.encoding, encodings).map_err(|message| Refusal {
            // PROTOCOL-HTTP2.md, Compression: whoever refuses an encoding says what it accepts.
            offer: Some(encodings.offer().into()),
            ..refuse(200, Status::unimplemented(message))
        })?;
        let metadata = match found.has_binary {
            true => read_metadata(&headers).map_err(|status| refuse(400, status))?.into(),
            // Text can always be read.
            false => OnceLock::new(),
        };
        let fields = RequestFields { headers, authority, metadata };
        Ok(Self { timeout, content_type, encoding, fields })
    }
}

impl RequestFields {
    /// `/service/method`, with both slashes.
    fn path(&self) -> Cow<'_, str> {
        lossy(self.headers.get(":path"))
    }

    /// `:authority`, or `host` where that is missing; may be empty.
    ///
    /// gRFC A41: `host` is discarded beside an `:authority`; more than one was refused.
    pub(crate) fn authority(&self) -> &str {
        if let Some(authority) = &self.authority {
            return authority;
        }
        let value = self.headers.get(":authority").or_else(|| self.headers.get("host"));
        value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        // What can fail was read before anybody could ask.
        self.metadata.get_or_init(|| read_metadata(&self.headers).unwrap_or_default())
    }

    pub(crate) fn metadata_mut(&mut self) -> &mut Metadata {
        self.metadata();
        self.metadata.get_mut().expect("was read above")
    }

    /// What the client says that replies may be compressed with. One that does not say accepts at
    /// least `encoding`, which it uses itself.
    pub(crate) fn accepted(&self, encodings: &Encodings, encoding: Option<Encoding>) -> Accepted {
        // RFC 9110 5.3: a list may come in several fields.
        let fields = self.headers.iter();
        let mut fields = fields.filter(|field| field.name == b"grpc-accept-encoding");
        match fields.next() {
            None => Accepted::only(encoding),
            Some(first) => {
                let values = std::iter::once(first).chain(fields).map(|field| field.value);
                encodings.read_offer(values)
            }
        }
    }
}

/// The first field of each name that a server looks at.
#[derive(Default)]
struct Found<'h> {
    method: Option<&'h [u8]>,
    path: Option<&'h [u8]>,
    authority: Option<&'h [u8]>,
    host: Option<&'h [u8]>,
    hosts: usize,
    content_type: Option<&'h [u8]>,
    timeout: Option<&'h [u8]>,
    encoding: Option<&'h [u8]>,
    /// There may be metadata that is not text.
    has_binary: bool,
}

impl<'h> Found<'h> {
    fn in_list(headers: &'h Headers) -> Self {
        let mut found = Self::default();
        for field in headers {
            let place = match field.name {
                b":method" => &mut found.method,
                b":path" => &mut found.path,
                b":authority" => &mut found.authority,
                b"content-type" => &mut found.content_type,
                b"grpc-timeout" => &mut found.timeout,
                b"grpc-encoding" => &mut found.encoding,
                b"host" => {
                    found.hosts += 1;
                    &mut found.host
                }
                name => {
                    found.has_binary |= metadata::is_binary(name);
                    continue;
                }
            };
            place.get_or_insert(field.value);
        }
        found
    }
}

/// The answer to a request that is not a call: a header section that ends the stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) http: u16,
    pub(crate) status: Status,
    content_type: ContentType,
    /// `grpc-accept-encoding`, where an encoding is what is refused.
    offer: Option<Box<str>>,
}

impl Refusal {
    fn new(http: u16, status: Status) -> Self {
        Self { http, status, content_type: ContentType::Grpc, offer: None }
    }

    /// The whole response.
    pub(crate) fn to_headers(&self) -> Headers {
        let mut headers = Headers::new();
        headers.push(":status", self.http.to_string());
        headers.push("content-type", self.content_type.as_str());
        if let Some(offer) = &self.offer {
            headers.push("grpc-accept-encoding", &**offer);
        }
        super::response::write_status(Err(&self.status), &Metadata::new(), &mut headers);
        headers
    }
}

fn read_timeout(value: Option<&[u8]>) -> Result<Option<Duration>, Status> {
    let Some(value) = value else { return Ok(None) };
    timeout::parse(value).map(Some).map_err(|_| {
        let value = lossy(Some(value));
        Status::internal(format!(
            "received grpc-timeout {value:?}, expected 1 to 8 digits and one of H M S m u n"
        ))
    })
}

fn lossy(value: Option<&[u8]>) -> Cow<'_, str> {
    let value = value.unwrap_or_default();
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(value),
    }
}

const USER_AGENT: &str = concat!("grpc-rust-sync/", env!("CARGO_PKG_VERSION"));

/// Fields of a request without metadata.
const FIXED_FIELDS: usize = 10;

/// Bytes of all of a request but its authority, path, offer of encodings, user agent and metadata.
const FIXED_SIZE: usize = 180;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::compression::Options;

    fn fields(headers: &Headers) -> Vec<(String, String)> {
        let text = |bytes| lossy(Some(bytes)).into_owned();
        headers.iter().map(|field| (text(field.name), text(field.value))).collect()
    }

    /// A well-formed request with `changes` made: an empty value removes the field.
    fn request(changes: &[(&str, &str)]) -> Headers {
        let mut fields = vec![
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/a.B/C"),
            (":authority", "host:1"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ];
        for (name, value) in changes {
            fields.retain(|(old, _)| old != name || *name == "host");
            if !value.is_empty() {
                fields.push((name, value));
            }
        }
        fields.into_iter().collect()
    }

    /// What a server knows that was not told anything.
    fn encodings() -> Encodings {
        Options::default().build().unwrap()
    }

    fn read(headers: &Headers) -> Result<ReceivedRequest, Refusal> {
        ReceivedRequest::read(headers.clone(), &encodings(), |_| Ok(()))
            .map(|(request, ())| request)
    }

    fn refusal(changes: &[(&str, &str)]) -> (u16, String) {
        let refusal = read(&request(changes)).unwrap_err();
        (refusal.http, refusal.status.to_string())
    }

    /// PROTOCOL-HTTP2.md, Requests: pseudo-header fields first, then the call's definition with
    /// the timeout right behind the reserved fields, then metadata.
    #[test]
    fn a_request_is_written_in_the_order_of_the_protocol() {
        let mut metadata = Metadata::new();
        metadata.insert("x-user", "alice").unwrap();
        metadata.insert_bin("t-bin", [0xff]).unwrap();
        let head = RequestHead {
            scheme: "http",
            authority: "host:1",
            path: "/a.B/C",
            timeout: Some(Duration::from_secs(2)),
            encoding: Some("identity"),
            offer: "identity,gzip",
            user_agent: &user_agent("me/1"),
            metadata: &metadata,
        };
        let agent = format!("me/1 grpc-rust-sync/{}", env!("CARGO_PKG_VERSION"));
        let expected = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/a.B/C"),
            (":authority", "host:1"),
            ("te", "trailers"),
            ("grpc-timeout", "2000000u"),
            ("content-type", "application/grpc"),
            ("grpc-encoding", "identity"),
            ("grpc-accept-encoding", "identity,gzip"),
            ("user-agent", &agent),
            ("x-user", "alice"),
            ("t-bin", "/w"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields(&head.to_headers()), expected);

        let received = read(&head.to_headers()).unwrap();
        assert_eq!(received.timeout, Some(Duration::from_secs(2)));
        let fields = received.fields;
        assert_eq!((&*fields.path(), fields.authority()), ("/a.B/C", "host:1"));
        assert_eq!(fields.metadata().get("user-agent"), Some(agent.as_str()));
        assert_eq!(fields.metadata().get_bin("t-bin"), Some(&[0xff][..]));
    }

    /// The fields of a head fit the room that is made for them.
    #[test]
    fn a_head_takes_the_room_that_was_made() {
        let (mut metadata, empty) = (Metadata::new(), Metadata::new());
        metadata.insert_bin("t-bin", [7; 100]).unwrap();
        metadata.insert("a", "").unwrap();
        for metadata in [&metadata, &empty] {
            let head = RequestHead {
                scheme: "https",
                authority: "",
                path: "",
                timeout: Some(Duration::MAX),
                encoding: None,
                offer: "identity",
                user_agent: "",
                metadata,
            };
            let headers = head.to_headers();
            let fixed = headers.size() - 32 * headers.len();
            assert!(fixed <= FIXED_SIZE + metadata.size() * 4 / 3 + 2 * metadata.len());
        }
    }

    /// What is not POST is answered with HTTP 405.
    #[test]
    fn methods_other_than_post_are_405() {
        let text = "INTERNAL: received method \"GET\", expected POST".to_owned();
        assert_eq!(refusal(&[(":method", "GET")]), (405, text));
    }

    /// PROTOCOL-HTTP2.md, Content-Type: what is not gRPC is answered with HTTP 415.
    #[test]
    fn foreign_content_types_are_415() {
        for value in ["application/grpcx", "application/grpc-web", "text/html", ""] {
            let (http, text) = refusal(&[("content-type", value)]);
            assert_eq!(http, 415, "{value}");
            assert!(text.contains(&format!("received content-type {value:?}")), "{text}");
        }
    }

    /// A path without a leading slash or a second slash is UNIMPLEMENTED before user code.
    #[test]
    fn malformed_paths_are_unimplemented() {
        for path in ["a.B/C", "/a.B", "/", "*"] {
            let text =
                format!("UNIMPLEMENTED: malformed method name {path:?}, expected /service/method");
            assert_eq!(refusal(&[(":path", path)]), (200, text));
        }
    }

    /// gRFC A41: `host` stands in for a missing `:authority`, is discarded beside one, and two of
    /// them are HTTP 400, whatever stands beside them.
    #[test]
    fn host_stands_in_for_a_missing_authority() {
        let authority =
            |changes: &[_]| read(&request(changes)).unwrap().fields.authority().to_owned();
        assert_eq!(authority(&[("host", "other")]), "host:1");
        assert_eq!(authority(&[(":authority", ""), ("host", "other")]), "other");
        assert_eq!(authority(&[(":authority", "")]), "");
        let text = "INTERNAL: received more than one host".to_owned();
        let two = [("host", "a"), ("host", "b")];
        assert_eq!(refusal(&two), (400, text.clone()));
        assert_eq!(refusal(&[(":authority", ""), two[0], two[1]]), (400, text));
    }

    /// A malformed timeout is INTERNAL with HTTP 400; zero is a timeout.
    #[test]
    fn malformed_timeouts_are_refused() {
        let (http, text) = refusal(&[("grpc-timeout", "1")]);
        assert_eq!(http, 400);
        assert!(
            text.starts_with("INTERNAL: received grpc-timeout \"1\", expected 1 to 8"),
            "{text}"
        );
        let zero = read(&request(&[("grpc-timeout", "0n")])).unwrap();
        assert_eq!(zero.timeout, Some(Duration::ZERO));
    }

    /// PROTOCOL-HTTP2.md, Compression: an unknown encoding is UNIMPLEMENTED, and the response
    /// says which encodings are accepted.
    #[test]
    fn unknown_encodings_are_refused_with_what_is_accepted() {
        let refusal = read(&request(&[("grpc-encoding", "snappy")])).unwrap_err();
        let headers = refusal.to_headers();
        assert_eq!(headers.get(":status"), Some(&b"200"[..]));
        assert_eq!(headers.get("grpc-status"), Some(&b"12"[..]));
        assert_eq!(headers.get("grpc-accept-encoding"), Some(encodings().offer().as_bytes()));
        let expected = "received message encoding \"snappy\", expected one of identity";
        assert!(refusal.status.message().starts_with(expected), "{:?}", refusal.status);
        let other = read(&request(&[(":path", "x")])).unwrap_err().to_headers();
        assert_eq!(other.get("grpc-accept-encoding"), None);
        assert!(read(&request(&[("grpc-encoding", "identity")])).is_ok());
    }

    /// A `-bin` value that is not base64 is refused, not dropped.
    #[test]
    fn malformed_binary_metadata_is_refused() {
        let text = "INTERNAL: received metadata \"k-bin\": expected base64".to_owned();
        assert_eq!(refusal(&[("k-bin", "*")]), (400, text));
    }

    /// A missing `te` is tolerated: some proxies drop it.
    #[test]
    fn a_missing_te_is_tolerated() {
        assert!(read(&request(&[("te", "")])).is_ok());
    }
}
