//! The testee of protobuf's conformance runner: requests on standard input, responses on standard
//! output, each behind its length in four bytes, the lowest first. The end of input ends it.

use std::io::{self, Read, Write};

use rust_grpc::Message;
use rust_grpc::message::{
    DecodeOptions, DescriptorPool, Json, JsonParseOptions, JsonPrintOptions, Text,
    TextParseOptions, TextPrintOptions,
};

use self::proto::conformance::conformance_request::Payload;
use self::proto::conformance::conformance_response::Result as Answer;
use self::proto::conformance::{ConformanceRequest, ConformanceResponse, TestCategory, WireFormat};
use self::proto::protobuf_test_messages::editions::proto2 as editions_proto2;
use self::proto::protobuf_test_messages::editions::proto3 as editions_proto3;
use self::proto::protobuf_test_messages::{editions, proto2, proto3};

mod proto {
    rust_grpc::include_protos!();
}

fn main() -> io::Result<()> {
    let mut pool = DescriptorPool::new();
    let added = pool
        .add::<proto2::TestAllTypesProto2>()
        .and_then(|()| pool.add::<proto3::TestAllTypesProto3>())
        .and_then(|()| pool.add::<editions::TestAllTypesEdition2023>())
        .and_then(|()| pool.add::<editions_proto2::TestAllTypesProto2>())
        .and_then(|()| pool.add::<editions_proto3::TestAllTypesProto3>());
    added.map_err(io::Error::other)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(request) = read(&mut input)? {
        let answer = match ConformanceRequest::decode(&request) {
            Ok(request) => dispatch(&request, &pool),
            Err(error) => Answer::RuntimeError(error.to_string()),
        };
        let response = ConformanceResponse { result: Some(answer), ..Default::default() };
        let bytes = response.encode_to_vec();
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        output.write_all(&length.to_le_bytes())?;
        output.write_all(&bytes)?;
        output.flush()?;
    }
    Ok(())
}

fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let mut request = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut request)?;
    Ok(Some(request))
}

fn dispatch(request: &ConformanceRequest, pool: &DescriptorPool) -> Answer {
    match request.message_type.as_str() {
        proto2::TestAllTypesProto2::FULL_NAME => {
            answer::<proto2::TestAllTypesProto2>(request, pool)
        }
        proto3::TestAllTypesProto3::FULL_NAME => {
            answer::<proto3::TestAllTypesProto3>(request, pool)
        }
        editions::TestAllTypesEdition2023::FULL_NAME => {
            answer::<editions::TestAllTypesEdition2023>(request, pool)
        }
        editions_proto2::TestAllTypesProto2::FULL_NAME => {
            answer::<editions_proto2::TestAllTypesProto2>(request, pool)
        }
        editions_proto3::TestAllTypesProto3::FULL_NAME => {
            answer::<editions_proto3::TestAllTypesProto3>(request, pool)
        }
        other => Answer::RuntimeError(format!("no message {other} was generated")),
    }
}

fn answer<M: Json + Text>(request: &ConformanceRequest, pool: &DescriptorPool) -> Answer {
    match parse::<M>(request, pool) {
        Ok(message) => print(&message, request, pool),
        Err(answer) => answer,
    }
}

fn parse<M: Json + Text>(request: &ConformanceRequest, pool: &DescriptorPool) -> Result<M, Answer> {
    match &request.payload {
        Some(Payload::ProtobufPayload(bytes)) => {
            let options = DecodeOptions::new().pool(pool);
            M::decode_with(bytes, &options).map_err(|error| Answer::ParseError(error.to_string()))
        }
        Some(Payload::JsonPayload(text)) => {
            let mut options = JsonParseOptions::new().pool(pool);
            if request.test_category == TestCategory::JsonIgnoreUnknownParsingTest {
                options = options.ignore_unknown();
            }
            M::from_json_with(text, &options).map_err(|error| Answer::ParseError(error.to_string()))
        }
        Some(Payload::TextPayload(text)) => {
            let options = TextParseOptions::new().pool(pool);
            M::from_text_with(text, &options).map_err(|error| Answer::ParseError(error.to_string()))
        }
        Some(Payload::JspbPayload(_)) | None => {
            Err(Answer::RuntimeError("expected a payload of binary, JSON or text".to_owned()))
        }
    }
}

fn print<M: Json + Text>(
    message: &M,
    request: &ConformanceRequest,
    pool: &DescriptorPool,
) -> Answer {
    match request.requested_output_format {
        WireFormat::Protobuf => Answer::ProtobufPayload(message.encode_to_vec()),
        WireFormat::Json => match message.to_json_with(&JsonPrintOptions::new().pool(pool)) {
            Ok(text) => Answer::JsonPayload(text),
            Err(error) => Answer::SerializeError(error.to_string()),
        },
        WireFormat::TextFormat => {
            let options = TextPrintOptions::new().pool(pool);
            let options =
                if request.print_unknown_fields { options.unknown_fields() } else { options };
            Answer::TextPayload(message.to_text_with(&options))
        }
        other => Answer::RuntimeError(format!("expected an output format, found {other:?}")),
    }
}
