//! The service that the cases call.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rust_grpc::{Code, Compression, Context, Metadata, ReplySink, RequestStream, Status};

use crate::proto::grpc::testing::{
    BoolValue, EchoStatus, Empty, Payload, PayloadType, ResponseParameters, SimpleRequest,
    SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse, TestService,
};

/// The metadata that comes back before the response.
pub const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
/// The metadata that comes back behind the response.
pub const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// Serves `grpc.testing.TestService`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InteropService;

impl TestService for InteropService {
    fn empty_call(&self, _: Empty, context: &mut Context) -> Result<Empty, Status> {
        echo_metadata(context)?;
        Ok(Empty::default())
    }

    fn unary_call(
        &self,
        request: SimpleRequest,
        context: &mut Context,
    ) -> Result<SimpleResponse, Status> {
        echo_metadata(context)?;
        check_compressed(request.expect_compressed.as_ref(), context)?;
        echo_status(request.response_status.as_ref())?;
        if request.response_compressed.value {
            context.set_compression(Compression::Gzip)?;
        }
        let payload = payload(request.response_type, request.response_size)?;
        Ok(SimpleResponse { payload: payload.into(), ..Default::default() })
    }

    fn cacheable_unary_call(
        &self,
        _: SimpleRequest,
        context: &mut Context,
    ) -> Result<SimpleResponse, Status> {
        let mut metadata = Metadata::new();
        metadata.insert("cache-control", "max-age=60, public")?;
        context.send_initial_metadata(&metadata)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let body = since.as_nanos().to_string().into_bytes();
        Ok(SimpleResponse {
            payload: Payload { body, ..Default::default() }.into(),
            ..Default::default()
        })
    }

    fn streaming_output_call(
        &self,
        request: StreamingOutputCallRequest,
        replies: &mut ReplySink<StreamingOutputCallResponse>,
        context: &mut Context,
    ) -> Result<(), Status> {
        echo_metadata(context)?;
        if request.response_parameters.iter().any(|parameters| parameters.compressed.value) {
            context.set_compression(Compression::Gzip)?;
        }
        answer(&request, replies, context)
    }

    fn streaming_input_call(
        &self,
        requests: &mut RequestStream<StreamingInputCallRequest>,
        context: &mut Context,
    ) -> Result<StreamingInputCallResponse, Status> {
        echo_metadata(context)?;
        let mut size = 0;
        for request in requests {
            let request = request?;
            check_compressed(request.expect_compressed.as_ref(), context)?;
            size += request.payload.body.len();
        }
        let aggregated_payload_size = i32::try_from(size)
            .map_err(|_| Status::out_of_range(format!("{size} bytes of payload: over 2^31")))?;
        Ok(StreamingInputCallResponse { aggregated_payload_size, ..Default::default() })
    }

    fn full_duplex_call(
        &self,
        requests: &mut RequestStream<StreamingOutputCallRequest>,
        replies: &mut ReplySink<StreamingOutputCallResponse>,
        context: &mut Context,
    ) -> Result<(), Status> {
        echo_metadata(context)?;
        for request in requests {
            answer(&request?, replies, context)?;
        }
        Ok(())
    }

    fn half_duplex_call(
        &self,
        requests: &mut RequestStream<StreamingOutputCallRequest>,
        replies: &mut ReplySink<StreamingOutputCallResponse>,
        context: &mut Context,
    ) -> Result<(), Status> {
        echo_metadata(context)?;
        let requests = requests.collect::<Result<Vec<_>, _>>()?;
        requests.iter().try_for_each(|request| answer(request, replies, context))
    }
}

/// Sends the responses that a request asks for.
fn answer(
    request: &StreamingOutputCallRequest,
    replies: &mut ReplySink<StreamingOutputCallResponse>,
    context: &Context,
) -> Result<(), Status> {
    echo_status(request.response_status.as_ref())?;
    for ResponseParameters { size, interval_us, compressed, .. } in &request.response_parameters {
        let interval = Duration::from_micros(u64::try_from(*interval_us).unwrap_or_default());
        if !interval.is_zero() && context.wait_cancelled(interval) {
            return Err(Status::cancelled("the client is gone"));
        }
        if !compressed.value {
            replies.disable_next_message_compression();
        }
        let payload = payload(request.response_type, *size)?.into();
        replies.send(StreamingOutputCallResponse { payload, ..Default::default() })?;
    }
    Ok(())
}

fn payload(kind: PayloadType, size: i32) -> Result<Payload, Status> {
    if kind != PayloadType::Compressable {
        let message = format!("payload type {}: expected COMPRESSABLE", kind.0);
        return Err(Status::invalid_argument(message));
    }
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_argument(format!("{size} bytes: expected 0 or more")))?;
    Ok(Payload { r#type: kind, body: vec![0; size], ..Default::default() })
}

/// Refuses a request that is not compressed as it says it is.
fn check_compressed(expected: Option<&BoolValue>, context: &Context) -> Result<(), Status> {
    let is = |compressed| if compressed { "a compressed request" } else { "an uncompressed one" };
    let got = context.is_request_compressed();
    match expected {
        Some(expected) if expected.value != got => Err(Status::invalid_argument(format!(
            "expected {}, got {}",
            is(expected.value),
            is(got)
        ))),
        _ => Ok(()),
    }
}

fn echo_status(wanted: Option<&EchoStatus>) -> Result<(), Status> {
    match wanted {
        Some(wanted) if wanted.code != 0 => {
            Err(Status::new(Code::from_number(wanted.code), wanted.message.clone()))
        }
        _ => Ok(()),
    }
}

fn echo_metadata(context: &mut Context) -> Result<(), Status> {
    if let Some(value) = context.metadata().get(ECHO_INITIAL) {
        let mut initial = Metadata::new();
        initial.insert(ECHO_INITIAL, value)?;
        context.send_initial_metadata(&initial)?;
    }
    if let Some(value) = context.metadata().get_bin(ECHO_TRAILING) {
        let value = value.to_vec();
        context.trailing_metadata_mut().insert_bin(ECHO_TRAILING, value)?;
    }
    Ok(())
}
