//! Time, in rounds: the peers of a cell one right after the other, each round beginning with another one, so that what
//! slows the machine down for a while slows all of them down.

use std::time::Duration;

use bench_messages::cell::Cell;
use rustix::time::{ClockId, clock_gettime};

/// The nanoseconds that an operation took, round by round, for each cell of each group.
pub(crate) type Times = Vec<Vec<Vec<f64>>>;

pub(crate) fn rounds(groups: &mut [Vec<Cell>], rounds: usize, sample: Duration) -> Times {
    let counts: Vec<Vec<u64>> = groups
        .iter_mut()
        .map(|group| group.iter_mut().map(|cell| calibrate(cell, sample)).collect())
        .collect();
    let mut times: Times =
        groups.iter().map(|group| vec![Vec::with_capacity(rounds); group.len()]).collect();
    for round in 0..rounds {
        for (group, cells) in groups.iter_mut().enumerate() {
            for turn in 0..cells.len() {
                let index = (turn + round) % cells.len();
                let count = counts[group][index];
                let elapsed = time(&mut cells[index], count);
                times[group][index].push(elapsed.as_nanos() as f64 / count as f64);
            }
        }
    }
    times
}

/// How many operations take as long as a sample.
fn calibrate(cell: &mut Cell, sample: Duration) -> u64 {
    let mut count = 1;
    loop {
        let elapsed = time(cell, count);
        if elapsed * 4 > sample {
            let operations = count as f64 * sample.as_secs_f64() / elapsed.as_secs_f64();
            return (operations as u64).max(1);
        }
        count *= 2;
    }
}

/// The time of this thread on a processor: what other programs take away is not counted.
fn time(cell: &mut Cell, count: u64) -> Duration {
    let started = thread_time();
    cell.run(count);
    thread_time() - started
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
