//! From the path of a request to a method of a service.
//!
//! The invariant: a path is compared exactly as it came, byte for byte, and nowhere else. Nothing
//! behind the router sees a path that the router did not accept, so no two layers can disagree
//! about what a path means.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::cost::Cost;
use super::service::Service;
use crate::grpc::Method;
use crate::grpc::method::split_path;

/// Every path that a server answers.
pub(crate) struct Router<'s> {
    services: Vec<Arc<dyn Service + 's>>,
    routes: HashMap<Box<str>, Route, BuildHasherDefault<PathHasher>>,
    /// What is known of each method, by its number.
    costs: Vec<Cost>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) declared: Method,
    service: usize,
    method: usize,
    /// Of all methods.
    pub(crate) number: usize,
    /// Whose workers run it: a place in the server's lanes.
    pub(crate) lane: usize,
}

/// Why a path leads nowhere; the text is the message of UNIMPLEMENTED.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoRoute<'p> {
    Malformed(&'p str),
    UnknownService(&'p str),
    UnknownMethod { service: &'p str, method: &'p str },
}

/// Why a set of services cannot be served together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RouterError {
    /// Two services have one name, or one has two methods of one name.
    Twice { path: String },
    /// A method's path does not begin with its service's name.
    ForeignPath { service: String, path: String },
}

impl<'s> Router<'s> {
    /// Lists the methods of `services`.
    pub(crate) fn new(services: Vec<Arc<dyn Service + 's>>) -> Result<Self, RouterError> {
        let mut routes = HashMap::default();
        for (index, service) in services.iter().enumerate() {
            for (method, declared) in service.methods().iter().enumerate() {
                let path = declared.path();
                if split_path(path).is_none_or(|(name, _)| name != service.name()) {
                    let service = service.name().to_owned();
                    return Err(RouterError::ForeignPath { service, path: path.to_owned() });
                }
                let declared = declared.clone();
                let number = routes.len();
                let route = Route { declared, service: index, method, number, lane: 0 };
                if routes.insert(path.into(), route).is_some() {
                    return Err(RouterError::Twice { path: path.to_owned() });
                }
            }
        }
        let costs = (0..routes.len()).map(|_| Cost::default()).collect();
        Ok(Self { services, routes, costs })
    }

    /// The method that answers `path`.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Result<Route, NoRoute<'p>> {
        if let Some(route) = self.routes.get(path) {
            return Ok(route.clone());
        }
        let (service, method) = split_path(path).ok_or(NoRoute::Malformed(path))?;
        match self.services.iter().any(|known| known.name() == service) {
            true => Err(NoRoute::UnknownMethod { service, method }),
            false => Err(NoRoute::UnknownService(service)),
        }
    }

    /// Whether there is a service of this name, or a method at this path.
    pub(crate) fn serves(&self, service_or_path: &str) -> bool {
        self.routes.contains_key(service_or_path)
            || self.services.iter().any(|known| known.name() == service_or_path)
    }

    /// Puts each method into the lane that `lane` gives for its path.
    pub(crate) fn assign_lanes(&mut self, lane: impl Fn(&str) -> usize) {
        for (path, route) in &mut self.routes {
            route.lane = lane(path);
        }
    }

    /// What is known of the method of this number.
    pub(crate) fn cost(&self, number: usize) -> &Cost {
        &self.costs[number]
    }

    /// The service that `route` leads to, and the index of its method.
    pub(crate) fn target(&self, route: &Route) -> (&(dyn Service + 's), usize) {
        (&*self.services[route.service], route.method)
    }
}

/// A hash of paths that costs a few steps. Peers choose what is looked for and not what is stored, so
/// they cannot make paths meet in one place.
#[derive(Default)]
struct PathHasher(u64);

impl Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    fn finish(&self) -> u64 {
        // The table takes the lowest bits for the place, and the product is best in its highest.
        self.0.rotate_left(26)
    }
}

impl PathHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl fmt::Display for NoRoute<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(path) => {
                write!(out, "malformed path {path:?}: expected /service/method")
            }
            Self::UnknownService(service) => write!(out, "unknown service {service}"),
            Self::UnknownMethod { service, method } => {
                write!(out, "unknown method {method} of service {service}")
            }
        }
    }
}

