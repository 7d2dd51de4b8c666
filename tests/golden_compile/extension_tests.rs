//! Generated extensions, beside protoc.

use std::fmt::Debug;

use rust_grpc::well_known::FieldOptions;
use rust_grpc::{Extendable, Extension, Message, UnknownFields};

use crate::extensions::extensions as proto2;
use crate::extensions::extensions::{Host, Item, Level, Note, Part, Parts, Set};
use crate::extensions_editions::extensions_editions as editions;
use crate::oracle::check;

/// Sets the value, and expects it back from the bytes, through protoc and through both texts.
#[track_caller]
fn check_set<E, T>(case: &str, extension: &Extension<E, T>, value: impl Into<T>) -> String
where
    E: Extendable + rust_grpc::message::Text,
    T: Clone + Debug + PartialEq,
{
    let value = value.into();
    let mut message = E::default();
    message.set_extension(extension, value.clone());
    let text = check(case, &message);
    let read = E::decode(&message.encode_to_vec()).unwrap();
    assert_eq!(read.extension(extension).as_ref(), Ok(&value));
    text
}

/// Extensions of every shape mean to protoc what they mean to us.
#[test]
fn extensions_mean_to_protoc_what_they_mean_to_us() {
    let case = "extensions";
    let note = || Note { text: Some("t".into()), ..Note::default() };
    check_set(case, &proto2::PRIORITY, -3);
    check_set(case, &proto2::NAME, "x");
    check_set(case, &proto2::RAW, vec![0, 255]);
    check_set(case, &proto2::LEVEL, Level::Low);
    check_set(case, &proto2::LEVELS, vec![Level::High, Level::Low]);
    check_set(case, &proto2::PACKED_LEVELS, vec![Level::High]);
    check_set(case, &proto2::NUMBERS, vec![-1, 1]);
    check_set(case, &proto2::PACKED_NUMBERS, vec![7, 8]);
    check_set(case, &proto2::WORDS, vec!["a".into(), "b".into()]);
    check_set(case, &proto2::ITEM, Item { id: Some(1), ..Item::default() });
    check_set(case, &proto2::RATIO, 0.5);
    check_set(case, &proto2::note::NOTE, note());
    check_set(case, &proto2::note::NOTES, vec![note(), Note::default()]);
    let part = Part { size: Some(2), ..Part::default() };
    check_set(case, &proto2::PART, part);
    let parts = vec![Parts { size: Some(2), ..Parts::default() }, Parts::default()];
    check_set(case, &proto2::PARTS, parts);
}

/// MessageSet: items by the extension's number, beyond those of fields.
#[test]
fn message_sets_hold_items() {
    let note = Note { text: Some("t".into()), ..Note::default() };
    let text = check_set("extensions", &proto2::note::IN_SET, note);
    assert_eq!(text, "[extensions.Note] {\n  text: \"t\"\n}\n");
    let mut set = Set::default();
    set.set_extension(&proto2::item::IN_SET, Item { id: Some(5), ..Item::default() });
    set.set_extension(&proto2::note::IN_SET, Note::default());
    check("extensions", &set);
    assert_eq!(set.extension(&proto2::item::IN_SET).unwrap().id, Some(5));
}

/// The features of editions decide the shape of each extension.
#[test]
fn features_shape_extensions() {
    let case = "extensions_editions";
    check_set(case, &editions::OPEN, editions::Open(7));
    check_set(case, &editions::CLOSED, editions::Closed::One);
    check_set(case, &editions::PACKED, vec![1, 2]);
    check_set(case, &editions::EXPANDED, vec![1, 2]);
    check_set(case, &editions::BYTES_LIKE, "any");
    check_set(case, &editions::TEXT, "text");
    check_set(case, &editions::OPENS, vec![editions::Open::One]);
    let note = editions::Note { text: Some("t".into()), ..Default::default() };
    check_set(case, &editions::DELIMITED, note);
    let mut host = editions::Host::default();
    host.set_extension(&editions::PACKED, vec![1, 2]);
    assert_eq!(host.encode_to_vec(), b"\xb2\x06\x02\x01\x02");
    host.set_extension(&editions::PACKED, vec![]);
    host.set_extension(&editions::EXPANDED, vec![1, 2]);
    assert_eq!(host.encode_to_vec(), b"\xb8\x06\x01\xb8\x06\x02");
}

/// `[default = …]`: what an extension reads as where it is not set.
#[test]
fn unset_extensions_read_as_their_defaults() {
    let host = Host::default();
    assert_eq!(host.extension(&proto2::PRIORITY), Ok(5));
    assert_eq!(host.extension(&proto2::NAME).unwrap().as_bytes(), b"n\"o");
    assert_eq!(host.extension(&proto2::RAW), Ok(vec![0, 255]));
    assert_eq!(host.extension(&proto2::LEVEL), Ok(Level::High));
    assert_eq!(host.extension(&proto2::PLAIN_LEVEL), Ok(Level::Low));
    assert_eq!(host.extension(&proto2::RATIO), Ok(f64::INFINITY));
    assert_eq!(editions::Host::default().extension(&editions::OPEN), Ok(editions::Open::One));
    assert!(!host.has_extension(&proto2::PRIORITY));
}

