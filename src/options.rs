//! The plugin's parameter: `key=value,key=value` to [`Options`].
//!
//! protoc and buf join every option by commas, so a comma inside brackets or quotes belongs to the
//! value: `type_attribute=.hello.Reply=#[derive(Eq, Hash)]` is one option. An unknown key is an
//! error that lists the known ones, because a misspelt option would otherwise change nothing.

mod paths;

pub(crate) use self::paths::{
    AppliesTo, Attribute, ExternPath, MapChoice, MapKind, is_word, lies_in,
};
use self::paths::{proto_and_rust, proto_path, rust_path};
use crate::user_error::UserError;

/// What the user chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Whether stubs are generated.
    pub(crate) client: bool,
    /// Whether service traits and servers are generated.
    pub(crate) server: bool,
    /// Whether comments become docs.
    pub(crate) docs: bool,
    /// Whose message types are used.
    pub(crate) messages: Messages,
    /// Whether messages know their descriptor: without it there is neither JSON nor text.
    pub(crate) descriptor: bool,
    pub(crate) json: bool,
    pub(crate) text: bool,
    /// Whether `mod.rs` is written.
    pub(crate) tree: Tree,
    /// The path of the runtime crate.
    pub(crate) runtime: String,
    /// Types that exist elsewhere.
    pub(crate) extern_paths: Vec<ExternPath>,
    /// Attributes for messages, enums and oneofs.
    pub(crate) type_attributes: Vec<Attribute>,
    /// Attributes for fields and for the members of oneofs.
    pub(crate) field_attributes: Vec<Attribute>,
    /// What maps are kept in; the last one that covers a field holds.
    pub(crate) maps: Vec<MapChoice>,
    /// Packages, messages and fields, with their leading dot, whose `bytes` share the buffer that
    /// they are decoded from.
    pub(crate) shared_bytes: Vec<String>,
}

/// Whose message types services use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// Those that are generated.
    Own,
    /// Those of the same shape that exist elsewhere.
    Extern,
    /// Those that prost-build has generated.
    Prost,
}

/// Whether the module tree, `mod.rs`, is written beside the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// Files and `mod.rs`.
    Yes,
    /// Files alone.
    No,
    /// `mod.rs` alone.
    Only,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client: true,
            server: true,
            docs: true,
            messages: Messages::Own,
            descriptor: true,
            json: true,
            text: true,
            tree: Tree::Yes,
            runtime: "::rust_grpc".to_owned(),
            extern_paths: Vec::new(),
            type_attributes: Vec::new(),
            field_attributes: Vec::new(),
            maps: Vec::new(),
            shared_bytes: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the parameter of a request. Where a key is given twice, the later one holds, for what
    /// its path covers if it has one; `bytes`, `extern_path` and the attributes add up.
    pub(crate) fn parse(parameter: &str) -> Result<Self, UserError> {
        let mut options = Self::default();
        for option in split(parameter)? {
            let (key, value) = match option.split_once('=') {
                Some((key, value)) => (key.trim(), Some(value.trim())),
                None => (option.trim(), None),
            };
            options.set(key, value)?;
        }
        // Everything at once cannot be elsewhere if messages are generated: none would be left.
        let everything = options.extern_paths.iter().any(|path| path.proto == ".");
        if everything && options.messages == Messages::Own {
            return Err(UserError::new(
                "option \"extern_path\": expected `messages=extern` or `messages=prost` beside the \
                 path of everything, got `messages=own`",
            ));
        }
        Ok(options)
    }

    /// The formats besides the binary one.
    pub(crate) fn formats(&self) -> Vec<&'static str> {
        let formats = [("json", self.json), ("text", self.text)];
        formats.into_iter().filter(|(_, wanted)| *wanted).map(|(format, _)| format).collect()
    }

    /// What the map field of this name is kept in.
    pub(crate) fn map_kind(&self, full_name: &str) -> MapKind {
        let covering = self.maps.iter().rfind(|choice| choice.covers(full_name));
        covering.map_or(MapKind::Hash, |choice| choice.kind)
    }

    /// What every option that is meant for some elements of the files applies to, and its path.
    pub(crate) fn element_paths(&self) -> impl Iterator<Item = (AppliesTo, &str)> {
        let types = self.type_attributes.iter().map(|of| (AppliesTo::Types, of.proto.as_str()));
        let fields = self.field_attributes.iter().map(|of| (AppliesTo::Fields, of.proto.as_str()));
        let maps = self.maps.iter().map(|of| (AppliesTo::Maps, of.proto.as_str()));
        let bytes = self.shared_bytes.iter().map(|path| (AppliesTo::Bytes, path.as_str()));
        types.chain(fields).chain(maps).chain(bytes)
    }

    /// Whether the field of this name, one of type `bytes`, shares the buffer.
    pub(crate) fn shares_bytes(&self, full_name: &str) -> bool {
        self.shared_bytes.iter().any(|path| lies_in(full_name, path))
    }

    /// Sets one option.
    pub(crate) fn set(&mut self, key: &str, value: Option<&str>) -> Result<(), UserError> {
        let Some(known) = KNOWN.iter().find(|known| known.key == key) else {
            return Err(unknown(key));
        };
        let given = value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
        let invalid = || {
            let form = known.form;
            UserError::new(format!("option \"{key}\": expected {form}, got `{given}`"))
        };
        let value = value.ok_or_else(invalid)?;
        match key {
            "client" => self.client = yes_or_no(value).ok_or_else(invalid)?,
            "server" => self.server = yes_or_no(value).ok_or_else(invalid)?,
            "docs" => self.docs = yes_or_no(value).ok_or_else(invalid)?,
            "descriptor" => self.descriptor = yes_or_no(value).ok_or_else(invalid)?,
            "json" => self.json = yes_or_no(value).ok_or_else(invalid)?,
            "text" => self.text = yes_or_no(value).ok_or_else(invalid)?,
            "messages" => self.messages = Messages::parse(value).ok_or_else(invalid)?,
            "tree" => self.tree = Tree::parse(value).ok_or_else(invalid)?,
            "runtime" => self.runtime = rust_path(value).ok_or_else(invalid)?,
            "map" => self.maps.push(MapChoice::parse(value).ok_or_else(invalid)?),
            "bytes" => self.shared_bytes.push(proto_path(value).ok_or_else(invalid)?),
            "extern_path" => {
                let (proto, rust) = proto_and_rust(value).ok_or_else(invalid)?;
                let rust = rust_path(rust).ok_or_else(invalid)?;
                self.extern_paths.push(ExternPath { proto, rust });
            }
            "type_attribute" => {
                self.type_attributes.push(Attribute::parse(value).ok_or_else(invalid)?);
            }
            "field_attribute" => {
                self.field_attributes.push(Attribute::parse(value).ok_or_else(invalid)?);
            }
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

impl Messages {
    fn parse(value: &str) -> Option<Self> {
        match value {
            "own" => Some(Self::Own),
            "extern" => Some(Self::Extern),
            "prost" => Some(Self::Prost),
            _ => None,
        }
    }

    /// As it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Extern => "extern",
            Self::Prost => "prost",
        }
    }
}

