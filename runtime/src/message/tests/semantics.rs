//! What fields mean: last wins, merging, presence, truncation, packing, maps.

use super::samples::{Lists, Mood, Optionals, Point, Scalars, Tree, tree};
use super::*;
use crate::message::{Enumeration, MessageField};

fn point(x: i32, y: i32) -> Point {
    Point { x, y, ..Default::default() }
}

fn leaf(name: &str) -> Tree {
    Tree { name: name.into(), ..Default::default() }
}

/// Of several values for a singular scalar the last one counts.
#[test]
fn last_scalar_wins() {
    check_decode("1801 1802 1800", &Scalars::default());
    check_decode("7201_61 7202_6263", &Scalars { text: "bc".into(), ..Default::default() });
    check_decode("1801 1800", &Optionals { int32: Some(0), ..Default::default() });
}

/// Several occurrences of a singular message are merged, in the inline and in the boxed form.
#[test]
fn singular_messages_merge() {
    check_decode("22020802 22021004", &Tree { place: point(1, 2).into(), ..Default::default() });
    let parent = Tree { name: "b".into(), place: point(1, 0).into(), ..Default::default() };
    check_decode(
        "1207_0a0161_22020802 1203_0a0162",
        &Tree { parent: parent.into(), ..Default::default() },
    );
}

/// The last member of a oneof clears the others, even when it is a default.
#[test]
fn last_oneof_member_wins() {
    let tree = |content| Tree { content: Some(content), ..Default::default() };
    check_decode("2a0161 4005", &tree(tree::Content::Number(5)));
    check_decode("4005 2a0161", &tree(tree::Content::Text("a".into())));
    check_decode("4005 2a00", &tree(tree::Content::Text(String::new())));
    check_decode("4005 32020802 3a00", &tree(tree::Content::Tree(Box::default())));
    check_decode("32020802 4005 32021004", &tree(tree::Content::Point(point(0, 2))));
}

/// A message member that occurs again is merged with what it holds, inline or boxed.
#[test]
fn same_oneof_message_member_merges() {
    let tree = |content| Tree { content: Some(content), ..Default::default() };
    check_decode("32020802 32021004", &tree(tree::Content::Point(point(1, 2))));
    let inner = Tree { name: "n".into(), place: point(1, 0).into(), ..Default::default() };
    check_decode("3a03_0a016e 3a04_22020802", &tree(tree::Content::Tree(Box::new(inner))));
}

/// A oneof member is present and written even when it is a default.
#[test]
fn oneof_default_is_written() {
    let tree = |content| Tree { content: Some(content), ..Default::default() };
    check_both(&tree(tree::Content::Text(String::new())), "2a00");
    check_both(&tree(tree::Content::Number(0)), "4000");
    check_both(&tree(tree::Content::Mood(Mood(0))), "4800");
    check_both(&tree(tree::Content::Point(Point::default())), "3200");
    check_both(&tree(tree::Content::Tree(Box::default())), "3a00");
}

/// Without presence a default is not written; with presence it is.
#[test]
fn defaults_are_written_only_with_presence() {
    check_both(&Scalars::default(), "");
    let zeros = Optionals {
        double: Some(0.0),
        float: Some(0.0),
        int32: Some(0),
        int64: Some(0),
        uint32: Some(0),
        uint64: Some(0),
        sint32: Some(0),
        sint64: Some(0),
        fixed32: Some(0),
        fixed64: Some(0),
        sfixed32: Some(0),
        sfixed64: Some(0),
        bool: Some(false),
        text: Some(String::new()),
        bytes: Some(Vec::new()),
        mood: Some(Mood(0)),
        ..Default::default()
    };
    check_both(
        &zeros,
        "09_0000000000000000 15_00000000 1800 2000 2800 3000 3800 4000 4d_00000000 \
         51_0000000000000000 5d_00000000 61_0000000000000000 6800 7200 7a00 800100",
    );
    check_both(&Tree { place: Point::default().into(), ..Default::default() }, "2200");
}

