//! Packed fields: their elements one after the other, without tags.

mod read;
mod write;
