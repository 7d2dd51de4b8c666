//! From the paths that a caller names to the names that protoc knows them by.
//!
//! Invariant: a file's name is its path below the first include folder that holds it, as in protoc.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::scan::Facts;
use super::version::Need;
use crate::Error;

/// The files to generate and where their imports are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inputs {
    pub(crate) includes: Vec<PathBuf>,
    pub(crate) files: Vec<Input>,
}

/// A .proto by its two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// `google/api/http.proto`, as an `import` writes it.
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
}

impl Inputs {
    /// Finds every file, and without include folders assumes them.
    pub(crate) fn resolve(protos: &[PathBuf], includes: &[PathBuf]) -> Result<Self, Error> {
        if protos.is_empty() {
            return Err(Error::usage("no .proto file is named, expected at least one"));
        }
        for include in includes {
            if !include.is_dir() {
                let include = include.display();
                return Err(Error::new(format!("{include}: expected an include folder, got none")));
            }
        }
        let includes = match includes {
            [] => assumed_roots(protos),
            given => given.to_vec(),
        };
        let mut files: Vec<Input> = Vec::new();
        for proto in protos {
            let input = locate(proto, &includes)?;
            if !files.contains(&input) {
                files.push(input);
            }
        }
        Ok(Self { includes, files })
    }

    /// The files and everything they import from these include folders or, where those do not
    /// have it, from `fallback`; each file once, importers before what they import.
    pub(crate) fn reachable(&self, fallback: Option<&Path>) -> Vec<(Input, Facts)> {
        let mut found: Vec<(Input, Facts)> = Vec::new();
        let mut known = BTreeSet::new();
        let mut waiting: Vec<Input> = self.files.iter().rev().cloned().collect();
        while let Some(input) = waiting.pop() {
            if !known.insert(input.name.clone()) {
                continue;
            }
            let Some(facts) = Facts::read(&input.path) else { continue };
            for name in facts.imports.iter().rev() {
                let place = self.find(name).or_else(|| find_in(fallback?, name));
                if let Some(path) = place {
                    waiting.push(Input { name: name.clone(), path });
                }
            }
            found.push((input, facts));
        }
        found
    }

    /// The oldest protoc that will do for these files and their imports.
    pub(crate) fn need(&self, fallback: Option<&Path>) -> Need {
        let mut need = Need::least();
        for (input, facts) in self.reachable(fallback) {
            need.add(&input.name, &facts);
        }
        need
    }

    /// Where the file of this name lies, if an include folder holds it.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        self.includes.iter().find_map(|include| find_in(include, name))
    }

    /// The names of the files to generate.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.iter().map(|input| input.name.clone()).collect()
    }
}

/// `name` below `folder`, without a `./` in front. A name that leads out of it is none, as in protoc.
pub(crate) fn find_in(folder: &Path, name: &str) -> Option<PathBuf> {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let path = match folder == Path::new(".") || folder == Path::new("") {
        true => PathBuf::from(name),
        false => folder.join(name),
    };
    path.is_file().then_some(path)
}

/// One file, given by its path or by its name below an include folder.
fn locate(proto: &Path, includes: &[PathBuf]) -> Result<Input, Error> {
    let shown = proto.display();
    if proto.is_dir() {
        return Err(Error::new(format!("{shown}: expected a .proto file, got a folder")));
    }
    let by_path = match proto.is_file() {
        true => includes.iter().find_map(|include| name_below(proto, include)),
        false => None,
    };
    let by_name = || proto.to_str().filter(|_| proto.is_relative()).map(str::to_owned);
    let Some(name) = by_path.clone().or_else(by_name) else {
        return Err(outside(proto, includes));
    };
    let held = includes.iter().find_map(|include| find_in(include, &name));
    match held {
        Some(path) if by_path.is_none() || is_same_file(&path, proto) => Ok(Input { name, path }),
        Some(path) => {
            let path = path.display();
            Err(Error::new(format!("{shown}: hidden by {path}, which comes first as {name}")))
        }
        None => Err(outside(proto, includes)),
    }
}

