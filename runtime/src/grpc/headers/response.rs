//! The head and the trailers of a response: written by servers, read by clients.
//!
//! PROTOCOL-HTTP2.md, Responses. Trailers-Only is one section that is head and trailers at once;
//! the metadata in it is trailing metadata.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::{ContentType, read_encoding, read_metadata, write_metadata};
use crate::grpc::base64;
use crate::grpc::compression::{Encoding, Encodings};
use crate::grpc::metadata::Metadata;
use crate::grpc::percent;
use crate::grpc::status::{Code, Status};
use crate::http2::Headers;
use crate::limits::CUT_MESSAGE_MAX;

/// The head of a response that goes on with messages, which may be compressed with `encoding`, or
/// with trailers.
pub(crate) fn response_head(
    content_type: &ContentType,
    encoding: Option<&str>,
    metadata: &Metadata,
) -> Cow<'static, Headers> {
    if encoding.is_none() && metadata.is_empty() {
        match content_type {
            ContentType::Grpc => return Cow::Borrowed(&PLAIN_HEADS[0]),
            ContentType::GrpcProto => return Cow::Borrowed(&PLAIN_HEADS[1]),
            ContentType::Other(_) => {}
        }
    }
    Cow::Owned(new_head(content_type, encoding, metadata))
}

fn new_head(content_type: &ContentType, encoding: Option<&str>, metadata: &Metadata) -> Headers {
    let mut headers = Headers::new();
    headers.push(":status", "200");
    if let Some(encoding) = encoding {
        headers.push("grpc-encoding", encoding);
    }
    headers.push("content-type", content_type.as_str());
    write_metadata(metadata, &mut headers);
    headers
}

/// The trailers that end a response: the outcome, then `metadata`, then the status's own.
pub(crate) fn trailers(outcome: Result<(), &Status>, metadata: &Metadata) -> Cow<'static, Headers> {
    if outcome.is_ok() && metadata.is_empty() {
        return Cow::Borrowed(&PLAIN_TRAILERS);
    }
    Cow::Owned(new_trailers(outcome, metadata))
}

fn new_trailers(outcome: Result<(), &Status>, metadata: &Metadata) -> Headers {
    let mut headers = Headers::new();
    write_status(outcome, metadata, &mut headers);
    headers
}

/// A whole response without a message: head and trailers in one section.
pub(crate) fn trailers_only(
    content_type: &ContentType,
    outcome: Result<(), &Status>,
    metadata: &Metadata,
) -> Headers {
    let mut headers = Headers::new();
    headers.push(":status", "200");
    headers.push("content-type", content_type.as_str());
    write_status(outcome, metadata, &mut headers);
    headers
}

/// The trailers that say behind a head what `trailers_only` says alone.
pub(crate) fn trailers_of(trailers_only: &Headers) -> Headers {
    let is_of_head = |name: &[u8]| name == b":status" || name == b"content-type";
    let mut trailers = Headers::new();
    for field in trailers_only.iter().filter(|field| !is_of_head(field.name)) {
        trailers.push_field(field);
    }
    trailers
}

/// What is told in place of `outcome`, without metadata, if its list is over the client's limit as
/// `excess` says.
pub(crate) fn cut_status(outcome: Result<(), &Status>, excess: &str) -> Status {
    let Err(status) = outcome else {
        return Status::resource_exhausted(format!("trailing metadata too large: {excess}"));
    };
    let text = status.message();
    let fits = (0..=CUT_MESSAGE_MAX.min(text.len())).rev();
    let end = fits.into_iter().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let kept = &text[..end];
    let mark = if kept.len() < text.len() { "…" } else { "" };
    Status::new(status.code(), format!("{kept}{mark} (cut: {excess})"))
}

/// What the first header section of a response says.
#[derive(Debug, PartialEq)]
pub(crate) enum ReceivedHead {
    /// Messages, which may be compressed, and trailers follow.
    Head(Metadata, Option<Encoding>),
    /// The call is over, whatever else the stream may hold: its trailing metadata, or its status.
    Ended(Result<Metadata, Status>),
}

/// Reads the first header section; `end` says that it ended the stream.
pub(crate) fn read_head(headers: &Headers, end: bool, encodings: &Encodings) -> ReceivedHead {
    if !end && read_again(headers).is_plain {
        return ReceivedHead::Head(Metadata::new(), None);
    }
    let http = read_http_status(headers);
    if (end || http != Some(200)) && headers.get("grpc-status").is_some() {
        // http-grpc-status-mapping.md: the table is for responses without a grpc-status.
        return ReceivedHead::Ended(read_trailers(headers));
    }
    let read = || {
        check_head(headers, http, end)?;
        let encoding =
            read_encoding(headers.get("grpc-encoding"), encodings).map_err(Status::internal)?;
        Ok(ReceivedHead::Head(read_metadata(headers)?, encoding))
    };
    read().unwrap_or_else(|status| ReceivedHead::Ended(Err(status)))
}

