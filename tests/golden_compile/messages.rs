//! What the generated messages do: defaults and round trips.

use std::collections::HashMap;

use rust_grpc::message::{DynamicMessage, Reflect};
use rust_grpc::{Enumeration, Message, MessageField, UnknownFields};

use crate::oracle::check;

/// Every scalar, at its edges, means to the oracle what it means to us.
#[test]
fn scalars_keep_their_edges() {
    use crate::scalars::scalars::{Edges, Explicit, Implicit, Nothing, Repeated};
    check("scalars", &Implicit::default());
    check(
        "scalars",
        &Implicit {
            int32: i32::MIN,
            int64: i64::MIN,
            uint32: u32::MAX,
            uint64: u64::MAX,
            sint32: i32::MIN,
            sint64: i64::MIN,
            fixed32: u32::MAX,
            fixed64: u64::MAX,
            sfixed32: i32::MIN,
            sfixed64: i64::MIN,
            float: f32::MIN_POSITIVE,
            double: -0.0,
            bool: true,
            string: "grüße 世界".into(),
            bytes: vec![0, 255],
            unknown: UnknownFields::default(),
        },
    );
    check(
        "scalars",
        &Explicit { int32: Some(0), string: Some(String::new()), ..Default::default() },
    );
    check("scalars", &Explicit { bytes: Some(vec![]), bool: Some(false), ..Default::default() });
    check(
        "scalars",
        &Repeated {
            int32: vec![0, -1, i32::MAX],
            sint64: vec![i64::MIN, 0, i64::MAX],
            fixed32: vec![1, 2],
            double: vec![0.5, f64::INFINITY],
            bool: vec![true, false],
            string: vec![String::new(), "x".into()],
            bytes: vec![vec![], vec![1]],
            ..Default::default()
        },
    );
    check("scalars", &Edges { highest: 7, sixteen: -1, ..Default::default() });
    assert!(Nothing::default().encode_to_vec().is_empty());
}

/// A zero with implicit presence is not written, one with explicit presence is.
#[test]
fn presence_decides_whether_a_zero_is_written() {
    use crate::scalars::scalars::{Explicit, Implicit};
    assert!(Implicit::default().encode_to_vec().is_empty());
    let zero = Explicit { int32: Some(0), ..Default::default() };
    assert_eq!(zero.encode_to_vec(), [0x08, 0x00]);
    assert_eq!(Explicit::decode(&[]).unwrap().int32, None);
}

/// Repeated numbers are written as the .proto says, and read in both forms.
#[test]
fn packed_and_unpacked_are_both_read() {
    use crate::packed::packed::{Color, Packed, Point, Unpackable, Unpacked};
    let packed = Packed {
        numbers: vec![1, 2],
        colors: vec![Color::Red, Color(9)],
        doubles: vec![1.5],
        ..Default::default()
    };
    let unpacked = Unpacked {
        numbers: vec![1, 2],
        colors: vec![Color::Red, Color(9)],
        doubles: vec![1.5],
        ..Default::default()
    };
    check("packed", &packed);
    check("packed", &unpacked);
    assert_eq!(packed.encode_to_vec()[..4], [0x0a, 2, 1, 2]);
    assert_eq!(unpacked.encode_to_vec()[..4], [0x08, 1, 0x08, 2]);
    assert_eq!(Packed::decode(&unpacked.encode_to_vec()).unwrap(), packed);
    assert_eq!(Unpacked::decode(&packed.encode_to_vec()).unwrap(), unpacked);
    let point = Point { x: 3, ..Default::default() };
    check(
        "packed",
        &Unpackable { names: vec!["a".into()], points: vec![point], ..Default::default() },
    );
}

/// Constants of enums: stripped, kept or spelt as they are, by the enum as a whole.
#[test]
fn enums_have_their_constants() {
    use crate::enums::enums::{
        Alias, Clash, Digits, HTTPMethod, Holder, Mood, Version, Words, holder, lower_case,
    };
    assert_eq!(Mood::default(), Mood::Unspecified);
    assert_eq!((Mood::VeryHappy.0, Mood::Gloomy.0), (1, -1));
    assert_eq!((Mood::Lowest.0, Mood::Highest.0), (i32::MIN, i32::MAX));
    assert_eq!(Alias::First, Alias::Again);
    assert_eq!((HTTPMethod::Get.0, HTTPMethod::Connect.0), (1, 2));
    assert_eq!((Version::Version1.0, Version::Version2Beta.0), (1, 2));
    assert_eq!(Clash::ClashOn, Clash::On);
    assert_eq!(Digits::DIGITS_1_1, Digits::DIGITS_11);
    assert_eq!((Words::Self_.0, Words::Type.0, Words::None.0), (0, 1, 2));
    assert_eq!((lower_case::Value.0, lower_case::OtherValue.0), (0, 1));

    assert_eq!(format!("{:?} {:?}", Mood::VeryHappy, Mood(17)), "VeryHappy Mood(17)");
    assert_eq!(Alias::Again.name(), Some("ALIAS_FIRST"));
    assert_eq!(Alias::from_name("ALIAS_AGAIN"), Some(Alias::First));
    assert_eq!(Mood::FULL_NAME, "enums.Mood");
    assert_eq!(holder::Inner::FULL_NAME, "enums.Holder.Inner");
    check(
        "enums",
        &Holder {
            mood: Mood::Lowest,
            inner: holder::Inner::One,
            alias: Some(Alias::Unspecified),
            versions: vec![Version::Version1, Version(77)],
            moods: HashMap::from([(-1, Mood::Gloomy), (2, Mood(17))]),
            choice: Some(holder::Choice::Word(Words::Self_)),
            ..Default::default()
        },
    );
}

