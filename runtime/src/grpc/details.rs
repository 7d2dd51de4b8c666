//! Rich details of a status: messages of any type, carried in `grpc-status-details-bin`.
//!
//! The bytes are an encoded `google.rpc.Status`, by the custom of all gRPC implementations. Its code
//! and message repeat those of the status itself, which count where they differ.

use super::status::{Code, Status};
use crate::message::rpc;
use crate::message::well_known::Any;
use crate::message::{DecodeError, Message};

/// What a status says beyond its code and its message: messages of any type, in order.
///
/// The ten standard ones stand in [`rpc`](crate::rpc), from [`ErrorInfo`](rpc::ErrorInfo) to
/// [`LocalizedMessage`](rpc::LocalizedMessage). [`Status::with_details`] attaches them,
/// [`Status::details`] reads them.
///
/// # Examples
///
/// ```
/// use rust_grpc::rpc::{BadRequest, ErrorInfo, RetryInfo, bad_request::FieldViolation};
/// use rust_grpc::{Details, Status};
///
/// let violation = FieldViolation {
///     field: "email".into(),
///     description: "expected an @".into(),
///     ..Default::default()
/// };
/// let status = Status::invalid_argument("1 field is wrong").with_details(
///     Details::new()
///         .with(&ErrorInfo { reason: "BAD_EMAIL".into(), ..Default::default() })
///         .with(&BadRequest { field_violations: vec![violation], ..Default::default() }),
/// );
///
/// let details = status.details()?;
/// assert_eq!(details.len(), 2);
/// assert_eq!(details.get::<BadRequest>()?.unwrap().field_violations[0].field, "email");
/// assert_eq!(details.get::<RetryInfo>()?, None);
/// # Ok::<(), rust_grpc::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    messages: Vec<Any>,
}

impl Details {
    /// No details.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message, behind those that are there.
    ///
    /// # Panics
    ///
    /// If the message has 2 GiB or more, which protobuf cannot express.
    #[must_use]
    pub fn with<M: Message>(mut self, message: &M) -> Self {
        self.messages.push(Any::pack(message).expect("a detail of a status is below 2 GiB"));
        self
    }

    /// The first message of type `M`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the bytes that stand for it are no `M`.
    pub fn get<M: Message>(&self) -> Result<Option<M>, DecodeError> {
        self.all().next().transpose()
    }

    /// All messages of type `M`, in order.
    pub fn all<M: Message>(&self) -> impl Iterator<Item = Result<M, DecodeError>> {
        self.messages.iter().filter(|any| any.is::<M>()).map(|any| M::decode(&any.value))
    }

