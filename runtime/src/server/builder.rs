//! What a server is made of, before it runs.
//!
//! The invariant: listening begins with `bind`, serving with `start`; connections that come in
//! between wait in the system's backlog.

use std::io;
use std::sync::Arc;

use super::compressing::Messages;
use super::dispatch::Handlers;
use super::handler::GenericHandler;
use super::interceptor::ServerInterceptor;
use super::lanes::{Lane, lane_of};
use super::options::Options;
use super::router::Router;
use super::service::Service;
use super::{Parts, Server};
use crate::transport::credentials::ServerCredentials;
use crate::transport::listener::BindAddress;
use crate::transport::{self, Accepting, FullPool, Listener, Threads};

/// Makes a [`Server`]: services, addresses, limits. Made by [`Server::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::Server;
///
/// let server = Server::builder()
///     .max_workers(4)
///     .max_receive_message_size(64 * 1024)
///     .bind("127.0.0.1:0")?
///     .bind("[::1]:0")?
///     .start()?;
/// assert_eq!(server.local_addresses().len(), 2);
/// server.stop(Duration::ZERO);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a server serves once it is started"]
pub struct ServerBuilder<'s> {
    services: Vec<Arc<dyn Service + 's>>,
    generic_handlers: Vec<Arc<dyn GenericHandler + 's>>,
    interceptors: Vec<Arc<dyn ServerInterceptor + 's>>,
    listeners: Vec<Listener>,
    /// The first one is for the methods that no other one names.
    lanes: Vec<Lane>,
    completions: Vec<Completion<'s>>,
    pub(super) options: Options,
}

