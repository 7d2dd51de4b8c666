//! Any message decodes from its own bytes, and the writer puts them where they belong.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;

use super::samples::{Lists, Mood, Optionals, Point, Scalars, Tree, full_tree, tree};
use super::*;
use crate::generated::message::{FieldWriter, Reader, Str};
use crate::message::{UnknownFields, Writer};

/// A tree with something in every field survives.
#[test]
fn full_tree_survives() {
    let tree = full_tree();
    assert_eq!(Tree::decode(&tree.encode_to_vec()).unwrap(), tree);
}

/// What is written goes before what was written, over any number of growths.
#[test]
fn writer_writes_towards_the_front() {
    let mut writer = Writer::new();
    let mut expected = Vec::new();
    for size in 0..200 {
        let bytes = vec![size as u8; size];
        writer.prepend(&bytes);
        expected.splice(0..0, bytes);
        assert_eq!(writer.as_slice(), expected);
        assert_eq!(writer.len(), expected.len());
    }
    assert_eq!(writer.into_vec(), expected);
}

/// A cleared writer is empty and keeps its room; a prefix goes before the message without moving
/// it.
#[test]
fn writer_is_reused_and_prefixed() {
    let point = Point { x: 1, ..Default::default() };
    let mut writer = Writer::with_capacity(100);
    let place = writer.as_slice().as_ptr();
    for _ in 0..3 {
        writer.clear();
        assert!(writer.is_empty());
        point.encode(&mut writer).unwrap();
        writer.prepend(&[0, 0, 0, 0, 2]);
        assert_eq!(writer.as_slice(), hex("0000000002_0802"));
        assert_eq!(writer.as_slice().as_ptr_range().end, place);
    }
}

/// A message that counts how often it is written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counting {
    text: String,
    unknown: UnknownFields,
}

static PASSES: AtomicUsize = AtomicUsize::new(0);

impl Message for Counting {
    const FULL_NAME: &'static str = "sample.Counting";

    fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
        PASSES.fetch_add(1, Ordering::Relaxed);
        writer.implicit::<Str>(1, &self.text);
        writer.room_left()
    }

    fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        while let Some(tag) = reader.next_tag()? {
            reader.unknown(tag, &mut self.unknown)?;
        }
        Ok(())
    }
}

/// A call's message, of which most are small, is written once into a new writer, and what goes
/// before it neither moves nor copies it; a large one is written a second time, with the room for
/// both.
#[test]
fn a_new_writer_has_room_for_a_message_and_its_prefix() {
    for (size, passes) in [(0, 1), (1, 1), (400, 1), (5_000, 2), (300_000, 2)] {
        let message = Counting { text: "a".repeat(size), ..Default::default() };
        let mut writer = Writer::new();
        PASSES.store(0, Ordering::Relaxed);
        message.encode(&mut writer).unwrap();
        assert_eq!(PASSES.load(Ordering::Relaxed), passes, "{size} bytes");
        let end = writer.as_slice().as_ptr_range().end;
        writer.prepend(&[0; 5]);
        assert_eq!(writer.as_slice().as_ptr_range().end, end, "{size} bytes");
    }
}

/// A message over 2 GiB - 1 bytes is an error that tells its size.
#[test]
fn encode_error_tells_the_size() {
    let error = crate::message::EncodeError::too_large("sample.Tree", 1 << 31);
    assert_eq!(
        error.to_string(),
        "cannot encode sample.Tree: expected at most 2147483647 bytes, got 2147483648"
    );
}

fn text() -> impl Strategy<Value = String> {
    ".{0,5}"
}

fn mood() -> impl Strategy<Value = Mood> {
    any::<i32>().prop_map(Mood)
}

fn point() -> impl Strategy<Value = Point> {
    any::<(i32, i32)>().prop_map(|(x, y)| Point { x, y, ..Default::default() })
}

prop_compose! {
    pub(super) fn scalars()(
        (double, float, int32, int64, uint32, uint64) in
            (-1e9..1e9_f64, -1e9..1e9_f32, any::<i32>(), any::<i64>(), any::<u32>(), any::<u64>()),
        (sint32, sint64, fixed32, fixed64, sfixed32, sfixed64) in
            any::<(i32, i64, u32, u64, i32, i64)>(),
        (bool, text, bytes, mood) in (any::<bool>(), any::<String>(), any::<Vec<u8>>(), mood()),
    ) -> Scalars {
        Scalars {
            double, float, int32, int64, uint32, uint64, sint32, sint64, fixed32, fixed64,
            sfixed32, sfixed64, bool, text, bytes, mood, ..Default::default()
        }
    }
}

