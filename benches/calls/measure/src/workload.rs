//! What a client is told to do, as words of the command line.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

/// What a client does after it has connected.
#[derive(Clone, Copy, Debug)]
pub enum Workload {
    /// `once SIZE`: one unary call, and nothing is printed.
    Once { size: usize },
    /// `unary CALLERS SIZE SECONDS`: unary calls one after the other from each of the callers, over one connection.
    Unary { callers: usize, size: usize, time: Duration },
    /// `stream COUNT SIZE`: one call with so many replies.
    Stream { count: u32, size: usize },
    /// `bidi SIZE SECONDS`: one call; each request waits for the reply before it.
    Bidi { size: usize, time: Duration },
}

impl Workload {
    /// Reads the words of the command line behind the port.
    ///
    /// # Errors
    ///
    /// If a word is missing or none of the above.
    pub fn from_words(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let name = words.next().ok_or("expected a workload")?;
        match name.as_str() {
            "once" => Ok(Self::Once { size: number(&mut words)? }),
            "unary" => Ok(Self::Unary {
                callers: number(&mut words)?,
                size: number(&mut words)?,
                time: Duration::from_secs_f64(number(&mut words)?),
            }),
            "stream" => Ok(Self::Stream { count: number(&mut words)?, size: number(&mut words)? }),
            "bidi" => Ok(Self::Bidi {
                size: number(&mut words)?,
                time: Duration::from_secs_f64(number(&mut words)?),
            }),
            other => Err(format!("expected once, unary, stream or bidi, got {other}").into()),
        }
    }
}

fn number<N: FromStr<Err: Error + 'static>>(
    words: &mut impl Iterator<Item = String>,
) -> Result<N, Box<dyn Error>> {
    Ok(words.next().ok_or("expected a number")?.parse()?)
}
