//! Generated code compiles and runs without any feature of the runtime: messages, their extensions and
//! services, also where it asks for JSON, the text format and descriptors, as it does unless told
//! otherwise. The cases are golden files; `make clippy` compiles them with each feature and with none.

#![deny(warnings)]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../../golden/deprecated/mod.rs"]
mod deprecated;
#[path = "../../golden/editions/mod.rs"]
mod editions;
#[path = "../../golden/enums/mod.rs"]
mod enums;
#[path = "../../golden/extensions_editions/mod.rs"]
mod extensions_editions;
#[path = "../../golden/hello/mod.rs"]
mod hello;
#[path = "../../golden/imports/mod.rs"]
mod imports;
#[path = "../../golden/json_only/mod.rs"]
mod json_only;
#[path = "../../golden/maps/mod.rs"]
mod maps;
#[path = "../../golden/oneofs/mod.rs"]
mod oneofs;
#[path = "../../golden/proto2/mod.rs"]
mod proto2;
#[path = "../../golden/recursion/mod.rs"]
mod recursion;
#[path = "../../golden/redact/mod.rs"]
mod redact;
#[path = "../../golden/services/mod.rs"]
mod services;
#[path = "../../golden/text_only/mod.rs"]
mod text_only;
#[path = "../../golden/well_known/mod.rs"]
mod well_known;

use rust_grpc::message::Described;
use rust_grpc::{Extendable, Message};

use extensions_editions::extensions_editions::{EXPANDED, Host, TEXT};
use redact::redact::{Login, Proof, proof};

/// Extensions are bytes and constants: no descriptor is needed for them.
#[test]
fn extensions_need_no_reflection() {
    let mut host = Host::default();
    host.set_extension(&TEXT, "hello");
    host.set_extension(&EXPANDED, [1, 2]);
    let received = Host::decode(&host.encode_to_vec()).unwrap();
    assert_eq!(received.extension(&TEXT).unwrap(), "hello");
    assert_eq!(received.extension(&EXPANDED).unwrap(), [1, 2]);
}

/// descriptor.proto: fields with `debug_redact` do not show in `Debug`, which is no reflection.
#[test]
fn what_is_redacted_needs_no_reflection() {
    let kind = |kind| Proof { kind: Some(kind), ..Default::default() };
    let shown = format!("{:?}", kind(proof::Kind::None(true)));
    assert_eq!(shown, "Proof { kind: Some(None(true)), unknown: {} }");
    let shown = format!("{:?}", Login { password: "42".into(), ..Default::default() });
    assert!(shown.contains("password: [REDACTED]") && !shown.contains("42"), "{shown}");
}

/// Types know the descriptor of their file as bytes, whoever reads them.
#[test]
fn descriptors_are_there_as_bytes() {
    let bytes = hello::hello::HelloRequest::file().bytes();
    assert!(bytes.windows(12).any(|window| window == b"HelloRequest"));
}
