//! Servers as their users run them: full pools, the lane of health, what they listen at, scopes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::TcpListener;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rust_grpc::generated::service::{ServerCall, unary};
use rust_grpc::{
    BindAddress, Channel, Code, Context, FullPool, Lane, Method, MethodKind, RawBytes, Server,
    ServerBuilder, Service, Status,
};

/// A service whose methods are unary and all do the same.
struct Rpc<F> {
    name: &'static str,
    methods: Vec<Method>,
    run: F,
}

impl<F> Rpc<F>
where
    F: Fn(Vec<u8>, &mut Context) -> Result<Vec<u8>, Status> + Send + Sync,
{
    fn new(paths: &[&'static str], run: F) -> Self {
        let methods: Vec<_> =
            paths.iter().map(|path| Method::new(path, MethodKind::Unary)).collect();
        let (name, _) = paths[0][1..].split_once('/').unwrap();
        Self { name, methods, run }
    }
}

impl<F> Service for Rpc<F>
where
    F: Fn(Vec<u8>, &mut Context) -> Result<Vec<u8>, Status> + Send + Sync,
{
    fn name(&self) -> &str {
        self.name
    }
    fn methods(&self) -> &[Method] {
        &self.methods
    }
    fn call(&self, _: usize, call: ServerCall<'_>) {
        call.unary(&RawBytes, &self.run);
    }
}

fn call(channel: &Channel, path: &'static str) -> Result<Vec<u8>, Status> {
    let method = Method::new(path, MethodKind::Unary);
    let reply: rust_grpc::Response<Vec<u8>> = unary(channel, &method, &RawBytes, Vec::new())?;
    Ok(reply.into_inner())
}

fn channel(server: &Server) -> Channel {
    Channel::insecure(&server.local_addresses()[0].to_string()).unwrap()
}

fn start(builder: ServerBuilder<'static>) -> Server {
    builder.bind("127.0.0.1:0").unwrap().start().unwrap()
}

/// A calls B, which calls A back; each has one worker, so the last call finds A's only worker
/// waiting for its own outcome.
fn cycle(full: FullPool) -> Result<Vec<u8>, Status> {
    let to_a: Arc<OnceLock<Channel>> = Arc::default();
    let to_b: Arc<OnceLock<Channel>> = Arc::default();
    let (a, b) = (to_a.clone(), to_b.clone());
    let first =
        Rpc::new(&["/cycle.A/Begin", "/cycle.A/End"], move |request, context| {
            match context.method() {
                "/cycle.A/Begin" => call(b.get().unwrap(), "/cycle.B/Back"),
                _ => Ok(request),
            }
        });
    let second = Rpc::new(&["/cycle.B/Back"], move |_, _| call(a.get().unwrap(), "/cycle.A/End"));
    let builder = || Server::builder().max_workers(1).full_pool(full);
    let (first, second) =
        (start(builder().add_service(first)), start(builder().add_service(second)));
    to_a.set(channel(&first)).unwrap();
    to_b.set(channel(&second)).unwrap();
    call(&channel(&first), "/cycle.A/Begin")
}

/// Two servers that call each other with full pools end with a status and never hang, by whichever
/// policy: the call that finds no worker is refused, or gets one more.
#[test]
fn servers_that_call_each_other_with_full_pools_never_hang() {
    let queue = FullPool::Queue { max: 8, max_wait: Duration::from_millis(20) };
    for full in [queue, FullPool::Reject, FullPool::Grow { max: 1 }] {
        assert_eq!(cycle(full).unwrap_err().code(), Code::ResourceExhausted, "{full:?}");
    }
    assert_eq!(cycle(FullPool::Grow { max: 2 }).unwrap(), b"");
}

/// A client that is slow to send its request costs no worker: the method begins when the request is
/// whole.
#[test]
fn a_request_takes_no_worker_before_it_is_whole() {
    let server =
        start(Server::builder().max_workers(1).full_pool(FullPool::Reject).add_service(echo()));
    let (slow, quick) = (channel(&server), channel(&server));
    let streaming = Method::new("/test.Echo/Call", MethodKind::ClientStreaming);
    let mut begun: Vec<_> = (0..8)
        .map(|_| slow.stream_unary::<Vec<u8>, Vec<u8>, _>(&streaming, &RawBytes, ()).unwrap())
        .collect();
    for request in &mut begun {
        request.send(b"slow".to_vec()).unwrap();
    }
    assert_eq!(call(&quick, "/test.Echo/Call").unwrap(), b"");
    assert_eq!(call(&slow, "/test.Echo/Call").unwrap(), b"");
    for request in begun {
        assert_eq!(request.finish().unwrap().into_inner(), b"slow");
    }
}

/// Health and reflection answer while every worker is blocked and the server has as many calls as it
/// may: they have a lane of their own without being asked.
#[test]
fn health_answers_while_every_worker_is_blocked() {
    let (start_one, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let start_one: Mutex<Sender<()>> = Mutex::new(start_one);
    let slow = Rpc::new(&["/test.Slow/Wait"], move |request, _| {
        start_one.lock().unwrap().send(()).unwrap();
        let _over = gate.lock().unwrap().recv();
        Ok(request)
    });
    let alive = |path: &'static str| Rpc::new(&[path], |_, _| Ok(b"alive".to_vec()));
    let reserved = [
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    let builder = Server::builder().max_workers(2).full_pool(FullPool::Reject);
    let builder = builder.max_concurrent_rpcs(2).add_service(slow);
    let server = start(reserved.iter().fold(builder, |all, path| all.add_service(alive(path))));
    let channel = channel(&server);
    std::thread::scope(|scope| {
        let blocked = [(); 2].map(|()| scope.spawn(|| call(&channel, "/test.Slow/Wait")));
        blocked.iter().for_each(|_| started.recv().unwrap());
        let refused = call(&channel, "/test.Slow/Wait").unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.metadata().get("grpc-retry-pushback-ms"), Some("1000"));
        for path in reserved {
            assert_eq!(call(&channel, path).unwrap(), b"alive");
        }
        drop(go_on);
        blocked.into_iter().for_each(|thread| drop(thread.join().unwrap().unwrap()));
    });
}

/// A server in a scope serves what borrows from the stack, and has ended when the scope has.
#[test]
fn a_scoped_server_borrows_from_the_stack() {
    let calls = Mutex::new(Vec::new());
    let greeting = "hello".to_owned();
    let answer = std::thread::scope(|scope| {
        let service = Rpc::new(&["/test.Scoped/Call"], |_, context: &mut Context| {
            calls.lock().unwrap().push(context.method().to_owned());
            Ok(greeting.as_bytes().to_vec())
        });
        let server = Server::builder().add_service(service).bind("127.0.0.1:0").unwrap();
        let server = server.start_scoped(scope).unwrap();
        call(&channel(&server), "/test.Scoped/Call").unwrap()
        // The server is dropped here, while its client's connection is open.
    });
    assert_eq!(answer, b"hello");
    assert_eq!(calls.into_inner().unwrap(), ["/test.Scoped/Call"]);
}

/// A panic in the scope stops its server too, so that the scope ends.
#[test]
fn a_panic_in_the_scope_stops_its_server() {
    let panicked = std::thread::spawn(|| {
        std::thread::scope(|scope| {
            let server = Server::builder().bind("127.0.0.1:0").unwrap();
            let _server = server.start_scoped(scope).unwrap();
            panic!("expected by this test");
        })
    });
    assert!(panicked.join().is_err());
}

fn echo() -> impl Service + 'static {
    Rpc::new(&["/test.Echo/Call"], |request, _| Ok(request))
}

/// Listeners that somebody else has bound are served: TCP, a Unix socket whose file stays, and one
/// in the abstract namespace.
#[test]
fn listeners_are_handed_over() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut addresses = vec![BindAddress::from(tcp)];
    let socket = std::env::temp_dir().join(format!("rust-grpc-handed-over-{}", std::process::id()));
    let _ = std::fs::remove_file(&socket);
    #[cfg(unix)]
    addresses.push(std::os::unix::net::UnixListener::bind(&socket).unwrap().into());
    #[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
    addresses.push(format!("unix-abstract:rust-grpc-test-{}", std::process::id()).into());
    let count = addresses.len();
    let builder = Server::builder().add_service(echo());
    let server = addresses
        .into_iter()
        .fold(builder, |builder, address| builder.bind(address).unwrap())
        .start()
        .unwrap();
    assert_eq!(server.local_addresses().len(), count);
    for address in server.local_addresses() {
        let channel = Channel::insecure(&address.to_string()).unwrap();
        assert_eq!(call(&channel, "/test.Echo/Call").unwrap(), b"", "{address}");
    }
    assert!(!server.is_terminated());
    server.stop(Duration::ZERO);
    assert!(server.is_terminated() && server.wait_for_termination_timeout(Duration::ZERO));
    #[cfg(unix)]
    std::fs::remove_file(&socket).expect("the file is its maker's to remove");
}