/// Whether a first header section that does not end the stream begins a response that is none of
/// gRPC's.
pub(crate) fn is_foreign(headers: &Headers) -> bool {
    read_again(headers).is_foreign
}

/// What a first header section is, whichever call it came for.
#[derive(Clone, Copy)]
struct Known {
    is_foreign: bool,
    /// It says nothing but that messages follow.
    is_plain: bool,
}

/// What a section is; a list that comes again is read once.
fn read_again(headers: &Headers) -> Known {
    if let Some(known) = headers.reading() {
        return *known;
    }
    let is_plain = PLAIN_HEADS.iter().any(|plain| plain == headers);
    let known = Known { is_foreign: !is_plain && looks_foreign(headers), is_plain };
    headers.keep_reading(|| known);
    known
}

fn looks_foreign(headers: &Headers) -> bool {
    let is_ok = headers.get(":status") == Some(b"200");
    match headers.get("content-type") {
        Some(b"application/grpc") if is_ok => false,
        Some(value) if is_ok => ContentType::read(value).is_none(),
        None if is_ok => true,
        _ => headers.get("grpc-status").is_none(),
    }
}

/// The status that a response means which is none of gRPC's, and whose body begins with `body`.
pub(crate) fn read_foreign(headers: &Headers, body: &[u8]) -> Status {
    let checked = check_head(headers, read_http_status(headers), false);
    let status = checked.err().unwrap_or_else(|| Status::unknown("received a foreign response"));
    if body.is_empty() {
        return status;
    }
    // The last character may have been cut.
    let text = String::from_utf8_lossy(body);
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    Status::new(status.code(), format!("{}; its body begins {text:?}", status.message()))
}

/// Reads the trailers: trailing metadata if the call succeeded, else the status that carries it.
pub(crate) fn read_trailers(headers: &Headers) -> Result<Metadata, Status> {
    if are_plain_trailers(headers) {
        return Ok(Metadata::new());
    }
    let Some(code) = headers.get("grpc-status") else {
        return Err(Status::unknown("received trailers without a grpc-status"));
    };
    let metadata = read_metadata(headers)?;
    let Some(code) = read_code(code) else {
        let message = match headers.get("grpc-message") {
            Some(message) => percent::decode(message),
            None => format!("received invalid grpc-status {:?}", String::from_utf8_lossy(code)),
        };
        return Err(Status::unknown(message).with_metadata(metadata));
    };
    if code == Code::Ok {
        return Ok(metadata);
    }
    let message = percent::decode(headers.get("grpc-message").unwrap_or_default());
    let mut details = Vec::new();
    if let Some(encoded) = headers.get("grpc-status-details-bin")
        && base64::decode(encoded, &mut details).is_err()
    {
        // The status itself is worth more than the complaint about its details.
        details.clear();
    }
    Err(Status::new(code, message).with_details_bytes(details).with_metadata(metadata))
}

/// Whether trailers say OK and nothing else; a list that comes again is read once.
fn are_plain_trailers(headers: &Headers) -> bool {
    if let Some(ArePlain(known)) = headers.reading() {
        return *known;
    }
    let are_plain = *headers == *PLAIN_TRAILERS;
    headers.keep_reading(|| ArePlain(are_plain));
    are_plain
}

/// What [`are_plain_trailers`] says.
struct ArePlain(bool);

/// Adds the outcome and all trailing metadata.
pub(super) fn write_status(
    outcome: Result<(), &Status>,
    metadata: &Metadata,
    headers: &mut Headers,
) {
    let code = outcome.map_or_else(Status::code, |()| Code::Ok);
    headers.push("grpc-status", CODE_TEXTS[code as usize]);
    write_metadata(metadata, headers);
    let Err(status) = outcome else { return };
    if !status.message().is_empty() {
        headers.push("grpc-message", percent::encode(status.message()));
    }
    if !status.details_bytes().is_empty() {
        let mut encoded = Vec::new();
        base64::encode(status.details_bytes(), &mut encoded);
        headers.push("grpc-status-details-bin", encoded);
    }
    write_metadata(status.metadata(), headers);
}

/// Whether messages of gRPC may follow this head.
fn check_head(headers: &Headers, http: Option<u16>, end: bool) -> Result<(), Status> {
    let http = http.unwrap_or_default();
    if http != 200 || end {
        return Err(Status::from_http(http));
    }
    match headers.get("content-type") {
        Some(value) if ContentType::read(value).is_some() => Ok(()),
        found => {
            let found = found.map_or_else(
                || "no content-type".to_owned(),
                |value| format!("content-type {:?}", String::from_utf8_lossy(value)),
            );
            Err(Status::unknown(format!(
                "received HTTP status 200 with {found}, expected application/grpc"
            )))
        }
    }
}

