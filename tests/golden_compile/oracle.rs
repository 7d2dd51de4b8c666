//! An independent judge: protoc itself, which reads a message to text format and writes it back.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use protobuf::Message as _;
use protobuf::plugin::CodeGeneratorRequest;
use rust_grpc::Message;
use rust_grpc::message::Text;

/// Encodes `message`, lets protoc read and write it, and reads that again: nothing may be unknown
/// to protoc, and nothing may be lost. Each reads the other's text, too. Gives protoc's text.
#[track_caller]
pub(crate) fn check<M: Message + Text>(case: &str, message: &M) -> String {
    let bytes = message.encode_to_vec();
    assert_eq!(&M::decode(&bytes).unwrap(), message, "our own round trip");
    let text = protoc(case, &format!("--decode={}", M::FULL_NAME), &bytes);
    let text = String::from_utf8(text).unwrap();
    let is_unknown = |line: &str| line.trim_start().starts_with(|first: char| first.is_numeric());
    assert!(!text.lines().any(is_unknown), "unknown to protoc: {text}");
    let back = protoc(case, &format!("--encode={}", M::FULL_NAME), text.as_bytes());
    assert_eq!(&M::decode(&back).unwrap(), message, "through protoc: {text}");
    assert_eq!(&M::from_text(&text).unwrap(), message, "protoc's text: {text}");
    let ours = message.to_text();
    let back = protoc(case, &format!("--encode={}", M::FULL_NAME), ours.as_bytes());
    assert_eq!(&M::decode(&back).unwrap(), message, "our text through protoc: {ours}");
    text
}

fn protoc(case: &str, verb: &str, input: &[u8]) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(case);
    let request = std::fs::read(folder.join("request.binpb")).unwrap();
    let request = CodeGeneratorRequest::parse_from_bytes(&request).unwrap();
    let mut protoc = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap());
    protoc.arg(verb).arg("-I").arg(&folder).args(&request.file_to_generate);
    if folder.join("imports").exists() {
        protoc.arg("-I").arg(folder.join("imports"));
    }
    protoc.arg("-I").arg(protoc_bin_vendored::include_path().unwrap());
    protoc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = protoc.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {verb}: {error}");
    output.stdout
}