/// Two servers share a port if both ask for it, and neither can be pushed aside by one that does
/// not.
#[cfg(target_os = "linux")]
#[test]
fn servers_share_a_port_if_both_ask() {
    let shared = |address: &str| BindAddress::from(address).reuse_port();
    let first =
        Server::builder().add_service(echo()).bind(shared("127.0.0.1:0")).unwrap().start().unwrap();
    let address = first.local_addresses()[0].to_string();
    let second =
        Server::builder().add_service(echo()).bind(shared(&address)).unwrap().start().unwrap();
    assert_eq!(first.local_addresses(), second.local_addresses());
    assert!(Server::builder().bind(&address).is_err());
    assert_eq!(call(&channel(&second), "/test.Echo/Call").unwrap(), b"");
}

/// A lane that names what the server does not serve is a mistake that the start reports.
#[test]
fn a_lane_of_nothing_does_not_start() {
    let start = |name: &str| {
        let lane = Lane::new("echoes").serves("test.Echo").serves(name);
        let builder = Server::builder().add_service(echo()).lane(lane);
        builder.bind("127.0.0.1:0").unwrap().start()
    };
    start("/test.Echo/Call").unwrap();
    assert_eq!(
        start("/test.Echo/Cal").unwrap_err().to_string(),
        "the lane echoes serves /test.Echo/Cal: expected a service or a method of this server"
    );
}

/// A lane that names a method comes before one that names its service, whatever their order.
#[test]
fn a_lane_of_a_method_comes_before_that_of_its_service() {
    let (start_one, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let held = Mutex::new((start_one, gate));
    let names = Rpc::new(&["/test.Names/One", "/test.Names/Two"], move |request, context| {
        if context.method() == "/test.Names/One" {
            let held = held.lock().unwrap();
            held.0.send(()).unwrap();
            let _over = held.1.recv();
        }
        Ok(request)
    });
    let lane = |name: &str| Lane::new(name).full_pool(FullPool::Reject);
    let server = start(
        Server::builder()
            .add_service(names)
            .lane(lane("service").serves("test.Names"))
            .lane(lane("method").serves("/test.Names/Two")),
    );
    let channel = channel(&server);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| call(&channel, "/test.Names/One"));
        started.recv().unwrap();
        let refused = call(&channel, "/test.Names/One").unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(call(&channel, "/test.Names/Two").unwrap(), b"");
        drop(go_on);
        held.join().unwrap().unwrap();
    });
}
