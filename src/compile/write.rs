//! Brings an output folder in line with what was generated.
//!
//! Invariants: a file that is already right is not touched, so that its time stays and nothing is
//! built again; nothing is removed but what the module tree of an earlier run names as its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::Error;
use crate::emit::GeneratedFile;

/// How a file on disk stands to what was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not there.
    Missing,
    /// It is there, with other content.
    Outdated,
    /// Nothing is to be done.
    Current,
    /// An earlier run made it, and it is not made any more.
    Leftover,
}

/// One file of the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputFile {
    pub(crate) path: PathBuf,
    pub(crate) state: State,
}

/// Looks at the folder without changing it; the order is that of the generated files.
pub(crate) fn compare(folder: &Path, files: &[GeneratedFile]) -> Result<Vec<OutputFile>, Error> {
    let mut outputs = Vec::new();
    for file in files {
        let path = folder.join(checked(&file.name)?);
        let state = match fs::read(&path) {
            Ok(content) if content == file.content.as_bytes() => State::Current,
            Ok(_) => State::Outdated,
            Err(error) if error.kind() == ErrorKind::NotFound => State::Missing,
            Err(error) => return Err(at(&path, &error)),
        };
        outputs.push(OutputFile { path, state });
    }
    outputs.extend(leftovers(folder, files)?);
    Ok(outputs)
}

/// Changes what [`compare`] found to be in need of it; nothing at all, if a file in the way was not
/// generated.
pub(crate) fn apply(
    folder: &Path,
    files: &[GeneratedFile],
    outputs: &[OutputFile],
) -> Result<(), Error> {
    for output in outputs.iter().filter(|output| output.state == State::Outdated) {
        if !is_ours(&output.path) {
            let path = output.path.display();
            return Err(Error::new(format!(
                "{path}: expected no file or one that rust-grpc generated, got another, which is \
                 left as it is; move it, or choose another output folder"
            )));
        }
    }
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    for (file, output) in files.iter().zip(outputs) {
        if output.state == State::Current {
            continue;
        }
        if let Some(parent) = output.path.parent() {
            fs::create_dir_all(parent).map_err(|error| at(parent, &error))?;
        }
        fs::write(&output.path, &file.content).map_err(|error| at(&output.path, &error))?;
    }
    for output in outputs.iter().filter(|output| output.state == State::Leftover) {
        fs::remove_file(&output.path).map_err(|error| at(&output.path, &error))?;
    }
    Ok(())
}

/// What the tree on disk includes and the new tree does not: files of an earlier run. A run that
/// writes no tree leaves the folder to others, and has none.
fn leftovers(folder: &Path, files: &[GeneratedFile]) -> Result<Vec<OutputFile>, Error> {
    let Some(tree) = files.iter().find(|file| file.name == TREE) else { return Ok(Vec::new()) };
    let path = folder.join(TREE);
    let before = match fs::read_to_string(&path) {
        Ok(before) => before,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&path, &error)),
    };
    let mut kept = included(&tree.content);
    kept.extend(files.iter().map(|file| file.name.as_str()));
    let mut leftovers = Vec::new();
    for name in included(&before).difference(&kept) {
        let Ok(name) = checked(name) else { continue };
        let path = folder.join(name);
        if is_ours(&path) {
            leftovers.push(OutputFile { path, state: State::Leftover });
        }
    }
    Ok(leftovers)
}

/// The files that a module tree includes, by the paths that it writes.
fn included(tree: &str) -> BTreeSet<&str> {
    let parts = tree.split("include!(\"").skip(1);
    parts.filter_map(|part| part.split_once('"').map(|(path, _)| path)).collect()
}

/// Whether a file opens as generated files do, or is empty, as one is whose writing was cut short.
fn is_ours(path: &Path) -> bool {
    let ours = |content: &[u8]| content.is_empty() || content.starts_with(OPENING.as_bytes());
    fs::read(path).is_ok_and(|content| ours(&content))
}

/// A name that stays within the folder. A descriptor set may come from anywhere and name anything.
fn checked(name: &str) -> Result<&Path, Error> {
    let path = Path::new(name);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    match is_inside && !name.is_empty() {
        true => Ok(path),
        false => Err(Error::new(format!(
            "{name:?}: expected the name of a file within the output folder, got one outside"
        ))),
    }
}

fn at(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("{}: {error}", path.display()))
}