/// Types that stand in a message stand in its module, at any depth.
#[test]
fn nested_types_stand_in_modules() {
    use crate::nested::nested::{HTTPServer, Outer, http_server, outer};
    let inner = outer::middle::Inner {
        kind: outer::middle::inner::Kind::Deep,
        up: Outer::default().into(),
        ..Default::default()
    };
    let middle = outer::Middle { inner: inner.clone().into(), ..Default::default() };
    let outer = Outer {
        middle: middle.clone().into(),
        inner: inner.into(),
        kind: outer::middle::inner::Kind::Deep,
        ..Default::default()
    };
    check("nested", &outer);
    let config = http_server::Config { middle: middle.into(), ..Default::default() };
    check("nested", &HTTPServer { configs: vec![config], ..Default::default() });
    assert_eq!(outer::middle::Inner::FULL_NAME, "nested.Outer.Middle.Inner");
}

/// Maps of every key and kind of value.
#[test]
fn maps_take_every_key_and_value() {
    use crate::maps::maps::{Color, Keys, Point, Values};
    let text = || "x".to_owned();
    check(
        "maps",
        &Keys {
            int32: HashMap::from([(-1, text()), (0, String::new())]),
            int64: HashMap::from([(i64::MIN, text())]),
            uint32: HashMap::from([(u32::MAX, text())]),
            uint64: HashMap::from([(u64::MAX, text())]),
            sint32: HashMap::from([(i32::MIN, text())]),
            sint64: HashMap::from([(i64::MIN, text())]),
            fixed32: HashMap::from([(1, text())]),
            fixed64: HashMap::from([(1, text())]),
            sfixed32: HashMap::from([(-1, text())]),
            sfixed64: HashMap::from([(-1, text())]),
            bool: HashMap::from([(true, text()), (false, text())]),
            string: HashMap::from([(String::new(), text())]),
            unknown: UnknownFields::default(),
        },
    );
    let point = Point { x: 1, ..Default::default() };
    let inner = Values { numbers: HashMap::from([(text(), 1.5)]), ..Default::default() };
    check(
        "maps",
        &Values {
            blobs: HashMap::from([(text(), vec![1])]),
            colors: HashMap::from([(text(), Color::Red), (String::new(), Color(5))]),
            points: HashMap::from([(text(), point)]),
            values: HashMap::from([(text(), inner)]),
            ..Default::default()
        },
    );
}

/// Fields are written in the order of their numbers, also those that lie between the numbers of a
/// oneof, and reflection writes the same.
#[test]
fn members_of_oneofs_are_written_in_order() {
    use crate::oneofs::oneofs::{Sample, sample};
    let number = Some(sample::Content::Number(7));
    let low = Sample { content: number, between: "b".into(), ..Default::default() };
    assert_eq!(low.encode_to_vec(), b"\x10\x07\x1a\x01b");
    let text = Some(sample::Content::Text("t".into()));
    let high = Sample { content: text, between: "b".into(), ..Default::default() };
    assert_eq!(high.encode_to_vec(), b"\x1a\x01b\x4a\x01t");
    for sample in [low, high] {
        let bytes = sample.encode_to_vec();
        let dynamic = DynamicMessage::decode(sample.descriptor(), &bytes).unwrap();
        assert_eq!(dynamic.encode_to_vec().unwrap(), bytes);
    }
}