prop_compose! {
    pub(super) fn lists()(
        (double, float, int32, int64, uint32, uint64) in (
            vec(-1e9..1e9_f64, 0..5), vec(-1e9..1e9_f32, 0..5), any::<Vec<i32>>(),
            any::<Vec<i64>>(), any::<Vec<u32>>(), any::<Vec<u64>>(),
        ),
        (sint32, sint64, fixed32, fixed64, sfixed32, sfixed64) in
            any::<(Vec<i32>, Vec<i64>, Vec<u32>, Vec<u64>, Vec<i32>, Vec<i64>)>(),
        (bool, text, bytes, mood, unpacked, points) in (
            any::<Vec<bool>>(), vec(any::<String>(), 0..5), vec(any::<Vec<u8>>(), 0..3),
            vec(mood(), 0..5), any::<Vec<i32>>(), vec(point(), 0..5),
        ),
    ) -> Lists {
        Lists {
            double, float, int32, int64, uint32, uint64, sint32, sint64, fixed32, fixed64,
            sfixed32, sfixed64, bool, text, bytes, mood, unpacked, points, ..Default::default()
        }
    }
}

pub(super) fn trees() -> impl Strategy<Value = Tree> {
    let leaf = text().prop_map(|name| Tree { name, ..Default::default() });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let content = prop_oneof![
            text().prop_map(tree::Content::Text),
            point().prop_map(tree::Content::Point),
            inner.clone().prop_map(|tree| tree::Content::Tree(Box::new(tree))),
            any::<u32>().prop_map(tree::Content::Number),
            mood().prop_map(tree::Content::Mood),
        ];
        let named = hash_map(text(), inner.clone(), 0..3);
        let messages = (
            prop::option::of(inner.clone()),
            vec(inner, 0..3),
            prop::option::of(point()),
            prop::option::of(content),
            named,
        );
        let maps = (
            hash_map(any::<i32>(), text(), 0..3),
            hash_map(any::<u64>(), vec(any::<u8>(), 0..5), 0..3),
        );
        (text(), messages, maps).prop_map(|(name, messages, (texts, blobs))| {
            let (parent, children, place, content, named) = messages;
            Tree {
                name,
                parent: parent.into(),
                children,
                place: place.into(),
                content,
                named,
                texts,
                blobs,
                ..Default::default()
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Scalars without presence survive; so do the same ones with presence, whose bytes are read
    /// alike.
    #[test]
    fn scalars_survive(scalars in scalars()) {
        let bytes = scalars.encode_to_vec();
        prop_assert_eq!(&Scalars::decode(&bytes).unwrap(), &scalars);
        prop_assert_eq!(Optionals::decode(&bytes).unwrap().encode_to_vec(), bytes);
    }

    /// Lists survive, packed or not.
    #[test]
    fn lists_survive(lists in lists()) {
        prop_assert_eq!(Lists::decode(&lists.encode_to_vec()).unwrap(), lists);
    }

    /// Trees survive; two messages in a row merge as the second into the first.
    #[test]
    fn trees_survive_and_merge(first in trees(), second in trees()) {
        let bytes = first.encode_to_vec();
        prop_assert_eq!(&Tree::decode(&bytes).unwrap(), &first);
        let mut merged = first.clone();
        merged.merge(&second.encode_to_vec()).unwrap();
        let in_a_row = [bytes, second.encode_to_vec()].concat();
        prop_assert_eq!(Tree::decode(&in_a_row).unwrap(), merged);
    }

    /// A reader that knows no field keeps them all.
    #[test]
    fn unknown_fields_survive(tree in trees()) {
        let bytes = tree.encode_to_vec();
        prop_assert_eq!(Lists::decode(&[]).unwrap().encode_to_vec(), Vec::<u8>::new());
        // Point knows 1 and 2 only as varints, which a tree's are not.
        prop_assert_eq!(Point::decode(&bytes).unwrap().encode_to_vec(), bytes);
    }
}
