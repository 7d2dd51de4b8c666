//! Which messages reach a field of some sort: a required one, so that it has to be checked, or one
//! that shares the buffer it is decoded from.
//!
//! A message reaches one if it has one, or if one of its fields holds a message that does: singular,
//! repeated, in a oneof or in a map, in this file or another.

use std::collections::{HashMap, HashSet};

use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto};

use super::features::Presence;
use super::inner;
use super::link::{Descriptor, Linked};
use crate::options::Options;

/// The full names of the messages that reach a field of those that `has` says a message has itself.
pub(super) fn reaching<'a>(
    types: &HashMap<String, Linked<'a>>,
    has: impl Fn(&str, Linked<'a>, &DescriptorProto) -> bool,
) -> HashSet<String> {
    let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut open: Vec<&str> = Vec::new();
    for (full, linked) in types {
        let Descriptor::Message(message) = linked.descriptor else { continue };
        for target in message.field.iter().filter_map(|field| field.type_name().strip_prefix('.')) {
            holders.entry(target).or_default().push(full);
        }
        if has(full, *linked, message) {
            open.push(full);
        }
    }
    let mut reaching: HashSet<String> = HashSet::new();
    while let Some(full) = open.pop() {
        if reaching.insert(full.to_owned()) {
            open.extend(holders.get(full).into_iter().flatten());
        }
    }
    reaching
}

/// Whether the message has a required field.
pub(super) fn has_required(_: &str, linked: Linked<'_>, message: &DescriptorProto) -> bool {
    // The members of a oneof are never required, so that the oneof's own features do not matter.
    let mut fields = message.field.iter().filter(|field| field.oneof_index.is_none());
    fields.any(|field| linked.features.of_field(field).presence == Presence::Required)
}

/// Whether the message has `bytes` of which the options say that they share a buffer, by themselves
/// or as the values of a map.
pub(super) fn has_shared_bytes(full: &str, message: &DescriptorProto, options: &Options) -> bool {
    let entry = |field: &FieldDescriptorProto| {
        let mut nested = message.nested_type.iter().filter(|nested| nested.options.map_entry());
        nested.find(|nested| field.type_name()[1..] == inner(full, nested.name()))
    };
    message.field.iter().any(|field| {
        let holds_bytes = match field.type_() {
            Type::TYPE_BYTES => true,
            Type::TYPE_MESSAGE => entry(field).is_some_and(|entry| {
                entry
                    .field
                    .iter()
                    .any(|part| part.number() == 2 && part.type_() == Type::TYPE_BYTES)
            }),
            _ => false,
        };
        holds_bytes && options.shares_bytes(&format!(".{}", inner(full, field.name())))
    })
}
