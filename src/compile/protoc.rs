//! Finds a protoc and runs it.
//!
//! Invariant: a protoc that the caller names, as a path or by `$PROTOC`, is used or refused, never
//! silently replaced; one that merely stands in `PATH` is passed over when it is too old.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::inputs::{Inputs, OWN_OF_PROTOBUF, find_in};
use super::temporary::TemporaryFolder;
use super::version::{Need, Version};
use crate::Error;

/// A protoc that answered, and is new enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protoc {
    path: PathBuf,
    version: Version,
}

/// Where a protoc may come from.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// From `Config::protoc` or `--protoc`.
    pub(crate) given: Option<PathBuf>,
    /// `$PROTOC`.
    pub(crate) variable: Option<OsString>,
    /// `$PATH`.
    pub(crate) search_path: Option<OsString>,
    /// The one that cargo brings, or why there is none.
    pub(crate) vendored: Result<PathBuf, &'static str>,
    /// protobuf's own .proto files, from the same place.
    pub(crate) vendored_include: Option<PathBuf>,
}

/// What a run of protoc gives.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// A serialized `FileDescriptorSet`.
    pub(crate) descriptor_set: Vec<u8>,
    /// protoc's warnings, a line each.
    pub(crate) warnings: Vec<String>,
}

impl Places {
    /// Those of this process.
    pub(crate) fn of_process(given: Option<PathBuf>) -> Self {
        Self {
            given,
            variable: std::env::var_os("PROTOC").filter(|value| !value.is_empty()),
            search_path: std::env::var_os("PATH"),
            vendored: vendored(),
            vendored_include: vendored_include(),
        }
    }

    /// The first protoc, in the order of the fields, that meets the need.
    pub(crate) fn find(&self, need: &Need) -> Result<Protoc, Error> {
        if let Some(path) = &self.given {
            return named(path, "the given path", need);
        }
        if let Some(path) = &self.variable {
            return named(Path::new(path), "$PROTOC", need);
        }
        let mut tried = vec!["$PROTOC: not set".to_owned()];
        let in_path = programs_in(self.search_path.as_ref());
        if in_path.is_empty() {
            tried.push("PATH: no protoc".to_owned());
        }
        for path in in_path {
            match Protoc::ask(&path).and_then(|protoc| protoc.checked(need)) {
                Ok(protoc) => return Ok(protoc),
                Err(reason) => tried.push(format!("PATH: {reason}")),
            }
        }
        let vendored = match &self.vendored {
            Ok(path) => Protoc::ask(path).and_then(|protoc| protoc.checked(need)),
            Err(reason) => Err((*reason).to_owned()),
        };
        vendored.map_err(|reason| {
            tried.push(format!("the one from cargo: {reason}"));
            nothing_found(need, &tried)
        })
    }
}

impl Protoc {
    /// Asks the program for its version; the error is a reason to go on, without a full stop.
    fn ask(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let output = Command::new(path).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{shown} does not start: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match Version::parse(&text).filter(|_| output.status.success()) {
            Some(version) => Ok(Self { path: path.to_path_buf(), version }),
            None => Err(format!(
                "{shown} is no protoc: asked for --version, expected \"libprotoc <number>\", got {:?}",
                text.lines().next().unwrap_or("")
            )),
        }
    }

    fn checked(self, need: &Need) -> Result<Self, String> {
        match need.is_met_by(&self.version) {
            true => Ok(self),
            false => Err(format!("{} is too old, {}", self.path.display(), self.version)),
        }
    }

    /// Compiles the files into a descriptor set, with imports and comments, but without the options
    /// that are meant for the source alone: protoc keeps those from its plugins, too.
    pub(crate) fn run(&self, inputs: &Inputs, places: &Places) -> Result<Compiled, Error> {
        let folder = TemporaryFolder::new().map_err(|error| {
            Error::new(format!("no temporary folder for what protoc writes: {error}"))
        })?;
        let result = folder.path().join("descriptor_set.binpb");
        let list = folder.path().join("arguments");
        fs::write(&list, self.arguments(inputs, places, &result)?)
            .map_err(|error| Error::new(format!("{}: {error}", list.display())))?;
        let mut at_list = OsString::from("@");
        at_list.push(&list);
        let output = Command::new(&self.path).arg(at_list).stdin(Stdio::null()).output();
        let output = output.map_err(|error| {
            Error::new(format!("{} does not start: {error}", self.path.display()))
        })?;
        if !output.status.success() {
            return Err(self.refused(inputs, &output));
        }
        let descriptor_set = fs::read(&result).map_err(|error| {
            let path = self.path.display();
            Error::new(format!("{path}: expected a descriptor set, got none: {error}"))
        })?;
        let warnings = String::from_utf8_lossy(&output.stderr);
        let warnings = warnings.lines().filter(|line| !line.trim().is_empty());
        Ok(Compiled { descriptor_set, warnings: warnings.map(str::to_owned).collect() })
    }

    /// One argument a line: the list of files may be longer than a command line.
    fn arguments(&self, inputs: &Inputs, places: &Places, result: &Path) -> Result<String, Error> {
        let mut lines = vec!["--include_imports".into(), "--include_source_info".into()];
        lines.push(with_prefix("--descriptor_set_out=", result));
        lines.extend(inputs.includes.iter().map(|path| with_prefix("-I", path)));
        if let Some(path) = places.vendored_include.as_ref().filter(|_| !self.has_own_include()) {
            lines.push(with_prefix("-I", path));
        }
        lines.extend(inputs.files.iter().map(|input| input.path.clone().into_os_string()));
        let mut text = String::new();
        for line in lines {
            match line.to_str().filter(|line| !line.contains(['\n', '\r'])) {
                Some(line) => writeln!(text, "{line}").expect("a string takes every line"),
                None => {
                    return Err(Error::new(format!(
                        "{}: expected a path in UTF-8 and on one line",
                        line.display()
                    )));
                }
            }
        }
        Ok(text)
    }

