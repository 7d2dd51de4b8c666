//! The same messages in every runtime: schemas, data, and what each runtime is asked to do.
//!
//! Invariant: every peer is given the same bytes, and what it makes of them is compared with the input before anything is timed.

pub mod cell;
pub mod peers;
pub mod random;
pub mod schemas;
pub mod workloads;
