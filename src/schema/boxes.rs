//! Which message fields need a box: those of messages that hold themselves, and of large ones.
//!
//! A message stands inline in the struct that holds it, in a singular field or as a oneof's member,
//! unless the two hold each other, it takes more than [`INLINE_MAX`] bytes, or the fields of smaller
//! numbers have used up [`INLINE_SUM_MAX`]. Maps and repeated fields keep their elements elsewhere,
//! so they need no box. The bytes are counted from the schema alone, whatever the options: every
//! crate that generates or refers to a message agrees.

use std::collections::{BTreeMap, HashMap, HashSet};

use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto};

use super::link::{Descriptor, Linked};
use super::messages::label;
use super::recursion::components;

/// A message of more bytes than this is boxed where it would stand inline. Without a limit a message
/// of messages takes what all of them would, set or not: kilobytes for each element of a list.
const INLINE_MAX: u64 = 256;

/// All messages that stand inline in another take no more than this.
const INLINE_SUM_MAX: u64 = 1024;

/// What is known of each message, by full name.
#[derive(Debug, Default)]
pub(crate) struct Boxes(HashMap<String, Extent>);

#[derive(Debug)]
struct Extent {
    /// Messages of one component hold each other.
    component: usize,
    /// Bytes of the struct, near enough: see [`Part`].
    size: u64,
    /// The numbers of the fields that need a box.
    boxed: HashSet<i32>,
}

/// What one field or oneof adds to the struct that has it.
enum Part<'a> {
    Bytes(u64),
    /// A field of this number and message.
    Message(i32, &'a str),
    /// The largest of its members.
    Oneof(Vec<Self>),
}

impl Boxes {
    pub(super) fn new(types: &HashMap<String, Linked<'_>>) -> Self {
        let messages: HashMap<&str, &DescriptorProto> = types
            .iter()
            .filter_map(|(full, linked)| match linked.descriptor {
                Descriptor::Message(message) => Some((full.as_str(), message)),
                Descriptor::Enum(_) => None,
            })
            .collect();
        Self::of(
            messages.iter().map(|(&full, message)| (full, parts(message, &messages))).collect(),
        )
    }

    /// Whether the field of this number of `owner`, which is no map and not repeated, needs a box
    /// around its message.
    pub(crate) fn needs_box(&self, owner: &str, number: i32) -> bool {
        self.0.get(owner).is_some_and(|owner| owner.boxed.contains(&number))
    }

    fn of(messages: Vec<(&str, Vec<Part<'_>>)>) -> Self {
        let position: HashMap<&str, usize> =
            messages.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        let edges = messages.iter().map(|(_, parts)| {
            let targets = parts.iter().flat_map(Part::targets);
            targets.filter_map(|target| position.get(target).copied()).collect()
        });
        let components = components(&edges.collect::<Vec<Vec<usize>>>());
        // What a message holds is known before the message.
        let mut order: Vec<_> = messages.into_iter().zip(components).collect();
        order.sort_by_key(|(_, component)| *component);
        let mut boxes = Self::default();
        for ((name, parts), component) in order {
            let mut extent = Extent { component, size: UNKNOWN_FIELDS, boxed: HashSet::new() };
            let mut room = INLINE_SUM_MAX;
            for part in &parts {
                let inline = boxes.add(part, room, &mut extent);
                room -= inline;
            }
            boxes.0.insert(name.to_owned(), extent);
        }
        boxes
    }

    /// Adds `part` to the message of `extent`, and says how much of `room` it takes.
    fn add(&self, part: &Part<'_>, room: u64, extent: &mut Extent) -> u64 {
        let (bytes, inline) = match part {
            Part::Bytes(bytes) => (*bytes, 0),
            Part::Message(number, target) => {
                match self.0.get(*target).filter(|target| target.component != extent.component) {
                    Some(target) if target.size <= INLINE_MAX.min(room) => {
                        (target.size + TAG, target.size)
                    }
                    _ => {
                        extent.boxed.insert(*number);
                        (POINTER, 0)
                    }
                }
            }
            Part::Oneof(members) => {
                let before = extent.size;
                let added = members.iter().map(|member| {
                    let inline = self.add(member, room, extent);
                    (std::mem::replace(&mut extent.size, before) - before, inline)
                });
                let largest = added.max().unwrap_or_default();
                (largest.0 + TAG, largest.1)
            }
        };
        extent.size += bytes;
        inline
    }
}

impl<'a> Part<'a> {
    fn targets(&self) -> Vec<&'a str> {
        match self {
            Self::Bytes(_) => Vec::new(),
            Self::Message(_, target) => vec![*target],
            Self::Oneof(members) => members.iter().flat_map(Self::targets).collect(),
        }
    }
}

/// A number with the word that says whether it is there; a pointer.
const POINTER: u64 = 8;
/// Which variant it is, with what alignment adds.
const TAG: u64 = 8;
/// A `String`, a `Vec`.
const VECTOR: u64 = 24;
/// A `HashMap`.
const MAP: u64 = 48;
/// The field `unknown` of every message.
const UNKNOWN_FIELDS: u64 = 8;

