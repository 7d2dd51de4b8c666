//! Status: how a call ended, and the two tables that turn lower errors into one.
//!
//! One word large, so that `Result<Message, Status>` stays as small as the message. Success is `Ok`
//! of something, so that only a call that failed has a status, and only that allocates one. The
//! tables of HTTP statuses and RST_STREAM codes stand here and nowhere else.

use std::borrow::Cow;
use std::fmt;

use super::metadata::Metadata;

/// How a call ended: a [`Code`], a message for people, and what came with them.
///
/// Handlers return it to refuse a call; stubs return it when a call did not end with OK. There is a
/// constructor for every code. It is one word large, and what a call that succeeds returns is `Ok`
/// without any status.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Code, Status};
///
/// let status = Status::not_found(format!("no user {}", 7));
/// assert_eq!(status.code(), Code::NotFound);
/// assert_eq!(status.to_string(), "NOT_FOUND: no user 7");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Status(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    details: Vec<u8>,
    metadata: Metadata,
    /// What came before the status; only a client has any.
    initial_metadata: Metadata,
}

/// The status codes of gRPC, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The call succeeded.
    Ok = 0,
    /// The call was cancelled, usually by the caller.
    Cancelled = 1,
    /// An error that no other code fits, or one from a peer that gave none.
    Unknown = 2,
    /// An argument is invalid whatever the state of the system.
    InvalidArgument = 3,
    /// The deadline passed before the call was done.
    DeadlineExceeded = 4,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be created exists already.
    AlreadyExists = 6,
    /// The caller is known and may not do this.
    PermissionDenied = 7,
    /// A quota, a limit or a store is used up.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9,
    /// The call was aborted, usually by a conflict with another one.
    Aborted = 10,
    /// The call went past the valid range.
    OutOfRange = 11,
    /// The method does not exist, or is not supported here.
    Unimplemented = 12,
    /// An invariant is broken, on one side or on the wire between them.
    Internal = 13,
    /// The service cannot be reached now; trying again later may help.
    Unavailable = 14,
    /// Data is lost or corrupt and does not come back.
    DataLoss = 15,
    /// The caller did not say who it is, or not credibly.
    Unauthenticated = 16,
}

impl Code {
    /// The code that `number` stands for on the wire; [`Code::Unknown`] if it stands for none.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        usize::try_from(number).ok().and_then(|index| ALL.get(index)).map_or(Self::Unknown, |c| c.0)
    }

    /// The number on the wire, 0 to 16.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The name as gRPC spells it: `"NOT_FOUND"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL[self as usize].1
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One constructor a code.
macro_rules! constructors {
    ($($name:ident $code:ident,)*) => {
        impl Status {$(
            #[doc = concat!("A status of [`Code::", stringify!($code), "`].")]
            #[must_use]
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(Code::$code, message)
            }
        )*}
    };
}

constructors! {
    cancelled Cancelled,
    unknown Unknown,
    invalid_argument InvalidArgument,
    deadline_exceeded DeadlineExceeded,
    not_found NotFound,
    already_exists AlreadyExists,
    permission_denied PermissionDenied,
    resource_exhausted ResourceExhausted,
    failed_precondition FailedPrecondition,
    aborted Aborted,
    out_of_range OutOfRange,
    unimplemented Unimplemented,
    internal Internal,
    unavailable Unavailable,
    data_loss DataLoss,
    unauthenticated Unauthenticated,
}

