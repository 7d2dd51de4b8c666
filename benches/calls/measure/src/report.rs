//! The clocks of a run, and its line of JSON.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// When the counted part of a run began, on the clock and on that of the process's processors.
pub struct Started {
    at: Instant,
    cpu: Duration,
}

impl Started {
    /// Begins to count.
    pub fn now() -> Self {
        Self { cpu: cpu(), at: Instant::now() }
    }

    /// Ends a run of calls or of exchanges, whose latencies are `nanoseconds`; `warm_up` more were made before.
    pub fn calls(&self, warm_up: usize, mut nanoseconds: Vec<u64>, size: usize) -> Report {
        let (elapsed, cpu) = self.elapsed();
        nanoseconds.sort_unstable();
        Report { count: nanoseconds.len(), warm_up, size, elapsed, cpu, latencies: nanoseconds }
    }

    /// Ends a run of one stream.
    pub fn stream(&self, count: u32, size: usize) -> Report {
        let (elapsed, cpu) = self.elapsed();
        Report { count: count as usize, warm_up: 0, size, elapsed, cpu, latencies: Vec::new() }
    }

    fn elapsed(&self) -> (Duration, Duration) {
        (self.at.elapsed(), cpu() - self.cpu)
    }
}

/// What a run has shown.
pub struct Report {
    count: usize,
    warm_up: usize,
    size: usize,
    elapsed: Duration,
    cpu: Duration,
    latencies: Vec<u64>,
}

impl Report {
    /// Prints `n`, `n_warm_up`, `secs`, `rate` (per second), `client_cpu_s` and `MBps`, one way; of calls `p50_us` and
    /// `p99_us` too.
    pub fn print(&self) {
        let (count, warm_up, seconds) = (self.count, self.warm_up, self.elapsed.as_secs_f64());
        let rate = count as f64 / seconds;
        let megabytes = rate * self.size as f64 / 1e6;
        let cpu = self.cpu.as_secs_f64();
        let latencies = match self.latencies.is_empty() {
            true => String::new(),
            false => {
                format!(
                    r#""p50_us":{:.3},"p99_us":{:.3},"#,
                    self.quantile(0.5),
                    self.quantile(0.99)
                )
            }
        };
        println!(
            r#"{{"n":{count},"n_warm_up":{warm_up},"secs":{seconds:.6},"rate":{rate:.1},{latencies}"client_cpu_s":{cpu:.6},"MBps":{megabytes:.2}}}"#
        );
    }

    /// In microseconds.
    fn quantile(&self, part: f64) -> f64 {
        let place = (self.latencies.len() as f64 * part) as usize;
        self.latencies[place.min(self.latencies.len() - 1)] as f64 / 1e3
    }
}

/// What all threads of this process, past ones too, have spent on processors.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
