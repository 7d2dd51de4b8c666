//! Receiving the one reply of a call, for every kind that has exactly one.

use super::call::{Step, Wait};
use super::handle::Handle;
use super::response::Response;
use crate::grpc::{Codec, Metadata, Status, codec};

/// What has come so far of a response with one message.
#[derive(Debug, Default)]
pub(crate) struct SingleReply {
    metadata: Metadata,
    payload: Option<Vec<u8>>,
}

impl SingleReply {
    /// Waits for the rest of the response; `None` if it has not come so far.
    pub(crate) fn advance<T>(
        &mut self,
        call: &Handle,
        codec: &dyn Codec<T>,
        wait: Wait,
    ) -> Option<Result<Response<T>, Status>> {
        loop {
            if self.take(call.next(wait)?, call) {
                let outcome = call.outcome().cloned().unwrap_or_else(|| Ok(Metadata::new()));
                return Some(self.response(outcome, call, codec));
            }
        }
    }

    /// Takes what has come; says whether that was all.
    fn take(&mut self, step: Step, call: &Handle) -> bool {
        match step {
            Step::Head(metadata) => self.metadata = metadata,
            Step::Message(payload) if self.payload.is_none() => self.payload = Some(payload),
            Step::Message(_) => {
                call.fail(Status::internal("expected one reply message, got more"));
            }
            // Nobody has given one.
            Step::Run => {}
            Step::Ended => return true,
        }
        false
    }

    /// Waits for the whole response of a call that nobody else has, nor will have.
    pub(crate) fn wait_alone<T>(
        mut self,
        call: &mut Handle,
        codec: &dyn Codec<T>,
    ) -> Result<Response<T>, Status> {
        match self.wait_for_outcome(call) {
            Some(outcome) => self.response(outcome, call, codec),
            None => self.wait(call, codec),
        }
    }

    /// Takes the whole response, if it is one like most; returns how the call ended.
    fn wait_for_outcome(&mut self, call: &mut Handle) -> Option<Result<Metadata, Status>> {
        let Handle::Wire(call) = call else { return None };
        call.wait_for_reply(|step| match step {
            Step::Head(metadata) => self.metadata = metadata,
            Step::Message(payload) => self.payload = Some(payload),
            Step::Run | Step::Ended => {}
        })
    }

    /// Waits for the rest of the response.
    pub(crate) fn wait<T>(
        mut self,
        call: &Handle,
        codec: &dyn Codec<T>,
    ) -> Result<Response<T>, Status> {
        self.advance(call, codec, Wait::AsLongAsItTakes)
            .unwrap_or_else(|| Err(Status::internal("a wait without end has ended")))
    }

    fn response<T>(
        &mut self,
        outcome: Result<Metadata, Status>,
        call: &Handle,
        codec: &dyn Codec<T>,
    ) -> Result<Response<T>, Status> {
        let metadata = std::mem::take(&mut self.metadata);
        let trailing_metadata = match outcome {
            Ok(metadata) => metadata,
            Err(status) => return Err(status.with_initial_metadata(metadata)),
        };
        let Some(payload) = self.payload.take() else {
            return Err(Status::internal("expected one reply message, got none"));
        };
        let message = codec::read(codec, payload)?;
        let response = Response::new(message, metadata, trailing_metadata);
        Ok(response.compressed(call.is_reply_compressed()))
    }
}
