mod keys;
mod lexer;
mod mapping;
mod quick;
mod robustness;
mod schema;
#[cfg(feature = "serde")]
mod serde;
mod texts;
mod well_known;
