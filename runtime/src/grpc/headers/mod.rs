//! The header sections of a call, between gRPC's words and HTTP/2's fields.
//!
//! `request` holds the request's head, both ways; `response` the response's head and trailers,
//! both ways. What is said here holds for both: content types, and which fields are metadata.

mod request;
mod response;

use super::compression::{Encoding, Encodings};
use super::metadata::{self, Metadata};
use super::status::Status;
use crate::http2::Headers;

pub(crate) use request::{ReceivedRequest, RequestFields, RequestHead, user_agent};
pub(crate) use response::{
    ReceivedHead, cut_status, is_foreign, read_foreign, read_head, read_trailers, response_head,
    trailers, trailers_of, trailers_only,
};

/// A content type of gRPC, as a request stated it and the response repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// What every peer understands.
    Grpc,
    /// What many clients say.
    GrpcProto,
    /// With another message format, in lower case.
    Other(Box<str>),
}

impl ContentType {
    /// Reads a field value; `None` if it is not one of gRPC.
    ///
    /// PROTOCOL-HTTP2.md: `application/grpc`, then nothing, `+` and a message format, or `;` and
    /// parameters, which are not repeated. Compared without case.
    fn read(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok()?.trim_ascii();
        let (start, rest) = value.split_at_checked(GRPC.len())?;
        if !start.eq_ignore_ascii_case(GRPC) {
            return None;
        }
        match rest.bytes().next() {
            None | Some(b';') => Some(Self::Grpc),
            Some(b'+') if rest.eq_ignore_ascii_case("+proto") => Some(Self::GrpcProto),
            Some(b'+') => {
                let format = rest.split(';').next()?.trim_ascii_end();
                Some(Self::Other(format!("{GRPC}{format}").to_ascii_lowercase().into()))
            }
            // A parameter may stand behind a space; anything else is another type.
            Some(_) if rest.trim_ascii_start().starts_with(';') => Some(Self::Grpc),
            Some(_) => None,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Grpc => GRPC,
            Self::GrpcProto => GRPC_PROTO,
            Self::Other(text) => text,
        }
    }
}

/// The fields of `headers` that are metadata.
///
/// # Errors
///
/// INTERNAL if a `-bin` value is not base64.
fn read_metadata(headers: &Headers) -> Result<Metadata, Status> {
    let mut metadata = Metadata::new();
    for field in headers.iter().filter(|field| !is_hidden(field.name)) {
        metadata.push_received(field.name, field.value).map_err(|_| {
            let key = String::from_utf8_lossy(field.name);
            Status::internal(format!("received metadata {key:?}: expected base64"))
        })?;
    }
    Ok(metadata)
}

/// Adds `metadata` to `headers`; secrets are kept out of compression tables.
fn write_metadata(metadata: &Metadata, headers: &mut Headers) {
    metadata.for_each_sent(|key, value| match key {
        b"authorization" | b"cookie" | b"proxy-authorization" | b"set-cookie" => {
            headers.push_sensitive(key, value);
        }
        _ => headers.push(key, value),
    });
}

/// Whether a received field is gRPC's or HTTP's own business.
fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b":") || (name != b"user-agent" && metadata::is_reserved(name))
}

/// What messages are compressed with, by the `value` of `grpc-encoding` in the head before them.
///
/// # Errors
///
/// If that is not accepted here: how to say so.
fn read_encoding(value: Option<&[u8]>, encodings: &Encodings) -> Result<Option<Encoding>, String> {
    encodings.read(value).map_err(|not_accepted| {
        let encoding = String::from_utf8_lossy(value.unwrap_or_default());
        let offer = not_accepted.offer.replace(',', ", ");
        format!("received message encoding {encoding:?}, expected one of {offer}")
    })
}

