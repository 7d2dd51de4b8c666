//! What the generated messages are called, and where they are found.

use std::collections::HashMap;

use rust_grpc::{Message, UnknownFields};

use crate::oracle::check;

/// The names that a oneof shares with a nested type or with the runtime.
#[test]
fn names_of_oneofs_give_way() {
    use crate::oneofs::oneofs::{Clash, Point, Shadow, clash, shadow};
    let plain = clash::Kind { name: "n".into(), ..Default::default() };
    check("oneofs", &Clash { kind: Some(clash::Kind_::Plain(plain)), ..Default::default() });
    let itself = clash::Kind_::Self_("s".into());
    check("oneofs", &Clash { kind: Some(itself), ..Default::default() });
    check(
        "oneofs",
        &Shadow {
            str: Some(shadow::Str::None(1)),
            nested: Some(shadow::Nested::Ok(Point::default())),
            ..Default::default()
        },
    );
}

/// A message whose fields have `Eq` and `Hash` can derive them: unset, boxed and unknown fields too.
#[test]
fn derived_messages_are_keys() {
    use crate::derives::derives::{Kind, Leaf, Tree, tree};
    let leaf = Leaf { number: 1, ..Default::default() };
    let mark = Some(tree::Mark::Other(leaf.clone()));
    let left = Tree { leaf: leaf.into(), kinds: vec![Kind::Tall], ..Default::default() };
    let tree = Tree { left: left.clone().into(), mark, ..Default::default() };
    let set = std::collections::HashSet::from([tree.clone(), left.clone(), tree.clone()]);
    assert!(set.len() == 2 && set.contains(&tree) && set.contains(&left));
}

/// Types from other files and packages: below, above, beside, at the root, publicly imported.
#[test]
fn imported_types_are_found() {
    use crate::imports::acme::common::{Money, money};
    use crate::imports::acme::store::v1::{Order, SamePackage, inner::Inner, order};
    let money = Money { units: 1, currency: money::Currency::Eur, ..Default::default() };
    let same = SamePackage { name: "s".into(), ..Default::default() };
    let below = Inner { above: same.clone().into(), ..Default::default() };
    let root = crate::imports::Root { money: money.clone().into(), ..Default::default() };
    check(
        "imports",
        &Order {
            total: money.clone().into(),
            same: same.into(),
            below: below.clone().into(),
            root: root.into(),
            payment: Some(order::Payment::Cash(money)),
            more: HashMap::from([("m".to_owned(), below)]),
            ..Default::default()
        },
    );
    let shared =
        crate::public_imports::public_types::Shared { name: "s".into(), ..Default::default() };
    let user =
        crate::public_imports::public_user::User { shared: shared.into(), ..Default::default() };
    check("public_imports", &user);
    let second = crate::directories::directories::Second::default();
    let first =
        crate::directories::directories::First { second: second.into(), ..Default::default() };
    check("directories", &first);
}

/// What arrives under a reserved number is unknown, and kept.
#[test]
fn reserved_numbers_are_unknown() {
    use crate::reserved::reserved::{State, Thing};
    let bytes = [0x0a, 1, b'n', 0x10, 5];
    let thing = Thing::decode(&bytes).unwrap();
    assert_eq!((thing.name.as_str(), thing.unknown.is_empty()), ("n", false));
    assert_eq!(thing.encode_to_vec(), bytes);
    assert_eq!(State::New.0, 1);
}

/// Messages that are called as what generated code uses work as any other.
#[test]
fn clashing_messages_work() {
    use crate::clash_messages::clash_messages as clash;
    let text = clash::String { value: "v".into(), ..Default::default() };
    let some = clash::Some {
        option: clash::Option { value: "o".into(), ..Default::default() }.into(),
        ..Default::default()
    };
    check("clash_messages", &some);
    check("clash_messages", &clash::None { value: Some("v".into()), ..Default::default() });
    let map = HashMap::from([("k".to_owned(), text)]);
    check("clash_messages", &clash::HashMap { map, ..Default::default() });
    let ok = clash::result::Result::Ok(clash::Ok { code: 1, ..Default::default() });
    check("clash_messages", &clash::Result { result: Some(ok), ..Default::default() });
    let int = clash::Int32 { value: 1, ..Default::default() };
    let str = clash::Str { value: int.into(), ..Default::default() };
    let choice = Some(clash::nested::Choice::Str(str));
    check("clash_messages", &clash::Nested { choice, ..Default::default() });
    check("clash_messages", &clash::Enum { value: clash::E::One, ..Default::default() });
    check("clash_messages", &clash::i32_ { i32: 1, ..Default::default() });
    let inner = clash::str__::Inner::default();
    check("clash_messages", &clash::str_ { inner: inner.into(), ..Default::default() });

    let unknown = clash::Unknown {
        unknown_: "declared".into(),
        tag: Some(clash::unknown::Tag::Reader(1)),
        value: 2,
        self_: 3,
        unknown: UnknownFields::default(),
    };
    check("clash_messages", &unknown);
    let fields = clash::Fields {
        user_id: 1,
        user_id_: 2,
        choice: Some(clash::fields::Choice::AB_(3)),
        double__underscore: 4,
        ..Default::default()
    };
    let text = check("clash_messages", &fields);
    assert!(text.contains("UserId: 2") && text.contains("aB: 3"), "{text}");
    let inner = clash::same_module__::Inner::default();
    check("clash_messages", &clash::Same_Module { inner: inner.into(), ..Default::default() });
}

/// The module of a message gives way to the package that its file imports.
#[test]
fn a_package_keeps_its_module() {
    use crate::clash_package::x::{Foo, foo::Baz, foo_::Bar};
    let baz = Baz { name: "b".into(), ..Default::default() };
    let bar = Bar { baz: baz.into(), ..Default::default() };
    check("clash_package", &Foo { bar: bar.into(), ..Default::default() });
}

/// Attributes stand where the options put them.
#[test]
fn attributes_are_applied() {
    use crate::attributes::attributes::{Plain, other::Inner, plain};
    let of = |number| Plain { number, choice: Some(plain::Choice::One(1)), ..Default::default() };
    let set = std::collections::HashSet::from([of(1), of(2), of(1)]);
    assert_eq!(set.len(), 2);
    fn is_eq<T: Eq>() {}
    is_eq::<Inner>();
}

/// Custom options leave no trace in the code.
#[test]
fn custom_options_leave_no_trace() {
    use crate::proto2_import::proto2_import::{Details, Thing};
    check("proto2_import", &Details { text: "t".into(), ..Default::default() });
    check("proto2_import", &Thing { name: "n".into(), number: 1, ..Default::default() });
}

/// The well-known types are the runtime's: from the outside they are as any others.
#[test]
fn well_known_types_are_the_runtimes() {
    use crate::well_known::well_known::{Event, event};
    use rust_grpc::well_known::{NullValue, StringValue, Struct, Timestamp, Value, field, value};
    let time = Timestamp { seconds: 1, nanos: 2, ..Default::default() };
    let null = Value { kind: Some(value::Kind::NullValue(NullValue(0))), ..Default::default() };
    let context =
        Struct { fields: HashMap::from([("n".to_owned(), null.clone())]), ..Default::default() };
    check(
        "well_known",
        &Event {
            time: time.clone().into(),
            context: context.into(),
            values: vec![null],
            name: StringValue { value: "s".into(), ..Default::default() }.into(),
            kind: field::Kind(9),
            times: HashMap::from([("t".to_owned(), time)]),
            choice: Some(event::Choice::Nothing(Default::default())),
            ..Default::default()
        },
    );
}
