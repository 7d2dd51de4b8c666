//! One rpc of a service: its path on the wire and its kind.
//!
//! The invariant: a path that was made at run time reads `/service/method` in visible ASCII, so that
//! nothing which a caller or a peer chose can mean something else further on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::status::Status;

/// One method of a service, as generated code states it, or made at run time for generic calls.
///
/// Cheap to clone. Two methods are equal if their paths and kinds are.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Method, MethodKind};
///
/// const SAY_HELLO: Method = Method::new("/hello.Greeter/SayHello", MethodKind::Unary);
/// assert_eq!(SAY_HELLO.service(), "hello.Greeter");
/// assert_eq!(SAY_HELLO.name(), "SayHello");
///
/// let made = Method::from_path(format!("/{}/SayHello", "hello.Greeter"), MethodKind::Unary)?;
/// assert_eq!(made, SAY_HELLO);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone)]
pub struct Method {
    path: Path,
    kind: MethodKind,
}

/// Where the text of a path stands.
#[derive(Clone)]
enum Path {
    Static(&'static str),
    Made(Arc<str>),
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
        Self { path: Path::Static(path), kind }
    }

    /// A method whose path is made at run time: `/package.Service/Method`.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if the path is not a slash, a service, a slash and a method, all of visible
    /// ASCII: no other path can be called.
    pub fn from_path(path: impl AsRef<str>, kind: MethodKind) -> Result<Self, Status> {
        let path = path.as_ref();
        match split_path(path).is_some() && path.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self { path: Path::Made(path.into()), kind }),
            false => Err(Status::invalid_argument(format!(
                "malformed path {path:?}: expected /service/method in visible ASCII"
            ))),
        }
    }

    /// The path on the wire, with its leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        match &self.path {
            Path::Static(path) => path,
            Path::Made(path) => path,
        }
    }

    /// Which sides stream.
    #[must_use]
    pub const fn kind(&self) -> MethodKind {
        self.kind
    }

    /// The service's full name: what stands between the first and the last slash.
    #[must_use]
    pub fn service(&self) -> &str {
        self.path().rsplit_once('/').map_or("", |(service, _)| service.trim_start_matches('/'))
    }

    /// The method's own name: what stands behind the last slash.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.path();
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.path() == other.path()
    }
}

impl Eq for Method {}

impl Hash for Method {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path().hash(state);
        self.kind.hash(state);
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("path", &self.path()).field("kind", &self.kind).finish()
    }
}

/// The service and the method of a path `/service/method`; `None` if it reads otherwise.
pub(crate) fn split_path(path: &str) -> Option<(&str, &str)> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let whole = !service.is_empty() && !method.is_empty() && !method.contains('/');
    whole.then_some((service, method))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::grpc::Code;

    /// A path without a package or without slashes still gives names and never panics.
    #[test]
    fn names_come_from_any_path() {
        let check = |path, service, name| {
            let method = Method::new(path, MethodKind::Unary);
            assert_eq!((method.service(), method.name()), (service, name));
        };
        check("/a.b.C/D", "a.b.C", "D");
        check("/C/D", "C", "D");
        check("D", "", "D");
        check("", "", "");
    }

    /// A path made at run time is `/service/method` in visible ASCII; anything else is refused.
    #[test]
    fn a_path_made_at_run_time_is_well_formed() {
        let made = |path: &str| Method::from_path(path, MethodKind::Unary);
        assert_eq!(made("/a.b.C/D").unwrap(), Method::new("/a.b.C/D", MethodKind::Unary));
        for path in ["", "/", "//", "/a", "/a/", "//b", "a/b", "/a/b/c", "/a/b c", "/a\n/b", "/ä/b"]
        {
            let status = made(path).unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{path:?}");
            assert!(status.message().starts_with(&format!("malformed path {path:?}")));
        }
    }

    /// Methods are equal by what they are, not by how they were made.
    #[test]
    fn methods_are_equal_by_path_and_kind() {
        let made = Method::from_path("/a/b", MethodKind::Unary).unwrap();
        assert_ne!(made, Method::new("/a/b", MethodKind::Bidirectional));
        assert_ne!(made, Method::new("/a/c", MethodKind::Unary));
        let methods = HashSet::from([made, Method::new("/a/b", MethodKind::Unary)]);
        assert_eq!(methods.len(), 1);
    }
}
