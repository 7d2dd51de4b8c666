//! Which messages reach a required field: those alone are checked for it.
//!
//! A message reaches one if it has one, or if one of its fields holds a message that does: singular,
//! repeated, in a oneof or in a map, in this file or another.

use std::collections::{HashMap, HashSet};

use protobuf::descriptor::DescriptorProto;

use super::features::{Features, Presence};
use super::link::{Descriptor, Linked};

/// The full names of the messages that reach a required field.
pub(super) fn reaching(types: &HashMap<String, Linked<'_>>) -> HashSet<String> {
    let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut open: Vec<&str> = Vec::new();
    for (full, linked) in types {
        let Descriptor::Message(message) = linked.descriptor else { continue };
        for target in message.field.iter().filter_map(|field| field.type_name().strip_prefix('.')) {
            holders.entry(target).or_default().push(full);
        }
        if has_required(message, linked.features) {
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

fn has_required(message: &DescriptorProto, features: Features) -> bool {
    // The members of a oneof are never required, so that the oneof's own features do not matter.
    let mut fields = message.field.iter().filter(|field| field.oneof_index.is_none());
    fields.any(|field| features.of_field(field).presence == Presence::Required)
}