/// -0.0 is not the default: its bits are compared.
#[test]
fn negative_zero_is_written() {
    let scalars = Scalars { double: -0.0, float: -0.0, ..Default::default() };
    check_encode(&scalars, "09_0000000000000080 15_00000080");
    let decoded = Scalars::decode(&scalars.encode_to_vec()).unwrap();
    assert!(decoded.double.is_sign_negative() && decoded.float.is_sign_negative());
}

/// A negative int32, int64 or enum takes ten bytes, because it is extended to 64 bits.
#[test]
fn negative_numbers_take_ten_bytes() {
    let scalars = Scalars { int32: -1, int64: -2, mood: Mood::Sad, ..Default::default() };
    check_both(
        &scalars,
        "18_ffffffffffffffffff01 20_feffffffffffffffff01 8001_ffffffffffffffffff01",
    );
    check_both(&Scalars { int32: i32::MIN, ..Default::default() }, "18_80808080f8ffffffff01");
}

/// 32-bit numbers and enums take the low 32 bits of what comes.
#[test]
fn numbers_are_cut_to_their_width() {
    check_decode("18_8180808010", &Scalars { int32: 1, ..Default::default() });
    check_decode("18_ffffffff0f", &Scalars { int32: -1, ..Default::default() });
    check_decode("28_ffffffffffffffffff01", &Scalars { uint32: u32::MAX, ..Default::default() });
    check_decode("38_8180808010", &Scalars { sint32: -1, ..Default::default() });
    check_decode("8001_9180808010", &Scalars { mood: Mood(17), ..Default::default() });
    check_decode("1a05_8180808010", &Lists { int32: vec![1], ..Default::default() });
}

/// Any varint other than 0 is true, in one byte or in many.
#[test]
fn bool_is_any_nonzero_varint() {
    let yes = Scalars { bool: true, ..Default::default() };
    for input in ["6801", "6802", "68_8080808010", "68_80808080808080808001", "68_8100"] {
        check_decode(input, &yes);
    }
    check_decode("68_8000", &Scalars::default());
    check_decode("6a03_8000_02", &Lists { bool: vec![false, true], ..Default::default() });
    check_encode(&yes, "6801");
}

/// The extremes of every scalar type survive.
#[test]
fn extremes_survive() {
    let low = Scalars {
        double: f64::MIN,
        float: f32::NEG_INFINITY,
        int32: i32::MIN,
        int64: i64::MIN,
        uint32: 1,
        uint64: 1,
        sint32: i32::MIN,
        sint64: i64::MIN,
        fixed32: 1,
        fixed64: 1,
        sfixed32: i32::MIN,
        sfixed64: i64::MIN,
        bool: true,
        text: "\0".into(),
        bytes: vec![0],
        mood: Mood(i32::MIN),
        ..Default::default()
    };
    let high = Scalars {
        double: f64::MAX,
        float: f32::INFINITY,
        int32: i32::MAX,
        int64: i64::MAX,
        uint32: u32::MAX,
        uint64: u64::MAX,
        sint32: i32::MAX,
        sint64: i64::MAX,
        fixed32: u32::MAX,
        fixed64: u64::MAX,
        sfixed32: i32::MAX,
        sfixed64: i64::MAX,
        bool: true,
        text: "😀".repeat(100),
        bytes: vec![255; 1000],
        mood: Mood(i32::MAX),
        ..Default::default()
    };
    for scalars in [low, high] {
        assert_eq!(Scalars::decode(&scalars.encode_to_vec()).unwrap(), scalars);
    }
}

/// Packed and unpacked are read alike, mixed occurrences are appended, and a packed field may be
/// empty.
#[test]
fn packed_and_unpacked_are_both_read() {
    let lists = |int32: &[i32]| Lists { int32: int32.into(), ..Default::default() };
    check_decode("1a03_01_9601", &lists(&[1, 150]));
    check_decode("1801 18_9601", &lists(&[1, 150]));
    check_decode("1801 1a02_0203 1804", &lists(&[1, 2, 3, 4]));
    check_decode("1a00", &Lists::default());
    check_decode("1a00 1a01_05", &lists(&[5]));
    check_decode("8a01_02_0102", &Lists { unpacked: vec![1, 2], ..Default::default() });
    check_decode("8801_01", &Lists { unpacked: vec![1], ..Default::default() });
    check_decode("4d_01000000", &Lists { fixed32: vec![1], ..Default::default() });
    check_decode("09_000000000000f03f", &Lists { double: vec![1.0], ..Default::default() });
    check_decode("0a08_000000000000f03f", &Lists { double: vec![1.0], ..Default::default() });
}