const GRPC: &str = "application/grpc";
const GRPC_PROTO: &str = "application/grpc+proto";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// PROTOCOL-HTTP2.md, Content-Type: `application/grpc` alone, with `+format` or `;parameters`,
    /// in any case; the format is repeated in the response.
    #[test]
    fn content_types_of_grpc_are_recognised() {
        for (value, repeated) in [
            ("application/grpc", "application/grpc"),
            ("Application/GRPC", "application/grpc"),
            ("application/grpc+proto", "application/grpc+proto"),
            ("application/grpc+PROTO", "application/grpc+proto"),
            ("application/grpc+json;a=b", "application/grpc+json"),
            ("application/grpc;charset=utf-8", "application/grpc"),
            ("application/grpc ; charset=utf-8", "application/grpc"),
        ] {
            let found = ContentType::read(value.as_bytes());
            assert_eq!(found.as_ref().map(ContentType::as_str), Some(repeated), "{value}");
        }
        for value in [
            "",
            "application/grp",
            "application/grpcx",
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc x",
            "application/json",
            "text/html",
        ] {
            assert_eq!(ContentType::read(value.as_bytes()), None, "{value}");
        }
        assert_eq!(ContentType::read(b"application/grp\xc3\xa9"), None);
    }

    /// RFC 9113 8.2 and 8.3: whatever a user puts into metadata, what we send has its
    /// pseudo-header fields first, names in lower case and no connection-specific fields.
    #[test]
    fn what_we_send_is_well_formed() {
        let mut metadata = Metadata::new();
        metadata.insert("X-Upper", "v").unwrap();
        metadata.insert_bin("Trace-Bin", [0, 255]).unwrap();
        let connection_specific =
            ["Connection", "keep-alive", "Proxy-Connection", "transfer-encoding", "UPGRADE", "te"];
        for key in connection_specific {
            metadata.insert(key, "x").unwrap_err();
        }
        let head = RequestHead {
            scheme: "http",
            authority: "host:1",
            path: "/a.B/C",
            timeout: Some(Duration::from_secs(1)),
            encoding: Some("gzip"),
            offer: "identity,gzip",
            user_agent: "me",
            metadata: &metadata,
        };
        let status = Status::internal("line\nbreak");
        let sent = [
            head.to_headers(),
            response_head(&ContentType::Grpc, Some("gzip"), &metadata).into_owned(),
            trailers(Err(&status), &metadata).into_owned(),
            trailers_only(&ContentType::Grpc, Err(&status), &metadata),
        ];
        for headers in &sent {
            let regular = headers.iter().skip_while(|field| field.name[0] == b':');
            assert!(regular.into_iter().all(|field| field.name[0] != b':'), "{headers:?}");
            for field in headers.iter() {
                assert!(!field.name.iter().any(u8::is_ascii_uppercase), "{field:?}");
                let mut forbidden = connection_specific.iter().map(|name| name.as_bytes());
                let is_forbidden = forbidden.any(|name| field.name.eq_ignore_ascii_case(name));
                let is_te = field.name == b"te" && field.value == b"trailers";
                assert!(is_te || !is_forbidden, "{field:?}");
            }
        }
    }

    /// RFC 7541 7.1.3: credentials are never indexed.
    #[test]
    fn secrets_are_never_indexed() {
        let mut metadata = Metadata::new();
        metadata.insert("authorization", "Bearer x").unwrap();
        metadata.insert("x-plain", "y").unwrap();
        let mut headers = Headers::new();
        write_metadata(&metadata, &mut headers);
        let sensitive: Vec<bool> = headers.iter().map(|field| field.sensitive).collect();
        assert_eq!(sensitive, [true, false]);
    }

    /// Fields of gRPC and HTTP do not show up as metadata; `user-agent` does.
    #[test]
    fn protocol_fields_are_hidden_from_metadata() {
        let headers: Headers = [
            (":path", "/a/b"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", "1S"),
            ("grpc-encoding", "identity"),
            ("user-agent", "x"),
            ("x-user", "alice"),
        ]
        .into_iter()
        .collect();
        let metadata = read_metadata(&headers).unwrap();
        assert_eq!(format!("{metadata:?}"), r#"{"user-agent": "x", "x-user": "alice"}"#);
    }
}
