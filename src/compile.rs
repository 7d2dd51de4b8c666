//! The door for build scripts and for the command line: from .proto files to Rust files on disk.
//!
//! Invariant: the same request is built here as protoc builds for its plugins, so that every door
//! gives the same bytes.

mod descriptor_set;
pub(crate) mod inputs;
mod protoc;
#[cfg(feature = "pure-parser")]
mod pure;
mod report;
pub(crate) mod scan;
mod temporary;
mod unused;
mod version;
mod write;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use protobuf::Message;
use protobuf::descriptor::{FileDescriptorProto, FileDescriptorSet};
use protobuf::plugin::CodeGeneratorRequest;

use self::inputs::Inputs;
use self::protoc::Places;
pub use self::report::Report;
use crate::emit::GeneratedFile;
use crate::options::{Messages, Options};
use crate::plugin;
use crate::raw::RawFiles;
use crate::{Error, cargo, schema};

/// Generates Rust code for one .proto file and what it imports, and for a build script all that goes
/// with it.
///
/// Writes to `$OUT_DIR/rust_grpc`, where `rust_grpc::include_protos!()` finds it. Imports are
/// looked for from the folder of the file or, where its package or its imports say so, from one
/// further up. For more than that there is [`Config`]; several files belong in one
/// [`Config::compile`].
///
/// # Errors
///
/// What protoc says about the file, in its own words; a .proto that cannot be generated; no protoc;
/// a folder that cannot be written.
///
/// # Examples
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), rust_grpc_codegen::Error> {
///     rust_grpc_codegen::compile("proto/hello.proto")
/// }
/// ```
pub fn compile(proto: impl AsRef<Path>) -> Result<(), Error> {
    Config::new().compile(&[proto]).map(|_| ())
}

/// How code is generated; [`Config::compile`] does it.
///
/// # Examples
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), rust_grpc_codegen::Error> {
///     rust_grpc_codegen::Config::new()
///         .include("proto")
///         .client(false)
///         .extern_path(".google.type", "::google_types")
///         .type_attribute(".shop.Order", "#[derive(Eq, Hash)]")
///         .compile(&["proto/shop/order.proto", "proto/shop/customer.proto"])?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    includes: Vec<PathBuf>,
    source: Source,
    options: Vec<String>,
    out_dir: Option<PathBuf>,
    cargo_lines: Option<bool>,
}

/// Where descriptors come from.
#[derive(Clone, Debug)]
enum Source {
    /// A protoc: this one, or the first one found.
    Protoc(Option<PathBuf>),
    PureParser,
    DescriptorSet(PathBuf),
}

impl Default for Source {
    fn default() -> Self {
        Self::Protoc(None)
    }
}

