//! A set of files that is known at run time.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Debug, Formatter};

use super::descriptor::{
    DescriptorError, EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};
use super::resolve::well_known_file;
use crate::limits;
use crate::message::well_known::{FileDescriptorProto, FileDescriptorSet};
use crate::message::{
    ByteString, Described, GeneratedFile, Message as _, UnknownFields, UnknownValue,
};

/// Descriptors by name: of generated files, and of files that come as descriptors.
///
/// It resolves the types in `Any` and the extensions of messages for JSON and the text format, and
/// gives the types of [`DynamicMessage`](super::DynamicMessage)s. Descriptors may come from a peer:
/// what is wrong with them is an error.
///
/// # Examples
///
/// ```
/// use rust_grpc::message::DescriptorPool;
/// use rust_grpc::well_known::Timestamp;
///
/// let mut pool = DescriptorPool::new();
/// pool.add::<Timestamp>()?;
/// let timestamp = pool.message("google.protobuf.Timestamp").expect("it was added");
/// assert_eq!(timestamp.field_by_number(2).expect("it has one").name(), "nanos");
/// # Ok::<(), rust_grpc::message::DescriptorError>(())
/// ```
#[derive(Clone, Default)]
pub struct DescriptorPool {
    files: HashMap<String, FileDescriptor>,
    /// Messages, enums, services and extensions: the file of each.
    symbols: HashMap<String, FileDescriptor>,
    extensions: HashMap<(String, u32), (FileDescriptor, usize)>,
}

impl DescriptorPool {
    /// A pool of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A pool of the file that declares `M`, and of those whose types it uses.
    pub fn of<M: Described>() -> Self {
        let mut pool = Self::new();
        pool.add::<M>().expect("one program has one file of each name");
        pool
    }

    /// Adds the file that declares `M`, and those whose types it uses.
    ///
    /// # Errors
    ///
    /// If the pool has another file of that name, or another file that declares the same names.
    pub fn add<M: Described>(&mut self) -> Result<(), DescriptorError> {
        self.add_generated(M::file())
    }

    /// Adds a generated file, and those whose types it uses.
    ///
    /// # Errors
    ///
    /// If the pool has another file of that name, or another file that declares the same names.
    pub fn add_generated(&mut self, file: &'static GeneratedFile) -> Result<(), DescriptorError> {
        self.add_file(file.descriptor())
    }

    /// Adds a file, and those whose types it uses.
    ///
    /// # Errors
    ///
    /// If the pool has another file of that name, or another file that declares the same names.
    pub fn add_file(&mut self, file: &FileDescriptor) -> Result<(), DescriptorError> {
        let mut open = vec![file];
        while let Some(file) = open.pop() {
            if self.hold(file)? {
                open.extend(file.dependencies());
            }
        }
        Ok(())
    }

    /// Adds the files of an encoded `FileDescriptorSet`, in any order. Files that are in the pool
    /// already stay; protobuf's own need not be in the set.
    ///
    /// # Errors
    ///
    /// If the bytes are no such set; if a file is none that protoc would write, imports itself, or
    /// uses what no import declares. The files before it are then added.
    pub fn add_descriptor_set(&mut self, set: &[u8]) -> Result<(), DescriptorError> {
        FileDescriptorSet::decode(set)
            .map_err(|error| DescriptorError::new("", error.to_string()))?;
        let files = UnknownFields::iter_bytes(set).filter_map(|field| match field {
            (SET_FILE, UnknownValue::LengthDelimited(bytes)) => Some(bytes),
            _ => None,
        });
        self.add_files(files)
    }

