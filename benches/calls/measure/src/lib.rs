//! What the clients of the benchmark share: the workloads, the clocks and the line of JSON that is printed.

pub mod blocking;
pub mod pipelined;
mod report;
mod workload;

pub use report::{Report, Started};
pub use workload::Workload;

/// What clients and servers are told to take and send; most have a default of 4 MiB.
pub const MESSAGE_SIZE_MAX: usize = 64 << 20;

/// The part of the time that runs before anything is counted.
pub const WARM_UP: f64 = 0.25;

/// Every reply is looked at: a runtime that answers with something else is not measured.
///
/// # Panics
///
/// If the payload has another size than it should have.
pub fn check(received: usize, expected: usize) {
    assert_eq!(received, expected, "the payload has another size");
}