/// A oneof is one optional enum: the last member wins, and the same message member merges.
#[test]
fn oneofs_hold_one_member() {
    use crate::oneofs::oneofs::{Color, Point, Sample, sample};
    for content in [
        sample::Content::Number(0),
        sample::Content::Text("x".into()),
        sample::Content::Raw(vec![1]),
        sample::Content::Color(Color::Red),
        sample::Content::Point(Point { x: 1, ..Default::default() }),
        sample::Content::HalfLife(0.5),
    ] {
        check("oneofs", &Sample { content: Some(content), ..Default::default() });
    }
    let choice = Some(sample::SecondChoice::OtherPoint(Point::default()));
    check("oneofs", &Sample { second_choice: choice, between: "b".into(), ..Default::default() });

    let of = |content| Sample { content: Some(content), ..Default::default() }.encode_to_vec();
    let x = of(sample::Content::Point(Point { x: 1, ..Default::default() }));
    let y = of(sample::Content::Point(Point { y: 2, ..Default::default() }));
    let text = of(sample::Content::Text("t".into()));
    let both = Sample::decode(&[text.clone(), x.clone(), y].concat()).unwrap();
    let point = Point { x: 1, y: 2, ..Default::default() };
    assert_eq!(both.content, Some(sample::Content::Point(point)));
    let last = Sample::decode(&[x, text].concat()).unwrap();
    assert_eq!(last.content, Some(sample::Content::Text("t".into())));
}

/// Explicit presence beside a oneof, for scalars, enums and messages.
#[test]
fn optional_fields_know_that_they_were_set() {
    use crate::optional::optional::{Color, Mixed, OnlyOptional, Point, mixed};
    check("optional", &OnlyOptional { text: Some(String::new()), ..Default::default() });
    check(
        "optional",
        &Mixed {
            count: Some(0),
            real: Some(mixed::Real::Number(0)),
            color: Some(Color::Unspecified),
            point: Point::default().into(),
            data: Some(vec![]),
            plain: MessageField::none(),
            ..Default::default()
        },
    );
    assert!(Mixed::default().point.is_none());
}

/// A message that holds itself is boxed there, and nowhere else.
#[test]
fn recursion_is_boxed_where_it_has_to_be() {
    use crate::recursion::recursion::{
        Direct, Even, Expression, Leaf, Nest, Odd, Outside, Sum, Tree, expression, nest,
    };
    let leaf = Direct { value: 2, ..Default::default() };
    let direct = Direct { next: leaf.into(), value: 1, ..Default::default() };
    let _: &MessageField<Box<Direct>> = &direct.next;
    let tree = Tree { children: vec![Tree::default()], ..Default::default() };
    let named = Tree { named: HashMap::from([("t".to_owned(), tree)]), ..Default::default() };
    let outside = Outside { direct: direct.into(), tree: named.into(), ..Default::default() };
    let _: &MessageField<Direct> = &outside.direct;
    check("recursion", &outside);

    let odd = Odd { leaf: Leaf { value: 1, ..Default::default() }.into(), ..Default::default() };
    let _: &MessageField<Leaf> = &odd.leaf;
    check("recursion", &Even { odd: odd.into(), ..Default::default() });

    let one = || Expression { kind: Some(expression::Kind::Literal(1)), ..Default::default() };
    let negated =
        Expression { kind: Some(expression::Kind::Negated(Box::new(one()))), ..Default::default() };
    let sum = Sum { left: one().into(), right: negated.into(), ..Default::default() };
    let kind = Some(expression::Kind::Sum(Box::new(sum)));
    check("recursion", &Expression { kind, ..Default::default() });

    let egg = nest::Egg { nest: Nest::default().into(), ..Default::default() };
    check("recursion", &Nest { egg: egg.into(), ..Default::default() });
}

/// A message that takes many bytes is boxed where it would stand inline, in lists and maps never.
#[test]
fn a_large_message_is_boxed_where_it_would_stand_inline() {
    use crate::boxes::boxes::{Large, Row, Small, User, user};
    let large = || Large { s1: "s".to_owned(), ..Default::default() };
    let small = || Small { s10: "t".to_owned(), ..Default::default() };
    let user = User {
        large: large().into(),
        small: small().into(),
        list: vec![large()],
        named: HashMap::from([("n".to_owned(), large())]),
        kind: Some(user::Kind::One(Box::new(large()))),
        ..Default::default()
    };
    let _: &MessageField<Box<Large>> = &user.large;
    let _: &MessageField<Small> = &user.small;
    check("boxes", &user);
    check("boxes", &User { kind: Some(user::Kind::Other(small())), ..Default::default() });

    let row = Row { a: small().into(), f: small().into(), ..Default::default() };
    let (_, _): (&MessageField<Small>, &MessageField<Box<Small>>) = (&row.a, &row.f);
    check("boxes", &row);
    assert!(size_of::<Row>() <= 1024 + 256, "{}", size_of::<Row>());
}

/// What is done with a wide message, as deep as the limit lets it be, fits the 8 MiB of stack that
/// the runtime's threads have.
#[test]
fn a_deep_wide_message_fits_the_stack_of_a_thread() {
    use crate::boxes::boxes::Wide;
    let deep = || {
        let mut wide = Wide { s40: "innermost".to_owned(), ..Default::default() };
        for _ in 1..100 {
            wide = Wide { next: wide.into(), ..Default::default() };
        }
        check("boxes", &wide);
        assert!(wide.clone() == wide && format!("{wide:?}").contains("innermost"));
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(deep).unwrap().join().unwrap();
}
