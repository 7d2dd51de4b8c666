//! Tests of reflection.

mod descriptors;
