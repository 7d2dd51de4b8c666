//! The command line outside protoc: reads arguments, calls the library, prints what it says.
//!
//! Exit codes: 0, all went well; 1, an input is at fault or generated files are stale; 2, the
//! arguments are.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rust_grpc_codegen::{Config, Error, Report};

/// Generates Rust messages, service traits and stubs from .proto files.
#[derive(Debug, Parser)]
#[command(
    name = "protoc-gen-rust-grpc",
    version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CARGO_PKG_NAME"), ")"),
    after_help = AFTER_HELP,
    arg_required_else_help = true
)]
struct Arguments {
    /// A .proto file, by its path or by its name below an include folder
    #[arg(value_name = "PROTO", required_unless_present = "descriptor_set")]
    protos: Vec<PathBuf>,

    /// Looks for .proto files and imports in this folder; may be given several times.
    /// Without it: the folder of each file, or the root that its package or its imports speak for
    #[arg(short = 'I', long = "include", visible_alias = "proto-path", alias = "proto_path")]
    #[arg(value_name = "DIR")]
    includes: Vec<PathBuf>,

    /// Writes the generated files and the module tree mod.rs into this folder
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// Sets an option of the plugin, as --rust-grpc_opt of protoc does; may be given several times
    #[arg(long = "opt", value_name = "KEY=VALUE")]
    options: Vec<String>,

    /// Writes nothing; lists the files that are missing, outdated or no longer generated
    #[arg(long)]
    check: bool,

    /// Uses this protoc. Without it: $PROTOC, then PATH if recent enough, then the one from cargo
    #[arg(long, value_name = "PATH")]
    protoc: Option<PathBuf>,

    /// Reads .proto files with protoc, or with a parser in Rust that keeps no comments and
    /// refuses what it is known to misread
    #[arg(long, value_enum, default_value_t = Reader::Protoc, conflicts_with = "protoc")]
    parser: Reader,

    /// Reads descriptors from this file instead of .proto files; PROTO then names files in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["protoc", "parser", "includes"])]
    descriptor_set: Option<PathBuf>,
}

/// What reads .proto files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reader {
    Protoc,
    Pure,
}

/// Does what the arguments of this process ask for.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.obey() {
        Ok(report) => {
            report.notes().for_each(|note| eprintln!("{note}"));
            report.removed().for_each(|path| println!("removed {}", path.display()));
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("protoc-gen-rust-grpc: {error}");
            ExitCode::from(if error.is_usage() { USAGE } else { FAULT })
        }
    }
}

impl Arguments {
    fn obey(&self) -> Result<Report, Error> {
        let mut config = Config::new();
        config.out_dir(&self.out).cargo_lines(false);
        for folder in &self.includes {
            config.include(folder);
        }
        for options in &self.options {
            config.options(options);
        }
        if let Some(program) = &self.protoc {
            config.protoc(program);
        }
        if self.parser == Reader::Pure {
            config.pure_parser();
        }
        if let Some(file) = &self.descriptor_set {
            config.descriptor_set(file);
        }
        match self.check {
            true => config.check(&self.protos),
            false => config.compile(&self.protos),
        }
    }
}

const FAULT: u8 = 1;
const USAGE: u8 = 2;

const AFTER_HELP: &str = "\
Started by protoc or buf, without arguments, it is their plugin: protoc --rust-grpc_out=DIR.

Options of the plugin: client=yes|no, server=yes|no, docs=yes|no, messages=own|extern|prost,
descriptor=yes|no, json=yes|no, text=yes|no, tree=yes|no|only, map=hash|btree,
map=.pkg.Type.field=hash|btree, bytes=.pkg.Type.field, runtime=::path, extern_path=.pkg=::path,
type_attribute=.pkg.Type=#[..], field_attribute=.pkg.Type.field=#[..].

Exit codes: 0, all went well; 1, an input is at fault or files are stale; 2, the arguments are.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The help names every option of the plugin.
    #[test]
    fn the_help_names_every_option() {
        let unknown = Config::new().out_dir("nowhere").option("?", "").check(&["x.proto"]);
        let error = unknown.unwrap_err().to_string();
        let (_, known) = error.split_once("the options are: ").unwrap();
        let keys: Vec<&str> =
            known.split(", ").map(|form| form.split('=').next().unwrap()).collect();
        assert!(keys.len() >= 14, "{error}");
        for key in keys {
            assert!(AFTER_HELP.contains(&format!("{key}=")), "{key}");
        }
    }

    /// The definition of the arguments is without contradictions.
    #[test]
    fn arguments_are_well_defined() {
        Arguments::command().debug_assert();
    }
}
