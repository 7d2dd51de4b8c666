//! Paths in options that cover nothing: most likely they are misspelt, and would change nothing
//! without a word.

use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::options::{AppliesTo, Options, lies_in};

/// Something that a path can cover.
struct Element {
    /// With its leading dot.
    name: String,
    /// The options that change it.
    takes: Vec<AppliesTo>,
}

/// A line for each path of an attribute, of `bytes` or of `map` that covers nothing in `files`, or
/// nothing that the option changes.
///
/// `extern_path` is left out: it often names more than a run uses.
pub(super) fn notes(files: &[FileDescriptorProto], options: &Options) -> Vec<String> {
    let elements: Vec<Element> = files.iter().flat_map(elements_of_file).collect();
    let note = |(applies_to, path): (AppliesTo, &str)| {
        let covered: Vec<&Element> =
            elements.iter().filter(|element| lies_in(&element.name, path)).collect();
        let (key, word) = (applies_to.key(), applies_to.word());
        if path == "." || covered.iter().any(|element| element.takes.contains(&applies_to)) {
            None
        } else if covered.is_empty() {
            Some(format!("option \"{key}\": {path} is no element of these files"))
        } else {
            Some(format!("option \"{key}\": {path} is no {word} and holds none"))
        }
    };
    options.element_paths().filter_map(note).collect()
}

fn elements_of_file(file: &FileDescriptorProto) -> Vec<Element> {
    let package = match file.package() {
        "" => String::new(),
        package => format!(".{package}"),
    };
    let mut elements: Vec<Element> =
        file.enum_type.iter().map(|of| element(&package, of.name(), &[AppliesTo::Types])).collect();
    file.message_type.iter().for_each(|message| push_message(message, &package, &mut elements));
    elements
}

fn push_message(message: &DescriptorProto, scope: &str, elements: &mut Vec<Element>) {
    let full = format!("{scope}.{}", message.name());
    elements.extend(message.field.iter().map(|field| {
        let entry = entry(message, &full, field);
        let mut takes = vec![AppliesTo::Fields];
        takes.extend(entry.is_some().then_some(AppliesTo::Maps));
        // The value of a map's entry is its second field.
        let value = entry.map_or(Some(field), |entry| entry.field.get(1));
        let is_bytes = value.is_some_and(|value| value.type_() == Type::TYPE_BYTES);
        takes.extend(is_bytes.then_some(AppliesTo::Bytes));
        element(&full, field.name(), &takes)
    }));
    let of_oneof = [AppliesTo::Types, AppliesTo::Fields];
    elements.extend(message.oneof_decl.iter().map(|of| element(&full, of.name(), &of_oneof)));
    elements
        .extend(message.enum_type.iter().map(|of| element(&full, of.name(), &[AppliesTo::Types])));
    let is_written = |nested: &&DescriptorProto| !nested.options.map_entry();
    let written = message.nested_type.iter().filter(is_written);
    written.for_each(|nested| push_message(nested, &full, elements));
    elements.push(Element { name: full, takes: vec![AppliesTo::Types] });
}

fn element(scope: &str, name: &str, takes: &[AppliesTo]) -> Element {
    Element { name: format!("{scope}.{name}"), takes: takes.to_vec() }
}

/// The entry that a map field of this message is made of.
fn entry<'a>(
    message: &'a DescriptorProto,
    full: &str,
    field: &FieldDescriptorProto,
) -> Option<&'a DescriptorProto> {
    let name = field.type_name().strip_prefix(full)?.strip_prefix('.')?;
    message.nested_type.iter().find(|nested| nested.options.map_entry() && nested.name() == name)
}

#[cfg(test)]
mod tests {
    use protobuf::EnumOrUnknown;

    use super::*;

    /// `shop.v1.Order` with a field `blob` of bytes, a map `names` and an enum `Kind`.
    fn file() -> FileDescriptorProto {
        let field = |name: &str, of: Type| {
            let mut field = FieldDescriptorProto::new();
            field.set_name(name.to_owned());
            field.type_ = Some(EnumOrUnknown::new(of));
            field
        };
        let mut names = field("names", Type::TYPE_MESSAGE);
        names.set_type_name(".shop.v1.Order.NamesEntry".to_owned());
        let mut entry = DescriptorProto::new();
        entry.set_name("NamesEntry".to_owned());
        entry.options.mut_or_insert_default().set_map_entry(true);
        entry.field = vec![field("key", Type::TYPE_STRING), field("value", Type::TYPE_STRING)];
        let mut message = DescriptorProto::new();
        message.set_name("Order".to_owned());
        message.field = vec![field("blob", Type::TYPE_BYTES), names];
        message.nested_type.push(entry);
        message.enum_type.push(protobuf::descriptor::EnumDescriptorProto::new());
        message.enum_type[0].set_name("Kind".to_owned());
        let mut file = FileDescriptorProto::new();
        file.set_package("shop.v1".to_owned());
        file.message_type.push(message);
        file
    }

    fn notes_of(parameter: &str) -> String {
        notes(&[file()], &Options::parse(parameter).unwrap()).join("\n")
    }

    /// Packages, messages and fields that exist are covered, and everything is by `.`.
    #[test]
    fn paths_that_cover_nothing_are_noted() {
        for path in [".", ".shop", ".shop.v1", ".shop.v1.Order"] {
            for value in
                ["bytes=@", "map=@=btree", "type_attribute=@=#[x]", "field_attribute=@=#[x]"]
            {
                assert_eq!(notes_of(&value.replace('@', path)), "", "{value} {path}");
            }
        }
        for (option, key, path) in [
            ("bytes=.shop.v1.Ordre", "bytes", ".shop.v1.Ordre"),
            ("map=.shop.v1.Order.bolb=btree", "map", ".shop.v1.Order.bolb"),
            ("type_attribute=.sho=#[allow(x)]", "type_attribute", ".sho"),
            ("field_attribute=.shop.v1.Order.x=#[allow(x)]", "field_attribute", ".shop.v1.Order.x"),
        ] {
            let expected = format!("option \"{key}\": {path} is no element of these files");
            assert_eq!(notes_of(option), expected);
        }
    }

    /// A path of something that the option cannot change is noted, too.
    #[test]
    fn paths_of_what_an_option_does_not_change_are_noted() {
        let order = ".shop.v1.Order";
        for (good, bad, words) in [
            ("bytes=@.blob", "bytes=@.names", "\"bytes\": @.names is no field of bytes"),
            ("map=@.names=hash", "map=@.blob=hash", "\"map\": @.blob is no map field"),
            (
                "type_attribute=@.Kind=#[x]",
                "type_attribute=@.blob=#[x]",
                "\"type_attribute\": @.blob is no message, enum or oneof",
            ),
            (
                "field_attribute=@.blob=#[x]",
                "field_attribute=@.Kind=#[x]",
                "\"field_attribute\": @.Kind is no field",
            ),
        ] {
            let [good, bad, words] = [good, bad, words].map(|text| text.replace('@', order));
            assert_eq!(notes_of(&good), "");
            assert_eq!(notes_of(&bad), format!("option {words} and holds none"));
        }
    }
}
