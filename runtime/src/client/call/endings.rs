//! What the end of a stream means for its call.

use super::Call;
use crate::client::attempts::{Attempts, too_late};
use crate::client::connector::CHANNEL_CLOSED;
use crate::grpc::headers::{self, ReceivedHead};
use crate::grpc::{Code, Metadata, Status};
use crate::http2::{Initiator, Reason};
use crate::transport::{CANCELLED, Incoming};

impl Call {
    /// The status that `ending` means if it is a failure of the server or of the network.
    pub(super) fn read_failure(&self, ending: &Incoming) -> Option<Status> {
        match self.is_final(ending) {
            true => None,
            false => read_ending(ending.clone(), &self.attempts).err(),
        }
    }

    /// Whether `ending` is the caller's own doing.
    pub(super) fn is_final(&self, ending: &Incoming) -> bool {
        match ending {
            Incoming::Reset { reason, by: Initiator::Local } => *reason == Reason::CANCEL,
            Incoming::Lost(_) => self.attempts.channel.is_closed(),
            _ => false,
        }
    }
}

/// Whether `ending` says that the server has surely not looked at the stream.
pub(super) fn is_refused(ending: &Incoming) -> bool {
    matches!(ending, Incoming::Reset { reason: Reason::REFUSED_STREAM, .. })
}

/// The outcome that the end of a stream means.
pub(super) fn read_ending(ending: Incoming, attempts: &Attempts) -> Result<Metadata, Status> {
    late_first(read(ending, attempts), attempts)
}

/// What `outcome`, which the server sent, means to a call that may be late: the server knows of the
/// deadline, and may cancel the call for it before our own clock looks.
pub(super) fn late_first(
    outcome: Result<Metadata, Status>,
    attempts: &Attempts,
) -> Result<Metadata, Status> {
    match outcome {
        Err(status) if status.code() == Code::Cancelled && attempts.head.is_late() => {
            Err(too_late("waiting for the server"))
        }
        outcome => outcome,
    }
}

fn read(ending: Incoming, attempts: &Attempts) -> Result<Metadata, Status> {
    let channel = &attempts.channel;
    let status = match ending {
        Incoming::Trailers(headers) => return headers::read_trailers(&headers),
        Incoming::Foreign { headers, body } => headers::read_foreign(&headers, &body),
        Incoming::Head { headers, end, .. } => {
            match headers::read_head(&headers, end, channel.encodings()) {
                ReceivedHead::Ended(outcome) => return outcome,
                ReceivedHead::Head(..) => {
                    Status::unknown("the server ended the call without trailers")
                }
            }
        }
        Incoming::End | Incoming::Message(..) | Incoming::Run => {
            Status::unknown("the server ended the call without trailers")
        }
        Incoming::Reset { reason, by: Initiator::Remote } => Status::from_reset(reason.0),
        Incoming::Reset { reason, by: Initiator::Local } if reason == Reason::REFUSED_STREAM => {
            Status::unavailable("the server shuts down and has not seen the call")
        }
        // What else resets the stream from here sets the outcome first, or finds the deadline passed.
        Incoming::Reset { reason: Reason::CANCEL, by: Initiator::Local } => {
            Status::cancelled(attempts.head.parents.cancelled().unwrap_or(CANCELLED))
        }
        Incoming::Reset { reason, by: Initiator::Local } => {
            Status::internal(format!("the server broke a rule of HTTP/2: {reason}"))
        }
        Incoming::Lost(_) if channel.is_closed() => Status::cancelled(CHANNEL_CLOSED),
        Incoming::Lost(cause) => {
            Status::unavailable(format!("connection to {} lost: {cause}", channel.target()))
        }
        Incoming::CutTrailers => too_large("trailing metadata"),
        Incoming::Invalid(error) => error.into(),
    };
    Err(status)
}

pub(super) fn too_large(what: &str) -> Status {
    Status::resource_exhausted(format!("received {what} over the limit of this client"))
}
