//! Good input with one fault: cut at every byte, and with every bit changed, as binary, JSON and text.
//! It is read or refused, and takes no more memory than a few times its length.

use rust_grpc::Message;
use rust_grpc::message::{DynamicMessage, Json, Text};
use rust_grpc::well_known::{Any, FileDescriptorProto, Type, Value};

use super::allocator::peak_of;
use super::editions::editions::Mixed;
use super::extensions::extensions::{Host, Set};
use super::maps::maps::{Keys, Values};
use super::proto2::proto2::Order;
use super::scalars::scalars::{Explicit, Repeated};

/// The kept inputs of the fuzz targets hold every construct.
macro_rules! sample {
    ($path:literal) => {
        include_bytes!(concat!("../../../fuzz/corpus/", $path)).as_slice()
    };
}

/// Calls a function with a type and an encoded message of it.
macro_rules! with_each_sample {
    ($function:ident) => {
        $function::<Order>(sample!("message/order"));
        $function::<Order>(sample!("message/closed-enum-unknown"));
        $function::<Order>(sample!("message/group-in-group-unknown"));
        $function::<Order>(sample!("message/oneof-twice"));
        $function::<Mixed>(sample!("message/mixed"));
        $function::<Host>(sample!("message/host"));
        $function::<Set>(sample!("message/message-set"));
        $function::<Keys>(sample!("message/keys"));
        $function::<Values>(sample!("message/values"));
        $function::<Explicit>(sample!("message/explicit"));
        $function::<Repeated>(sample!("message/repeated"));
        $function::<Type>(sample!("message/type-with-fields"));
        $function::<Value>(sample!("message/struct-with-list"));
    };
}

/// What reading one damaged sample may hold at once: the samples are of a few hundred bytes, and the
/// messages in them of a few hundred each.
const PEAK_MAX: usize = 1 << 18;

/// Every beginning of the bytes, and the bytes with every bit changed.
fn damaged(bytes: &[u8], check: impl Fn(&[u8])) {
    // Whole first: descriptors are made once, and for good.
    check(bytes);
    let check = |damaged: &[u8]| {
        let ((), peak) = peak_of(|| check(damaged));
        assert!(peak <= PEAK_MAX, "{peak} bytes for {}", damaged.escape_ascii());
    };
    (0..bytes.len()).for_each(|end| check(&bytes[..end]));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        check(&flipped);
    }
}

/// Damaged messages are decoded or refused, and generated and dynamic messages agree which.
#[test]
fn damaged_binary_ends_well() {
    fn each<M: Json + Text>(sample: &[u8]) {
        M::decode(sample).unwrap();
        damaged(sample, |bytes| {
            let decoded = M::decode(bytes).map(|message| message.encode_to_vec());
            let dynamic = DynamicMessage::decode(M::default().descriptor(), bytes);
            let dynamic = dynamic.map(|message| message.encode_to_vec().unwrap());
            match (decoded, dynamic) {
                (Ok(decoded), Ok(dynamic)) => assert_eq!(decoded, dynamic),
                // Of two faults each may see another one first.
                (Err(_), Err(_)) => {}
                (decoded, dynamic) => panic!("{decoded:?} and {dynamic:?}"),
            }
        });
    }
    with_each_sample!(each);
}

/// Damaged JSON is parsed or refused; what is parsed is printed.
#[test]
fn damaged_json_ends_well() {
    fn each<M: Json + Text>(sample: &[u8]) {
        let Ok(json) = M::decode(sample).unwrap().to_json() else { return };
        damaged(json.as_bytes(), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let Ok(message) = M::from_json(text) else { return };
            assert!(message.to_json().is_ok(), "{text}");
        });
    }
    with_each_sample!(each);
    let any = Any::pack(&Value::from("x")).unwrap().to_json().unwrap();
    assert!(Any::from_json(&any).is_ok());
    damaged(any.as_bytes(), |bytes| {
        let read = std::str::from_utf8(bytes).map(Any::from_json);
        drop(read);
    });
}

/// Damaged text is parsed or refused; what is parsed is printed and reads back.
#[test]
fn damaged_text_ends_well() {
    fn each<M: Json + Text>(sample: &[u8]) {
        text::<M>(M::decode(sample).unwrap().to_text().as_bytes());
    }
    fn text<M: Text>(sample: &[u8]) {
        damaged(sample, |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let Ok(message) = M::from_text(text) else { return };
            let printed = message.to_text();
            assert_eq!(M::from_text(&printed).unwrap().to_text(), printed, "{text}");
        });
    }
    with_each_sample!(each);
    text::<Order>(sample!("text/order"));
    text::<Mixed>(sample!("text/mixed"));
    text::<Host>(sample!("text/host"));
    text::<Set>(sample!("text/message-set"));
    text::<Explicit>(sample!("text/scalars"));
    text::<Repeated>(sample!("text/repeated"));
    text::<Keys>(sample!("text/keys"));
    text::<Any>(sample!("text/any"));
    text::<FileDescriptorProto>(sample!("text/descriptor"));
}
