//! Rules of the language that the pure parser does not check and that generated code relies on.
//!
//! Invariant: a file that passes here has distinct names and numbers, as one from protoc has.

use std::collections::{BTreeMap, BTreeSet};

use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};

/// Every name of every file, with the file that declares it.
#[derive(Default)]
pub(super) struct Names {
    declared: BTreeMap<String, String>,
}

/// The file and scope that a declaration stands in.
struct Scope<'a> {
    file: &'a str,
    path: String,
    is_proto3: bool,
}

impl Scope<'_> {
    fn inner(&self, name: &str) -> Self {
        Self { file: self.file, path: self.name(name), is_proto3: self.is_proto3 }
    }

    fn name(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }
}

impl Names {
    /// Checks one file; the error says what protoc would refuse.
    pub(super) fn add(&mut self, file: &FileDescriptorProto) -> Result<(), String> {
        let scope = Scope {
            file: file.name(),
            path: file.package().to_owned(),
            is_proto3: file.syntax() == "proto3",
        };
        file.message_type.iter().try_for_each(|message| self.message(&scope, message))?;
        file.enum_type.iter().try_for_each(|declared| self.enumeration(&scope, declared))?;
        for service in &file.service {
            self.declare(&scope, service.name())?;
            let inner = scope.inner(service.name());
            service.method.iter().try_for_each(|method| self.declare(&inner, method.name()))?;
        }
        file.extension.iter().try_for_each(|field| self.declare(&scope, field.name()))
    }

    fn declare(&mut self, scope: &Scope<'_>, name: &str) -> Result<(), String> {
        let name = scope.name(name);
        match self.declared.insert(name.clone(), scope.file.to_owned()) {
            None => Ok(()),
            Some(other) => Err(format!("{}: {name} is already declared in {other}", scope.file)),
        }
    }

    fn message(&mut self, scope: &Scope<'_>, message: &DescriptorProto) -> Result<(), String> {
        self.declare(scope, message.name())?;
        let inner = scope.inner(message.name());
        let mut numbers = BTreeSet::new();
        for field in &message.field {
            self.declare(&inner, field.name())?;
            check_field(&inner, message, field)?;
            if !numbers.insert(field.number()) {
                return Err(at(&inner, field.name(), "its number is already used"));
            }
        }
        for (index, oneof) in (0_i32..).zip(&message.oneof_decl) {
            self.declare(&inner, oneof.name())?;
            let mut fields = message.field.iter().filter(|field| field.has_oneof_index());
            if !fields.any(|field| field.oneof_index() == index) {
                return Err(at(&inner, oneof.name(), "expected a field in this oneof, got none"));
            }
        }
        message.nested_type.iter().try_for_each(|nested| self.message(&inner, nested))?;
        message.enum_type.iter().try_for_each(|declared| self.enumeration(&inner, declared))?;
        message.extension.iter().try_for_each(|field| self.declare(&inner, field.name()))
    }

    fn enumeration(
        &mut self,
        scope: &Scope<'_>,
        declared: &EnumDescriptorProto,
    ) -> Result<(), String> {
        self.declare(scope, declared.name())?;
        match declared.value.first() {
            None => return Err(at(scope, declared.name(), "expected a value, got none")),
            Some(first) if scope.is_proto3 && first.number() != 0 => {
                return Err(at(scope, declared.name(), "expected zero as its first value"));
            }
            Some(_) => {}
        }
        let mut numbers = BTreeSet::new();
        for value in &declared.value {
            // A value stands beside its enum, not within it.
            self.declare(scope, value.name())?;
            if !numbers.insert(value.number()) && !declared.options.allow_alias() {
                return Err(at(scope, value.name(), "its number is used, without allow_alias"));
            }
        }
        Ok(())
    }
}

fn check_field(
    scope: &Scope<'_>,
    message: &DescriptorProto,
    field: &FieldDescriptorProto,
) -> Result<(), String> {
    let number = field.number();
    let wrong = match number {
        ..=0 => Some("expected a positive number"),
        19_000..=19_999 => Some("its number is reserved for protobuf itself"),
        NUMBER_MAX.. => Some("expected a number of at most 536870911"),
        _ if message.reserved_range.iter().any(|r| r.start() <= number && number < r.end()) => {
            Some("its number is reserved")
        }
        _ if message.reserved_name.iter().any(|name| name == field.name()) => {
            Some("its name is reserved")
        }
        _ if scope.is_proto3 && field.has_default_value() => Some("proto3 has no defaults"),
        _ if scope.is_proto3 && field.type_() == Type::TYPE_GROUP => Some("proto3 has no groups"),
        _ if message.options.map_entry() && number == 1 && !is_key(field.type_()) => {
            Some("expected a string, a bool or an integer as the key of a map")
        }
        _ => None,
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(at(scope, field.name(), wrong)),
    }
}

fn is_key(of: Type) -> bool {
    use Type::{TYPE_BYTES, TYPE_DOUBLE, TYPE_ENUM, TYPE_FLOAT, TYPE_GROUP, TYPE_MESSAGE};
    !matches!(of, TYPE_BYTES | TYPE_DOUBLE | TYPE_ENUM | TYPE_FLOAT | TYPE_GROUP | TYPE_MESSAGE)
}

