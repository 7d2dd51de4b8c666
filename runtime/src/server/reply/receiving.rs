//! The requests of a call, as they come.

use std::time::Instant;

use super::{Reply, Wait};
use crate::grpc::{NextReceive, Received, Status};
use crate::transport::{Incoming, Run};

impl Reply {
    /// Receives the payload of the next request.
    ///
    /// # Errors
    ///
    /// Why none follows, but for the end that the client meant.
    pub(crate) fn receive(&self, wait: Wait) -> Result<Received<Vec<u8>>, Status> {
        match self.interceptors() {
            [] => self.receive_payload(wait),
            interceptors => {
                let mut wire = || self.receive_payload(wait);
                NextReceive::new(interceptors, &mut wire).receive()
            }
        }
    }

    /// As [`Reply::receive`], but takes all requests that have come into `run`, which must be empty, if
    /// there are several small ones, and then returns `None`. Behind interceptors they come one by one.
    ///
    /// # Errors
    ///
    /// As [`Reply::receive`].
    pub(crate) fn receive_run(
        &self,
        wait: Wait,
        run: &mut Run,
    ) -> Result<Option<Received<Vec<u8>>>, Status> {
        if !self.interceptors().is_empty() {
            return self.receive(wait).map(Some);
        }
        let incoming = match self.until(wait) {
            Some(until) => self.stream.receive_run(run, until).ok(),
            None => self.stream.try_receive_run(run),
        };
        match incoming {
            Some(Incoming::Run) => Ok(None),
            incoming => self.received(incoming, wait).map(Some),
        }
    }

    /// The payload of the only request of a call, if the request has come whole; otherwise it is to be
    /// received like any other.
    ///
    /// # Errors
    ///
    /// As [`Reply::receive`].
    pub(crate) fn take_only(&self) -> Result<Option<Vec<u8>>, Status> {
        if !self.interceptors().is_empty() {
            return Ok(None);
        }
        let Some(message) = self.stream.take_only() else { return Ok(None) };
        match self.payload(message)? {
            Received::Message(payload) => Ok(Some(payload)),
            Received::End | Received::NotYet => Ok(None),
        }
    }

    fn receive_payload(&self, wait: Wait) -> Result<Received<Vec<u8>>, Status> {
        let incoming = match self.until(wait) {
            Some(until) => self.stream.receive(until).ok(),
            None => self.stream.try_receive(),
        };
        self.received(incoming, wait)
    }

    /// Until when to wait, if at all.
    fn until(&self, wait: Wait) -> Option<Option<Instant>> {
        match wait {
            Wait::AsLongAsItTakes => Some(self.deadline()),
            Wait::Until(until) => Some([until, self.deadline()].into_iter().flatten().min()),
            Wait::NotAtAll => None,
        }
    }

    pub(super) fn received(
        &self,
        incoming: Option<Incoming>,
        wait: Wait,
    ) -> Result<Received<Vec<u8>>, Status> {
        match (incoming, wait) {
            (Some(incoming), _) => self.payload(incoming),
            (None, Wait::AsLongAsItTakes) => Err(self.over()),
            (None, Wait::Until(_)) if self.is_late() => Err(self.over()),
            (None, Wait::Until(_) | Wait::NotAtAll) => Ok(Received::NotYet),
        }
    }

    /// The payload of a request of a run, if it has to be decompressed.
    ///
    /// # Errors
    ///
    /// Why that cannot be done.
    pub(crate) fn unpack(
        &self,
        payload: &[u8],
        is_compressed: bool,
    ) -> Result<Option<Vec<u8>>, Status> {
        self.terms.compressing.unpack(payload, is_compressed, self.terms.receive_limit)
    }

    /// What came from the client: the payload of a request, or the end of them.
    pub(super) fn payload(&self, incoming: Incoming) -> Result<Received<Vec<u8>>, Status> {
        match incoming {
            Incoming::Message(payload, is_compressed) => {
                let limit = self.terms.receive_limit;
                self.terms.compressing.read(payload, is_compressed, limit).map(Received::Message)
            }
            // gRPC has no request trailers; what a client sends there ends its stream all the same.
            Incoming::End | Incoming::Trailers(_) | Incoming::CutTrailers => Ok(Received::End),
            Incoming::Invalid(error) => Err(error.into()),
            Incoming::Reset { .. } | Incoming::Lost(_) if self.is_late() => Err(self.over()),
            Incoming::Reset { reason, .. } => Err(Status::from_reset(reason.0)),
            Incoming::Lost(cause) => {
                Err(Status::cancelled(format!("the connection to the client was lost: {cause}")))
            }
            Incoming::Head { .. } | Incoming::Foreign { .. } | Incoming::Run => {
                Err(Status::internal("received a second head of a request"))
            }
        }
    }
}
