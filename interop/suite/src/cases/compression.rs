//! Compression of single messages, chosen by either side and seen by the other.

use rust_grpc::{Code, Compression, Request, Response};

use super::unary::{LARGE_REQUEST, LARGE_RESPONSE};
use super::{Outcome, expect, expect_status, expect_zeros, zeros};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::{
    BoolValue, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest, TestServiceStub,
};

pub(super) fn client_compressed_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let request = |expected| SimpleRequest {
        expect_compressed: flag(expected).into(),
        response_size: LARGE_RESPONSE,
        payload: zeros(LARGE_REQUEST).into(),
        ..Default::default()
    };
    expect_status("the probe", stub.unary_call(request(true)), Code::InvalidArgument)?;
    let compressed = Request::new(request(true)).compression(Compression::Gzip);
    for request in [compressed, Request::new(request(false))] {
        let response = stub.unary_call(request)?;
        expect_zeros("response", &response.payload, LARGE_RESPONSE as usize)?;
    }
    Ok(())
}

pub(super) fn server_compressed_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    for compressed in [true, false] {
        let response = stub.unary_call(SimpleRequest {
            response_compressed: flag(compressed).into(),
            response_size: LARGE_RESPONSE,
            payload: zeros(LARGE_REQUEST).into(),
            ..Default::default()
        })?;
        expect("response is compressed", &Response::is_compressed(&response), &compressed)?;
        expect_zeros("response", &response.payload, LARGE_RESPONSE as usize)?;
    }
    Ok(())
}

pub(super) fn client_compressed_streaming(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let request = |expected, size| StreamingInputCallRequest {
        expect_compressed: flag(expected).into(),
        payload: zeros(size).into(),
        ..Default::default()
    };
    let mut probe = stub.streaming_input_call(())?;
    // The server may have refused it before it is sent; finishing says how.
    let _ = probe.send(request(true, 27_182));
    expect_status("the probe", probe.finish(), Code::InvalidArgument)?;

    let mut requests =
        stub.streaming_input_call(Request::new(()).compression(Compression::Gzip))?;
    requests.send(request(true, 27_182))?;
    requests.disable_next_message_compression();
    requests.send(request(false, 45_904))?;
    let response = requests.finish()?;
    expect("aggregated_payload_size", &response.aggregated_payload_size, &73_086)
}

pub(super) fn server_compressed_streaming(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    const RESPONSES: [(bool, i32); 2] = [(true, 31_415), (false, 92_653)];
    let parameters = RESPONSES.map(|(compressed, size)| ResponseParameters {
        size,
        compressed: flag(compressed).into(),
        ..Default::default()
    });
    let mut replies = stub.streaming_output_call(StreamingOutputCallRequest {
        response_parameters: parameters.into(),
        ..Default::default()
    })?;
    for (compressed, size) in RESPONSES {
        let reply = replies.recv()?.ok_or("the stream ended before its responses")?;
        expect("response is compressed", &replies.is_compressed(), &compressed)?;
        expect_zeros("response", &reply.payload, size as usize)?;
    }
    expect("behind the last response", &replies.recv()?, &None)
}

fn flag(value: bool) -> BoolValue {
    BoolValue { value, ..Default::default() }
}
