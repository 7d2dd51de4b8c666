//! Tests of reflection.

mod descriptors;
mod dynamic;
mod hostile;
mod pool;
