//! The option `bytes`: fields are slices of the buffer that was received, wherever they stand.

use std::collections::HashMap;

use rust_grpc::bytes::Bytes;
use rust_grpc::message::{FieldMut, FieldRef, Reflect, Value, ValueRef};
use rust_grpc::{Context, DecodeError, Message, ReplySink, RequestStream, Status};

use crate::service_tests::Served;
use crate::shared_bytes::shared_bytes::parts::Choice;
use crate::shared_bytes::shared_bytes::{Apart, Holder, Old, Parts, Store, StoreServer, StoreStub};

/// Every such field of a message that is decoded from a buffer lies in that buffer: alone, with
/// presence, repeated, in a map, in a oneof, in a nested message.
#[test]
fn fields_are_slices_of_the_buffer() {
    let holder = holder();
    let buffer = Bytes::from(holder.encode_to_vec());
    let decoded = Holder::decode_bytes(buffer.clone()).unwrap();
    assert_eq!(decoded, holder);
    let parts = &decoded.parts[&1];
    let shared = slices(parts);
    assert_eq!(shared.len(), 7);
    for (name, slice) in shared {
        assert!(buffer.as_ptr_range().contains(&slice.as_ptr()), "{name} was copied");
    }
    assert!(!buffer.as_ptr_range().contains(&decoded.copied.as_ptr()));
}

/// What is decoded from a slice, which nobody can keep, is the same, in copies.
#[test]
fn fields_of_a_slice_are_copies() {
    let bytes = holder().encode_to_vec();
    let decoded = Holder::decode(&bytes).unwrap();
    assert_eq!(decoded, holder());
    for (name, slice) in slices(&decoded.parts[&1]) {
        assert!(!bytes.as_ptr_range().contains(&slice.as_ptr()), "{name} was shared");
    }
}

/// Merging from a buffer replaces and adds to what is there, as merging from a slice does.
#[test]
fn merging_shares_the_buffer() {
    let mut merged = parts();
    let more = Parts { plain: text("new"), repeated: vec![text("z")], ..Default::default() };
    let buffer = Bytes::from(more.encode_to_vec());
    merged.merge_bytes(&buffer).unwrap();
    assert_eq!(merged.repeated, [text("a"), text("b"), text("z")]);
    for slice in [&merged.plain, &merged.repeated[2]] {
        assert!(buffer.as_ptr_range().contains(&slice.as_ptr()));
    }
    let mut copied = parts();
    copied.merge(&buffer).unwrap();
    assert_eq!(copied, merged);
}

/// A buffer that ends too early, or lacks a required field, is the error that a slice is.
#[test]
fn faults_are_those_of_a_slice() {
    let bytes = Bytes::from(holder().encode_to_vec());
    for end in 0..bytes.len() {
        let shared = Holder::decode_bytes(bytes.slice(..end));
        assert_eq!(shared, Holder::decode(&bytes[..end]), "{end} bytes");
    }
    let error: DecodeError = Old::decode_bytes(Bytes::new()).unwrap_err();
    assert_eq!(error, Old::decode(&[]).unwrap_err());
}