/// Descriptors, and what came with them.
struct Parsed {
    files: Vec<FileDescriptorProto>,
    raw: RawFiles,
    to_generate: Vec<String>,
    inputs: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Config {
    /// The defaults: protoc is searched for, nothing is left out, output goes to the build script's
    /// folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder that .proto files are named and imported from, as protoc's `-I` does.
    ///
    /// protobuf's own files (`google/protobuf/…`) are found without it.
    pub fn include(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.includes.push(folder.into());
        self
    }

    /// Uses this protoc, and no other if it is missing or too old.
    ///
    /// Without it the order is: `$PROTOC`; the first in `PATH` that is recent enough for the files;
    /// the one that cargo brings (feature `vendored-protoc`).
    pub fn protoc(&mut self, program: impl Into<PathBuf>) -> &mut Self {
        self.source = Source::Protoc(Some(program.into()));
        self
    }

    /// Reads .proto files without protoc, in Rust: a way out where no protoc can run (feature
    /// `pure-parser`, on by default; without it this is an error when files are compiled).
    ///
    /// It keeps no comments, so that the generated code has no documentation, and what it is known
    /// to misread is refused: editions, an `optional` of proto3 beside a oneof, defaults with
    /// escapes, and a few more. Custom options may be encoded in another way than by protoc.
    pub fn pure_parser(&mut self) -> &mut Self {
        self.source = Source::PureParser;
        self
    }

    /// Takes descriptors from a file: `protoc --descriptor_set_out=FILE --include_imports
    /// --include_source_info`, or `buf build -o FILE`.
    ///
    /// The files named in [`Config::compile`] are then names in that set; none means all of them but
    /// protobuf's own.
    pub fn descriptor_set(&mut self, file: impl Into<PathBuf>) -> &mut Self {
        self.source = Source::DescriptorSet(file.into());
        self
    }

    /// Sets several options of the plugin at once, written as `--rust-grpc_opt` takes them:
    /// `client=no,docs=no`.
    pub fn options(&mut self, options: &str) -> &mut Self {
        self.options.push(options.to_owned());
        self
    }

    /// Writes here instead of `$OUT_DIR/rust_grpc`.
    pub fn out_dir(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Whether stubs, the client's side of services, are generated; they are by default.
    pub fn client(&mut self, yes: bool) -> &mut Self {
        self.option("client", yes_or_no(yes))
    }

    /// Whether traits and servers, the server's side of services, are generated; they are by
    /// default.
    pub fn server(&mut self, yes: bool) -> &mut Self {
        self.option("server", yes_or_no(yes))
    }

    /// Whether comments become documentation; they do by default.
    pub fn docs(&mut self, yes: bool) -> &mut Self {
        self.option("docs", yes_or_no(yes))
    }

    /// Takes the types of a package, or one type, from elsewhere: `.google.type` from
    /// `::google_types`.
    pub fn extern_path(&mut self, proto: &str, rust: &str) -> &mut Self {
        self.option("extern_path", &format!("{proto}={rust}"))
    }

    /// Puts an attribute on a type, or on all types of a package or within a type: `.shop.Order`,
    /// `#[derive(Eq, Hash)]`.
    ///
    /// A derive of what a type derives anyway is left out, so that one attribute can hold for
    /// messages and enums. `Eq` needs a message without floats, `Hash` one without hash maps, too.
    pub fn type_attribute(&mut self, proto: &str, attribute: &str) -> &mut Self {
        self.option("type_attribute", &format!("{proto}={attribute}"))
    }

    /// Puts an attribute on a field, or on all fields of a type or package: `.shop.Order.id`,
    /// `#[serde(default)]`.
    pub fn field_attribute(&mut self, proto: &str, attribute: &str) -> &mut Self {
        self.option("field_attribute", &format!("{proto}={attribute}"))
    }

    /// Sets an option of the plugin by its name: `--rust-grpc_opt=key=value` is
    /// `.option("key", "value")`.
    ///
    /// An option that does not exist, or a value that it does not take, is an error of
    /// [`Config::compile`].
    pub fn option(&mut self, key: &str, value: &str) -> &mut Self {
        self.options.push(format!("{key}={value}"));
        self
    }

    /// Whether lines for cargo are printed: `rerun-if-changed` for every file that was read,
    /// `rerun-if-env-changed` for `PROTOC`, and protoc's warnings. In a build script they are.
    pub fn cargo_lines(&mut self, yes: bool) -> &mut Self {
        self.cargo_lines = Some(yes);
        self
    }

    /// Generates code for these files and writes it where it differs from what is there.
    ///
    /// What they import is generated with them, but what [`Config::extern_path`] says is elsewhere,
    /// the well-known types, which the runtime has, and files of `import option`.
    ///
    /// Give all files of one output folder to one call: its module tree holds the files of that
    /// call. A file that an earlier call made and this one does not is removed, if the tree of
    /// that call names it. A file in the way that was not generated is an error, and stays.
    ///
    /// In a build script it prints what cargo needs, see [`Config::cargo_lines`].
    ///
    /// # Errors
    ///
    /// As [`compile`]; an unknown option, a file outside the include folders, no output folder.
    pub fn compile(&self, protos: &[impl AsRef<Path>]) -> Result<Report, Error> {
        let folder = self.output_folder()?;
        let (generated, mut report) = self.generate(protos)?;
        report.outputs = write::compare(&folder, &generated)?;
        if self.speaks_to_cargo() {
            cargo::announce(&report);
            if generated.iter().any(|file| file.name == write::TREE) {
                cargo::claim(&folder, &report.inputs)?;
            }
        }
        write::apply(&folder, &generated, &report.outputs)?;
        Ok(report)
    }

    /// Compares what [`Config::compile`] would write with what is there, and writes nothing: a step
    /// for a CI where generated code is kept in the repository.
    ///
    /// # Errors
    ///
    /// As [`Config::compile`]; and where a file is missing, outdated or no longer generated, an
    /// error that lists each one.
    pub fn check(&self, protos: &[impl AsRef<Path>]) -> Result<Report, Error> {
        let folder = self.output_folder()?;
        let (generated, mut report) = self.generate(protos)?;
        report.outputs = write::compare(&folder, &generated)?;
        let mut list = String::new();
        for (path, why) in report.stale() {
            write!(list, "\n  {why}: {}", path.display()).expect("a string takes every line");
        }
        match list.as_str() {
            "" => Ok(report),
            list => Err(Error::new(format!("generated files are stale:{list}"))),
        }
    }

    /// The files in memory, and a report that does not know the disk yet.
    fn generate(&self, protos: &[impl AsRef<Path>]) -> Result<(Vec<GeneratedFile>, Report), Error> {
        let options = self.parsed_options()?;
        let protos: Vec<PathBuf> = protos.iter().map(|path| path.as_ref().to_path_buf()).collect();
        let parsed = match &self.source {
            Source::Protoc(program) => self.parse_with_protoc(program.clone(), &protos)?,
            Source::PureParser => self.parse_purely(&protos, &options)?,
            Source::DescriptorSet(file) => descriptor_set::read(file, &protos)?,
        };
        let Parsed { files, raw, mut to_generate, inputs, mut notes } = parsed;
        notes.extend(unused::notes(&files, &options));
        let imported = schema::needed_imports(&files, &to_generate, &options);
        to_generate.extend(imported.iter().cloned());
        let wanted = files.iter().filter(|file| to_generate.iter().any(|name| name == file.name()));
        let counts = match options.messages {
            Messages::Own => report::Counts::of(wanted),
            Messages::Extern | Messages::Prost => report::Counts::of(wanted).of_services(),
        };
        let request = request(files, to_generate);
        let generated = plugin::generate(&request, &raw, &options)
            .map_err(|error| Error::new(error.to_string()))?;
        Ok((generated, Report { counts, imported, inputs, notes, ..Report::default() }))
    }

    fn parse_with_protoc(
        &self,
        program: Option<PathBuf>,
        protos: &[PathBuf],
    ) -> Result<Parsed, Error> {
        let inputs = Inputs::resolve(protos, &self.includes)?;
        let places = Places::of_process(program);
        let need = inputs.need(places.vendored_include.as_deref());
        let compiled = places.find(&need)?.run(&inputs, &places)?;
        let set = FileDescriptorSet::parse_from_bytes(&compiled.descriptor_set)
            .map_err(|error| Error::new(format!("protoc wrote no descriptor set: {error}")))?;
        Ok(Parsed {
            inputs: on_disk(&inputs, &set.file),
            files: set.file,
            raw: RawFiles::of_set(&compiled.descriptor_set),
            to_generate: inputs.names(),
            notes: compiled.warnings,
        })
    }

    #[cfg(not(feature = "pure-parser"))]
    fn parse_purely(&self, _: &[PathBuf], _: &Options) -> Result<Parsed, Error> {
        Err(Error::usage(
            "the pure parser is left out of this build: expected the feature pure-parser",
        ))
    }

    #[cfg(feature = "pure-parser")]
    fn parse_purely(&self, protos: &[PathBuf], options: &Options) -> Result<Parsed, Error> {
        let inputs = Inputs::resolve(protos, &self.includes)?;
        let files = pure::parse(&inputs)?;
        let lost = "the pure parser keeps no comments: the generated code has no documentation";
        let notes = if options.docs { vec![lost.to_owned()] } else { Vec::new() };
        let read = on_disk(&inputs, &files);
        let set = FileDescriptorSet { file: files, ..Default::default() };
        let raw = set.write_to_bytes().map_err(|error| Error::new(error.to_string()))?;
        let (raw, files) = (RawFiles::of_set(&raw).each(pure::sorted), set.file);
        Ok(Parsed { inputs: read, files, raw, to_generate: inputs.names(), notes })
    }

    fn parsed_options(&self) -> Result<Options, Error> {
        Options::parse(&self.options.join(",")).map_err(|error| Error::usage(error.to_string()))
    }

    fn speaks_to_cargo(&self) -> bool {
        self.cargo_lines.unwrap_or_else(cargo::is_build_script)
    }

    fn output_folder(&self) -> Result<PathBuf, Error> {
        let of_cargo = || std::env::var_os("OUT_DIR").map(|dir| Path::new(&dir).join("rust_grpc"));
        self.out_dir.clone().or_else(of_cargo).ok_or_else(|| {
            Error::usage(
                "no output folder: expected out_dir(), or $OUT_DIR as it is in a build script",
            )
        })
    }
}

/// What protoc sends its plugins.
fn request(files: Vec<FileDescriptorProto>, to_generate: Vec<String>) -> CodeGeneratorRequest {
    let mut request = CodeGeneratorRequest::new();
    request.file_to_generate = to_generate;
    request.proto_file = files;
    request
}

/// Where the files lie that descriptors were made from; protobuf's own may lie nowhere.
fn on_disk(inputs: &Inputs, files: &[FileDescriptorProto]) -> Vec<PathBuf> {
    let paths: BTreeSet<PathBuf> =
        files.iter().filter_map(|file| inputs.find(file.name())).collect();
    paths.into_iter().collect()
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
