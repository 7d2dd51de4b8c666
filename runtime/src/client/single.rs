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
            match call.next(wait)? {
                Step::Head(metadata) => self.metadata = metadata,
                Step::Message(payload) if self.payload.is_none() => self.payload = Some(payload),
                Step::Message(_) => {
                    call.fail(Status::internal("expected one reply message, got more"));
                }
                // Nobody has given one.
                Step::Run => {}
                Step::Ended => return Some(self.response(call, codec)),
            }
        }
    }

    /// Waits for the whole response.
    pub(crate) fn wait<T>(
        mut self,
        call: &Handle,
        codec: &dyn Codec<T>,
    ) -> Result<Response<T>, Status> {
        self.advance(call, codec, Wait::AsLongAsItTakes)
            .unwrap_or_else(|| Err(Status::internal("a wait without end has ended")))
    }

    fn response<T>(&mut self, call: &Handle, codec: &dyn Codec<T>) -> Result<Response<T>, Status> {
        let trailing_metadata = match call.outcome() {
            Some(Ok(metadata)) => metadata.clone(),
            Some(Err(status)) => {
                let metadata = std::mem::take(&mut self.metadata);
                return Err(status.clone().with_initial_metadata(metadata));
            }
            None => Metadata::new(),
        };
        let Some(payload) = self.payload.take() else {
            return Err(Status::internal("expected one reply message, got none"));
        };
        let message = codec::read(codec, payload)?;
        let response =
            Response::new(message, std::mem::take(&mut self.metadata), trailing_metadata);
        Ok(response.compressed(call.is_reply_compressed()))
    }
}