/// What nobody knows travels on, and required fields inside are checked when they are asked for.
#[test]
fn extensions_travel_unknown() {
    let bytes = b"\x82\x07\x00\x08\x01";
    let host = Host::decode(bytes).unwrap();
    assert_eq!(host.own, Some(1));
    assert_eq!(host.encode_to_vec(), b"\x08\x01\x82\x07\x00");
    assert_eq!(
        host.extension(&proto2::ITEM).unwrap_err().to_string(),
        "invalid extensions.Host: expected the required field (extensions.item).id, it is not set"
    );
    let pool = rust_grpc::message::DescriptorPool::of::<Host>();
    let options = rust_grpc::message::DecodeOptions::new().pool(&pool);
    assert_eq!(
        Host::decode_with(bytes, &options).unwrap_err().to_string(),
        "invalid extensions.Host: expected the required field (extensions.item).id, it is not set"
    );
}

/// MessageSet with a pool: a required field that an item lacks is an error of decoding, in the set and
/// in what holds it, and so are bytes that are no such message. Without a pool they travel on.
#[test]
fn message_sets_are_checked_by_a_pool() {
    use rust_grpc::message::{DecodeOptions, DescriptorPool};

    let pool = DescriptorPool::of::<Set>();
    let options = DecodeOptions::new().pool(&pool);
    let item = |message: &[u8]| {
        let length = u8::try_from(message.len()).unwrap();
        [b"\x0b\x10\x05\x1a", &[length][..], message, b"\x0c"].concat()
    };
    assert!(Set::decode_with(&item(b"\x08\x01"), &options).is_ok());
    let missing = item(b"");
    assert_eq!(Set::decode(&missing).unwrap().encode_to_vec(), missing);
    assert_eq!(
        Set::decode_with(&missing, &options).unwrap_err().to_string(),
        "invalid extensions.Set: \
         expected the required field (extensions.Item.in_set).id, it is not set"
    );
    assert!(Set::decode_with(&item(b"\x08"), &options).is_err());
    // The same item in an extension of an extension.
    let note = Note { inner: Box::new(Note::default()).into(), ..Default::default() };
    let mut host = Host::default();
    host.set_extension(&proto2::note::NOTE, note);
    host.set_extension(&proto2::ITEM, Item::default());
    assert_eq!(Host::decode(&host.encode_to_vec()).as_ref(), Ok(&host));
    let error = Host::decode_with(&host.encode_to_vec(), &options).unwrap_err();
    assert!(error.to_string().contains("field (extensions.item).id, "), "{error}");
}

/// Options of protobuf's own: the descriptor in the code says which ones the .proto sets.
#[test]
fn custom_options_are_read_from_descriptors() {
    let pool = rust_grpc::message::DescriptorPool::of::<proto2::Measured>();
    let message = pool.file("extensions.proto").unwrap().to_proto().message_type;
    let measured = message.iter().find(|message| message.name == Some("Measured".into())).unwrap();
    let options: &FieldOptions = &measured.field[0].options;
    assert_eq!(options.extension(&proto2::UNIT).unwrap(), "m");
    assert_eq!(options.unknown, {
        let mut unknown = UnknownFields::new();
        unknown.push(50001, rust_grpc::message::UnknownValue::LengthDelimited(b"m"));
        unknown
    });
}

/// `descriptor=no`: limits need no descriptor, for a slice and for a stream.
#[test]
fn limits_need_no_descriptors() {
    use rust_grpc::message::{DecodeErrorKind, DecodeOptions};

    use crate::no_descriptor_proto2::no_descriptor_proto2::Host;

    let host = Host { name: Some("h".into()), ..Host::default() };
    let bytes = host.encode_to_vec();
    let options = DecodeOptions::new().depth_limit(1).memory_limit(1_000).size_limit(100);
    assert_eq!(Host::decode_with(&bytes, &options).as_ref(), Ok(&host));
    let deep = [&bytes[..], &[0x1b, 0x1b, 0x1c, 0x1c]].concat();
    let error = Host::decode_with(&deep, &options).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: 1 });
    let missing = Host::decode_with(&[], &options).unwrap_err();
    assert_eq!(missing.kind(), DecodeErrorKind::MissingField);
    let mut stream = Vec::new();
    host.write_length_delimited(&mut stream).unwrap();
    let read = Host::read_length_delimited_with(&mut stream.as_slice(), &options);
    assert_eq!(read.unwrap(), Some(host));
}

/// `descriptor=no`: extensions, MessageSets, groups and closed enums need no descriptor.
#[test]
fn extensions_need_no_descriptors() {
    use crate::no_descriptor_proto2::no_descriptor_proto2::{
        self as bare, Extra, Host, Item, Level, Set,
    };

    let mut host = Host { name: Some("h".into()), ..Host::default() };
    assert_eq!(host.level(), Level::High);
    assert_eq!(host.extension(&bare::PRIORITY), Ok(5));
    host.set_extension(&bare::PRIORITY, 7);
    host.set_extension(&bare::LEVELS, vec![Level::Low, Level::High]);
    host.set_extension(&bare::EXTRA, Extra { text: Some("x".into()), ..Extra::default() });
    host.set_extension(&bare::host::NESTED, Host::default());
    let read = Host::decode(&host.encode_to_vec()).unwrap();
    assert_eq!(read.extension(&bare::LEVELS).unwrap(), [Level::Low, Level::High]);
    assert_eq!(read.extension(&bare::EXTRA).unwrap().text, Some("x".into()));
    assert!(read.extension(&bare::host::NESTED).is_err(), "its name is required");
    let mut set = Set::default();
    set.set_extension(&bare::item::ITEM, Item { id: Some(1), ..Item::default() });
    let read = Set::decode(&set.encode_to_vec()).unwrap();
    assert_eq!(read.extension(&bare::item::ITEM).unwrap().id, Some(1));
}