/// A field is written packed exactly when it is declared so, and an empty one not at all.
#[test]
fn packing_follows_the_declaration() {
    check_both(&Lists { int32: vec![1, 150], ..Default::default() }, "1a03_01_9601");
    check_both(&Lists { unpacked: vec![1, 2], ..Default::default() }, "8801_01 8801_02");
    check_both(&Lists { sfixed32: vec![-1, 1], ..Default::default() }, "5a08_ffffffff_01000000");
    check_both(&Lists { text: vec!["".into(), "a".into()], ..Default::default() }, "7200 7201_61");
    check_both(
        &Lists { points: vec![point(0, 0), point(0, 1)], ..Default::default() },
        "9201_00 9201_02_1002",
    );
}

/// A packed field must end with an element: not within a varint, not within a fixed width.
#[test]
fn packed_field_ends_with_an_element() {
    let error = refusal::<Lists>("1a02_0180");
    assert_eq!(error.kind(), DecodeErrorKind::Truncated { expected: 2, got: 1 });
    assert_eq!(error.offset(), 3);
    check_refused::<Lists>(
        "4a05_0100000002",
        DecodeErrorKind::UnevenPackedLength { length: 5, width: 4 },
    );
    check_refused::<Lists>(
        "5204_01000000",
        DecodeErrorKind::UnevenPackedLength { length: 4, width: 8 },
    );
    check_refused::<Lists>("1a0b_ffffffffffffffffffff01", DecodeErrorKind::VarintTooLong);
}

/// Strings must be UTF-8 in every position; bytes may be anything.
#[test]
fn strings_are_utf8() {
    let invalid = DecodeErrorKind::InvalidUtf8 { valid_up_to: 1 };
    check_refused::<Scalars>("7202_61ff", invalid);
    check_refused::<Optionals>("7202_61ff", invalid);
    check_refused::<Lists>("7202_6161 7202_61ff", invalid);
    check_refused::<Tree>("2a02_61ff", invalid);
    check_refused::<Tree>("5204_0a02_61ff", invalid);
    check_refused::<Tree>("5a04_1202_61ff", invalid);
    // A surrogate, an overlong form and a cut sequence are no UTF-8 either.
    for text in ["eda080", "c0af0a", "e282ac f09f98"] {
        let bytes = hex(text);
        let input = format!("72{:02x}{}", bytes.len(), to_hex(&bytes));
        assert!(matches!(refusal::<Scalars>(&input).kind(), DecodeErrorKind::InvalidUtf8 { .. }));
    }
    check_decode("7a02_61ff", &Scalars { bytes: vec![0x61, 0xff], ..Default::default() });
}

/// In a map entry order is free, what is missing is the default, and what is unknown is dropped.
#[test]
fn map_entries_are_lenient() {
    let texts =
        |key, value: &str| Tree { texts: [(key, value.into())].into(), ..Default::default() };
    check_decode("5a05_0807_1201_61", &texts(7, "a"));
    check_decode("5a05_1201_61_0807", &texts(7, "a"));
    check_decode("5a02_0807", &texts(7, ""));
    check_decode("5a03_1201_61", &texts(0, "a"));
    check_decode("5a00", &texts(0, ""));
    check_decode("5a09_0807_1805_1201_61_2000", &texts(7, "a"));
    check_decode("5a07_0807_0808_1201_61", &texts(8, "a"));
    // A key of another wire type is an unknown field of the entry.
    check_decode("5a04_0a00_1200", &texts(0, ""));
    check_decode("5200", &Tree { named: [("".into(), leaf(""))].into(), ..Default::default() });
}

/// Of two equal keys the last one counts; its value replaces, also when it is a message.
#[test]
fn last_equal_key_wins() {
    check_decode(
        "5a05_0807_1201_61 5a05_0807_1201_62",
        &Tree { texts: [(7, "b".into())].into(), ..Default::default() },
    );
    check_decode(
        "5208_0a016b_1203_0a0161 5207_0a016b_1202_2200",
        &Tree {
            named: [("k".into(), Tree { place: Point::default().into(), ..Default::default() })]
                .into(),
            ..Default::default()
        },
    );
}