/// The name of the module tree.
pub(crate) const TREE: &str = "mod.rs";
/// How every generated file begins.
const OPENING: &str = "// Generated by rust-grpc";

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Current, Leftover, Missing, Outdated};

    fn file(name: &str, content: &str) -> GeneratedFile {
        GeneratedFile { name: name.to_owned(), content: content.to_owned() }
    }

    fn tree(names: &[&str]) -> GeneratedFile {
        let lines: Vec<_> = names.iter().map(|name| format!("include!(\"{name}\");")).collect();
        file(TREE, &format!("{OPENING}\n{}", lines.join("\n")))
    }

    /// Compares, applies, and gives the states by name.
    fn run(folder: &Path, files: &[GeneratedFile]) -> Vec<(String, State)> {
        let outputs = compare(folder, files).unwrap();
        apply(folder, files, &outputs).unwrap();
        let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        outputs.iter().map(|output| (name(&output.path), output.state)).collect()
    }

    fn expect(names: &[(&str, State)]) -> Vec<(String, State)> {
        names.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()
    }

    /// A file that is right keeps its time; one that is not is written.
    #[test]
    fn only_what_differs_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = |text: &str| format!("{OPENING}\n{text}");
        let files = [file("a.rs", &text("one")), file("b/c.rs", &text("two"))];
        let first = run(folder.path(), &files);
        assert_eq!(first, expect(&[("a.rs", Missing), ("b/c.rs", Missing)]));
        let time = |name: &str| fs::metadata(folder.path().join(name)).unwrap().modified().unwrap();
        let before = time("a.rs");
        let second =
            run(folder.path(), &[file("a.rs", &text("one")), file("b/c.rs", &text("three"))]);
        assert_eq!(second, expect(&[("a.rs", Current), ("b/c.rs", Outdated)]));
        assert_eq!(time("a.rs"), before);
        assert_eq!(fs::read_to_string(folder.path().join("b/c.rs")).unwrap(), text("three"));
    }

    /// A file in the way that was not generated is named and kept, and nothing else is written.
    #[test]
    fn files_of_others_are_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("b.rs");
        fs::write(&own, "// by hand").unwrap();
        let files = [file("a.rs", OPENING), file("b.rs", OPENING)];
        let outputs = compare(folder.path(), &files).unwrap();
        let error = apply(folder.path(), &files, &outputs).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: expected no file or one", own.display())),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&own).unwrap(), "// by hand");
        assert!(!folder.path().join("a.rs").exists());
        fs::write(&own, "").unwrap();
        apply(folder.path(), &files, &outputs).unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), OPENING);
    }

    /// What an earlier tree included and the new one does not is removed, if it is generated.
    #[test]
    fn leftovers_of_an_earlier_tree_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let generated = format!("{OPENING}\n");
        let all = ["a.rs", "b.rs", "own.rs"];
        let files = [
            file("a.rs", &generated),
            file("b.rs", &generated),
            file("own.rs", "// by hand"),
            file("beside.rs", &generated),
            tree(&all),
        ];
        run(folder.path(), &files);
        let now = run(folder.path(), &[file("a.rs", &generated), tree(&["a.rs"])]);
        assert_eq!(now, expect(&[("a.rs", Current), (TREE, Outdated), ("b.rs", Leftover)]));
        let exists = |name: &str| folder.path().join(name).exists();
        assert!(!exists("b.rs") && exists("own.rs") && exists("beside.rs"));
    }

    /// A run without a tree removes nothing: the folder belongs to several runs.
    #[test]
    fn run_without_a_tree_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let generated = format!("{OPENING}\n");
        run(folder.path(), &[file("a.rs", &generated), tree(&["a.rs"])]);
        run(folder.path(), &[file("b.rs", &generated)]);
        assert!(folder.path().join("a.rs").exists());
        // The tree alone, over the files of both runs.
        run(folder.path(), &[tree(&["a.rs", "b.rs"])]);
        assert!(folder.path().join("a.rs").exists() && folder.path().join("b.rs").exists());
    }

    /// A name that leads out of the folder is refused, and nothing is written.
    #[test]
    fn names_outside_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["../a.rs", "/a.rs", "a/../../b.rs", ""] {
            let error = compare(folder.path(), &[file(name, "")]).unwrap_err().to_string();
            assert!(error.contains("expected the name of a file within the output"), "{error}");
        }
    }
}
