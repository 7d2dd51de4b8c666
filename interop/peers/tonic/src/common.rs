//! What the client and the server share: the generated code, the flags, the names of metadata.

use std::collections::HashMap;

tonic::include_proto!("grpc.testing");

pub const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
pub const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The flags `--name=value`, as every language's programs take them.
pub fn flags() -> Result<HashMap<String, String>, Failure> {
    std::env::args()
        .skip(1)
        .map(|word| match word.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("flag {word}: expected --name=value").into()),
        })
        .collect()
}

pub fn zeros(size: usize) -> Option<Payload> {
    Some(Payload { r#type: 0, body: vec![0; size] })
}
