//! What can go wrong on a connection, and the one table that says which frame answers it.
//!
//! Invariant: no other file decides whether a fault ends a stream or the connection, or which
//! error code goes on the wire (RFC 9113 5.4). A fault is a [`Violation`]; the table turns it into
//! a scope, a [`Reason`] and words.

use std::fmt;

/// An error code of RFC 9113 7, as RST_STREAM and GOAWAY carry it.
///
/// RFC 9113 7: unknown codes are kept and trigger no special behaviour.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reason(pub(crate) u32);

impl Reason {
    pub(crate) const NO_ERROR: Self = Self(0x0);
    pub(crate) const PROTOCOL_ERROR: Self = Self(0x1);
    pub(crate) const INTERNAL_ERROR: Self = Self(0x2);
    pub(crate) const FLOW_CONTROL_ERROR: Self = Self(0x3);
    pub(crate) const SETTINGS_TIMEOUT: Self = Self(0x4);
    pub(crate) const STREAM_CLOSED: Self = Self(0x5);
    pub(crate) const FRAME_SIZE_ERROR: Self = Self(0x6);
    pub(crate) const REFUSED_STREAM: Self = Self(0x7);
    pub(crate) const CANCEL: Self = Self(0x8);
    pub(crate) const COMPRESSION_ERROR: Self = Self(0x9);
    pub(crate) const CONNECT_ERROR: Self = Self(0xa);
    pub(crate) const ENHANCE_YOUR_CALM: Self = Self(0xb);
    pub(crate) const INADEQUATE_SECURITY: Self = Self(0xc);
    pub(crate) const HTTP_1_1_REQUIRED: Self = Self(0xd);

    /// The name that RFC 9113 7 gives the code.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NO_ERROR => "NO_ERROR",
            Self::PROTOCOL_ERROR => "PROTOCOL_ERROR",
            Self::INTERNAL_ERROR => "INTERNAL_ERROR",
            Self::FLOW_CONTROL_ERROR => "FLOW_CONTROL_ERROR",
            Self::SETTINGS_TIMEOUT => "SETTINGS_TIMEOUT",
            Self::STREAM_CLOSED => "STREAM_CLOSED",
            Self::FRAME_SIZE_ERROR => "FRAME_SIZE_ERROR",
            Self::REFUSED_STREAM => "REFUSED_STREAM",
            Self::CANCEL => "CANCEL",
            Self::COMPRESSION_ERROR => "COMPRESSION_ERROR",
            Self::CONNECT_ERROR => "CONNECT_ERROR",
            Self::ENHANCE_YOUR_CALM => "ENHANCE_YOUR_CALM",
            Self::INADEQUATE_SECURITY => "INADEQUATE_SECURITY",
            Self::HTTP_1_1_REQUIRED => "HTTP_1_1_REQUIRED",
            _ => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "error code {:#x}", self.0),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Who ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initiator {
    /// This side, because the peer broke a rule.
    Local,
    /// The peer.
    Remote,
}

/// How far a fault reaches (RFC 9113 5.4.1 and 5.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// GOAWAY, then the end of the connection.
    Connection,
    /// RST_STREAM; the connection lives.
    Stream,
}

/// Why the connection is over. GOAWAY with the same words is in the output already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    violation: Violation,
}

impl Error {
    pub(crate) const fn new(violation: Violation) -> Self {
        Self { violation }
    }

    /// The error code that GOAWAY carries.
    pub(crate) const fn reason(self) -> Reason {
        self.violation.row().1
    }

    /// What was expected and what came, in lower case.
    pub(crate) const fn text(self) -> &'static str {
        self.violation.row().2
    }

    /// The rule that was broken.
    #[cfg(test)]
    pub(crate) const fn violation(self) -> Violation {
        self.violation
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason(), self.text())
    }
}

impl std::error::Error for Error {}

/// Why [`open`](super::Connection::open) opened no stream. Nothing has left this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS is reached; StreamsAvailable follows.
    StreamLimit,
    /// GOAWAY was sent or received: this connection takes no new streams.
    GoingAway,
    /// The connection has used up its stream identifiers.
    IdsExhausted,
    /// The connection is over.
    Closed,
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::StreamLimit => "peer allows no more streams at once",
            Self::GoingAway => "connection is going away",
            Self::IdsExhausted => "connection has used up its stream identifiers",
            Self::Closed => "connection is closed",
        })
    }
}

impl std::error::Error for OpenError {}

/// Why nothing can be sent on a stream any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The stream was reset by either side, has sent its end, or went with the connection.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("stream is closed for sending")
    }
}

impl std::error::Error for SendError {}