fn at(scope: &Scope<'_>, name: &str, wrong: &str) -> String {
    format!("{}: {}: {wrong}", scope.file, scope.name(name))
}

/// The first number that does not fit into a tag.
const NUMBER_MAX: i32 = 1 << 29;

#[cfg(test)]
mod tests {
    use crate::compile::inputs::Inputs;
    use crate::compile::pure::parse;

    fn refused(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.proto");
        std::fs::write(&path, format!("syntax = \"proto3\"; package p; {text}")).unwrap();
        let inputs = Inputs::resolve(&[path], &[]).unwrap();
        parse(&inputs).err().map(|error| error.to_string())
    }

    /// What protoc refuses and the pure parser lets pass is refused here.
    #[test]
    fn rules_that_generated_code_relies_on_are_checked() {
        let check = |text: &str, expected: &str| {
            let got = refused(text).unwrap_or_default();
            assert_eq!(
                got,
                format!("the pure parser lets this pass, protoc does not:\na.proto: {expected}"),
                "{text}"
            );
        };
        check("message M { int32 a = 0; }", "p.M.a: expected a positive number");
        check(
            "message M { int32 a = 19000; }",
            "p.M.a: its number is reserved for protobuf itself",
        );
        check(
            "message M { int32 a = 536870912; }",
            "p.M.a: expected a number of at most 536870911",
        );
        check("message M { reserved 1; int32 a = 1; }", "p.M.a: its number is reserved");
        check("message M { reserved \"a\"; int32 a = 1; }", "p.M.a: its name is reserved");
        check("message M { int32 a = 1 [default = 3]; }", "p.M.a: proto3 has no defaults");
        check(
            "message M { map<float, int32> a = 1; }",
            "p.M.AEntry.key: expected a string, a bool or an integer as the key of a map",
        );
        check("message M { oneof x {} }", "p.M.x: expected a field in this oneof, got none");
        check("message M {} message M {}", "p.M is already declared in a.proto");
        check("enum E {}", "p.E: expected a value, got none");
        check("enum E { A = 1; }", "p.E: expected zero as its first value");
        check("enum E { A = 0; B = 0; }", "p.B: its number is used, without allow_alias");
        check("enum E { A = 0; } enum F { A = 0; }", "p.A is already declared in a.proto");
        check(
            "message M {} service S { rpc R(M) returns (M); rpc R(M) returns (M); }",
            "p.S.R is already declared in a.proto",
        );
    }

    /// The edges that protoc lets pass, pass.
    #[test]
    fn edges_of_the_rules_pass() {
        for text in [
            "message M { int32 a = 1; int32 b = 18999; int32 c = 20000; int32 d = 536870911; }",
            "message M { reserved 2 to 4; int32 a = 1; int32 b = 5; map<string, M> c = 6; }",
            "enum E { option allow_alias = true; A = 0; B = 0; C = -1; }",
            "message M { optional int32 a = 1; message N { oneof x { int32 y = 1; } } }",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    /// `optional` beside a oneof, and beside a field that has the name it makes up, are misread.
    #[test]
    fn misread_optional_fields_are_refused() {
        let beside = refused("message M { optional int32 a = 1; oneof x { int32 y = 2; } }");
        assert_eq!(
            beside.unwrap(),
            "a.proto: message M: the pure parser misorders optional fields beside a oneof; use \
             protoc 3.15 or newer: leave the pure parser out"
        );
        let taken = refused("message M { optional int32 a = 1; int32 _a = 2; }").unwrap();
        assert!(taken.contains("p.M._a is already declared"), "{taken}");
    }

    /// Its own errors are shown once, without its inner structure.
    #[test]
    fn its_errors_are_shown_once() {
        let error = refused("message M { Missing a = 1; }").unwrap();
        assert!(error.starts_with("the pure parser refuses a.proto:\n"), "{error}");
        assert!(error.contains("a.proto: object is not found by path Missing in scope"), "{error}");
        assert_eq!(error.matches("object is not found").count(), 1, "{error}");
    }

    /// An import that no include folder has is named, and the folder that was searched is not ours.
    #[test]
    fn missing_imports_are_named() {
        let error = refused("import \"missing.proto\";").unwrap();
        assert!(error.contains("\nprotobuf path missing.proto is not found\n"), "{error}");
    }

    /// A copy of protobuf's own files in an include folder is not read: it may be newer than what
    /// the parser knows.
    #[test]
    fn own_files_of_protobuf_are_those_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("google/protobuf");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("timestamp.proto"), "edition = \"2026\";").unwrap();
        let path = folder.path().join("a.proto");
        let text = "import \"google/protobuf/timestamp.proto\";\
                    message M { google.protobuf.Timestamp at = 1; }";
        std::fs::write(&path, format!("syntax = \"proto3\"; {text}")).unwrap();
        let inputs = Inputs::resolve(&[path], &[folder.path().to_path_buf()]).unwrap();
        assert_eq!(parse(&inputs).unwrap().len(), 2);
    }

    /// Files that import each other are refused before the parser recurses into them.
    #[test]
    fn circular_imports_are_refused() {
        let error = refused("import \"a.proto\";").unwrap();
        assert!(error.starts_with("a.proto: expected imports without a circle"), "{error}");
    }
}
