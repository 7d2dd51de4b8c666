//! Streams of requests, of responses, and both; their ends from either side.

use std::time::Duration;

use rust_grpc::{Code, Request};

use super::{Outcome, expect, expect_status, expect_zeros, zeros};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::{
    ResponseParameters, StreamingInputCallRequest, StreamingOutputCallRequest, TestServiceStub,
};

const REQUEST_SIZES: [usize; 4] = [27_182, 8, 1_828, 45_904];
const RESPONSE_SIZES: [i32; 4] = [31_415, 9, 2_653, 58_979];
/// Responses of slow_consumer.
const SLOW_RESPONSES: usize = 2000;
/// Bytes of each.
const SLOW_RESPONSE_SIZE: i32 = 1030;

pub(super) fn client_streaming(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let requests = REQUEST_SIZES.map(|size| StreamingInputCallRequest {
        payload: zeros(size).into(),
        ..Default::default()
    });
    let response = stub.streaming_input_call(())?.send_all(requests)?.finish()?;
    expect("aggregated_payload_size", &response.aggregated_payload_size, &74_922)
}

pub(super) fn server_streaming(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let request = StreamingOutputCallRequest {
        response_parameters: RESPONSE_SIZES.map(parameters).into(),
        ..Default::default()
    };
    let replies = stub.streaming_output_call(request)?.collect::<Result<Vec<_>, _>>()?;
    expect("responses", &replies.len(), &RESPONSE_SIZES.len())?;
    for (reply, size) in replies.iter().zip(RESPONSE_SIZES) {
        expect_zeros("response", &reply.payload, size as usize)?;
    }
    Ok(())
}

pub(super) fn ping_pong(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let mut stream = stub.full_duplex_call(())?;
    for (request_size, size) in REQUEST_SIZES.into_iter().zip(RESPONSE_SIZES) {
        stream.send(request(request_size, size))?;
        let reply = stream.recv()?.ok_or("the stream ended before its response")?;
        expect_zeros("response", &reply.payload, size as usize)?;
    }
    stream.close_send();
    expect("after the last response", &stream.recv()?, &None)
}

pub(super) fn half_duplex(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let mut stream = stub.half_duplex_call(())?;
    for size in RESPONSE_SIZES {
        stream.send(request(0, size))?;
    }
    stream.close_send();
    for size in RESPONSE_SIZES {
        let reply = stream.recv()?.ok_or("the stream ended before its responses")?;
        expect_zeros("response", &reply.payload, size as usize)?;
    }
    expect("after the last response", &stream.recv()?, &None)
}

pub(super) fn empty_stream(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let mut stream = stub.full_duplex_call(())?;
    stream.close_send();
    expect("response", &stream.recv()?, &None)
}

pub(super) fn slow_consumer(stub: &TestServiceStub, options: &ClientOptions) -> Outcome {
    let request = StreamingOutputCallRequest {
        response_parameters: vec![parameters(SLOW_RESPONSE_SIZE); SLOW_RESPONSES],
        ..Default::default()
    };
    let mut received = 0;
    for reply in stub.streaming_output_call(request)? {
        expect_zeros("response", &reply?.payload, SLOW_RESPONSE_SIZE as usize)?;
        received += 1;
        std::thread::sleep(Duration::from_millis(options.slow_consumer_delay_ms));
    }
    expect("responses", &received, &SLOW_RESPONSES)
}

pub(super) fn cancel_after_begin(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let sink = stub.streaming_input_call(())?;
    sink.canceller().cancel();
    expect_status("the call", sink.finish(), Code::Cancelled)?;
    Ok(())
}

pub(super) fn cancel_after_first_response(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let mut stream = stub.full_duplex_call(())?;
    stream.send(request(REQUEST_SIZES[0], RESPONSE_SIZES[0]))?;
    let reply = stream.recv()?.ok_or("the stream ended before its response")?;
    expect_zeros("response", &reply.payload, RESPONSE_SIZES[0] as usize)?;
    stream.cancel();
    expect_status("the call", stream.recv(), Code::Cancelled)?;
    Ok(())
}

pub(super) fn timeout_on_sleeping_server(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    // Nobody answers a request without parameters; the stream stays open.
    let begun = stub.full_duplex_call(Request::new(()).timeout(Duration::from_millis(1)));
    let result = begun.and_then(|mut stream| {
        // The call may be over before its request leaves; its status comes from receiving.
        let _ = stream.send(StreamingOutputCallRequest {
            payload: zeros(REQUEST_SIZES[0]).into(),
            ..Default::default()
        });
        stream.recv()
    });
    expect_status("the call", result, Code::DeadlineExceeded)?;
    Ok(())
}

fn request(request_size: usize, size: i32) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest {
        response_parameters: vec![parameters(size)],
        payload: zeros(request_size).into(),
        ..Default::default()
    }
}

fn parameters(size: i32) -> ResponseParameters {
    ResponseParameters { size, ..Default::default() }
}
