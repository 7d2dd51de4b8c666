//! Statuses: of the server's choice, and those of what does not exist.

use rust_grpc::Code;

use super::{Outcome, expect, expect_status};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::{
    EchoStatus, Empty, SimpleRequest, StreamingOutputCallRequest, TestServiceStub,
    UnimplementedServiceStub,
};

const MESSAGE: &str = "test status message";
const SPECIAL_MESSAGE: &str =
    "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";

pub(super) fn status_code_and_message(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    unary(stub, MESSAGE)?;
    let mut stream = stub.full_duplex_call(())?;
    let response_status = unknown(MESSAGE).into();
    stream.send(StreamingOutputCallRequest { response_status, ..Default::default() })?;
    stream.close_send();
    let status = expect_status("stream", stream.recv(), Code::Unknown)?;
    expect("stream: message", &status.message(), &MESSAGE)
}

pub(super) fn special_status_message(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    unary(stub, SPECIAL_MESSAGE)
}

pub(super) fn unimplemented_method(stub: &TestServiceStub, _: &ClientOptions) -> Outcome {
    expect_status("the call", stub.unimplemented_call(Empty::default()), Code::Unimplemented)?;
    Ok(())
}

pub(super) fn unimplemented_service(_: &TestServiceStub, options: &ClientOptions) -> Outcome {
    let stub = UnimplementedServiceStub::new(options.channel()?);
    expect_status("the call", stub.unimplemented_call(Empty::default()), Code::Unimplemented)?;
    Ok(())
}

fn unary(stub: &TestServiceStub, message: &str) -> Outcome {
    let response_status = unknown(message).into();
    let request = SimpleRequest { response_status, ..Default::default() };
    let status = expect_status("unary", stub.unary_call(request), Code::Unknown)?;
    expect("unary: message", &status.message(), &message)
}

fn unknown(message: &str) -> EchoStatus {
    EchoStatus { code: 2, message: message.to_owned(), ..Default::default() }
}