/// JSON and text format read and print them as other bytes, and `Debug` shows them.
#[test]
fn other_formats_know_them() {
    let parts = parts();
    let json = parts.to_json().unwrap();
    assert!(json.starts_with(r#"{"plain":"cGxhaW4=","optional":"","repeated":["YQ==","Yg=="]"#));
    assert_eq!(Parts::from_json(&json).unwrap(), parts);
    let printed = parts.to_text();
    assert!(printed.starts_with("plain: \"plain\"\noptional: \"\"\nrepeated: \"a\""), "{printed}");
    assert_eq!(Parts::from_text(&printed).unwrap(), parts);
    assert!(format!("{parts:?}").contains("plain: b\"plain\", optional: Some(b\"\")"));
}

/// Reflection reads and sets them.
#[test]
fn reflection_reads_and_sets_them() {
    let mut parts = parts();
    assert!(matches!(Reflect::field(&parts, 0), FieldRef::Singular(ValueRef::Bytes(b"plain"))));
    let FieldMut::Singular(mut plain) = parts.field_mut(0) else { panic!("a singular field") };
    assert!(plain.set(Value::I32(1)).is_err());
    plain.set(Value::Bytes(b"set".to_vec())).unwrap();
    let FieldMut::Repeated(list) = parts.field_mut(2) else { panic!("a repeated field") };
    list.push(Value::Bytes(b"c".to_vec())).unwrap();
    let FieldMut::Map(map) = parts.field_mut(3) else { panic!("a map") };
    map.insert(Value::String("k".into()), Value::Bytes(b"v".to_vec())).unwrap();
    let FieldMut::Singular(mut member) = parts.field_mut(4) else { panic!("a singular field") };
    member.set(Value::Bytes(b"m".to_vec())).unwrap();
    assert_eq!((&parts.plain[..], &parts.repeated[2][..]), (&b"set"[..], &b"c"[..]));
    assert_eq!(parts.map["k"], "v");
    assert_eq!(parts.choice, Some(Choice::Member(text("m"))));
}

/// A default is what the getter gives, and a field without presence is unset when it is empty.
#[test]
fn defaults_hold() {
    assert_eq!(Old::default().data(), b"\x01\xff");
    let set = Old { data: Some(text("x")), ..Default::default() };
    assert_eq!(set.data(), b"x");
    assert!(Parts::default().encode_to_vec().is_empty());
    assert!(matches!(Reflect::field(&Parts::default(), 0), FieldRef::Unset));
}

/// Only messages that reach such a field ask a call for its buffer.
#[test]
fn messages_say_whether_they_share() {
    let shares = [Parts::SHARES_BYTES, Holder::SHARES_BYTES, Old::SHARES_BYTES];
    assert_eq!(shares, [true; 3]);
    assert_eq!([Apart::SHARES_BYTES, Box::<Apart>::SHARES_BYTES], [false; 2]);
    assert_eq!([Box::<Parts>::SHARES_BYTES], [true]);
}

/// Both sides of a call get slices of the one buffer that a message came in.
#[test]
fn calls_hand_over_their_buffer() {
    struct Swapper;
    impl Store for Swapper {
        fn swap(&self, request: Holder, _: &mut Context) -> Result<Parts, Status> {
            let mut parts = request.parts;
            let parts = parts.remove(&1).unwrap_or_default();
            are_neighbours(&parts).then_some(parts).ok_or_else(|| Status::internal("copied"))
        }

        fn cut(
            &self,
            requests: &mut RequestStream<Parts>,
            replies: &mut ReplySink<Holder>,
            _: &mut Context,
        ) -> Result<(), Status> {
            while let Some(parts) = requests.recv()? {
                if !are_neighbours(&parts) {
                    return Err(Status::internal("copied"));
                }
                replies.send(Holder { parts: [(1, parts)].into(), ..Default::default() })?;
            }
            Ok(())
        }
    }
    let served = Served::new(StoreServer::new(Swapper));
    let stub = StoreStub::new(served.channel.clone());
    let reply = stub.swap(holder()).unwrap();
    assert!(are_neighbours(&reply));
    assert_eq!(reply.into_inner(), parts());

    let (mut requests, mut replies) = stub.cut(()).unwrap().split();
    requests.send(parts()).unwrap();
    let reply = replies.recv().unwrap().unwrap();
    assert!(are_neighbours(&reply.parts[&1]));
    requests.close_send();
    assert_eq!(replies.recv().unwrap(), None);
}

/// Whether the elements stand in memory as on the wire: with a tag and a length between them.
fn are_neighbours(parts: &Parts) -> bool {
    let [first, second] = &parts.repeated[..] else { return false };
    second.as_ptr().addr() == first.as_ptr().addr() + first.len() + 2
}

fn slices(parts: &Parts) -> Vec<(&'static str, &[u8])> {
    let member: &[u8] = match &parts.choice {
        Some(Choice::Member(member)) => member,
        _ => panic!("the member is set"),
    };
    vec![
        ("plain", &parts.plain),
        ("repeated", &parts.repeated[0]),
        ("repeated", &parts.repeated[1]),
        ("map", &parts.map["x"]),
        ("map", &parts.map["y"]),
        ("member", member),
        ("nested", parts.old.data()),
    ]
}

fn holder() -> Holder {
    Holder { copied: b"copied".to_vec(), parts: [(1, parts())].into(), ..Default::default() }
}

fn parts() -> Parts {
    let old = Old { data: Some(text("old")), copied: Some(b"too".to_vec()), ..Default::default() };
    Parts {
        plain: text("plain"),
        optional: Some(Bytes::new()),
        repeated: vec![text("a"), text("b")],
        map: HashMap::from([("x".into(), text("1")), ("y".into(), text("2"))]),
        choice: Some(Choice::Member(text("member"))),
        old: old.into(),
        ..Default::default()
    }
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}