    /// All messages, each with the name of its type, those of unknown types too.
    #[must_use]
    pub fn as_slice(&self) -> &[Any] {
        &self.messages
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

impl From<Vec<Any>> for Details {
    fn from(messages: Vec<Any>) -> Self {
        Self { messages }
    }
}

impl From<Details> for Vec<Any> {
    fn from(details: Details) -> Self {
        details.messages
    }
}

impl Status {
    /// Attaches `details`, in place of what was there; no details leave nothing.
    ///
    /// They travel in the trailing metadata: peers often take no more than 8 KiB of it in all.
    #[must_use]
    pub fn with_details(self, details: impl Into<Details>) -> Self {
        let details = details.into();
        if details.is_empty() {
            return self.with_details_bytes([]);
        }
        let whole = rpc::Status {
            code: self.code().number(),
            message: self.message().to_owned(),
            details: details.messages,
            ..Default::default()
        };
        self.with_details_bytes(whole.encode_to_vec())
    }

    /// The details; empty if there are none.
    ///
    /// # Errors
    ///
    /// If [`details_bytes`](Self::details_bytes) are no `google.rpc.Status`.
    pub fn details(&self) -> Result<Details, DecodeError> {
        Ok(rpc::Status::decode(self.details_bytes())?.details.into())
    }
}

/// A status as a message says it, with the details that are there.
impl From<rpc::Status> for Status {
    fn from(status: rpc::Status) -> Self {
        Self::new(Code::from_number(status.code), status.message).with_details(status.details)
    }
}

/// A status as a message, for those that carry one in a field of their own.
///
/// # Errors
///
/// As [`Status::details`].
impl TryFrom<&Status> for rpc::Status {
    type Error = DecodeError;

    fn try_from(status: &Status) -> Result<Self, DecodeError> {
        Ok(Self {
            code: status.code().number(),
            message: status.message().to_owned(),
            details: status.details()?.into(),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::rpc::{
        BadRequest, DebugInfo, ErrorInfo, Help, LocalizedMessage, PreconditionFailure,
        QuotaFailure, RequestInfo, ResourceInfo, RetryInfo,
    };
    use crate::message::well_known::Duration;

    /// google/rpc/error_details.proto: each of the ten standard messages comes back as it was.
    #[test]
    fn the_ten_standard_messages_come_back() {
        fn check<M: Message + PartialEq + std::fmt::Debug>(message: M) {
            let status = Status::aborted("x").with_details(Details::new().with(&message));
            assert_eq!(status.details().unwrap().get::<M>().unwrap(), Some(message));
        }
        let text = || String::from("text");
        check(ErrorInfo {
            reason: text(),
            metadata: [(text(), text())].into(),
            ..Default::default()
        });
        let retry_delay = Duration { seconds: 3, ..Default::default() }.into();
        check(RetryInfo { retry_delay, ..Default::default() });
        check(DebugInfo { stack_entries: vec![text()], detail: text(), ..Default::default() });
        let violation = rpc::quota_failure::Violation {
            quota_value: -1,
            future_quota_value: Some(0),
            ..Default::default()
        };
        check(QuotaFailure { violations: vec![violation], ..Default::default() });
        let violation =
            rpc::precondition_failure::Violation { r#type: text(), ..Default::default() };
        check(PreconditionFailure { violations: vec![violation], ..Default::default() });
        let localized = LocalizedMessage { locale: text(), message: text(), ..Default::default() };
        let violation = rpc::bad_request::FieldViolation {
            field: text(),
            localized_message: localized.clone().into(),
            ..Default::default()
        };
        check(BadRequest { field_violations: vec![violation], ..Default::default() });
        check(RequestInfo { request_id: text(), ..Default::default() });
        check(ResourceInfo { resource_name: text(), ..Default::default() });
        let link = rpc::help::Link { url: text(), ..Default::default() };
        check(Help { links: vec![link], ..Default::default() });
        check(localized);
    }

    /// The bytes of other implementations: field numbers and type URLs are those of google.rpc.
    #[test]
    fn the_bytes_are_those_of_google_rpc() {
        let info = ErrorInfo { reason: "R".into(), domain: "D".into(), ..Default::default() };
        let status = Status::not_found("m").with_details(Details::new().with(&info));
        let mut expected = b"\x08\x05\x12\x01m\x1a\x32\x0a\x28".to_vec();
        expected.extend_from_slice(b"type.googleapis.com/google.rpc.ErrorInfo");
        expected.extend_from_slice(b"\x12\x06\x0a\x01R\x12\x01D");
        assert_eq!(status.details_bytes(), expected);
    }

    /// A status whose details say another code keeps its own: `grpc-status` counts.
    #[test]
    fn the_code_of_the_status_counts() {
        let other = rpc::Status { code: 3, message: "other".into(), ..Default::default() };
        let status = Status::not_found("own").with_details_bytes(other.encode_to_vec());
        assert_eq!(status.to_string(), "NOT_FOUND: own");
        assert!(status.details().unwrap().is_empty());
        let whole = rpc::Status::try_from(&status).unwrap();
        assert_eq!((whole.code, &whole.message[..]), (5, "own"));
    }

    /// A status becomes a message and comes back; an unknown code is UNKNOWN, and bytes that are no
    /// google.rpc.Status are an error where they are read, not where they are carried.
    #[test]
    fn statuses_and_messages_convert() {
        let details = Details::new().with(&Help::default()).with(&RequestInfo::default());
        let status = Status::data_loss("gone").with_details(details);
        let whole = rpc::Status::try_from(&status).unwrap();
        assert_eq!(Status::from(whole), status);
        let strange = rpc::Status { code: 99, ..Default::default() };
        assert_eq!(Status::from(strange).code(), Code::Unknown);

        let broken = Status::internal("").with_details_bytes([0xff]);
        assert!(broken.details().is_err());
        assert!(rpc::Status::try_from(&broken).is_err());
        assert_eq!(broken.with_details(Details::new()).details_bytes(), b"");
    }
}
