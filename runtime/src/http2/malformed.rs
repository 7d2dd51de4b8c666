//! Which header lists are malformed (RFC 9113 8.1.1, 8.2 and 8.3).
//!
//! One exception to the letter: RFC 9113 8.2.1 forbids white space around a value, gRPC allows it
//! in metadata and its peers send it, so it is kept as it came.

use super::error::Violation;
use super::headers::{Field, Headers};

/// Whether a header list is all that the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// Cut at our limit: it is not blamed for what may stand in the part that is missing.
    Cut,
}

/// What the core needs from the head of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageHead {
    /// The value of :status; 0 in a request.
    pub(crate) status: u16,
    pub(crate) content_length: Option<u64>,
}

/// Checks the head of a request.
///
/// # Errors
///
/// The first rule of RFC 9113 8.2 or 8.3.1 that it breaks.
pub(crate) fn request(headers: &Headers, extent: Extent) -> Result<MessageHead, Violation> {
    let mut head = MessageHead::default();
    let mut seen = Seen::default();
    for field in headers.iter() {
        match field.name {
            [b':', ..] => seen.request_pseudo(field)?,
            _ => check_regular(field, &mut seen, &mut head)?,
        }
    }
    // RFC 9113 8.5: CONNECT has neither :scheme nor :path; gRPC has no use for tunnels.
    if seen.connect {
        return Err(Violation::ConnectMethod);
    }
    let has_all = seen.method && seen.scheme && seen.path;
    if has_all || extent == Extent::Cut { Ok(head) } else { Err(Violation::PseudoMissing) }
}

/// Checks the head of a response, an informational one too.
///
/// # Errors
///
/// The first rule of RFC 9113 8.2 or 8.3.2 that it breaks.
pub(crate) fn response(headers: &Headers, extent: Extent) -> Result<MessageHead, Violation> {
    let mut head = MessageHead::default();
    let mut seen = Seen::default();
    for field in headers.iter() {
        match field.name {
            b":status" => {
                seen.pseudo(|seen| &mut seen.status)?;
                head.status = parse_status(field.value)?;
            }
            [b':', ..] => return Err(Violation::PseudoUnknown),
            _ => check_regular(field, &mut seen, &mut head)?,
        }
    }
    if seen.status || extent == Extent::Cut { Ok(head) } else { Err(Violation::PseudoMissing) }
}

/// Checks trailers.
///
/// # Errors
///
/// The first rule of RFC 9113 8.1 or 8.2 that they break.
pub(crate) fn trailers(headers: &Headers) -> Result<(), Violation> {
    let (mut seen, mut head) = (Seen::default(), MessageHead::default());
    for field in headers.iter() {
        // RFC 9113 8.1: trailers must not have pseudo-header fields.
        if field.name.first() == Some(&b':') {
            return Err(Violation::PseudoInTrailers);
        }
        check_regular(field, &mut seen, &mut head)?;
    }
    Ok(())
}

/// Which fields have been seen.
#[derive(Default)]
struct Seen {
    method: bool,
    scheme: bool,
    path: bool,
    authority: bool,
    status: bool,
    regular: bool,
    connect: bool,
}

impl Seen {
    fn request_pseudo(&mut self, field: Field<'_>) -> Result<(), Violation> {
        match field.name {
            b":method" => {
                self.pseudo(|seen| &mut seen.method)?;
                self.connect = field.value == b"CONNECT";
                check_not_empty(field)?;
            }
            b":scheme" => {
                self.pseudo(|seen| &mut seen.scheme)?;
                check_not_empty(field)?;
            }
            // RFC 9113 8.3.1: :path must not be empty. Whether it names a method is gRPC's question.
            b":path" => {
                self.pseudo(|seen| &mut seen.path)?;
                check_not_empty(field)?;
            }
            // RFC 9113 8.3.1: :authority must not hold user information.
            b":authority" => {
                self.pseudo(|seen| &mut seen.authority)?;
                if field.value.contains(&b'@') {
                    return Err(Violation::PseudoValue);
                }
            }
            _ => return Err(Violation::PseudoUnknown),
        }
        check_value(field.value)
    }

    /// RFC 9113 8.3: pseudo-header fields come first, each at most once.
    fn pseudo(&mut self, flag: impl Fn(&mut Self) -> &mut bool) -> Result<(), Violation> {
        if self.regular {
            return Err(Violation::PseudoAfterRegular);
        }
        match std::mem::replace(flag(self), true) {
            true => Err(Violation::PseudoRepeated),
            false => Ok(()),
        }
    }
}

fn check_regular(
    field: Field<'_>,
    seen: &mut Seen,
    head: &mut MessageHead,
) -> Result<(), Violation> {
    seen.regular = true;
    check_name(field.name)?;
    check_value(field.value)?;
    match field.name {
        // RFC 9113 8.2.2: fields that speak of the connection make a message malformed.
        b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => {
            Err(Violation::ConnectionSpecificField)
        }
        b"te" if !field.value.eq_ignore_ascii_case(b"trailers") => Err(Violation::TeNotTrailers),
        b"content-length" => {
            let length = parse_content_length(field.value)?;
            match head.content_length.replace(length) {
                None => Ok(()),
                Some(_) => Err(Violation::ContentLengthValue),
            }
        }
        _ => Ok(()),
    }
}

/// RFC 9113 8.2.1: no control characters, no space, no upper case, no colon, nothing beyond ASCII.
fn check_name(name: &[u8]) -> Result<(), Violation> {
    let is_allowed = |byte: &u8| NAME_BYTES[usize::from(*byte)];
    if !name.is_empty() && name.iter().all(is_allowed) {
        return Ok(());
    }
    Err(Violation::FieldName)
}

/// RFC 9113 8.2.1: no NUL, LF or CR anywhere in a value.
fn check_value(value: &[u8]) -> Result<(), Violation> {
    // Without a branch for each byte, so that many are looked at together.
    let is_bad = |byte: &u8| (*byte == 0) | (*byte == b'\n') | (*byte == b'\r');
    if value.iter().fold(false, |found, byte| found | is_bad(byte)) {
        return Err(Violation::FieldValue);
    }
    Ok(())
}

fn check_not_empty(field: Field<'_>) -> Result<(), Violation> {
    if field.value.is_empty() { Err(Violation::PseudoValue) } else { Ok(()) }
}

/// RFC 9110 15: three digits, the first from 1 to 5.
fn parse_status(value: &[u8]) -> Result<u16, Violation> {
    let [hundreds @ b'1'..=b'5', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = value else {
        return Err(Violation::PseudoValue);
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    Ok(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
}

/// RFC 9110 8.6: digits and nothing else.
fn parse_content_length(value: &[u8]) -> Result<u64, Violation> {
    if value.is_empty() {
        return Err(Violation::ContentLengthValue);
    }
    value.iter().try_fold(0_u64, |length, byte| {
        let digit = match byte {
            b'0'..=b'9' => u64::from(byte - b'0'),
            _ => return Err(Violation::ContentLengthValue),
        };
        let length = length.checked_mul(10).and_then(|length| length.checked_add(digit));
        length.ok_or(Violation::ContentLengthValue)
    })
}

/// Which bytes a field name may have.
const NAME_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        allowed[byte] = !matches!(byte as u8, b'A'..=b'Z' | b':');
        byte += 1;
    }
    allowed
};
