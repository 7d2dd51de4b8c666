//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: bench-messages [--rounds N] [--sample-ms N] [--message NAME]… [--operation NAME]… [--peer NAME]…
                      [--values]

Times each operation of each runtime on each message, the runtimes in turn within a round. Prints nanoseconds of
processor time, the median of the rounds; how many times faster rust-grpc is than the best of the others; and the
geometric mean of that for each operation.

--rounds N        how often each is timed (31)
--sample-ms N     how long it is timed each time (8)
--message NAME    M1 to M5 or a message of proto/shapes.proto; the default is all
--operation NAME  decode, merge, encode, encode-kept, to-json or from-json
--peer NAME       rust-grpc, prost, buffa, rust-protobuf or google-protobuf
--values          a line for each cell instead, tabs between: message, operation, peer, bytes, then the rounds' ns
";

/// What was asked for.
pub(crate) struct Arguments {
    pub(crate) rounds: usize,
    pub(crate) sample: Duration,
    pub(crate) messages: Filter,
    pub(crate) operations: Filter,
    pub(crate) peers: Filter,
    pub(crate) values: bool,
}

/// Names that are wanted; none means all.
#[derive(Default)]
pub(crate) struct Filter(Vec<String>);

impl Filter {
    pub(crate) fn hold(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}

impl Arguments {
    /// The arguments; `None` if it is help that is wanted.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            rounds: 31,
            sample: Duration::from_millis(8),
            messages: Filter::default(),
            operations: Filter::default(),
            peers: Filter::default(),
            values: false,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--help" {
                return Ok(None);
            }
            if word == "--values" {
                arguments.values = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word}: expected a value"))?;
            match word.as_str() {
                "--rounds" => arguments.rounds = positive(&word, &value)? as usize,
                "--sample-ms" => arguments.sample = Duration::from_millis(positive(&word, &value)?),
                "--message" => arguments.messages.0.push(value),
                "--operation" => arguments.operations.0.push(value),
                "--peer" => arguments.peers.0.push(value),
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        Ok(Some(arguments))
    }
}

fn positive(word: &str, value: &str) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{word}: expected a number above 0, got {value}"))
}
