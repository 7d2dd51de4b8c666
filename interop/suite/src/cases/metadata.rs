//! Metadata of the client's choice, text and bytes, before and behind the response.

use rust_grpc::{Metadata, Request};

use super::unary::{check_large, large_request};
use super::{Outcome, expect};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::{
    ResponseParameters, StreamingOutputCallRequest, TestServiceStub,
};
use crate::service::{ECHO_INITIAL, ECHO_TRAILING};

const INITIAL: &str = "test_initial_metadata_value";
const TRAILING: &[u8] = b"\xab\xab\xab";

pub(super) fn custom_metadata(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    let request = Request::new(large_request())
        .metadata(ECHO_INITIAL, INITIAL)
        .metadata_bin(ECHO_TRAILING, TRAILING);
    let response = stub.unary_call(request)?;
    check_large(&response)?;
    check("unary", response.metadata(), response.trailing_metadata())?;

    let request =
        Request::new(()).metadata(ECHO_INITIAL, INITIAL).metadata_bin(ECHO_TRAILING, TRAILING);
    let mut stream = stub.full_duplex_call(request)?;
    let parameters = ResponseParameters { size: 314_159, ..Default::default() };
    stream.send(StreamingOutputCallRequest {
        response_parameters: vec![parameters],
        payload: super::zeros(271_828).into(),
        ..Default::default()
    })?;
    stream.close_send();
    while stream.recv()?.is_some() {}
    let initial = stream.metadata()?.clone();
    let trailing = stream.trailing_metadata().ok_or("the stream has ended, without trailers")?;
    check("stream", &initial, trailing)
}

fn check(what: &str, initial: &Metadata, trailing: &Metadata) -> Outcome {
    expect(&format!("{what}: {ECHO_INITIAL}"), &initial.get(ECHO_INITIAL), &Some(INITIAL))?;
    expect(&format!("{what}: {ECHO_TRAILING}"), &trailing.get_bin(ECHO_TRAILING), &Some(TRAILING))
}