    /// Whether protoc brings protobuf's own files, by the places where it looks for them itself.
    fn has_own_include(&self) -> bool {
        let Ok(program) = self.path.canonicalize() else { return false };
        let Some(folder) = program.parent() else { return false };
        let places = [folder.to_path_buf(), folder.join("include"), folder.join("../include")];
        let descriptor = format!("{OWN_OF_PROTOBUF}descriptor.proto");
        places.iter().any(|place| find_in(place, &descriptor).is_some())
    }

    /// protoc's own words, each on its own line, under a line that says whose they are.
    fn refused(&self, inputs: &Inputs, output: &Output) -> Error {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = match words.trim() {
            "" => format!("it says nothing and ends with {}", output.status),
            words => words.to_owned(),
        };
        let names = match inputs.names().as_slice() {
            [name] => name.clone(),
            names => format!("{} files", names.len()),
        };
        let (version, path) = (&self.version, self.path.display());
        Error::new(format!("protoc {version} refuses {names} (it is {path}):\n{words}"))
    }
}

/// A protoc that somebody asked for by name.
fn named(path: &Path, origin: &str, need: &Need) -> Result<Protoc, Error> {
    let protoc =
        Protoc::ask(path).map_err(|reason| Error::new(format!("{origin}: {reason}\n  {need}")))?;
    protoc.checked(need).map_err(|reason| Error::new(format!("{need}\n  {origin}: {reason}")))
}

fn nothing_found(need: &Need, tried: &[String]) -> Error {
    Error::new(format!(
        "no protoc found: {need}\n  {}\ninstall one, or name one with --protoc, Config::protoc or \
         $PROTOC",
        tried.join("\n  ")
    ))
}

/// Every protoc of the search path, in its order.
fn programs_in(search_path: Option<&OsString>) -> Vec<PathBuf> {
    let Some(search_path) = search_path else { return Vec::new() };
    let program = format!("protoc{}", std::env::consts::EXE_SUFFIX);
    let candidates = std::env::split_paths(search_path).map(|folder| folder.join(&program));
    candidates.filter(|path| path.is_file()).collect()
}

fn with_prefix(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}

#[cfg(feature = "vendored-protoc")]
fn vendored() -> Result<PathBuf, &'static str> {
    protoc_bin_vendored::protoc_bin_path().map_err(|_| "none for this platform")
}

#[cfg(feature = "vendored-protoc")]
fn vendored_include() -> Option<PathBuf> {
    protoc_bin_vendored::include_path().ok()
}

#[cfg(not(feature = "vendored-protoc"))]
fn vendored() -> Result<PathBuf, &'static str> {
    Err("switched off, it comes with the feature vendored-protoc")
}

#[cfg(not(feature = "vendored-protoc"))]
fn vendored_include() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::scan::Facts;

    fn places() -> Places {
        Places {
            given: None,
            variable: None,
            search_path: None,
            vendored: Err("switched off"),
            vendored_include: None,
        }
    }

    fn need(source: &str) -> Need {
        let mut need = Need::least();
        need.add("a.proto", &Facts::of(source));
        need
    }

    /// When no place has a protoc that will do, the error says what is needed, what was tried and
    /// what helps.
    #[test]
    fn everything_that_was_tried_is_listed() {
        let error = places().find(&need("edition = \"2024\";")).unwrap_err().to_string();
        assert_eq!(
            error,
            "no protoc found: a.proto says edition 2024, which needs protoc 32 or newer\n  \
             $PROTOC: not set\n  PATH: no protoc\n  the one from cargo: switched off\ninstall one, \
             or name one with --protoc, Config::protoc or $PROTOC"
        );
    }

    /// A protoc in PATH that does not answer is passed over, and listed.
    #[test]
    fn programs_in_path_that_are_no_protoc_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let program = format!("protoc{}", std::env::consts::EXE_SUFFIX);
        fs::write(folder.path().join(&program), "not a program").unwrap();
        let search_path = Some(folder.path().as_os_str().to_owned());
        let error = Places { search_path, ..places() }.find(&Need::least()).unwrap_err();
        let expected = format!("PATH: {} does not start: ", folder.path().join(program).display());
        assert!(error.to_string().contains(&expected), "{error}");
    }

    /// The given path comes before `$PROTOC`, and neither gives way to another.
    #[test]
    fn given_path_comes_first_and_gives_way_to_none() {
        let given = Some(PathBuf::from("/nowhere/given"));
        let variable = Some(OsString::from("/nowhere/variable"));
        let find = |places: Places| places.find(&Need::least()).unwrap_err().to_string();
        let error = find(Places { given, variable: variable.clone(), ..Places::of_process(None) });
        assert!(error.starts_with("the given path: /nowhere/given does not start"), "{error}");
        let error = find(Places { variable, ..Places::of_process(None) });
        assert!(error.starts_with("$PROTOC: /nowhere/variable does not start"), "{error}");
    }

    /// A path that the list of arguments cannot hold is refused by name.
    #[test]
    fn path_of_two_lines_is_refused() {
        let protoc = Protoc {
            path: PathBuf::from("protoc"),
            version: Version::parse("libprotoc 36.2").unwrap(),
        };
        let inputs = Inputs { includes: vec![PathBuf::from("a\nb")], files: Vec::new() };
        let error = protoc.arguments(&inputs, &places(), Path::new("out")).unwrap_err();
        assert!(error.to_string().contains("expected a path in UTF-8 and on one line"), "{error}");
    }
}
