//! What `schema` hands to `emit`: every name, path and shape is decided, nothing is left to ask.
//!
//! Names and paths are source text, keywords already raw. Paths are relative to the module in which
//! the element stands; those of oneof members to the module of the oneof's enum.

/// All files of an answer.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Sorted by output path; empty if only the tree is wanted.
    pub(crate) files: Vec<File>,
    pub(crate) tree: Option<TreeModule>,
    pub(crate) runtime: String,
}

/// One .rs.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative, clean, unique.
    pub(crate) output: String,
    /// The .proto that it is made from.
    pub(crate) source: String,
    pub(crate) types: Types,
    pub(crate) services: Vec<Service>,
    /// The runtime's name for what turns the messages of services into bytes.
    pub(crate) codec: &'static str,
    pub(crate) descriptor: Option<FileDescriptor>,
    pub(crate) client: bool,
    pub(crate) server: bool,
    /// Whether every item allows the lints itself, because no module of the tree does it.
    pub(crate) allows_lints: bool,
}

/// The descriptor that a .rs embeds.
#[derive(Debug)]
pub(crate) struct FileDescriptor {
    /// Of the static.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// For every other file that this one uses the path of one of its types.
    pub(crate) dependencies: Vec<String>,
    /// Whether one of these types is deprecated.
    pub(crate) uses_deprecated: bool,
}

/// Where a type is described.
#[derive(Debug)]
pub(crate) struct Reflection {
    /// The path of the file's static.
    pub(crate) file: String,
    /// Of a message among those of the file.
    pub(crate) place: usize,
    /// Besides the binary one.
    pub(crate) formats: Vec<&'static str>,
}

/// A module of the tree: the root, or a segment of a package.
#[derive(Debug, Default)]
pub(crate) struct TreeModule {
    /// Output paths, relative to the tree's own file.
    pub(crate) files: Vec<String>,
    pub(crate) children: std::collections::BTreeMap<String, Self>,
    /// Lints that the segment's spelling would set off.
    pub(crate) allows: Vec<&'static str>,
}

/// The messages, enums and extensions of a file or of a message.
#[derive(Debug, Default)]
pub(crate) struct Types {
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enumeration>,
    pub(crate) extensions: Vec<Extension>,
}

/// What stands above an item: docs, lints and attributes.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// One doc attribute each.
    pub(crate) docs: Vec<String>,
    pub(crate) deprecated: bool,
    /// The user's own attributes, as source text.
    pub(crate) attributes: Vec<String>,
    /// Lints that the .proto's spelling would set off.
    pub(crate) allows: Vec<&'static str>,
}

/// A message: a struct, and a module if something stands in it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) full_name: String,
    pub(crate) name: String,
    /// In order of declaration; a oneof stands at its first member.
    pub(crate) members: Vec<Member>,
    /// The field that keeps unknown fields.
    pub(crate) unknown: &'static str,
    pub(crate) module: Option<String>,
    pub(crate) nested: Types,
    /// Whether printing it uses something deprecated.
    pub(crate) uses_deprecated: bool,
    /// Whether it has required fields, or can hold a message that has.
    pub(crate) checks_required: bool,
    /// Whether it has fields that share a buffer, or can hold a message that has.
    pub(crate) shares_bytes: bool,
    pub(crate) reflection: Option<Reflection>,
    /// Whether it leaves numbers for extensions.
    pub(crate) extendable: bool,
}

/// A field of the struct.
#[derive(Debug)]
pub(crate) enum Member {
    Field(Field),
    Oneof(Oneof),
}

/// A field that stands for itself.
#[derive(Debug)]
pub(crate) struct Field {
    /// Among the fields of the descriptor.
    pub(crate) index: usize,
    pub(crate) header: Header,
    pub(crate) name: String,
    /// As the .proto spells it.
    pub(crate) proto_name: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) check: Check,
    /// Whether `Debug` hides it.
    pub(crate) redacted: bool,
    /// There is one where the .proto says a default.
    pub(crate) getter: Option<Getter>,
}

/// A method that gives a field, or the default where it is not set.
#[derive(Debug)]
pub(crate) struct Getter {
    pub(crate) method: String,
    /// The default, as a Rust expression.
    pub(crate) default: String,
    /// What is given, as seen from the message's module.
    pub(crate) kind: Kind,
}

/// What a check for required fields asks of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Nothing,
    /// That it is set; a message also that it is whole.
    Required {
        message: bool,
    },
    /// That the messages in it are whole.
    Whole,
}

/// How often a field may occur, and how that is kept.
#[derive(Debug)]
pub(crate) enum Shape {
    /// `T`; the zero value is not written.
    Implicit,
    /// `Option<T>`.
    Optional,
    /// `MessageField<M>`.
    Message,
    /// `Vec<T>`, as one packed record where `packed`.
    Repeated { packed: bool },
    /// `HashMap<K, T>`, or a `BTreeMap` where `sorted`.
    Map { key: Kind, sorted: bool },
}

