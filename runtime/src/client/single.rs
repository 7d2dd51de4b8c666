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
                return Some(self.response(call, codec));
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

    /// Waits for the whole response of a call that nobody else has.
    pub(crate) fn wait_alone<T>(
        mut self,
        call: &mut Handle,
        codec: &dyn Codec<T>,
    ) -> Result<Response<T>, Status> {
        let reply = match call {
            Handle::Wire(call) => call.wait_for_reply(),
            Handle::Intercepted(_) | Handle::Answered(_) => None,
        };
        if let (Some(reply), Handle::Wire(call_on_wire)) = (reply, &*call) {
            let mut is_over = false;
            call_on_wire.take_reply(reply, |step| is_over = self.take(step, call));
            if is_over {
                return self.response(call, codec);
            }
        }
        self.wait(call, codec)
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
