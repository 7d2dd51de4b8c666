//! Paths in options that cover nothing: most likely they are misspelt, and would change nothing
//! without a word.

use protobuf::descriptor::{DescriptorProto, FileDescriptorProto};

use crate::options::{Options, lies_in};

/// A line for each path of an attribute, of `bytes` or of `map` that covers nothing in `files`.
///
/// `extern_path` is left out: it often names more than a run uses.
pub(super) fn notes(files: &[FileDescriptorProto], options: &Options) -> Vec<String> {
    let names: Vec<String> = files.iter().flat_map(names_of_file).collect();
    let is_unused = |path: &str| path != "." && !names.iter().any(|name| lies_in(name, path));
    options
        .element_paths()
        .filter(|(_, path)| is_unused(path))
        .map(|(key, path)| format!("option \"{key}\": {path} is no element of these files"))
        .collect()
}

/// The elements that a path can cover, with their leading dots.
fn names_of_file(file: &FileDescriptorProto) -> Vec<String> {
    let package = match file.package() {
        "" => String::new(),
        package => format!(".{package}"),
    };
    let mut names: Vec<String> =
        file.enum_type.iter().map(|of| format!("{package}.{}", of.name())).collect();
    file.message_type.iter().for_each(|message| push_names(message, &package, &mut names));
    names
}

fn push_names(message: &DescriptorProto, scope: &str, names: &mut Vec<String>) {
    let full = format!("{scope}.{}", message.name());
    names.extend(message.field.iter().map(|field| format!("{full}.{}", field.name())));
    names.extend(message.oneof_decl.iter().map(|oneof| format!("{full}.{}", oneof.name())));
    names.extend(message.enum_type.iter().map(|of| format!("{full}.{}", of.name())));
    message.nested_type.iter().for_each(|nested| push_names(nested, &full, names));
    names.push(full);
}

#[cfg(test)]
mod tests {
    use protobuf::descriptor::FieldDescriptorProto;

    use super::*;

    /// Packages, messages and fields that exist are covered, and everything is by `.`.
    #[test]
    fn paths_that_cover_nothing_are_noted() {
        let mut field = FieldDescriptorProto::new();
        field.set_name("blob".to_owned());
        let mut message = DescriptorProto::new();
        message.set_name("Order".to_owned());
        message.field.push(field);
        let mut file = FileDescriptorProto::new();
        file.set_package("shop.v1".to_owned());
        file.message_type.push(message);
        let notes = |parameter: &str| {
            notes(std::slice::from_ref(&file), &Options::parse(parameter).unwrap()).join("\n")
        };
        for path in [".", ".shop", ".shop.v1", ".shop.v1.Order", ".shop.v1.Order.blob"] {
            assert_eq!(notes(&format!("bytes={path},type_attribute={path}=#[allow(x)]")), "");
        }
        for (option, key, path) in [
            ("bytes=.shop.v1.Ordre", "bytes", ".shop.v1.Ordre"),
            ("map=.shop.v1.Order.bolb=btree", "map", ".shop.v1.Order.bolb"),
            ("type_attribute=.sho=#[allow(x)]", "type_attribute", ".sho"),
            ("field_attribute=.shop.v1.Order.x=#[allow(x)]", "field_attribute", ".shop.v1.Order.x"),
        ] {
            let expected = format!("option \"{key}\": {path} is no element of these files");
            assert_eq!(notes(option), expected);
        }
    }
}