fn parts<'a>(
    message: &'a DescriptorProto,
    messages: &HashMap<&str, &DescriptorProto>,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut oneofs: BTreeMap<i32, Vec<Part<'a>>> = BTreeMap::new();
    let mut fields: Vec<_> = message.field.iter().collect();
    fields.sort_by_key(|field| field.number());
    for field in fields {
        match field.oneof_index.filter(|_| !field.proto3_optional()) {
            Some(oneof) => oneofs.entry(oneof).or_default().push(part(field, messages)),
            None => parts.push(part(field, messages)),
        }
    }
    parts.extend(oneofs.into_values().map(Part::Oneof));
    parts
}

fn part<'a>(
    field: &'a FieldDescriptorProto,
    messages: &HashMap<&str, &DescriptorProto>,
) -> Part<'a> {
    let target = field.type_name().strip_prefix('.').unwrap_or_default();
    if label(field) == Some(Label::LABEL_REPEATED) {
        let is_map = messages.get(target).is_some_and(|entry| entry.options.map_entry());
        return Part::Bytes(if is_map { MAP } else { VECTOR });
    }
    match field.type_.and_then(|kind| kind.enum_value().ok()) {
        Some(Type::TYPE_MESSAGE | Type::TYPE_GROUP) => Part::Message(field.number(), target),
        Some(Type::TYPE_STRING | Type::TYPE_BYTES) => Part::Bytes(VECTOR),
        _ => Part::Bytes(POINTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages with the messages that their fields hold, numbered from 1, and bytes beside them.
    fn boxes(messages: &[(&'static str, &[&'static str], u64)]) -> Boxes {
        let parts = messages.iter().map(|(name, targets, bytes)| {
            let targets = (1..).zip(*targets).map(|(number, target)| Part::Message(number, target));
            (*name, targets.chain([Part::Bytes(*bytes)]).collect())
        });
        Boxes::of(parts.collect())
    }

    fn boxed(boxes: &Boxes, owner: &str) -> Vec<i32> {
        (1..=9).filter(|number| boxes.needs_box(owner, *number)).collect()
    }

    /// A message that holds itself, directly or through others, needs a box; its user does not.
    #[test]
    fn only_edges_inside_a_cycle_need_a_box() {
        let boxes = boxes(&[
            ("User", &["A", "Leaf"], 8),
            ("A", &["B", "Leaf"], 8),
            ("B", &["C"], 8),
            ("C", &["A"], 8),
            ("Loop", &["Loop", "A"], 8),
            ("Leaf", &[], 8),
        ]);
        for owner in ["A", "B", "C", "Loop"] {
            assert_eq!(boxed(&boxes, owner), [1], "{owner}");
        }
        for owner in ["User", "Leaf"] {
            assert_eq!(boxed(&boxes, owner), [0; 0], "{owner}");
        }
    }

    /// A message over the limit is boxed wherever it stands, and then weighs a pointer.
    #[test]
    fn a_large_message_needs_a_box() {
        let fits = INLINE_MAX - UNKNOWN_FIELDS;
        let boxes = boxes(&[
            ("User", &["Fits", "Large"], 8),
            ("Fits", &[], fits),
            ("Large", &[], fits + 1),
            ("Holder", &["Large", "Large", "Large"], 8),
            ("Sum", &["Half", "Half"], 8),
            ("Half", &[], INLINE_MAX / 2),
            ("Top", &["Holder", "Sum"], 8),
        ]);
        assert_eq!(boxed(&boxes, "User"), [2]);
        assert_eq!(boxed(&boxes, "Holder"), [1, 2, 3]);
        assert_eq!(boxed(&boxes, "Top"), [2]);
    }

    /// What stands inline together is limited: the fields of the highest numbers get the boxes.
    #[test]
    fn many_small_messages_need_boxes() {
        let quarter = INLINE_SUM_MAX / 4 - UNKNOWN_FIELDS;
        let small: &[&str] = &["Small"; 6];
        let boxes = boxes(&[("Row", small, 8), ("Small", &[], quarter)]);
        assert_eq!(boxed(&boxes, "Row"), [5, 6]);
    }

    /// A oneof takes the room of its largest member.
    #[test]
    fn a_oneof_is_as_large_as_its_largest_member() {
        let oneof = || {
            let half = Part::Message(1, "Half");
            let large = Part::Message(2, "Large");
            Part::Oneof(vec![Part::Bytes(100), half, large, Part::Bytes(8)])
        };
        let half = INLINE_MAX / 2;
        let boxes = Boxes::of(vec![
            ("M", vec![oneof(), Part::Bytes(16)]),
            ("Half", vec![Part::Bytes(half)]),
            ("Large", vec![Part::Bytes(INLINE_MAX)]),
        ]);
        assert_eq!(boxed(&boxes, "M"), [2]);
        let oneof = half + UNKNOWN_FIELDS + TAG + TAG;
        assert_eq!(boxes.0["M"].size, UNKNOWN_FIELDS + oneof + 16);
    }
}
