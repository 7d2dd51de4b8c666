//! Where the types of prost stand: `messages=prost` refers to what prost-build generated.
//!
//! prost-build puts each package into a module for each of its segments and the types of a message
//! into a module of its name, modules in snake case and types in upper camel case. `extern_path`
//! says where that begins; protobuf's own types are by default those of `prost_types`, or plain Rust
//! types.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use crate::options::{Options, lies_in};

/// The path of the message of this full name; `None` if no `extern_path` says where it is.
pub(super) fn path(full: &str, options: &Options) -> Option<String> {
    let dotted = format!(".{full}");
    let default = DEFAULTS.iter().rfind(|(proto, _)| lies_in(&dotted, proto)).copied();
    let paths = options.extern_paths.iter().filter(|path| lies_in(&dotted, &path.proto));
    let given = paths.max_by_key(|path| path.proto.len());
    let given = given.map(|path| (path.proto.as_str(), path.rust.as_str()));
    // The path of everything is not that of protobuf's own types.
    let (proto, rust) = match (given, default) {
        (Some((".", _)), Some(default)) => default,
        (given, default) => given.or(default)?,
    };
    let rest = dotted.strip_prefix(proto).unwrap_or_default();
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    if rest.is_empty() {
        return Some(rust.to_owned());
    }
    let (modules, name) =
        rest.rsplit_once('.').map_or((None, rest), |(modules, name)| (Some(modules), name));
    // Where the path is that of a message, what it holds stands in the module beside it.
    let (beside, last) =
        rust.rsplit_once("::").map_or((None, rust), |(beside, last)| (Some(beside), last));
    let last = if last.starts_with(|first: char| first.is_uppercase()) {
        module(last)
    } else {
        last.to_owned()
    };
    let start = beside.map(str::to_owned).into_iter().chain([last]);
    let modules = modules.into_iter().flat_map(|modules| modules.split('.')).map(module);
    let name = identifier(&name.to_upper_camel_case());
    Some(start.chain(modules).chain([name]).collect::<Vec<_>>().join("::"))
}

fn module(name: &str) -> String {
    identifier(&name.to_snake_case())
}

/// As prost-build writes names that Rust has taken.
fn identifier(name: &str) -> String {
    match name {
        "_" | "super" | "self" | "Self" | "extern" | "crate" => format!("{name}_"),
        _ if name.starts_with(|first: char| first.is_numeric()) => format!("_{name}"),
        _ => super::names::identifier(name),
    }
}

/// What prost-build takes protobuf's own types to be; later entries are of narrower paths.
const DEFAULTS: [(&str, &str); 11] = [
    (".google.protobuf", "::prost_types"),
    (".google.protobuf.BoolValue", "bool"),
    (".google.protobuf.BytesValue", "::std::vec::Vec<u8>"),
    (".google.protobuf.DoubleValue", "f64"),
    (".google.protobuf.Empty", "()"),
    (".google.protobuf.FloatValue", "f32"),
    (".google.protobuf.Int32Value", "i32"),
    (".google.protobuf.Int64Value", "i64"),
    (".google.protobuf.StringValue", "::std::string::String"),
    (".google.protobuf.UInt32Value", "u32"),
    (".google.protobuf.UInt64Value", "u64"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parameter: &str, full: &str, expected: Option<&str>) {
        let options = Options::parse(&format!("messages=prost,{parameter}")).unwrap();
        assert_eq!(path(full, &options).as_deref(), expected, "{full} with {parameter}");
    }

    /// Packages and messages become modules in snake case, types are in upper camel case.
    #[test]
    fn paths_are_those_of_prost_build() {
        check("extern_path=.a=crate::pb::a", "a.HTTPRequest", Some("crate::pb::a::HttpRequest"));
        check(
            "extern_path=.a=::x",
            "a.v1Beta.Outer_One.inner",
            Some("::x::v1_beta::outer_one::Inner"),
        );
        check("extern_path=.=crate::pb", "type.self.Self", Some("crate::pb::r#type::self_::Self_"));
        check("extern_path=.=crate::pb", "Bare", Some("crate::pb::Bare"));
        check("extern_path=.a=::x,extern_path=.a.b=::y", "a.b.C", Some("::y::C"));
    }

    /// A path of a message is taken as it is, and leads to what is nested in it.
    #[test]
    fn a_path_of_a_message_leads_into_its_module() {
        check("extern_path=.a.B=::x::NewB", "a.B", Some("::x::NewB"));
        check("extern_path=.a.B=::x::NewB", "a.B.C", Some("::x::new_b::C"));
    }

    /// protobuf's own types are those of `prost_types` or of Rust, unless a path says otherwise; a
    /// type that none says anything of is nowhere.
    #[test]
    fn protobufs_own_types_have_defaults() {
        check("", "google.protobuf.Timestamp", Some("::prost_types::Timestamp"));
        check("", "google.protobuf.Empty", Some("()"));
        check("extern_path=.google.protobuf=::x", "google.protobuf.Empty", Some("::x::Empty"));
        check("extern_path=.=::x", "google.protobuf.Any", Some("::prost_types::Any"));
        check("", "a.B", None);
        check("extern_path=.a.B=::x::B", "a.Bc", None);
    }
}
