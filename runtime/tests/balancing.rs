//! round_robin over real sockets, with real servers.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{
    Channel, Code, ConnectivityState, Context, LoadBalancing, Request, Server, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers with its own name.
struct Named(String);

impl Greeter for Named {
    fn say_hello(&self, _: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        Ok(HelloReply { message: self.0.clone(), ..HelloReply::default() })
    }
}

/// A server at `address` that answers with `name`.
fn serve(name: &str, address: &str) -> Server {
    let service = GreeterServer::new(Named(name.to_owned()));
    Server::builder().add_service(service).bind(address).unwrap().start().unwrap()
}

fn address(server: &Server) -> String {
    server.local_addresses()[0].to_string().replace("ipv4:", "")
}

/// A channel to all of `servers`, which calls take in turn.
fn channel_to(servers: &[Server]) -> Channel {
    let addresses: Vec<_> = servers.iter().map(address).collect();
    let wait = Duration::from_millis(5);
    Channel::builder(&format!("ipv4:{}", addresses.join(",")))
        .load_balancing(LoadBalancing::RoundRobin)
        .reconnect_backoff(wait, wait)
        .build()
        .unwrap()
}

/// Who answers `count` calls, how often each.
fn shares(channel: &Channel, count: usize) -> BTreeMap<String, usize> {
    let greeter = GreeterStub::new(channel.clone());
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        // A server that is being stopped may still get a call.
        let reply = greeter.say_hello(HelloRequest::default());
        let name =
            reply.map_or_else(|status| status.to_string(), |reply| reply.into_inner().message);
        *shares.entry(name).or_default() += 1;
    }
    shares
}

/// Waits until `count` calls are answered by `names`, equally often.
#[track_caller]
fn until_even(channel: &Channel, count: usize, names: &[&str]) {
    let share = count / names.len();
    let expected: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), share)).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shares = shares(channel, count);
        if shares == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{shares:?}, expected {expected:?}");
        thread::yield_now();
    }
}

/// round_robin: calls spread evenly over three servers. One is killed: the others take its calls. It comes
/// back: calls spread over three again.
#[test]
fn calls_spread_over_the_servers_that_are_there() {
    let mut servers = ["a", "b", "c"].map(|name| serve(name, "127.0.0.1:0"));
    let channel = channel_to(&servers);
    until_even(&channel, 30, &["a", "b", "c"]);
    let address = address(&servers[1]);
    servers[1].stop(Duration::ZERO);
    until_even(&channel, 20, &["a", "c"]);
    servers[1] = serve("b again", &address);
    until_even(&channel, 30, &["a", "b again", "c"]);
}

/// Who answers calls of four threads.
fn shares_of_many_threads(channel: &Channel) -> BTreeMap<String, usize> {
    let greeter = GreeterStub::new(channel.clone());
    let calls = || {
        let replies = (0..25).map(|_| greeter.say_hello(HelloRequest::default()));
        replies.filter_map(Result::ok).map(|reply| reply.into_inner().message).collect::<Vec<_>>()
    };
    let mut shares = BTreeMap::new();
    thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(calls));
        for name in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            *shares.entry(name).or_default() += 1;
        }
    });
    shares
}

/// Calls of many threads spread evenly too.
#[test]
fn calls_of_many_threads_spread_evenly() {
    let servers = ["a", "b"].map(|name| serve(name, "127.0.0.1:0"));
    let channel = channel_to(&servers);
    until_even(&channel, 10, &["a", "b"]);
    let expected = ["a", "b"].map(|name| (name.to_owned(), 50)).into();
    assert_eq!(shares_of_many_threads(&channel), expected);
}

/// With all servers gone calls fail and say why, or wait for one to come back.
#[test]
fn all_servers_go_and_come_back() {
    let servers = ["a", "b"].map(|name| serve(name, "127.0.0.1:0"));
    let channel = channel_to(&servers);
    until_even(&channel, 10, &["a", "b"]);
    let address = address(&servers[0]);
    drop(servers);
    while channel.state() != ConnectivityState::TransientFailure {
        channel.wait_for_state_change(channel.state(), PATIENCE);
    }
    let greeter = GreeterStub::new(channel);
    let status = greeter.say_hello(HelloRequest::default()).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("can be reached: connect to 127.0.0.1:"), "{status}");
    let back = thread::spawn(move || serve("back", &address));
    let patient = Request::new(HelloRequest::default()).wait_for_ready().timeout(PATIENCE);
    assert_eq!(greeter.say_hello(patient).unwrap().message, "back");
    drop(back.join().unwrap());
}

/// A name is taken too: `localhost` leads to wherever the system says, and the server answers there.
#[test]
fn a_name_leads_to_its_addresses() {
    let server = serve("a", "127.0.0.1:0");
    let port = address(&server);
    let port = port.rsplit(':').next().unwrap();
    let channel = Channel::builder(&format!("dns:///localhost:{port}"))
        .load_balancing(LoadBalancing::RoundRobin)
        .build()
        .unwrap();
    let patient = Request::new(HelloRequest::default()).wait_for_ready().timeout(PATIENCE);
    assert_eq!(GreeterStub::new(channel).say_hello(patient).unwrap().message, "a");
}

/// gRFC A17: a server that says NOT_SERVING gets no calls until it is SERVING again.
#[cfg(feature = "health")]
#[test]
fn a_server_that_does_not_serve_is_left_out() {
    use rust_grpc::health::{HealthService, ServingStatus};

    let health = ["a", "b"].map(|_| HealthService::new());
    let serve = |(name, health): (&str, &HealthService)| {
        health.set("hello.Greeter", ServingStatus::Serving);
        let service = GreeterServer::new(Named(name.to_owned()));
        let builder = Server::builder().add_service(service).add_service(health.clone());
        builder.bind("127.0.0.1:0").unwrap().start().unwrap()
    };
    let servers: Vec<_> = ["a", "b"].into_iter().zip(&health).map(serve).collect();
    let addresses: Vec<_> = servers.iter().map(address).collect();
    let config = r#"{
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": "hello.Greeter"}
    }"#;
    let target = format!("ipv4:{}", addresses.join(","));
    let channel = Channel::builder(&target).service_config(config).build().unwrap();
    until_even(&channel, 10, &["a", "b"]);
    for _ in 0..3 {
        health[0].set("hello.Greeter", ServingStatus::NotServing);
        until_even(&channel, 10, &["b"]);
        health[0].set("hello.Greeter", ServingStatus::Serving);
        until_even(&channel, 10, &["a", "b"]);
    }
    health.iter().for_each(HealthService::shut_down);
    while channel.state() != ConnectivityState::TransientFailure {
        channel.wait_for_state_change(channel.state(), PATIENCE);
    }
    let status = GreeterStub::new(channel).say_hello(HelloRequest::default()).unwrap_err();
    assert!(status.message().ends_with("its service \"hello.Greeter\" is not serving"), "{status}");
}