impl Status {
    /// A status of `code` with a message for people, which may be any text or empty.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::with_text(code, Cow::Owned(message.into()))
    }

    // Out of the way of calls that end well, in memory too.
    #[cold]
    #[inline(never)]
    pub(crate) fn with_text(code: Code, message: Cow<'static, str>) -> Self {
        Self(Box::new(Inner {
            code,
            message,
            details: Vec::new(),
            metadata: Metadata::new(),
            initial_metadata: Metadata::new(),
        }))
    }

    /// Adds trailing metadata, in place of what was there.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.0.metadata = metadata;
        self
    }

    /// Adds the initial metadata with which a call came before it ended so.
    #[must_use]
    pub(crate) fn with_initial_metadata(mut self, metadata: Metadata) -> Self {
        self.0.initial_metadata = metadata;
        self
    }

    /// Adds details as bytes, in place of what was there: by custom an encoded `google.rpc.Status`,
    /// sent as `grpc-status-details-bin`. [`with_details`](Self::with_details) encodes them.
    #[must_use]
    pub fn with_details_bytes(mut self, details: impl Into<Vec<u8>>) -> Self {
        self.0.details = details.into();
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message for people; empty if there is none.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The details as they travel; empty if there are none. [`details`](Self::details) decodes them.
    #[must_use]
    pub fn details_bytes(&self) -> &[u8] {
        &self.0.details
    }

    /// The trailing metadata that comes with the status.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The metadata that the server had sent before the call ended with this status; empty where it
    /// had sent none, and on the server.
    #[must_use]
    pub fn initial_metadata(&self) -> &Metadata {
        &self.0.initial_metadata
    }

    /// The trailing metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.0.metadata
    }

    /// What an HTTP status means where a peer sent no `grpc-status`.
    ///
    /// http-grpc-status-mapping.md of the gRPC project.
    pub(crate) fn from_http(http: u16) -> Self {
        let code = match http {
            400 | 431 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502..=504 => Code::Unavailable,
            _ => Code::Unknown,
        };
        Self::new(code, format!("received HTTP status {http} without a grpc-status"))
    }

    /// What an RST_STREAM from the peer means for a call.
    ///
    /// PROTOCOL-HTTP2.md, HTTP2 Transport Mapping, Errors; `reason` is the code of RFC 9113 7.
    pub(crate) fn from_reset(reason: u32) -> Self {
        let (code, name) = match reason {
            0x0 => (Code::Internal, "NO_ERROR"),
            0x1 => (Code::Internal, "PROTOCOL_ERROR"),
            0x2 => (Code::Internal, "INTERNAL_ERROR"),
            0x3 => (Code::Internal, "FLOW_CONTROL_ERROR"),
            0x4 => (Code::Internal, "SETTINGS_TIMEOUT"),
            0x5 => (Code::Internal, "STREAM_CLOSED"),
            0x6 => (Code::Internal, "FRAME_SIZE_ERROR"),
            0x7 => (Code::Unavailable, "REFUSED_STREAM"),
            0x8 => (Code::Cancelled, "CANCEL"),
            0x9 => (Code::Internal, "COMPRESSION_ERROR"),
            0xa => (Code::Internal, "CONNECT_ERROR"),
            0xb => (Code::ResourceExhausted, "ENHANCE_YOUR_CALM"),
            0xc => (Code::PermissionDenied, "INADEQUATE_SECURITY"),
            0xd => (Code::Internal, "HTTP_1_1_REQUIRED"),
            _ => return Self::internal(format!("stream reset by the peer: code {reason:#x}")),
        };
        Self::new(code, format!("stream reset by the peer: {name}"))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            "" => f.write_str(self.code().name()),
            message => write!(f, "{}: {message}", self.code().name()),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a `main` that returns a status prints is for people too.
        fmt::Display::fmt(self, f)?;
        if !self.details_bytes().is_empty() {
            write!(f, ", details b\"{}\"", self.details_bytes().escape_ascii())?;
        }
        if !self.metadata().is_empty() {
            write!(f, ", metadata {:?}", self.metadata())?;
        }
        Ok(())
    }
}

impl std::error::Error for Status {}

// One word, and `Result<(), Status>` no larger.
const _: () = assert!(size_of::<Result<(), Status>>() == size_of::<usize>());

/// Every code at the index of its number, with its name.
const ALL: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The 17 codes keep their number and name; any other number is UNKNOWN.
    #[test]
    fn codes_and_numbers_map_both_ways() {
        for (index, (code, name)) in ALL.into_iter().enumerate() {
            assert_eq!(code.number(), index as i32);
            assert_eq!(Code::from_number(index as i32), code);
            assert_eq!(code.to_string(), name);
        }
        for number in [-1, 17, i32::MIN, i32::MAX] {
            assert_eq!(Code::from_number(number), Code::Unknown, "{number}");
        }
    }

    /// http-grpc-status-mapping.md: the whole table, and UNKNOWN for everything else, 200 too.
    #[test]
    fn http_statuses_map_as_the_table_says() {
        for (http, code) in [
            (400, Code::Internal),
            (431, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (200, Code::Unknown),
            (500, Code::Unknown),
            (301, Code::Unknown),
        ] {
            assert_eq!(Status::from_http(http).code(), code, "{http}");
        }
        assert!(Status::from_http(503).message().contains("HTTP status 503"));
    }

    /// PROTOCOL-HTTP2.md, Errors: every code of RST_STREAM maps as its table says.
    #[test]
    fn resets_map_as_the_table_says() {
        for reason in 0..=0xd {
            let code = match reason {
                0x7 => Code::Unavailable,
                0x8 => Code::Cancelled,
                0xb => Code::ResourceExhausted,
                0xc => Code::PermissionDenied,
                _ => Code::Internal,
            };
            assert_eq!(Status::from_reset(reason).code(), code, "{reason:#x}");
        }
        assert_eq!(Status::from_reset(7).message(), "stream reset by the peer: REFUSED_STREAM");
        assert_eq!(
            Status::from_reset(99).to_string(),
            "INTERNAL: stream reset by the peer: code 0x63"
        );
    }

    /// A status reads as its name and message; the name alone if there is no message. For debugging
    /// it reads the same, with whatever came with it.
    #[test]
    fn a_status_reads_as_name_and_message() {
        assert_eq!(Status::aborted("").to_string(), "ABORTED");
        let status = Status::aborted("why").with_details_bytes([1]);
        assert_eq!(status.to_string(), "ABORTED: why");
        assert_eq!(format!("{status:?}"), r#"ABORTED: why, details b"\x01""#);
        assert_eq!(format!("{:?}", Status::aborted("why")), "ABORTED: why");
    }
}
