//! Unary calls that one thread has under way at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{Report, Started, WARM_UP, check};

/// A client that can begin a call and wait for it later.
pub trait Pipelined {
    /// A call that is under way.
    type Call;
    /// Why a call failed.
    type Error;

    /// Begins a call.
    ///
    /// # Errors
    ///
    /// If it cannot be sent.
    fn begin(&mut self) -> Result<Self::Call, Self::Error>;

    /// Waits for the call that was begun first, and returns the size of the reply's payload.
    ///
    /// # Errors
    ///
    /// Why the call failed.
    fn wait(&mut self, call: Self::Call) -> Result<usize, Self::Error>;
}

/// Keeps `callers` calls under way.
///
/// # Errors
///
/// The first one of a call.
///
/// # Panics
///
/// If a payload has another size.
pub fn unary<C: Pipelined>(
    client: &mut C,
    callers: usize,
    size: usize,
    time: Duration,
) -> Result<Report, C::Error> {
    let warm_up = phase(client, callers, size, time.mul_f64(WARM_UP))?.len();
    let started = Started::now();
    let latencies = phase(client, callers, size, time)?;
    Ok(started.calls(warm_up, latencies, size))
}

fn phase<C: Pipelined>(
    client: &mut C,
    callers: usize,
    size: usize,
    time: Duration,
) -> Result<Vec<u64>, C::Error> {
    let mut now = Instant::now();
    let until = now + time;
    let mut begun = VecDeque::new();
    for _ in 0..callers {
        begun.push_back((now, client.begin()?));
    }
    let mut latencies = Vec::new();
    while let Some((earliest, call)) = begun.pop_front() {
        check(client.wait(call)?, size);
        now = Instant::now();
        latencies.push((now - earliest).as_nanos() as u64);
        if now < until {
            begun.push_back((now, client.begin()?));
        }
    }
    Ok(latencies)
}
