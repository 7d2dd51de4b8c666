//! The same messages through `prost`: what one writes the other reads as the same values.
//!
//! `prost` keeps no unknown fields and is stricter with wrong wire types and more lenient with
//! tags, so that damaged input is compared only where both accept it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use prost::Message as _;

use super::round_trip::{lists, scalars, trees};
use super::samples;
use crate::Message;
use crate::message::UnknownFields;

#[derive(Clone, PartialEq, prost::Message)]
struct Scalars {
    #[prost(double, tag = "1")]
    double: f64,
    #[prost(float, tag = "2")]
    float: f32,
    #[prost(int32, tag = "3")]
    int32: i32,
    #[prost(int64, tag = "4")]
    int64: i64,
    #[prost(uint32, tag = "5")]
    uint32: u32,
    #[prost(uint64, tag = "6")]
    uint64: u64,
    #[prost(sint32, tag = "7")]
    sint32: i32,
    #[prost(sint64, tag = "8")]
    sint64: i64,
    #[prost(fixed32, tag = "9")]
    fixed32: u32,
    #[prost(fixed64, tag = "10")]
    fixed64: u64,
    #[prost(sfixed32, tag = "11")]
    sfixed32: i32,
    #[prost(sfixed64, tag = "12")]
    sfixed64: i64,
    #[prost(bool, tag = "13")]
    bool: bool,
    #[prost(string, tag = "14")]
    text: String,
    #[prost(bytes = "vec", tag = "15")]
    bytes: Vec<u8>,
    #[prost(int32, tag = "16")]
    mood: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Lists {
    #[prost(double, repeated, tag = "1")]
    double: Vec<f64>,
    #[prost(float, repeated, tag = "2")]
    float: Vec<f32>,
    #[prost(int32, repeated, tag = "3")]
    int32: Vec<i32>,
    #[prost(int64, repeated, tag = "4")]
    int64: Vec<i64>,
    #[prost(uint32, repeated, tag = "5")]
    uint32: Vec<u32>,
    #[prost(uint64, repeated, tag = "6")]
    uint64: Vec<u64>,
    #[prost(sint32, repeated, tag = "7")]
    sint32: Vec<i32>,
    #[prost(sint64, repeated, tag = "8")]
    sint64: Vec<i64>,
    #[prost(fixed32, repeated, tag = "9")]
    fixed32: Vec<u32>,
    #[prost(fixed64, repeated, tag = "10")]
    fixed64: Vec<u64>,
    #[prost(sfixed32, repeated, tag = "11")]
    sfixed32: Vec<i32>,
    #[prost(sfixed64, repeated, tag = "12")]
    sfixed64: Vec<i64>,
    #[prost(bool, repeated, tag = "13")]
    bool: Vec<bool>,
    #[prost(string, repeated, tag = "14")]
    text: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    bytes: Vec<Vec<u8>>,
    #[prost(int32, repeated, tag = "16")]
    mood: Vec<i32>,
    #[prost(int32, repeated, packed = "false", tag = "17")]
    unpacked: Vec<i32>,
    #[prost(message, repeated, tag = "18")]
    points: Vec<Point>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Point {
    #[prost(sint32, tag = "1")]
    x: i32,
    #[prost(sint32, tag = "2")]
    y: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Tree {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, boxed, tag = "2")]
    parent: Option<Box<Self>>,
    #[prost(message, repeated, tag = "3")]
    children: Vec<Self>,
    #[prost(message, optional, tag = "4")]
    place: Option<Point>,
    #[prost(oneof = "Content", tags = "5, 6, 7, 8, 9")]
    content: Option<Content>,
    #[prost(btree_map = "string, message", tag = "10")]
    named: BTreeMap<String, Self>,
    #[prost(btree_map = "int32, string", tag = "11")]
    texts: BTreeMap<i32, String>,
    #[prost(btree_map = "bool, int32", tag = "12")]
    moods: BTreeMap<bool, i32>,
    #[prost(btree_map = "fixed64, bytes", tag = "13")]
    blobs: BTreeMap<u64, Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Content {
    #[prost(string, tag = "5")]
    Text(String),
    #[prost(message, tag = "6")]
    Point(Point),
    #[prost(message, boxed, tag = "7")]
    Tree(Box<Tree>),
    #[prost(uint32, tag = "8")]
    Number(u32),
    #[prost(int32, tag = "9")]
    Mood(i32),
}

/// Writes `message`, reads it with `prost`, writes it again and reads it back.
#[track_caller]
fn check_there_and_back<M: Message, P: prost::Message + Default>(message: &M) {
    let bytes = message.encode_to_vec();
    let there = P::decode(&bytes[..]).unwrap();
    assert_eq!(&M::decode(&there.encode_to_vec()).unwrap(), message);
}

/// Reads `bytes` with both; where both accept them they agree about every known field.
#[track_caller]
fn check_damaged<M: Message, P: prost::Message + Default + Debug>(bytes: &[u8]) -> bool {
    let (Ok(ours), Ok(theirs)) = (M::decode(bytes), P::decode(bytes)) else { return false };
    let reread = P::decode(&ours.encode_to_vec()[..]).unwrap();
    // By text, because NaN is not equal to itself.
    assert_eq!(format!("{reread:?}"), format!("{theirs:?}"), "{bytes:02x?}");
    true
}

/// A tree with something in every field means the same to both, also after any one bit is changed.
#[test]
fn damaged_trees_mean_the_same() {
    let sample = samples::full_tree().encode_to_vec();
    check_there_and_back::<samples::Tree, Tree>(&samples::full_tree());
    let accepted = (0..sample.len() * 8).filter(|bit| {
        let mut flipped = sample.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        check_damaged::<samples::Tree, Tree>(&flipped)
    });
    assert!(accepted.count() > sample.len(), "most flips change a value and no structure");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Scalars of every type mean the same to both.
    #[test]
    fn scalars_mean_the_same(scalars in scalars()) {
        check_there_and_back::<samples::Scalars, Scalars>(&scalars);
    }

    /// Lists of every type mean the same to both, packed or not.
    #[test]
    fn lists_mean_the_same(lists in lists(), position in any::<prop::sample::Index>(), byte: u8) {
        check_there_and_back::<samples::Lists, Lists>(&lists);
        let mut bytes = lists.encode_to_vec();
        if !bytes.is_empty() {
            let index = position.index(bytes.len());
            bytes[index] = byte;
            check_damaged::<samples::Lists, Lists>(&bytes);
        }
    }

    /// Trees mean the same to both, unknown fields or not.
    #[test]
    fn trees_mean_the_same(tree in trees()) {
        check_there_and_back::<samples::Tree, Tree>(&tree);
        let mut more = tree.clone();
        more.unknown = UnknownFields::new();
        more.unknown.push(100, crate::message::UnknownValue::Varint(5));
        let theirs = <Tree as prost::Message>::decode(&more.encode_to_vec()[..]).unwrap();
        prop_assert_eq!(samples::Tree::decode(&theirs.encode_to_vec()).unwrap(), tree);
    }
}
