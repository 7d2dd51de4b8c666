//! What a call with one reply returns.

use std::ops::{Deref, DerefMut};

use crate::grpc::Metadata;

/// A reply message with the metadata that came before and after it.
///
/// Derefs to the message, so its fields and methods can be used directly.
///
/// # Examples
///
/// ```
/// use rust_grpc::Response;
///
/// fn show(response: Response<String>) -> String {
///     println!("{} bytes: {response:?}", response.len());
///     println!("{:?}", response.trailing_metadata().get("x-cost"));
///     response.into_inner()
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Response<T> {
    message: T,
    metadata: Metadata,
    trailing_metadata: Metadata,
    is_compressed: bool,
}

impl<T> Response<T> {
    pub(crate) fn new(message: T, metadata: Metadata, trailing_metadata: Metadata) -> Self {
        Self { message, metadata, trailing_metadata, is_compressed: false }
    }

    pub(crate) fn compressed(mut self, is_compressed: bool) -> Self {
        self.is_compressed = is_compressed;
        self
    }

    /// Whether the reply came compressed: `Response::is_compressed(&response)`, so that it hides
    /// nothing of the message.
    #[must_use]
    pub fn is_compressed(this: &Self) -> bool {
        this.is_compressed
    }

    /// The metadata that the server sent before the reply.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The metadata that the server sent at the end of the call.
    pub fn trailing_metadata(&self) -> &Metadata {
        &self.trailing_metadata
    }

    /// The message alone.
    pub fn into_inner(self) -> T {
        self.message
    }

    /// The message, the metadata and the trailing metadata.
    pub fn into_parts(self) -> (T, Metadata, Metadata) {
        (self.message, self.metadata, self.trailing_metadata)
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}

impl<T> DerefMut for Response<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.message
    }
}
