//! The retry policy of gRFC A6: which calls are sent again after which failures, and when.
//!
//! ```text
//! attempt ──head of a response, or too much sent──▶ committed: what comes is the result
//!    │
//!    └─ends before─▶ decision ──not retryable, pushback, throttled, too many──▶ the result
//!                       │
//!                       └─▶ pause ──over──▶ the next attempt
//! ```
//!
//! `policy` and `throttle` are what users say and what it comes to, `decision` is the state of one
//! call as a value, `pause` the wait, `options` the part of a channel. What is sent again, and by
//! whom, is decided in `client/attempts.rs`.

mod decision;
mod options;
mod pause;
mod policy;
mod throttle;

pub(super) use decision::Retry;
pub(super) use options::{Retries, RetryOptions};
pub(super) use pause::{Pause, Paused};
pub use policy::RetryPolicy;
pub use throttle::RetryThrottling;
