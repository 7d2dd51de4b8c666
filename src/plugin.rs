//! protoc's plugin protocol: request bytes in, response bytes out.
//!
//! plugin.proto's error rule: what is wrong with the user's .proto or options goes into
//! `response.error`; only a request that nobody can read is an error of [`run`].

use protobuf::Message;
use protobuf::plugin::code_generator_response::{Feature, File};
use protobuf::plugin::{CodeGeneratorRequest, CodeGeneratorResponse};

use crate::Error;
use crate::emit::{self, GeneratedFile};
use crate::options::Options;
use crate::raw::RawFiles;
use crate::schema::{self, Edition};
use crate::user_error::UserError;

/// Answers a `CodeGeneratorRequest`; the same request always gets the same bytes.
pub(crate) fn run(request: &[u8]) -> Result<Vec<u8>, Error> {
    let raw = RawFiles::of_request(request);
    let request = CodeGeneratorRequest::parse_from_bytes(request).map_err(|error| {
        Error::new(format!("expected a CodeGeneratorRequest on stdin: {error}"))
    })?;
    // protoc has left these options out already; buf leaves those in that lie within others.
    let raw = raw.without_source_options(&request.proto_file);
    let generated =
        Options::parse(request.parameter()).and_then(|options| generate(&request, &raw, &options));
    let mut response = CodeGeneratorResponse::new();
    match generated {
        Ok(files) => response.file = files.into_iter().map(response_file).collect(),
        Err(error) => response.set_error(error.to_string()),
    }
    response.set_supported_features(Feature::FEATURE_PROTO3_OPTIONAL as u64 | SUPPORTS_EDITIONS);
    let mut bytes = response
        .write_to_bytes()
        .map_err(|error| Error::new(format!("the answer to protoc cannot be encoded: {error}")))?;
    // The descriptor crate is older than these two fields, and keeps unknown ones in no order.
    write_varint_field(&mut bytes, MINIMUM_EDITION, Edition::PROTO2);
    write_varint_field(&mut bytes, MAXIMUM_EDITION, Edition::MAX);
    Ok(bytes)
}

/// Generates the files of a request, sorted by name; its own parameter is not looked at.
pub(crate) fn generate(
    request: &CodeGeneratorRequest,
    raw: &RawFiles,
    options: &Options,
) -> Result<Vec<GeneratedFile>, UserError> {
    let schema = schema::build(request, raw, options)?;
    Ok(emit::print(&schema))
}

fn response_file(generated: GeneratedFile) -> File {
    let mut file = File::new();
    file.set_name(generated.name);
    file.set_content(generated.content);
    file
}

fn write_varint_field(bytes: &mut Vec<u8>, number: u8, Edition(mut value): Edition) {
    bytes.push(number << 3);
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// `FEATURE_SUPPORTS_EDITIONS` of plugin.proto. Files of editions are then handed to the plugin,
/// which can say by itself why it refuses one.
const SUPPORTS_EDITIONS: u64 = 2;

// Field numbers of `CodeGeneratorResponse`.
const MINIMUM_EDITION: u8 = 3;
const MAXIMUM_EDITION: u8 = 4;
