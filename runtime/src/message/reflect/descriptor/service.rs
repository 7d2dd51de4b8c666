//! Services and their methods.

use std::fmt::{self, Debug, Formatter};

use super::TypePlace;
use super::file::FileDescriptor;
use super::message::MessageDescriptor;

/// A service.
#[derive(Clone, Copy)]
pub struct ServiceDescriptor<'a> {
    pub(super) file: &'a FileDescriptor,
    pub(super) place: usize,
}

pub(super) struct ServiceParts {
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) methods: Vec<MethodParts>,
}

pub(super) struct MethodParts {
    pub(super) name: String,
    pub(super) input: TypePlace,
    pub(super) output: TypePlace,
    pub(super) client_streaming: bool,
    pub(super) server_streaming: bool,
}

impl<'a> ServiceDescriptor<'a> {
    fn parts(&self) -> &'a ServiceParts {
        &self.file.parts.services[self.place]
    }

    /// The name as it is declared.
    pub fn name(&self) -> &'a str {
        &self.parts().name
    }

    /// The name with its package, such as `grpc.health.v1.Health`.
    pub fn full_name(&self) -> &'a str {
        &self.parts().full_name
    }

    /// The file that declares it.
    pub fn file(&self) -> &'a FileDescriptor {
        self.file
    }

    /// The methods in the order of their declaration.
    pub fn methods(&self) -> impl ExactSizeIterator<Item = MethodDescriptor<'a>> + use<'a> {
        let file = self.file;
        self.parts().methods.iter().map(move |parts| MethodDescriptor { file, parts })
    }
}

impl Debug for ServiceDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServiceDescriptor({})", self.full_name())
    }
}

/// A method of a service.
#[derive(Clone, Copy)]
pub struct MethodDescriptor<'a> {
    file: &'a FileDescriptor,
    parts: &'a MethodParts,
}

impl<'a> MethodDescriptor<'a> {
    /// The name as it is declared.
    pub fn name(&self) -> &'a str {
        &self.parts.name
    }

    /// The type of a request.
    pub fn input(&self) -> MessageDescriptor<'a> {
        self.file.message_at(self.parts.input)
    }

    /// The type of a reply.
    pub fn output(&self) -> MessageDescriptor<'a> {
        self.file.message_at(self.parts.output)
    }

    /// Whether the client sends a stream of requests.
    pub fn is_client_streaming(&self) -> bool {
        self.parts.client_streaming
    }

    /// Whether the server sends a stream of replies.
    pub fn is_server_streaming(&self) -> bool {
        self.parts.server_streaming
    }
}

impl Debug for MethodDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "MethodDescriptor({})", self.name())
    }
}