impl Tree {
    fn parse(value: &str) -> Option<Self> {
        match value {
            "yes" => Some(Self::Yes),
            "no" => Some(Self::No),
            "only" => Some(Self::Only),
            _ => None,
        }
    }
}

/// Splits at the commas that stand outside brackets and string literals.
fn split(parameter: &str) -> Result<Vec<&str>, UserError> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_i32, false, false);
    for (at, character) in parameter.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&parameter[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth != 0 || quoted {
        return Err(UserError::new(format!(
            "options \"{parameter}\": expected every bracket and quote to be closed"
        )));
    }
    parts.push(&parameter[start..]);
    parts.retain(|part| !part.trim().is_empty());
    Ok(parts)
}

fn unknown(key: &str) -> UserError {
    let known: Vec<String> = KNOWN.iter().map(|known| known.form.replace('`', "")).collect();
    UserError::new(format!("option \"{key}\" is unknown; the options are: {}", known.join(", ")))
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

struct Known {
    key: &'static str,
    form: &'static str,
}

const KNOWN: [Known; 14] = [
    Known { key: "client", form: "`client=yes|no`" },
    Known { key: "server", form: "`server=yes|no`" },
    Known { key: "docs", form: "`docs=yes|no`" },
    Known { key: "messages", form: "`messages=own|extern|prost`" },
    Known { key: "descriptor", form: "`descriptor=yes|no`" },
    Known { key: "json", form: "`json=yes|no`" },
    Known { key: "text", form: "`text=yes|no`" },
    Known { key: "tree", form: "`tree=yes|no|only`" },
    Known { key: "map", form: "`map=hash|btree` or `map=.proto.path=hash|btree`" },
    Known { key: "bytes", form: "`bytes=.proto.path`" },
    Known { key: "runtime", form: "`runtime=::rust::path`" },
    Known { key: "extern_path", form: "`extern_path=.proto.path=::rust::path`" },
    Known { key: "type_attribute", form: "`type_attribute=.proto.path=#[attribute]`" },
    Known { key: "field_attribute", form: "`field_attribute=.proto.path=#[attribute]`" },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parameter: &str) -> Result<Options, String> {
        Options::parse(parameter).map_err(|error| error.to_string())
    }

    /// No parameter, or nothing between its commas, leaves the defaults.
    #[test]
    fn nothing_given_means_the_defaults() {
        assert_eq!(parse(""), Ok(Options::default()));
        assert_eq!(parse(" , ,"), Ok(Options::default()));
    }

    /// A comma inside brackets or a string belongs to the value.
    #[test]
    fn commas_in_brackets_and_strings_do_not_split() {
        let options = parse(
            "client=no,type_attribute=.a.B=#[derive(Eq, Hash)] #[doc = \"x, \\\", y\"],tree=no",
        )
        .unwrap();
        assert!(!options.client && options.server);
        assert_eq!(options.tree, Tree::No);
        assert_eq!(options.type_attributes.len(), 1);
        assert_eq!(options.type_attributes[0].rust, "#[derive(Eq, Hash)] #[doc = \"x, \\\", y\"]");
    }

    /// A misspelt option would change nothing in silence: it is an error with all known ones.
    #[test]
    fn an_unknown_option_lists_the_known_ones() {
        let error = parse("clinet=no").unwrap_err();
        assert!(error.starts_with("option \"clinet\" is unknown; the options are: client=yes|no,"));
        for known in KNOWN {
            assert!(error.contains(known.key), "{error}");
        }
    }

    /// Every key refuses what it cannot read and says what it wants and what came.
    #[test]
    fn an_invalid_value_says_what_was_expected_and_what_came() {
        for (given, expected) in [
            ("client", "option \"client\": expected `client=yes|no`"),
            ("server=true", "option \"server\": expected `server=yes|no`"),
            ("docs=", "option \"docs\": expected `docs=yes|no`"),
            ("tree=maybe", "option \"tree\": expected `tree=yes|no|only`"),
            (
                "map=tree",
                "option \"map\": expected `map=hash|btree` or `map=.proto.path=hash|btree`",
            ),
            (
                "map=a.B=btree",
                "option \"map\": expected `map=hash|btree` or `map=.proto.path=hash|btree`",
            ),
            (
                "map=.a.B",
                "option \"map\": expected `map=hash|btree` or `map=.proto.path=hash|btree`",
            ),
            ("bytes=yes", "option \"bytes\": expected `bytes=.proto.path`"),
            ("bytes=.a.", "option \"bytes\": expected `bytes=.proto.path`"),
            ("runtime=relative", "option \"runtime\": expected `runtime=::rust::path`"),
            ("runtime=::a b", "option \"runtime\": expected `runtime=::rust::path`"),
            (
                "extern_path=.a",
                "option \"extern_path\": expected `extern_path=.proto.path=::rust::path`",
            ),
            (
                "extern_path=a=::b",
                "option \"extern_path\": expected `extern_path=.proto.path=::rust::path`",
            ),
            ("messages=none", "option \"messages\": expected `messages=own|extern|prost`"),
            (
                "extern_path=.a.=::b",
                "option \"extern_path\": expected `extern_path=.proto.path=::rust::path`",
            ),
            (
                "extern_path=.a=::self::b",
                "option \"extern_path\": expected `extern_path=.proto.path=::rust::path`",
            ),
            ("runtime=crate::super", "option \"runtime\": expected `runtime=::rust::path`"),
            (
                "type_attribute=.a=derive(Eq)",
                "option \"type_attribute\": expected `type_attribute=.proto.path=#[attribute]`",
            ),
            (
                "field_attribute=.a=",
                "option \"field_attribute\": expected `field_attribute=.proto.path=#[attribute]`",
            ),
        ] {
            assert_eq!(parse(given), Err(format!("{expected}, got `{given}`")));
        }
    }

    /// What no single key can know is refused with all of it.
    #[test]
    fn options_that_do_not_go_together_are_refused() {
        for (given, expected) in [
            (
                "extern_path=.=::b",
                "option \"extern_path\": expected `messages=extern` or `messages=prost` beside the \
                 path of everything, got `messages=own`",
            ),
            (
                "type_attribute=.a=#[x",
                "options \"type_attribute=.a=#[x\": expected every bracket and quote to be closed",
            ),
        ] {
            assert_eq!(parse(given), Err(expected.to_owned()), "{given}");
        }
    }

    /// Everything can be elsewhere where no messages are generated, in whichever order it is said.
    #[test]
    fn everything_can_be_elsewhere_without_messages() {
        let options = parse("extern_path=.=crate::pb,messages=prost").unwrap();
        assert_eq!(options.messages, Messages::Prost);
        assert_eq!(options.extern_paths[0].proto, ".");
        assert_eq!(parse("messages=extern").unwrap().messages, Messages::Extern);
        assert_eq!(parse("messages=extern,messages=own"), Ok(Options::default()));
    }
}
