//! The workloads of blocking clients.

use std::thread;
use std::time::{Duration, Instant};

use crate::{Report, Started, WARM_UP, check};

/// Calls one after the other on `callers` threads, each of which makes its own call with `caller`.
///
/// A call returns the size of the reply's payload. One caller runs on the thread that asks.
///
/// # Errors
///
/// The first one of a call.
///
/// # Panics
///
/// If a call panics, or a payload has another size.
pub fn unary<C, E>(
    callers: usize,
    size: usize,
    time: Duration,
    caller: impl Fn() -> C + Sync,
) -> Result<Report, E>
where
    C: FnMut() -> Result<usize, E> + Send,
    E: Send,
{
    if callers == 1 {
        return exchange(size, time, caller());
    }
    let warm_up = phase(callers, size, time.mul_f64(WARM_UP), &caller)?.len();
    let started = Started::now();
    let latencies = phase(callers, size, time, &caller)?;
    Ok(started.calls(warm_up, latencies, size))
}

/// Calls, or exchanges on one stream, one after the other on the thread that asks.
///
/// # Errors
///
/// The first one of a call.
///
/// # Panics
///
/// If a payload has another size.
pub fn exchange<E>(
    size: usize,
    time: Duration,
    mut call: impl FnMut() -> Result<usize, E>,
) -> Result<Report, E> {
    let warm_up = repeat(size, time.mul_f64(WARM_UP), &mut call)?.len();
    let started = Started::now();
    let latencies = repeat(size, time, &mut call)?;
    Ok(started.calls(warm_up, latencies, size))
}

fn phase<C, E>(
    callers: usize,
    size: usize,
    time: Duration,
    caller: &(impl Fn() -> C + Sync),
) -> Result<Vec<u64>, E>
where
    C: FnMut() -> Result<usize, E> + Send,
    E: Send,
{
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..callers).map(|_| scope.spawn(|| repeat(size, time, &mut caller()))).collect();
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.extend(thread.join().expect("no call panics")?);
        }
        Ok(latencies)
    })
}

/// At least one call, and the nanoseconds that each has taken.
fn repeat<E>(
    size: usize,
    time: Duration,
    call: &mut impl FnMut() -> Result<usize, E>,
) -> Result<Vec<u64>, E> {
    let mut latencies = Vec::new();
    let mut begun = Instant::now();
    let until = begun + time;
    loop {
        check(call()?, size);
        let now = Instant::now();
        latencies.push((now - begun).as_nanos() as u64);
        if now >= until {
            return Ok(latencies);
        }
        begun = now;
    }
}