fn read_http_status(headers: &Headers) -> Option<u16> {
    match headers.get(":status")? {
        digits @ [_, _, _] => read_digits(digits).and_then(|number| u16::try_from(number).ok()),
        _ => None,
    }
}

/// A `grpc-status`; out of range or not a number is `None`.
fn read_code(value: &[u8]) -> Option<Code> {
    let number = read_digits(value).filter(|number| *number < CODE_TEXTS.len() as u32)?;
    Some(Code::from_number(number as i32))
}

fn read_digits(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// The heads of responses without metadata and compression, for the usual content types.
static PLAIN_HEADS: LazyLock<[Headers; 2]> = LazyLock::new(|| {
    [ContentType::Grpc, ContentType::GrpcProto].map(|content_type| {
        let mut head = new_head(&content_type, None, &Metadata::new());
        head.share();
        head
    })
});

/// The trailers of a call that succeeded and has nothing else to say.
static PLAIN_TRAILERS: LazyLock<Headers> = LazyLock::new(|| {
    let mut trailers = new_trailers(Ok(()), &Metadata::new());
    trailers.share();
    trailers
});

/// `grpc-status` of every code, without leading zeros.
const CODE_TEXTS: [&str; 17] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::compression::Options;

    /// A status whose list is too large keeps its code and the beginning of its message, cut between
    /// characters; success becomes RESOURCE_EXHAUSTED.
    #[test]
    fn a_status_that_is_cut_keeps_code_and_words() {
        let cut = |text: &str| {
            let mut status = Status::not_found(text).with_details_bytes(vec![1]);
            status.metadata_mut().insert("x", "y").unwrap();
            let cut = cut_status(Err(&status), "9 bytes");
            assert_eq!((cut.code(), cut.details_bytes().len()), (Code::NotFound, 0));
            assert!(cut.metadata().is_empty());
            cut.message().to_owned()
        };
        assert_eq!(cut("short"), "short (cut: 9 bytes)");
        let fits = "x".repeat(CUT_MESSAGE_MAX);
        assert_eq!(cut(&fits), format!("{fits} (cut: 9 bytes)"));
        assert_eq!(cut(&format!("{fits}x")), format!("{fits}… (cut: 9 bytes)"));
        let odd = format!("x{}", "ä".repeat(CUT_MESSAGE_MAX));
        assert_eq!(cut(&odd), format!("{}… (cut: 9 bytes)", &odd[..CUT_MESSAGE_MAX - 1]));
        assert_eq!(
            cut_status(Ok(()), "9 bytes").to_string(),
            "RESOURCE_EXHAUSTED: trailing metadata too large: 9 bytes"
        );
    }

    fn read(headers: &Headers, end: bool) -> ReceivedHead {
        read_head(headers, end, &Options::default().build().unwrap())
    }

    fn head(fields: &[(&str, &str)], end: bool) -> ReceivedHead {
        read(&fields.iter().copied().collect(), end)
    }

    fn ended(fields: &[(&str, &str)], end: bool) -> Status {
        match head(fields, end) {
            ReceivedHead::Ended(Err(status)) => status,
            other => panic!("expected a status, got {other:?}"),
        }
    }

    const OK: (&str, &str) = (":status", "200");
    const GRPC: (&str, &str) = ("content-type", "application/grpc");

    fn metadata() -> Metadata {
        let mut metadata = Metadata::new();
        metadata.insert("x-a", "1").unwrap();
        metadata
    }

    /// A head and trailers written by the server are what the client reads.
    #[test]
    fn heads_and_trailers_come_back() {
        let headers = response_head(&ContentType::Grpc, None, &metadata());
        assert_eq!(read(&headers, false), ReceivedHead::Head(metadata(), None));
        assert_eq!(read_trailers(&trailers(Ok(()), &metadata())), Ok(metadata()));

        let mut own = Metadata::new();
        own.insert_bin("y-bin", [9]).unwrap();
        let status = Status::aborted("错误 🦀 100%")
            .with_details_bytes([1, 2, 3])
            .with_metadata(own.clone());
        let received = read_trailers(&trailers(Err(&status), &metadata())).unwrap_err();
        let mut all = metadata();
        all.extend_from(&own);
        assert_eq!(received, status.with_metadata(all));
    }

    /// `grpc-status` is sent for OK too, without leading zeros, and never missing.
    #[test]
    fn the_status_is_always_sent() {
        let sent =
            |outcome: Result<(), Status>| trailers(outcome.as_ref().copied(), &Metadata::new());
        assert_eq!(sent(Ok(())).get("grpc-status"), Some(&b"0"[..]));
        assert_eq!(sent(Ok(())).len(), 1);
        assert_eq!(sent(Err(Status::unauthenticated(""))).get("grpc-status"), Some(&b"16"[..]));
        assert_eq!(sent(Err(Status::aborted(""))).get("grpc-message"), None);
    }

    /// Trailers-Only: one section with END_STREAM, whose metadata is trailing metadata.
    #[test]
    fn trailers_only_metadata_is_trailing() {
        let status = Status::not_found("x");
        let headers = trailers_only(&ContentType::Grpc, Err(&status), &metadata());
        let expected = Err(status.with_metadata(metadata()));
        assert_eq!(read(&headers, true), ReceivedHead::Ended(expected));
        let headers = trailers_only(&ContentType::Grpc, Ok(()), &metadata());
        assert_eq!(read(&headers, true), ReceivedHead::Ended(Ok(metadata())));
    }

    /// The HTTP status counts only where there is no grpc-status.
    #[test]
    fn grpc_status_wins_over_http_status() {
        for end in [true, false] {
            let status = ended(&[(":status", "503"), ("grpc-status", "5")], end);
            assert_eq!(status.code(), Code::NotFound);
            let status = ended(&[(":status", "503")], end);
            assert_eq!(status.code(), Code::Unavailable);
            assert!(status.message().contains("HTTP status 503"), "{status}");
        }
        assert_eq!(ended(&[OK, GRPC], true).code(), Code::Unknown);
    }

    /// A response of 200 that is not gRPC is UNKNOWN and says what came instead.
    #[test]
    fn foreign_content_types_are_unknown() {
        assert_eq!(
            ended(&[OK, ("content-type", "text/html")], false).to_string(),
            "UNKNOWN: received HTTP status 200 with content-type \"text/html\", \
             expected application/grpc"
        );
        assert_eq!(
            ended(&[OK], false).to_string(),
            "UNKNOWN: received HTTP status 200 with no content-type, expected application/grpc"
        );
        assert!(matches!(head(&[OK, GRPC], false), ReceivedHead::Head(..)));
    }

    /// An encoding that the client did not offer is INTERNAL.
    #[test]
    fn unknown_response_encodings_are_internal() {
        let status = ended(&[OK, GRPC, ("grpc-encoding", "snappy")], false);
        assert_eq!(status.code(), Code::Internal);
        assert!(matches!(
            head(&[OK, GRPC, ("grpc-encoding", "identity")], false),
            ReceivedHead::Head(..)
        ));
    }

    /// A grpc-status that is no number or out of range is UNKNOWN, with the message if there is
    /// one; of two the first wins; a missing one is UNKNOWN.
    #[test]
    fn unreadable_statuses_are_unknown() {
        let read = |fields: &[(&str, &str)]| read_trailers(&fields.iter().copied().collect());
        for value in ["17", "-1", "+5", "", "x", "4294967296", "99999999999"] {
            let status = read(&[("grpc-status", value)]).unwrap_err();
            assert_eq!(status.code(), Code::Unknown, "{value}");
            assert!(status.message().contains(&format!("{value:?}")), "{status}");
        }
        let status = read(&[("grpc-status", "17"), ("grpc-message", "why")]).unwrap_err();
        assert_eq!(status.to_string(), "UNKNOWN: why");
        let status = read(&[("grpc-status", "5"), ("grpc-status", "0")]).unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(read(&[]).unwrap_err().code(), Code::Unknown);
    }

    /// A `-bin` value that is not base64 is INTERNAL, in the head as in the trailers.
    #[test]
    fn malformed_binary_metadata_is_internal() {
        let expected = "INTERNAL: received metadata \"k-bin\": expected base64";
        assert_eq!(ended(&[OK, GRPC, ("k-bin", "*")], false).to_string(), expected);
        let fields = [("grpc-status", "0"), ("k-bin", "AQ,*")];
        let status = read_trailers(&fields.into_iter().collect()).unwrap_err();
        assert_eq!(status.to_string(), expected);
    }

    /// Details that are not base64 are left out; the status stays.
    #[test]
    fn malformed_details_do_not_hide_the_status() {
        let fields = [("grpc-status", "5"), ("grpc-status-details-bin", "*")];
        let status = read_trailers(&fields.into_iter().collect()).unwrap_err();
        assert_eq!((status.code(), status.details_bytes()), (Code::NotFound, &[][..]));
        let fields = [("grpc-status", "5"), ("grpc-status-details-bin", "AQI=")];
        let status = read_trailers(&fields.into_iter().collect()).unwrap_err();
        assert_eq!(status.details_bytes(), [1, 2]);
    }
}
