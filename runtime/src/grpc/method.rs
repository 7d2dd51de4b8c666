//! One rpc of a service: its path on the wire and its kind.

/// One method of a service, as generated code states it.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Method, MethodKind};
///
/// const SAY_HELLO: Method = Method::new("/hello.Greeter/SayHello", MethodKind::Unary);
/// assert_eq!(SAY_HELLO.service(), "hello.Greeter");
/// assert_eq!(SAY_HELLO.name(), "SayHello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    path: &'static str,
    kind: MethodKind,
}

/// Which sides of a call send a stream of messages instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MethodKind {
    /// One request, one reply.
    Unary,
    /// One request, any number of replies.
    ServerStreaming,
    /// Any number of requests, one reply.
    ClientStreaming,
    /// Any number of requests and replies, in any order.
    Bidirectional,
}

impl Method {
    /// A method at `path`, which reads `/package.Service/Method` and is sent as it is.
    #[must_use]
    pub const fn new(path: &'static str, kind: MethodKind) -> Self {
        Self { path, kind }
    }

    /// The path on the wire, with its leading slash.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Which sides stream.
    #[must_use]
    pub const fn kind(&self) -> MethodKind {
        self.kind
    }

    /// The service's full name: what stands between the first and the last slash.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.path.rsplit_once('/').map_or("", |(service, _)| service.trim_start_matches('/'))
    }

    /// The method's own name: what stands behind the last slash.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path without a package or without slashes still gives names and never panics.
    #[test]
    fn names_come_from_any_path() {
        let names = |path| {
            let method = Method::new(path, MethodKind::Unary);
            (method.service(), method.name())
        };
        assert_eq!(names("/a.b.C/D"), ("a.b.C", "D"));
        assert_eq!(names("/C/D"), ("C", "D"));
        assert_eq!(names("D"), ("", "D"));
        assert_eq!(names(""), ("", ""));
    }
}
