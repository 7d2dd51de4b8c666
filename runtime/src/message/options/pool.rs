//! Decoding that looks into the extensions that a pool knows.

use super::{DecodeOptions, ExtensionCheck, sealed};
use crate::message::reflect::check_extensions;
use crate::message::{DecodeError, DescriptorPool, Reflect};

impl DecodeOptions {
    /// Extensions that `pool` knows are checked: one that cannot be decoded, or that holds a message
    /// without a required field, is an error. They stay where they are, among the unknown fields.
    ///
    /// The messages need [`Reflect`] then, which those of the generator's option `descriptor=no` do
    /// not have.
    #[must_use]
    pub const fn pool(self, pool: &DescriptorPool) -> DecodeOptions<&DescriptorPool> {
        DecodeOptions { limits: self.limits, pool }
    }
}

impl<M: Reflect> ExtensionCheck<M> for &DescriptorPool {
    fn check(&self, message: &M, depth: u32, memory: Option<usize>) -> Result<(), DecodeError> {
        check_extensions(message, self, depth, memory)
    }
}

impl sealed::Sealed for &DescriptorPool {}
