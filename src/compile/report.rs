//! What a run did, for people: counts, changed files, notes.
//!
//! Invariant: it counts what was generated; files that were only read are inputs and nothing else.

use std::fmt;
use std::path::{Path, PathBuf};

use protobuf::descriptor::{DescriptorProto, FileDescriptorProto};

use super::write::{OutputFile, State};

/// What a run generated and wrote; `Display` is the summary that the command line prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(crate) outputs: Vec<OutputFile>,
    pub(crate) counts: Counts,
    pub(crate) imported: Vec<String>,
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) notes: Vec<String>,
}

/// How much was declared in the files that were generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    messages: usize,
    enums: usize,
    services: usize,
}

impl Report {
    /// Every generated file, whether it had to be written or not.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.in_states(&[State::Missing, State::Outdated, State::Current])
    }

    /// The files that were written because they were missing or different.
    pub fn written(&self) -> impl Iterator<Item = &Path> {
        self.in_states(&[State::Missing, State::Outdated])
    }

    /// The files of an earlier run that were removed because they are not generated any more.
    pub fn removed(&self) -> impl Iterator<Item = &Path> {
        self.in_states(&[State::Leftover])
    }

    /// The files that the result depends on, as far as they lie on this disk: what was named and
    /// what it imports, without the files that come with protobuf itself.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().map(PathBuf::as_path)
    }

    /// The .proto files that nobody named and that were generated because others import them, by
    /// the names of their imports.
    pub fn imported(&self) -> impl Iterator<Item = &str> {
        self.imported.iter().map(String::as_str)
    }

    /// What a person should know, a line each: protoc's warnings, documentation that was lost, paths
    /// in options that cover nothing.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// How many messages were generated, nested ones too.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.counts.messages
    }

    /// How many services were generated.
    #[must_use]
    pub fn services(&self) -> usize {
        self.counts.services
    }

    /// Every file that is not as it should be, and why.
    pub(crate) fn stale(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        self.outputs.iter().filter_map(|output| {
            let why = match output.state {
                State::Current => return None,
                State::Missing => "missing",
                State::Outdated => "outdated",
                State::Leftover => "no longer generated",
            };
            Some((output.path.as_path(), why))
        })
    }

    fn in_states(&self, states: &'static [State]) -> impl Iterator<Item = &Path> {
        let outputs = self.outputs.iter().filter(|output| states.contains(&output.state));
        outputs.map(|output| output.path.as_path())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { messages, enums, services } = self.counts;
        let counted = [
            counted(self.files().count(), "file"),
            counted(messages, "message"),
            counted(enums, "enum"),
            counted(services, "service"),
        ];
        write!(formatter, "{}: {} written", counted.join(", "), self.written().count())?;
        let unchanged = self.files().count() - self.written().count();
        write!(formatter, ", {unchanged} unchanged")?;
        match self.removed().count() {
            0 => {}
            removed => write!(formatter, ", {removed} removed")?,
        }
        match self.imported.as_slice() {
            [] => Ok(()),
            imported => write!(formatter, "; imports are among them: {}", imported.join(", ")),
        }
    }
}

impl Counts {
    /// Of the files to generate.
    pub(crate) fn of<'a>(files: impl Iterator<Item = &'a FileDescriptorProto>) -> Self {
        let mut counts = Self::default();
        for file in files {
            counts.enums += file.enum_type.len();
            counts.services += file.service.len();
            file.message_type.iter().for_each(|message| counts.add(message));
        }
        counts
    }

    /// Of files whose messages exist elsewhere.
    pub(crate) fn of_services(self) -> Self {
        Self { messages: 0, enums: 0, ..self }
    }

    /// A message and what is nested in it. The entry of a map is no message of the user's.
    fn add(&mut self, message: &DescriptorProto) {
        if message.options.map_entry() {
            return;
        }
        self.messages += 1;
        self.enums += message.enum_type.len();
        message.nested_type.iter().for_each(|nested| self.add(nested));
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The summary counts what was generated and says what was changed on disk.
    #[test]
    fn summary_counts_and_says_what_changed() {
        let output = |path: &str, state| OutputFile { path: PathBuf::from(path), state };
        let report = Report {
            outputs: vec![
                output("a.rs", State::Missing),
                output("b.rs", State::Outdated),
                output("mod.rs", State::Current),
                output("old.rs", State::Leftover),
            ],
            counts: Counts { messages: 2, enums: 0, services: 1 },
            imported: vec!["a.proto".to_owned()],
            ..Report::default()
        };
        assert_eq!(
            report.to_string(),
            "3 files, 2 messages, 0 enums, 1 service: 2 written, 1 unchanged, 1 removed; \
             imports are among them: a.proto"
        );
        assert_eq!(report.stale().count(), 3);
    }
}
