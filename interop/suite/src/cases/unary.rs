//! One request, one response.

use std::time::{SystemTime, UNIX_EPOCH};

use rust_grpc::{Request, Response, Status};

use super::{Outcome, expect, expect_zeros, zeros};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::{Empty, Payload, SimpleRequest, SimpleResponse, TestServiceStub};

/// Bytes of the request of `large_unary`.
pub(super) const LARGE_REQUEST: usize = 271_828;
/// Bytes of its response.
pub(super) const LARGE_RESPONSE: i32 = 314_159;
/// Calls that are under way at once.
const CONCURRENT: usize = 1000;

pub(super) fn empty_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let response = stub.empty_call(Empty::default())?;
    expect("response", &response.into_inner(), &Empty::default())
}

pub(super) fn cacheable_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let body = since.as_nanos().to_string().into_bytes();
    let message = SimpleRequest {
        payload: Payload { body, ..Default::default() }.into(),
        ..Default::default()
    };
    let call =
        || stub.cacheable_unary_call(Request::new(&message).metadata("x-user-ip", "1.2.3.4"));
    let (first, second) = (call()?, call()?);
    // Only a proxy that keeps the first response makes the second one the same.
    let cached = first.metadata().get("x-cache").is_some();
    if cached {
        expect("second response", &second.payload.body, &first.payload.body)?;
    }
    expect("second response is empty", &second.payload.body.is_empty(), &false)
}

pub(super) fn large_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    check_large(&stub.unary_call(large_request())?)
}

pub(super) fn concurrent_large_unary(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let request = large_request();
    let calls = (0..CONCURRENT).map(|_| stub.unary_call_pending(&request));
    let calls = calls.collect::<Result<Vec<_>, Status>>()?;
    calls.into_iter().try_for_each(|call| check_large(&call.wait()?))
}

pub(super) fn large_request() -> SimpleRequest {
    SimpleRequest {
        response_size: LARGE_RESPONSE,
        payload: zeros(LARGE_REQUEST).into(),
        ..Default::default()
    }
}

pub(super) fn check_large(response: &Response<SimpleResponse>) -> Outcome {
    expect_zeros("response", &response.payload, LARGE_RESPONSE as usize)
}