fn outside(proto: &Path, includes: &[PathBuf]) -> Error {
    let folders: Vec<String> = includes.iter().map(|path| path.display().to_string()).collect();
    let (shown, folders) = (proto.display(), folders.join(", "));
    match proto.is_file() {
        true => Error::new(format!(
            "{shown}: expected a file below an include folder, got one outside of: {folders}"
        )),
        false => Error::new(format!(
            "{shown}: no such file, neither at this path nor in the include folders: {folders}"
        )),
    }
}

/// The name of a file below an include folder, compared as text and then as places on the disk.
fn name_below(proto: &Path, include: &Path) -> Option<String> {
    let as_text = plain(proto).strip_prefix(plain(include)).ok().map(Path::to_path_buf);
    let below = match as_text {
        Some(path) if path.is_relative() && !climbs(&path) => path,
        _ => {
            let (proto, include) = (proto.canonicalize().ok()?, include.canonicalize().ok()?);
            proto.strip_prefix(include).ok()?.to_path_buf()
        }
    };
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// The path without its `.` components.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}

fn climbs(path: &Path) -> bool {
    path.components().any(|component| component == Component::ParentDir)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The include folders that the files themselves speak for, the outermost first.
fn assumed_roots(protos: &[PathBuf]) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = Vec::new();
    for proto in protos {
        let root = match Facts::read(proto) {
            Some(facts) => assumed_root(proto, &facts),
            None => folder_of(proto),
        };
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots.sort_by_key(|root| plain(root).components().count());
    roots
}

/// The folder above those that repeat the package, the file's own, or one further up: the first
/// from which every import is found. Imports of protobuf's own files say nothing.
fn assumed_root(proto: &Path, facts: &Facts) -> PathBuf {
    let own = folder_of(proto);
    let above_package = above_package(&own, &facts.package);
    let further_up = own.ancestors().skip(1).map(as_folder).collect::<Vec<_>>();
    let candidates: Vec<PathBuf> =
        above_package.into_iter().chain([own.clone()]).chain(further_up).collect();
    let has_imports = |root: &&PathBuf| {
        let mut imports = facts.imports.iter().filter(|name| !name.starts_with(OWN_OF_PROTOBUF));
        imports.all(|name| find_in(root, name).is_some())
    };
    candidates.iter().find(has_imports).or_else(|| candidates.first()).unwrap_or(&own).clone()
}

/// `proto` for a file in `proto/hello/v1` of package `hello.v1`.
fn above_package(folder: &Path, package: &str) -> Option<PathBuf> {
    if package.is_empty() {
        return None;
    }
    let mut root = folder.to_path_buf();
    for segment in package.rsplit('.') {
        if root.file_name()?.to_str()? != segment || !root.pop() {
            return None;
        }
    }
    Some(as_folder(&root))
}

fn folder_of(proto: &Path) -> PathBuf {
    proto.parent().map_or_else(|| PathBuf::from("."), as_folder)
}

/// A relative path's last ancestor is the empty path, which no program takes for a folder.
fn as_folder(path: &Path) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path.to_path_buf(),
    }
}

