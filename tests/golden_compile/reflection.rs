//! Reflection of generated types.

use rust_grpc::message::{FieldMut, FieldRef, Reflect, Value, ValueRef};
use rust_grpc::{Message, MessageField};

use crate::proto2::proto2::{Item, Order, State, order};

fn order() -> Order {
    Order {
        name: Some("x".into()),
        state: Some(State::Old),
        numbers: vec![3, 4],
        named: [("low".into(), crate::proto2::proto2::Level::Low)].into(),
        choice: Some(order::Choice::Pack(order::Pack { size: Some(2), ..Default::default() })),
        ..Default::default()
    }
}

fn field<'a>(message: &'a dyn Reflect, name: &str) -> FieldRef<'a> {
    message.field(message.descriptor().field_by_name(name).unwrap().index())
}

fn field_mut<'a>(message: &'a mut dyn Reflect, name: &str) -> FieldMut<'a> {
    let index = message.descriptor().field_by_name(name).unwrap().index();
    message.field_mut(index)
}

/// Each field is found at its place in the descriptor.
#[test]
fn fields_are_read() {
    let order = order();
    assert_eq!(order.descriptor().full_name(), Order::FULL_NAME);
    assert!(matches!(field(&order, "name"), FieldRef::Singular(ValueRef::ByteString(b"x"))));
    assert!(matches!(field(&order, "state"), FieldRef::Singular(ValueRef::Enum(2))));
    assert!(matches!(field(&order, "count"), FieldRef::Unset));
    assert!(matches!(field(&order, "item"), FieldRef::Unset));
    let FieldRef::Repeated(numbers) = field(&order, "numbers") else { panic!("it is repeated") };
    assert!(matches!(numbers.get(1), Some(ValueRef::I32(4))));
    let FieldRef::Map(named) = field(&order, "named") else { panic!("it is a map") };
    let low = named.get(&Value::ByteString("low".into()));
    assert!(matches!(low, Some(ValueRef::Enum(0))));
    let FieldRef::Singular(ValueRef::Message(pack)) = field(&order, "pack") else {
        panic!("it is set")
    };
    assert_eq!(pack.descriptor().full_name(), "proto2.Order.Pack");
    assert!(matches!(field(pack, "size"), FieldRef::Singular(ValueRef::I32(2))));
}

/// Each field is written at its place in the descriptor; a oneof holds the member set last.
#[test]
fn fields_are_written() {
    let mut built = Order::default();
    let singular = |order: &mut Order, name: &str, value| {
        let FieldMut::Singular(mut field) = field_mut(order, name) else { panic!("{name}") };
        field.set(value)
    };
    singular(&mut built, "name", Value::ByteString("x".into())).unwrap();
    singular(&mut built, "state", Value::Enum(2)).unwrap();
    singular(&mut built, "free", Value::ByteString("gone".into())).unwrap();
    let FieldMut::Singular(pack) = field_mut(&mut built, "pack") else { panic!("it is singular") };
    let pack = pack.message_mut().unwrap();
    let FieldMut::Singular(mut size) = field_mut(pack, "size") else { panic!("it is singular") };
    size.set(Value::I32(2)).unwrap();
    let FieldMut::Repeated(numbers) = field_mut(&mut built, "numbers") else { panic!("a list") };
    numbers.push(Value::I32(3)).unwrap();
    numbers.push(Value::I32(4)).unwrap();
    let FieldMut::Map(named) = field_mut(&mut built, "named") else { panic!("it is a map") };
    named.insert(Value::ByteString("low".into()), Value::Enum(0)).unwrap();
    assert_eq!(built, order());

    let error = singular(&mut built, "count", Value::Bool(true)).unwrap_err();
    assert_eq!(error.to_string(), "expected a signed 32-bit integer, found Bool(true)");
    let error = singular(&mut built, "state", Value::Enum(9)).unwrap_err();
    assert_eq!(error.to_string(), "expected proto2.State, found Enum(9)");
    assert_eq!(built, order());
    field_mut(&mut built, "free").clear();
    assert!(built.choice.is_some(), "another member is set");
    field_mut(&mut built, "pack").clear();
    assert!(built.choice.is_none());
}

/// A message field is made when it is written to, not before.
#[test]
fn asking_sets_nothing() {
    let mut order = Order::default();
    assert!(matches!(field_mut(&mut order, "main"), FieldMut::Singular(_)));
    assert_eq!(order.main, MessageField::none());
    let FieldMut::Singular(main) = field_mut(&mut order, "main") else { panic!("it is singular") };
    main.message_mut().unwrap();
    assert_eq!(order.main, Item::default().into());
}

/// The places that generated code names are those of the descriptor, through every kind of nesting.
#[test]
fn places_are_those_of_the_descriptor() {
    fn check<M: Message + Reflect>() {
        assert_eq!(M::default().descriptor().full_name(), M::FULL_NAME);
    }
    check::<Order>();
    check::<order::Detail>();
    check::<order::Line>();
    check::<order::Pack>();
    check::<Item>();
    check::<crate::proto2::proto2::Plain>();
    check::<rust_grpc::well_known::Struct>();
    check::<rust_grpc::well_known::Value>();
    check::<rust_grpc::well_known::ListValue>();
    check::<rust_grpc::well_known::FileDescriptorProto>();
    check::<rust_grpc::well_known::source_code_info::Location>();
    check::<rust_grpc::well_known::generated_code_info::Annotation>();
}

/// A message has the formats that the options leave it.
#[test]
fn formats_are_chosen() {
    let json = crate::json_only::json_only::Note { text: "a".into(), ..Default::default() };
    assert_eq!(json.to_json().unwrap(), r#"{"text":"a"}"#);
    let text = crate::text_only::text_only::Note { text: "a".into(), ..Default::default() };
    assert_eq!(text.to_text(), "text: \"a\"\n");
}

/// A file that is imported for its options alone is not referred to, and need not be there.
#[test]
fn imports_for_options_alone_are_not_needed() {
    use crate::import_option::marked::{Note, note};
    let note = Note {
        text: Some("a".into()),
        level: Some(note::Level::Unspecified),
        part: note::Part { size: Some(1), ..Default::default() }.into(),
        ..Default::default()
    };
    assert_eq!(note.to_text(), "text: \"a\"\nlevel: LEVEL_UNSPECIFIED\npart {\n  size: 1\n}\n");
    let descriptor = note.descriptor();
    assert_eq!(descriptor.full_name(), "marked.Note");
    assert_eq!(descriptor.file().name(), "import_option.proto");
}