/// What one value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    /// An enum at this path.
    Enum {
        path: String,
        closed: bool,
    },
    /// A message at this path; boxed where it would hold itself or is large.
    Message {
        path: String,
        boxed: bool,
        /// Between a start tag and an end tag.
        delimited: bool,
    },
}

impl Member {
    /// The struct's field.
    pub(crate) fn name(&self) -> &String {
        match self {
            Self::Field(field) => &field.name,
            Self::Oneof(oneof) => &oneof.field,
        }
    }
}

impl Message {
    /// Whether `Debug` hides a field that stands for itself.
    pub(crate) fn is_redacted(&self) -> bool {
        self.members.iter().any(|member| match member {
            Member::Field(field) => field.redacted,
            Member::Oneof(_) => false,
        })
    }
}

impl Oneof {
    /// Whether `Debug` hides a member.
    pub(crate) fn is_redacted(&self) -> bool {
        self.members.iter().any(|member| member.redacted)
    }
}

impl Kind {
    /// The kind as it stands in a `Vec` or a map, where it needs no box.
    pub(crate) fn unboxed(self) -> Self {
        match self {
            Self::Message { path, delimited, .. } => {
                Self::Message { path, boxed: false, delimited }
            }
            other => other,
        }
    }

    /// Whether it stands between a start tag and an end tag.
    pub(crate) fn is_delimited(&self) -> bool {
        matches!(self, Self::Message { delimited: true, .. })
    }

    /// Whether repeated values can share one record.
    pub(crate) fn is_packable(&self) -> bool {
        !matches!(
            self,
            Self::Message { .. }
                | Self::Scalar(Scalar::Str | Scalar::ByteStr | Scalar::Bytes | Scalar::SharedBytes)
        )
    }
}

/// The fifteen scalar types, strings that need not be UTF-8, and bytes that share a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Float,
    Double,
    Bool,
    Str,
    ByteStr,
    Bytes,
    SharedBytes,
}

/// A oneof: an optional enum, whose type stands in the message's module.
#[derive(Debug)]
pub(crate) struct Oneof {
    /// For the enum; the field has its docs too.
    pub(crate) header: Header,
    /// The user's own attributes for the field.
    pub(crate) field_attributes: Vec<String>,
    pub(crate) field: String,
    /// The enum's name in its module.
    pub(crate) name: String,
    /// What the bodies of the message's functions call the enum.
    pub(crate) local: String,
    pub(crate) members: Vec<OneofMember>,
    pub(crate) uses_deprecated: bool,
}

/// A member of a oneof.
#[derive(Debug)]
pub(crate) struct OneofMember {
    /// Among the fields of the descriptor.
    pub(crate) index: usize,
    pub(crate) header: Header,
    pub(crate) name: String,
    /// As the .proto spells it.
    pub(crate) proto_name: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) check: Check,
    /// There is one where the .proto says a default.
    pub(crate) getter: Option<Getter>,
    /// Whether `Debug` hides it.
    pub(crate) redacted: bool,
}

/// An extension: a constant.
#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) header: Header,
    pub(crate) name: String,
    /// The path of the message that it extends.
    pub(crate) extendee: String,
    pub(crate) full_name: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) shape: ExtensionShape,
    /// As a Rust expression.
    pub(crate) default: Option<String>,
    pub(crate) uses_deprecated: bool,
}

/// How often an extension may occur, and how it is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtensionShape {
    Singular,
    Repeated {
        packed: bool,
    },
    /// A message in a MessageSet.
    Item,
}

/// An enum: a newtype with constants, or where it is closed a Rust enum.
#[derive(Debug)]
pub(crate) struct Enumeration {
    pub(crate) header: Header,
    pub(crate) full_name: String,
    pub(crate) name: String,
    pub(crate) values: Vec<EnumValue>,
    pub(crate) closed: bool,
    pub(crate) reflection: Option<Reflection>,
}

/// A constant of an enum.
#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) header: Header,
    pub(crate) name: String,
    /// As the .proto spells it: the name in JSON and text format.
    pub(crate) proto_name: String,
    pub(crate) number: i32,
}

/// A service: a trait, a server and a stub.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) header: Header,
    pub(crate) full_name: String,
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) stub: String,
    /// The constant with one `Method` for each rpc.
    pub(crate) methods: String,
    /// The type parameter of the server: not the trait's name.
    pub(crate) parameter: &'static str,
    pub(crate) rpcs: Vec<Rpc>,
    pub(crate) uses_deprecated: bool,
}

/// A method of a service.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) header: Header,
    pub(crate) name: String,
    /// The stub's function for a call that is not waited for; used by unary ones.
    pub(crate) pending: String,
    /// `/package.Service/Method`.
    pub(crate) path: String,
    pub(crate) streaming: Streaming,
    pub(crate) request: String,
    pub(crate) reply: String,
}

/// Which sides of a call are streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streaming {
    None,
    Server,
    Client,
    Both,
}
