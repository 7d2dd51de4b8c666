//! Where each file goes, and the module tree that holds them.
//!
//! One .rs for each .proto, at a path made from the .proto's own, so that plugin runs over parts of
//! a tree never write the same path. Files of one package share a module: a name that two of them
//! have, although neither imports the other, stays ambiguous and is refused.

use std::collections::BTreeMap;

use protobuf::descriptor::FileDescriptorProto;

use super::link::Index;
use super::model::TreeModule;
use super::names::{Held, identifier, package_modules};
use super::source::{FILE_SERVICE, Source};
use crate::options::Messages;
use crate::user_error::UserError;

/// The output path of `file`.
pub(crate) fn output_path(file: &FileDescriptorProto) -> Result<String, UserError> {
    let name = file.name();
    let clean = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    if !name.split('/').all(clean) {
        return Err(UserError::new(format!(
            "file \"{name}\": expected a relative path without \".\" and \"..\""
        )));
    }
    let stem = name.strip_suffix(".proto").unwrap_or(name);
    // The tree's own file is mod.rs: mod.proto steps aside, whether or not a tree is written.
    let is_tree = stem.trim_end_matches('_') == "mod";
    Ok(if is_tree { format!("{stem}_.rs") } else { format!("{stem}.rs") })
}

/// Refuses two files that go to one path.
pub(crate) fn check_distinct(files: &[(&FileDescriptorProto, String)]) -> Result<(), UserError> {
    let mut paths = BTreeMap::new();
    for (file, output) in files {
        if let Some(other) = paths.insert(output, file.name()) {
            return Err(UserError::at(
                file.name(),
                None,
                format!("its code would go to {output}, where that of {other} goes"),
            ));
        }
    }
    Ok(())
}

/// Refuses a name that two things in one module have.
pub(crate) fn check_unambiguous(
    index: &Index<'_>,
    files: &[(&FileDescriptorProto, String)],
    messages: Messages,
) -> Result<(), UserError> {
    let mut holders: BTreeMap<(Vec<String>, String), (&str, String)> = BTreeMap::new();
    for (file, _) in files {
        let mut modules = package_modules(file.package());
        let package = file.package();
        // A package is a name in the module above it; files of one package share it.
        while let Some(name) = modules.pop() {
            let depth = modules.len() + 1;
            let full = package.split('.').take(depth).collect::<Vec<_>>().join(".");
            let what = format!("package {full}");
            holders.entry((modules.clone(), name)).or_insert_with(|| (file.name(), what));
        }
    }
    for (file, _) in files {
        let modules = package_modules(file.package());
        let generated = index.names(file).package_level.iter().filter(|held| match messages {
            Messages::Own => true,
            Messages::Extern | Messages::Prost => held.path.starts_with(FILE_SERVICE),
        });
        for Held { name, what, path } in generated {
            let key = (modules.clone(), name.clone());
            if let Some((other, held)) = holders.insert(key, (file.name(), what.clone())) {
                let mut message =
                    format!("{what} would be called `{name}`, as {held} in {other} is: rename one");
                let other = index.file(other).expect("it is one of the files");
                if !index.imports(other).contains(file.name()) {
                    let other = other.name();
                    message += &format!(", or import {other} here, which makes this one `{name}_`");
                }
                return Err(Source::new(file, false).fault(path, message));
            }
        }
    }
    Ok(())
}

/// The module tree over the files.
pub(crate) fn tree(files: &[(&FileDescriptorProto, String)]) -> TreeModule {
    let mut root = TreeModule::default();
    for (file, output) in files {
        let mut module = &mut root;
        for name in package_modules(file.package()) {
            module = module.children.entry(identifier(&name)).or_default();
            module.allows = super::value_lints(&name).into_iter().collect();
        }
        module.files.push(output.clone());
    }
    root
}