/// Makes further services from those that a server has when it starts.
type Completion<'s> =
    Box<dyn FnOnce(&[Arc<dyn Service + 's>]) -> io::Result<Vec<Arc<dyn Service + 's>>> + Send + 's>;

impl<'s> ServerBuilder<'s> {
    pub(super) fn new() -> Self {
        Self {
            services: Vec::new(),
            generic_handlers: Vec::new(),
            interceptors: Vec::new(),
            listeners: Vec::new(),
            lanes: vec![Lane::of_the_rest()],
            completions: Vec::new(),
            options: Options::default(),
        }
    }

    /// Serves `service`, by custom the generated `GreeterServer::new(MyGreeter)`.
    pub fn add_service(mut self, service: impl Service + 's) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    /// Asks `handler` about calls of methods that no service declares, behind those added before.
    ///
    /// These calls run on the workers of the [`Lane`] that names their service or path, and on those
    /// of [`ServerBuilder::max_workers`] if none does.
    pub fn generic_handler(mut self, handler: impl GenericHandler + 's) -> Self {
        self.generic_handlers.push(Arc::new(handler));
        self
    }

    /// Adds what `completion` makes, when the server starts, of the services that it then has.
    #[cfg(feature = "reflection")]
    pub(crate) fn complete(
        mut self,
        completion: impl FnOnce(&[Arc<dyn Service + 's>]) -> io::Result<Vec<Arc<dyn Service + 's>>>
        + Send
        + 's,
    ) -> Self {
        self.completions.push(Box::new(completion));
        self
    }

    /// Runs `interceptor` around every call. The first one added is the outermost.
    pub fn interceptor(mut self, interceptor: impl ServerInterceptor + 's) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Listens at `address`, in addition to the addresses bound before.
    ///
    /// `address` is text, such as `"[::]:50051"`, `"localhost:0"` or `"unix:/run/greeter"`, or a
    /// `std::net::TcpListener` that is already bound. Port 0 lets the system choose;
    /// [`Server::local_addresses`] tells what it chose.
    ///
    /// # Errors
    ///
    /// If the text is none of the known forms, or the system does not let the server listen there;
    /// the error names the address.
    pub fn bind(mut self, address: impl Into<BindAddress>) -> io::Result<Self> {
        self.listeners.push(Listener::open(address.into())?);
        Ok(self)
    }

    /// As [`bind`](Self::bind), with connections secured as `credentials` say: by TLS, or within this
    /// machine alone.
    ///
    /// Handshakes run beside the server: one that is slow or fails concerns nobody else.
    ///
    /// # Errors
    ///
    /// As `bind`, and if the certificates cannot be used.
    pub fn bind_secure(
        mut self,
        address: impl Into<BindAddress>,
        credentials: impl Into<ServerCredentials>,
    ) -> io::Result<Self> {
        self.listeners.push(Listener::open(address.into())?.secure(&credentials.into())?);
        Ok(self)
    }

    /// Lets at most `workers` methods run at once; 64 by default, at least 1.
    ///
    /// Every call keeps one worker from its start until its method returns; a call that finds none
    /// free is dealt with as [`ServerBuilder::full_pool`] says. Threads are started when they are
    /// needed.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.lanes[0] = self.lanes[0].clone().max_workers(workers);
        self
    }

    /// What becomes of a call that finds all workers busy: by default up to 1024 wait, each for 30
    /// seconds at most.
    pub fn full_pool(mut self, full: FullPool) -> Self {
        self.lanes[0] = self.lanes[0].clone().full_pool(full);
        self
    }

    /// Gives some services or methods workers of their own.
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lanes.push(lane);
        self
    }
}

impl<'s> ServerBuilder<'s> {
    /// Starts to serve on threads that `threads` starts.
    pub(super) fn start_on<'t>(self, threads: Threads<'t>) -> io::Result<Server>
    where
        's: 't,
    {
        transport::check_shape()?;
        let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
        let Self {
            mut services,
            generic_handlers,
            interceptors,
            listeners,
            lanes,
            completions,
            options,
        } = self;
        for completion in completions {
            services.extend(completion(&services)?);
        }
        if listeners.is_empty() {
            return Err(invalid("no address to listen at: expected a call of bind".to_owned()));
        }
        options.check().map_err(invalid)?;
        listeners.iter().try_for_each(|listener| listener.tune(options.socket))?;
        let mut router = Router::new(services).map_err(|error| invalid(error.to_string()))?;
        if generic_handlers.is_empty() {
            // Without them every method is known now, and a name that leads nowhere is a mistake.
            let unserved = |name: &&String| !router.serves(name);
            let mistake = lanes
                .iter()
                .find_map(|lane| lane.serves.iter().find(unserved).map(|name| (&lane.name, name)));
            if let Some((lane, name)) = mistake {
                return Err(invalid(format!(
                    "the lane {lane} serves {name}: expected a service or a method of this server"
                )));
            }
        }
        let lanes: Vec<Lane> = lanes.into_iter().chain(Lane::reserved()).collect();
        router.assign_lanes(|path| lane_of(path, &lanes));
        let thread_names = options.thread_names;
        let handlers = Handlers { router, generic_handlers, interceptors, thread_names };
        let Options { receive_limit, send_limit, calls_max, connections_max, .. } = options;
        let names: Vec<_> = listeners.iter().map(|listener| listener.local().to_string()).collect();
        let listed = options.listing.server(&names.join(", "));
        let (config, account) = (options.http2, listed.account());
        let accepting = Accepting { config, receive_limit, account, threads };
        let encodings = options.compression.build_handle().map_err(invalid)?;
        let messages = Messages { receive_limit, send_limit, encodings };
        let parts = Parts { handlers, lanes, messages, calls_max, connections_max, listed };
        Server::start(listeners, parts, accepting).map(|(server, _)| server)
    }
}

impl ServerBuilder<'static> {
    /// Starts to serve.
    ///
    /// # Errors
    ///
    /// If two services have one name, if a compression is not known, if nothing was bound, if no
    /// calls are allowed on a connection, if the system refuses an option of sockets, if no thread
    /// can be started, or if `RUST_GRPC_THREADS` in the environment has a value that is not known.
    pub fn start(self) -> io::Result<Server> {
        self.start_on(Threads::of_process())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::grpc::{Method, MethodKind};
    use crate::server::ServerCall;

    struct Borrowing<'a>(&'a str);

    impl Service for Borrowing<'_> {
        fn name(&self) -> &str {
            self.0
        }
        fn methods(&self) -> &[Method] {
            const { &[Method::new("/test.Borrowing/Get", MethodKind::Unary)] }
        }
        fn call(&self, _: usize, call: ServerCall<'_>) {
            call.unimplemented();
        }
    }

    /// Only `start` asks for `'static`: a builder takes services that borrow from their owner.
    #[test]
    fn services_may_borrow_until_the_start() {
        let name = "test.Borrowing".to_owned();
        let builder = ServerBuilder::new().add_service(Borrowing(&name));
        let services: &[Arc<dyn Service + '_>] = &builder.services;
        assert_eq!(services[0].name(), name);
    }

    /// No workers at all could serve nothing: one is the least.
    #[test]
    fn there_is_at_least_one_worker() {
        assert_eq!(ServerBuilder::new().max_workers(0).lanes[0].workers, NonZeroUsize::MIN);
    }
}