    /// Adds encoded `FileDescriptorProto`s, in any order, as server reflection sends them.
    ///
    /// # Errors
    ///
    /// As [`DescriptorPool::add_descriptor_set`].
    pub fn add_files<'a>(
        &mut self,
        files: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), DescriptorError> {
        let mut adding = Adding::default();
        let mut names = Vec::new();
        for bytes in files {
            let proto = FileDescriptorProto::decode(bytes)
                .map_err(|error| DescriptorError::new("", error.to_string()))?;
            let name = proto.name.as_ref().map(ByteString::to_string_lossy);
            let name = name.unwrap_or_default().into_owned();
            let file = Waiting { bytes, imports: texts(&proto.dependency), public: public(&proto) };
            if let Some(other) = adding.waiting.insert(name.clone(), file)
                && other.bytes != bytes
            {
                return Err(other_file(&name));
            }
            names.push(name);
        }
        for name in names {
            self.add_waiting(&name, &mut adding)?;
        }
        Ok(())
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&FileDescriptor> {
        self.files.get(name)
    }

    /// All files, in no order.
    pub fn files(&self) -> impl Iterator<Item = &FileDescriptor> {
        self.files.values()
    }

    /// The message of this full name, such as `google.protobuf.Any`.
    pub fn message(&self, full_name: &str) -> Option<MessageDescriptor<'_>> {
        self.symbols.get(full_name)?.message_by_name(full_name)
    }

    /// The enum of this full name.
    pub fn enumeration(&self, full_name: &str) -> Option<EnumDescriptor<'_>> {
        self.symbols.get(full_name)?.enum_by_name(full_name)
    }

    /// The service of this full name.
    pub fn service(&self, full_name: &str) -> Option<ServiceDescriptor<'_>> {
        let file = self.symbols.get(full_name)?;
        file.services().find(|service| service.full_name() == full_name)
    }

    /// The method that is called at `path`, `/hello.Greeter/SayHello`: for what sees calls of many
    /// methods and has their descriptors alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage};
    ///
    /// /// What the messages of a call look like, for a log.
    /// fn shown(pool: &DescriptorPool, path: &str, request: &[u8]) -> Option<String> {
    ///     let method = pool.method(path)?;
    ///     let request = DynamicMessage::decode(method.input(), request).ok()?;
    ///     Some(format!("{} {request:?}", method.name()))
    /// }
    ///
    /// assert_eq!(shown(&DescriptorPool::new(), "/hello.Greeter/SayHello", b""), None);
    /// ```
    pub fn method(&self, path: &str) -> Option<MethodDescriptor<'_>> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        self.service(service)?.methods().find(|descriptor| descriptor.name() == method)
    }

    /// The extension of this full name.
    pub fn extension(&self, full_name: &str) -> Option<FieldDescriptor<'_>> {
        let file = self.symbols.get(full_name)?;
        file.extensions().find(|extension| extension.full_name() == full_name)
    }

    /// The extension of a message, by the message's full name and its number.
    pub fn extension_of(&self, message: &str, number: u32) -> Option<FieldDescriptor<'_>> {
        let (file, place) = self.extensions.get(&(message.to_owned(), number))?;
        Some(FieldDescriptor::extension(file, *place))
    }

    /// Whether any extension is known.
    pub(super) fn has_extensions(&self) -> bool {
        !self.extensions.is_empty()
    }

    /// Adds a file after those that it imports.
    fn add_waiting(&mut self, name: &str, adding: &mut Adding<'_>) -> Result<(), DescriptorError> {
        if adding.importing.iter().any(|other| other == name) {
            return Err(DescriptorError::new(name, "the file imports itself"));
        }
        let Some(file) = adding.waiting.remove(name) else { return Ok(()) };
        if adding.importing.len() > limits::IMPORT_DEPTH_MAX {
            let limit = limits::IMPORT_DEPTH_MAX;
            return Err(DescriptorError::new(name, format!("imports nest deeper than {limit}")));
        }
        adding.importing.push(name.to_owned());
        for import in &file.imports {
            self.add_waiting(import, adding)?;
        }
        adding.importing.pop();
        let used = self.visible(name, &file.imports, adding)?;
        adding.public.insert(name.to_owned(), file.public);
        self.hold(&FileDescriptor::build(Cow::Owned(file.bytes.to_vec()), used)?)?;
        Ok(())
    }

    /// What a file sees: its imports, and what those import publicly. protobuf's own files are added
    /// where the pool has none of their names.
    fn visible(
        &mut self,
        name: &str,
        imports: &[String],
        adding: &mut Adding<'_>,
    ) -> Result<Vec<FileDescriptor>, DescriptorError> {
        let mut visible = Vec::new();
        let mut open = imports.to_vec();
        let mut seen = HashSet::new();
        while let Some(import) = open.pop() {
            if !seen.insert(import.clone()) {
                continue;
            }
            adding.visible += 1;
            if adding.visible > limits::IMPORT_COUNT_MAX {
                let limit = limits::IMPORT_COUNT_MAX;
                let what = format!("the files import more than {limit} others in all");
                return Err(DescriptorError::new(name, what));
            }
            if !self.files.contains_key(&import)
                && let Some(own) = well_known_file(&import)
            {
                self.add_file(own)?;
            }
            if let Some(known) = self.files.get(&import) {
                let passed_on = adding.public.entry(import);
                open.extend(passed_on.or_insert_with(|| public(&known.to_proto())).iter().cloned());
                visible.push(known.clone());
            }
        }
        Ok(visible)
    }

    /// Takes a file in; whether it is new.
    fn hold(&mut self, file: &FileDescriptor) -> Result<bool, DescriptorError> {
        if let Some(known) = self.files.get(file.name()) {
            let is_same = known.is(file) || known.bytes() == file.bytes();
            return if is_same { Ok(false) } else { Err(other_file(file.name())) };
        }
        let names = file
            .messages()
            .map(|message| message.full_name().to_owned())
            .chain(file.enums().map(|enumeration| enumeration.full_name().to_owned()))
            .chain(file.services().map(|service| service.full_name().to_owned()))
            .chain(file.extensions().map(|extension| extension.full_name()));
        let names: Vec<String> = names.collect();
        if let Some(name) = names.iter().find(|name| self.symbols.contains_key(*name)) {
            let other = self.symbols[name].name();
            return Err(DescriptorError::new(file.name(), format!("{other} declares {name} too")));
        }
        for name in names {
            self.symbols.insert(name, file.clone());
        }
        for extension in file.extensions() {
            let key = (extension.containing_message().full_name().to_owned(), extension.number());
            self.extensions.entry(key).or_insert_with(|| (file.clone(), extension.index()));
        }
        self.files.insert(file.name().to_owned(), file.clone());
        Ok(true)
    }
}

impl Debug for DescriptorPool {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.files.keys().collect();
        names.sort();
        write!(formatter, "DescriptorPool({names:?})")
    }
}

/// Files on their way into a pool.
#[derive(Default)]
struct Adding<'a> {
    waiting: HashMap<String, Waiting<'a>>,
    /// What files import publicly, as far as it was asked.
    public: HashMap<String, Vec<String>>,
    /// From the file that was asked for to the one at hand.
    importing: Vec<String>,
    /// How many files all of them see together.
    visible: usize,
}

/// A file whose imports come first.
struct Waiting<'a> {
    bytes: &'a [u8],
    imports: Vec<String>,
    public: Vec<String>,
}

fn texts(names: &[ByteString]) -> Vec<String> {
    names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The names of what a file imports publicly.
fn public(file: &FileDescriptorProto) -> Vec<String> {
    let places = file.public_dependency.iter().filter_map(|at| usize::try_from(*at).ok());
    let names = places.filter_map(|at| file.dependency.get(at));
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

fn other_file(name: &str) -> DescriptorError {
    DescriptorError::new(name, "there is another file of this name")
}

/// `FileDescriptorSet.file`.
const SET_FILE: u32 = 1;
