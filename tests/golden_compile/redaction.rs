//! `debug_redact`: what generated messages do not show.

use std::collections::HashMap;

use rust_grpc::Message;
use rust_grpc::message::{DescriptorPool, DynamicMessage, TextPrintOptions};

use crate::redact::redact::{Login, Proof, login, proof};
use crate::redact_no_descriptor;

#[allow(deprecated, reason = "the field is part of the case")]
fn login() -> Login {
    Login {
        user: "ada".into(),
        password: "secret".into(),
        r#type: vec!["secret".into()],
        tokens: HashMap::from([("secret".into(), "secret".into())]),
        pin: Some(42),
        shown: Box::new(Proof { kind: Some(proof::Kind::None(true)), ..Default::default() }).into(),
        method: Some(login::Method::Key(b"secret".to_vec())),
        ..Default::default()
    }
}

/// descriptor.proto: fields with `debug_redact` do not show in `Debug`, and others as they do.
#[test]
fn debug_hides_redacted_fields() {
    let shown = "Login { user: \"ada\", password: [REDACTED], type: [REDACTED], \
                 tokens: [REDACTED], pin: [REDACTED], parent: None, \
                 shown: Some(Proof { kind: Some(None(true)), unknown: {} }), \
                 method: Some(Key([REDACTED])), unknown: {} }";
    assert_eq!(format!("{:?}", login()), shown);
    let proof = Proof { kind: Some(proof::Kind::Login(login().into())), ..Default::default() };
    assert_eq!(format!("{proof:?}"), "Proof { kind: Some(Login([REDACTED])), unknown: {} }");
    assert!(format!("{:#?}", login()).contains("\n    password: [REDACTED],\n"));
    let hint = Login { method: Some(login::Method::Hint("a".into())), ..Default::default() };
    assert!(format!("{hint:?}").contains("method: Some(Hint(\"a\"))"));
}

/// `descriptor=no`: without reflection the same is hidden.
#[test]
fn debug_hides_without_descriptors() {
    let login = redact_no_descriptor::redact_no_descriptor::Login {
        password: "secret".into(),
        ..Default::default()
    };
    let shown = format!("{login:?}");
    assert!(shown.starts_with("Login { user: \"\", password: [REDACTED], type: [REDACTED], "));
}

/// The text format shows everything, because it is read again, unless it is asked to redact; then
/// unknown fields too, since they may be anybody's secret.
#[test]
fn text_hides_what_it_is_asked_to() {
    let mut login = login();
    login.unknown.push(100, rust_grpc::message::UnknownValue::Varint(42));
    login.unknown.push(101, rust_grpc::message::UnknownValue::LengthDelimited(b"secret"));
    assert_eq!(Login::from_text(&login.to_text()).unwrap().password, "secret");
    let options = TextPrintOptions::new().redact().single_line().unknown_fields();
    assert_eq!(
        login.to_text_with(&options),
        "user: \"ada\" password: [REDACTED] type: [REDACTED] tokens: [REDACTED] pin: [REDACTED] \
         shown { none: true } key: [REDACTED] 100: [REDACTED] 101: [REDACTED]"
    );
}

/// Messages that are known only at run time hide the same fields.
#[test]
fn dynamic_messages_hide_redacted_fields() {
    let pool = DescriptorPool::of::<Login>();
    let descriptor = pool.message(Login::FULL_NAME).unwrap();
    let read = DynamicMessage::decode(descriptor, &login().encode_to_vec()).unwrap();
    let shown = format!("{read:?}");
    assert!(!shown.contains("secret") && !shown.contains("42"), "{shown}");
    assert!(shown.contains("password: [REDACTED]") && shown.contains("ada"), "{shown}");
}