/// Where protobuf's own files are imported from.
pub(crate) const OWN_OF_PROTOBUF: &str = "google/protobuf/";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder with these files; a file's text comes after its path.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(folder: &Path, protos: &[&str], includes: &[&str]) -> Result<Vec<String>, String> {
        let join = |paths: &[&str]| paths.iter().map(|path| folder.join(path)).collect::<Vec<_>>();
        let inputs = Inputs::resolve(&join(protos), &join(includes));
        inputs.map(|inputs| inputs.names()).map_err(|error| error.to_string())
    }

    /// Without include folders a file's own folder is the root, unless its package or its imports
    /// say otherwise.
    #[test]
    fn root_is_assumed_from_package_and_imports() {
        let folder = folder(&[
            ("p/hello.proto", "package hello;"),
            ("p/a/v1/x.proto", "package a.v1; import \"b/y.proto\";"),
            ("p/b/y.proto", "package other; import \"google/protobuf/empty.proto\";"),
            ("p/c/z.proto", "package c; import \"near.proto\";"),
            ("p/c/near.proto", ""),
            ("p/d/up.proto", "import \"b/y.proto\";"),
            ("p/e/lost.proto", "import \"nowhere.proto\";"),
        ]);
        let check = |proto: &str, expected: &str| {
            assert_eq!(names(folder.path(), &[proto], &[]).unwrap(), [expected], "{proto}");
        };
        check("p/hello.proto", "hello.proto");
        check("p/a/v1/x.proto", "a/v1/x.proto");
        check("p/b/y.proto", "y.proto");
        check("p/c/z.proto", "z.proto");
        check("p/d/up.proto", "d/up.proto");
        check("p/e/lost.proto", "lost.proto");
    }

    /// Several files without include folders keep one name each, whatever their order.
    #[test]
    fn names_do_not_depend_on_the_order_of_the_files() {
        let folder = folder(&[("p/a.proto", ""), ("p/q/b.proto", "")]);
        let expected = ["a.proto", "q/b.proto"];
        assert_eq!(names(folder.path(), &["p/a.proto", "p/q/b.proto"], &[]).unwrap(), expected);
        let mut other = names(folder.path(), &["p/q/b.proto", "p/a.proto"], &[]).unwrap();
        other.sort();
        assert_eq!(other, expected);
    }

    /// With include folders, the first that holds the file gives its name; naming it twice is
    /// naming it once.
    #[test]
    fn first_include_folder_names_the_file() {
        let folder = folder(&[("p/q/a.proto", "")]);
        let check = |protos: &[&str], includes: &[&str], expected: &str| {
            assert_eq!(names(folder.path(), protos, includes).unwrap(), [expected]);
        };
        check(&["p/q/a.proto"], &["p", "p/q"], "q/a.proto");
        check(&["p/q/a.proto"], &["p/q", "p"], "a.proto");
        check(&["p/../p/q/a.proto", "./p/q/a.proto"], &["p"], "q/a.proto");
    }

    /// A file that is missing, outside, hidden or a folder is refused in words.
    #[test]
    fn files_that_cannot_be_named_are_refused() {
        let folder = folder(&[("p/a.proto", ""), ("q/a.proto", ""), ("r/b.proto", "")]);
        let check = |protos: &[&str], includes: &[&str], expected: &str| {
            let error = names(folder.path(), protos, includes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(&[], &[], "no .proto file is named");
        check(&["p/none.proto"], &["p"], "none.proto: no such file, neither at this path nor in");
        check(&["r/b.proto"], &["p"], "b.proto: expected a file below an include folder, got one");
        check(&["p"], &["p"], "p: expected a .proto file, got a folder");
        check(&["p/a.proto"], &["none"], "none: expected an include folder, got none");
    }

    /// An import that leads out of its include folder is not followed: protoc takes it for no name.
    #[test]
    fn imports_stay_within_their_folder() {
        let folder = folder(&[("p/a.proto", "import \"../b.proto\";"), ("b.proto", "")]);
        let inputs = Inputs::resolve(&[folder.path().join("p/a.proto")], &[]).unwrap();
        assert_eq!(inputs.names(), ["a.proto"]);
        assert_eq!(inputs.reachable(None).len(), 1);
    }

    /// Imports are followed through the include folders, each file once, circles included.
    #[test]
    fn imports_are_followed_once() {
        let folder = folder(&[
            ("p/a.proto", "import \"b.proto\"; import \"c.proto\";"),
            ("p/b.proto", "import \"c.proto\"; import \"missing.proto\";"),
            ("p/c.proto", "edition = \"2023\"; import \"a.proto\";"),
        ]);
        let proto = folder.path().join("p/a.proto");
        let inputs = Inputs::resolve(&[proto], &[]).unwrap();
        let reachable = inputs.reachable(None);
        let names: Vec<_> = reachable.iter().map(|(input, _)| input.name.as_str()).collect();
        assert_eq!(names, ["a.proto", "b.proto", "c.proto"]);
        assert!(inputs.need(None).to_string().starts_with("c.proto says edition 2023"));
    }
}