/// Keys and values of a map are always written, in the order of the keys.
#[test]
fn map_is_written_in_key_order() {
    check_both(
        &Tree {
            texts: [(3, "c".into()), (-1, "".into()), (0, "z".into())].into(),
            ..Default::default()
        },
        "5a0d_08ffffffffffffffffff01_1200 5a05_0800_12017a 5a05_0803_120163",
    );
    check_both(
        &Tree { moods: [(true, Mood(0)), (false, Mood::Happy)].into(), ..Default::default() },
        "6204_0800_1001 6204_0801_1000",
    );
    let names = (0..500).map(|number| (format!("{number:03}"), leaf("")));
    let tree = Tree { named: names.collect(), ..Default::default() };
    let rebuilt = Tree { named: tree.named.clone().into_iter().collect(), ..Default::default() };
    assert_eq!(tree.encode_to_vec(), rebuilt.encode_to_vec());
}

/// Known fields are written in the order of their numbers, whatever the order they came in.
#[test]
fn fields_are_written_in_order() {
    let tree = Tree::decode(&hex("22020802 0a0161 1a00")).unwrap();
    check_encode(&tree, "0a0161 1a00 22020802");
}

/// An open enum keeps a number it has no name for; the first of several names is the canonical one.
#[test]
fn open_enum_keeps_any_number() {
    assert_eq!(Mood(17).number(), 17);
    assert_eq!(Mood(17).name(), None);
    assert_eq!(Mood::Glad.name(), Some("MOOD_HAPPY"));
    assert_eq!(Mood::from_name("MOOD_GLAD"), Some(Mood::Happy));
    assert_eq!(Mood::from_name("HAPPY"), None);
    assert_eq!(Mood::default(), Mood::Unspecified);
    assert_eq!(format!("{:?} {:?} {:?}", Mood::Glad, Mood::Sad, Mood(17)), "Happy Sad Mood(17)");
}

/// An unset message field reads as the default instance, one for each type; a boxed one too.
#[test]
fn unset_field_reads_as_default() {
    let tree = Tree::default();
    assert_eq!(tree.place.x, 0);
    assert_eq!(tree.parent.parent.parent.name, "");
    assert!(std::ptr::eq(&*tree.place, &*Tree::default().place));
    assert!(tree.place.is_none() && tree.parent.is_none());
    assert_eq!(format!("{:?} {:?}", tree.place, MessageField::some(1)), "None Some(1)");
}

/// A message field is set by `From` of a message or an option, and taken apart again.
#[test]
fn message_field_converts() {
    let mut inline: MessageField<Point> = point(1, 2).into();
    assert_eq!(inline.as_ref(), Some(&point(1, 2)));
    inline.as_mut().unwrap().x = 5;
    assert_eq!(inline.take(), Some(point(5, 2)));
    assert!(inline.is_none());
    assert_eq!(inline.get_or_insert_default(), &point(0, 0));
    assert_eq!(MessageField::<Point>::from(None::<Point>).into_option(), None);

    let boxed: MessageField<Box<Tree>> = leaf("a").into();
    assert_eq!(boxed, Box::new(leaf("a")).into());
    assert_eq!(boxed, Some(leaf("a")).into());
    assert_eq!(boxed, Some(Box::new(leaf("a"))).into());
    assert_eq!(Option::from(boxed), Some(Box::new(leaf("a"))));
}

/// `merge` adds to what is there, `clear` empties, `encode_into` appends.
#[test]
fn messages_are_merged_and_cleared() {
    let mut lists = Lists { int32: vec![1], ..Default::default() };
    lists.merge(&hex("1802 9201_00")).unwrap();
    assert_eq!(lists.int32, [1, 2]);
    assert_eq!(lists.points, [Point::default()]);
    let mut bytes = vec![7];
    lists.encode_into(&mut bytes);
    assert_eq!(bytes, hex("07 1a02_0102 9201_00"));
    lists.clear();
    assert_eq!(lists, Lists::default());
}