/// A table of faults: name, scope, error code, words.
macro_rules! violations {
    ($($name:ident: $scope:ident $reason:ident $text:literal,)*) => {
        /// A rule of HTTP/2 that the peer broke, or a limit of ours that it ran into.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Violation {
            $($name,)*
        }

        impl Violation {
            /// The one table: how far the fault reaches, the error code, and the words.
            pub(crate) const fn row(self) -> (Scope, Reason, &'static str) {
                match self {
                    $(Self::$name => (Scope::$scope, Reason::$reason, $text),)*
                }
            }

            /// Every fault, for the tests of the table.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

violations! {
    // RFC 9113 3.4: the preface.
    PrefaceHttp1: Connection PROTOCOL_ERROR
        "expected the HTTP/2 preface `PRI * HTTP/2.0`, peer sent an HTTP/1 request",
    PrefaceTls: Connection PROTOCOL_ERROR
        "expected the HTTP/2 preface `PRI * HTTP/2.0`, peer sent a TLS handshake",
    PrefaceUnknown: Connection PROTOCOL_ERROR
        "expected the HTTP/2 preface `PRI * HTTP/2.0`, peer sent other bytes",
    ReplyHttp1: Connection PROTOCOL_ERROR
        "expected SETTINGS of HTTP/2, peer sent an HTTP/1 response",
    ReplyTls: Connection PROTOCOL_ERROR
        "expected SETTINGS of HTTP/2, peer sent a TLS record",
    FirstFrameNotSettings: Connection PROTOCOL_ERROR
        "expected SETTINGS as the first frame, peer sent another frame",
    PrefaceTimeout: Connection SETTINGS_TIMEOUT
        "expected preface and SETTINGS, peer did not finish them in time",

    // RFC 9113 4: frames.
    FrameTooLong: Connection FRAME_SIZE_ERROR
        "peer sent a frame longer than our SETTINGS_MAX_FRAME_SIZE",
    FrameLength: Connection FRAME_SIZE_ERROR
        "peer sent a frame whose length does not fit its type",
    PaddingTooLong: Connection PROTOCOL_ERROR
        "peer sent padding that is as long as its frame or longer",
    StreamFrameOnConnection: Connection PROTOCOL_ERROR
        "peer sent on stream 0 a frame that belongs to a stream",
    ConnectionFrameOnStream: Connection PROTOCOL_ERROR
        "peer sent on a stream a frame that belongs to stream 0",

    // RFC 9113 4.3 and 6.10: header blocks.
    HeaderBlockInterrupted: Connection PROTOCOL_ERROR
        "expected CONTINUATION of the open header block, peer sent another frame",
    UnexpectedContinuation: Connection PROTOCOL_ERROR
        "peer sent CONTINUATION without an open header block",
    TooManyContinuations: Connection ENHANCE_YOUR_CALM
        "peer sent more CONTINUATION frames for one header block than we take",
    HeaderBlockTooLong: Connection ENHANCE_YOUR_CALM
        "peer sent a longer header block than we take",
    HeaderBlockTimeout: Connection ENHANCE_YOUR_CALM
        "peer did not finish its header block in time",
    HeaderListFarTooLarge: Connection ENHANCE_YOUR_CALM
        "peer sent a header list far beyond our SETTINGS_MAX_HEADER_LIST_SIZE",
    Compression: Connection COMPRESSION_ERROR
        "peer sent a header block that HPACK cannot decode",

    // RFC 9113 5.1: stream states and identifiers.
    IdleStream: Connection PROTOCOL_ERROR
        "peer sent a frame on a stream that was never opened",
    StreamIdParity: Connection PROTOCOL_ERROR
        "peer used a stream identifier that is not its own to open",
    StreamIdDecreased: Connection PROTOCOL_ERROR
        "peer opened a stream whose identifier is not above those before",
    StreamEnded: Connection STREAM_CLOSED
        "peer sent a frame on a stream that both sides had ended",
    StreamResetByPeer: Stream STREAM_CLOSED
        "peer sent a frame on a stream that it had reset",
    HalfClosed: Stream STREAM_CLOSED
        "peer sent DATA or HEADERS on a stream that it had ended",
    StreamRefused: Stream REFUSED_STREAM
        "peer opened more streams at once than our SETTINGS_MAX_CONCURRENT_STREAMS",

    // RFC 9113 6: frame types.
    PriorityLength: Stream FRAME_SIZE_ERROR
        "expected PRIORITY of 5 bytes, peer sent another length",
    PriorityLengthOnIdle: Connection FRAME_SIZE_ERROR
        "expected PRIORITY of 5 bytes, peer sent another length on an idle stream",
    SettingsEnablePush: Connection PROTOCOL_ERROR
        "peer sent SETTINGS_ENABLE_PUSH with a value that it may not have",
    SettingsInitialWindow: Connection FLOW_CONTROL_ERROR
        "peer sent SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1",
    SettingsMaxFrameSize: Connection PROTOCOL_ERROR
        "peer sent SETTINGS_MAX_FRAME_SIZE outside 2^14 to 2^24-1",
    TooManySettings: Connection ENHANCE_YOUR_CALM
        "peer sent more entries in one SETTINGS than we take",
    SettingsTimeout: Connection SETTINGS_TIMEOUT
        "peer did not acknowledge our SETTINGS in time",
    PushPromise: Connection PROTOCOL_ERROR
        "peer sent PUSH_PROMISE, which our SETTINGS_ENABLE_PUSH forbids",
    GoAwayRaised: Connection PROTOCOL_ERROR
        "peer sent GOAWAY with a higher last stream than before",

    // RFC 9113 6.9: flow control.
    ConnectionWindowExceeded: Connection FLOW_CONTROL_ERROR
        "peer sent more DATA than the window of the connection allows",
    StreamWindowExceeded: Stream FLOW_CONTROL_ERROR
        "peer sent more DATA than the window of the stream allows",
    ConnectionWindowOverflow: Connection FLOW_CONTROL_ERROR
        "peer raised the window of the connection above 2^31-1",
    StreamWindowOverflow: Stream FLOW_CONTROL_ERROR
        "peer raised the window of a stream above 2^31-1",
    SettingsWindowOverflow: Connection FLOW_CONTROL_ERROR
        "peer raised the window of a stream above 2^31-1 by SETTINGS",
    ConnectionWindowZeroIncrement: Connection PROTOCOL_ERROR
        "peer sent WINDOW_UPDATE of 0 for the connection",
    StreamWindowZeroIncrement: Stream PROTOCOL_ERROR
        "peer sent WINDOW_UPDATE of 0 for a stream",

    // RFC 9113 8: malformed messages.
    FieldName: Stream PROTOCOL_ERROR
        "peer sent a field name with a byte that HTTP/2 forbids",
    FieldValue: Stream PROTOCOL_ERROR
        "peer sent a field value with NUL, CR or LF",
    ConnectionSpecificField: Stream PROTOCOL_ERROR
        "peer sent a connection-specific field, which HTTP/2 forbids",
    TeNotTrailers: Stream PROTOCOL_ERROR
        "expected `te: trailers`, peer sent another value",
    PseudoAfterRegular: Stream PROTOCOL_ERROR
        "peer sent a pseudo-header field after a regular field",
    PseudoUnknown: Stream PROTOCOL_ERROR
        "peer sent a pseudo-header field that its message may not have",
    PseudoRepeated: Stream PROTOCOL_ERROR
        "peer sent a pseudo-header field twice",
    PseudoMissing: Stream PROTOCOL_ERROR
        "peer left out a pseudo-header field that its message must have",
    PseudoValue: Stream PROTOCOL_ERROR
        "peer sent a pseudo-header field with a value that it may not have",
    PseudoInTrailers: Stream PROTOCOL_ERROR
        "peer sent a pseudo-header field in trailers",
    ConnectMethod: Stream PROTOCOL_ERROR
        "peer asked for a tunnel with CONNECT, which is not offered here",
    ContentLengthValue: Stream PROTOCOL_ERROR
        "peer sent content-length twice or with a value that is no number",
    ContentLengthMismatch: Stream PROTOCOL_ERROR
        "peer sent another amount of DATA than its content-length says",
    TrailersWithoutEnd: Stream PROTOCOL_ERROR
        "peer sent trailers that do not end the stream",
    DataBeforeHead: Stream PROTOCOL_ERROR
        "peer sent DATA before the head of its response",
    InformationalEnd: Stream PROTOCOL_ERROR
        "peer ended a stream with an informational response",
    SwitchingProtocols: Stream PROTOCOL_ERROR
        "peer sent status 101, which HTTP/2 does not have",
    TooManyInformational: Stream ENHANCE_YOUR_CALM
        "peer sent more informational responses for one request than we take",

    // RFC 9113 10.5: denial of service.
    TooManyResets: Connection ENHANCE_YOUR_CALM
        "peer resets streams, or makes us reset them, faster than we take",
    TooManyGlitches: Connection ENHANCE_YOUR_CALM
        "peer sends frames that do no work faster than we take",
    TooManyEmptyData: Connection ENHANCE_YOUR_CALM
        "peer sends more empty DATA frames in a row than we take",
    TooManyReplies: Connection ENHANCE_YOUR_CALM
        "peer asks for more PING and SETTINGS acknowledgements than it reads",

    // gRFC A8 and A9: connections over time.
    TooManyPings: Connection ENHANCE_YOUR_CALM
        "too_many_pings",
    KeepaliveTimeout: Connection NO_ERROR
        "peer sent nothing in time after a keepalive PING",
    AgeGraceOver: Connection NO_ERROR
        "max_age: streams of the peer went on for longer than their grace",
}