impl fmt::Display for RouterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice { path } => write!(out, "two methods answer {path}: expected one"),
            Self::ForeignPath { service, path } => {
                write!(out, "service {service} declares {path}: expected a path /{service}/method")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::MethodKind;
    use crate::server::call::ServerCall;

    struct Named(&'static str, &'static [Method]);

    impl Service for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn methods(&self) -> &[Method] {
            self.1
        }
        fn call(&self, _: usize, call: ServerCall<'_>) {
            call.unimplemented();
        }
    }

    const GREETER: &[Method] = &[
        Method::new("/hello.Greeter/SayHello", MethodKind::Unary),
        Method::new("/hello.Greeter/Chat", MethodKind::Bidirectional),
    ];
    const OTHER: &[Method] = &[Method::new("/hello.Other/Get", MethodKind::Unary)];

    fn router() -> Router<'static> {
        let services: Vec<Arc<dyn Service>> =
            vec![Arc::new(Named("hello.Greeter", GREETER)), Arc::new(Named("hello.Other", OTHER))];
        Router::new(services).unwrap()
    }

    fn refusal(services: Vec<Arc<dyn Service>>) -> String {
        match Router::new(services) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// A path leads to the service that declared it, and to the index of the method there.
    #[test]
    fn a_declared_path_is_found_with_its_index() {
        let router = router();
        let route = router.find("/hello.Greeter/Chat").unwrap();
        let (service, method) = router.target(&route);
        assert_eq!((service.name(), method), ("hello.Greeter", 1));
        assert_eq!(route.declared.kind(), MethodKind::Bidirectional);
        let (service, method) = router.target(&router.find("/hello.Other/Get").unwrap());
        assert_eq!((service.name(), method), ("hello.Other", 0));
    }

    /// Checklist 3: the path is compared exactly; a near miss is not repaired.
    #[test]
    fn a_path_is_compared_byte_for_byte() {
        let router = router();
        for path in [
            "",
            "/",
            "//",
            "hello.Greeter/SayHello",
            "/hello.Greeter",
            "/hello.Greeter/",
            "//SayHello",
            "/hello.Greeter//SayHello",
            "/hello.Greeter/SayHello/",
            "/x/y/z",
        ] {
            assert_eq!(router.find(path).unwrap_err(), NoRoute::Malformed(path), "{path}");
        }
        for path in [
            "/hello.Greeter/sayhello",
            "/hello.Greeter/SayHello?x=1",
            "/hello.Greeter/SayHello%20",
            "/hello.Greeter/Get",
        ] {
            let error = router.find(path).unwrap_err();
            assert!(matches!(error, NoRoute::UnknownMethod { .. }), "{path}");
        }
        for path in ["/Hello.Greeter/SayHello", "/Greeter/SayHello", "/hello.Greeter /SayHello"] {
            let error = router.find(path).unwrap_err();
            assert!(matches!(error, NoRoute::UnknownService(_)), "{path}");
        }
    }

    /// The message of UNIMPLEMENTED names what was asked for.
    #[test]
    fn a_refusal_names_the_path() {
        let router = router();
        let check = |path: &str, expected: &str| {
            assert_eq!(router.find(path).unwrap_err().to_string(), expected);
        };
        check("x\ny", "malformed path \"x\\ny\": expected /service/method");
        check("/hello.Nobody/Get", "unknown service hello.Nobody");
        check("/hello.Other/Put", "unknown method Put of service hello.Other");
    }

    /// A set of services in which two answer one path is refused.
    #[test]
    fn two_services_of_one_name_are_refused() {
        let other = || -> Arc<dyn Service> { Arc::new(Named("hello.Other", OTHER)) };
        assert_eq!(
            refusal(vec![other(), other()]),
            "two methods answer /hello.Other/Get: expected one"
        );
    }

    /// A method whose path is not below its service's name could never be routed to it.
    #[test]
    fn a_path_of_another_service_is_refused() {
        assert_eq!(
            refusal(vec![Arc::new(Named("hello.Greeter", OTHER))]),
            "service hello.Greeter declares /hello.Other/Get: \
             expected a path /hello.Greeter/method"
        );
    }
}
