//! Tests of reflection.

mod descriptors;
mod dynamic;
mod pool;
