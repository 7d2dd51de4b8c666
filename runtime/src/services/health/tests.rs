//! health-checking.md and health.proto, rule by rule, over connections within the process.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::service::tests::enroll_one;
use super::v1::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthStub};
use super::{HealthClient, HealthService, ServingStatus};
use crate::client::stub::bidirectional;
use crate::client::{Channel, Request};
use crate::grpc::{Code, Method, MethodKind, Protobuf, Status};
use crate::limits::{HEALTH_LIST_MAX, HEALTH_NAME_MAX};
use crate::server::{Context, Next, Server};
use crate::transport::InProcess;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that serves health alone, and a channel to it.
fn serve(health: &HealthService) -> (Server, Channel) {
    let place = InProcess::new();
    let builder = Server::builder().add_service(health.clone());
    (builder.bind(&place).unwrap().start().unwrap(), Channel::in_process(&place))
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned(), ..Default::default() }
}

fn code<T>(result: Result<T, Status>) -> Code {
    result.err().expect("it fails").code()
}

/// Gives others the processor until `holds`; for what another thread does in a moment.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let latch = crate::transport::Latch::default();
    let end = crate::transport::now() + PATIENCE;
    while !holds() {
        assert!(crate::transport::now() < end, "{what}");
        latch.wait(Some(crate::transport::now() + Duration::from_millis(1)));
    }
}

/// The empty name is the server as a whole, SERVING from the beginning.
#[test]
fn the_server_as_a_whole_is_serving_from_the_beginning() {
    let (_server, channel) = serve(&HealthService::new());
    assert_eq!(HealthClient::new(channel).check("").unwrap(), ServingStatus::Serving);
}

/// Check: a service that nobody has registered is NOT_FOUND, and so is one that was cleared.
#[test]
fn check_of_an_unknown_service_is_not_found() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let client = HealthClient::new(channel);
    assert_eq!(code(client.check("a.B")), Code::NotFound);
    health.set("a.B", ServingStatus::NotServing);
    assert_eq!(client.check("a.B").unwrap(), ServingStatus::NotServing);
    health.clear("a.B");
    assert_eq!(code(client.check("a.B")), Code::NotFound);
}

/// Watch: the status comes at once, then each change and nothing else; an unknown service is
/// SERVICE_UNKNOWN, and the call goes on.
#[test]
fn watch_tells_each_change_and_goes_on_for_unknown_services() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let mut watch = HealthClient::new(channel).watch("a.B");
    assert_eq!(watch.recv().unwrap(), ServingStatus::ServiceUnknown);
    for status in [ServingStatus::Serving, ServingStatus::NotServing, ServingStatus::Serving] {
        health.set("a.B", status);
        health.set("a.B", status);
        health.set("a.C", ServingStatus::NotServing);
        assert_eq!(watch.recv().unwrap(), status);
    }
    health.clear("a.B");
    assert_eq!(watch.recv().unwrap(), ServingStatus::ServiceUnknown);
    assert_eq!(watch.recv_timeout(Duration::ZERO).unwrap(), None);
}

/// List gives every service with its status, RESOURCE_EXHAUSTED for more than 100.
#[test]
fn list_gives_all_services_up_to_a_hundred() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let stub = HealthStub::new(channel);
    for number in 1..HEALTH_LIST_MAX {
        health.set(&format!("a.B{number}"), ServingStatus::NotServing);
    }
    let statuses = stub.list(HealthListRequest::default()).unwrap().into_inner().statuses;
    assert_eq!(statuses.len(), HEALTH_LIST_MAX);
    assert_eq!(statuses[""].status, ServingStatus::Serving);
    assert_eq!(statuses["a.B1"].status, ServingStatus::NotServing);
    health.set("one.More", ServingStatus::Serving);
    assert_eq!(code(stub.list(HealthListRequest::default())), Code::ResourceExhausted);
}

/// A graceful shutdown: all that is known becomes NOT_SERVING, and what is set later is ignored.
#[test]
fn after_shutdown_everything_is_not_serving_for_good() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    health.set("a.B", ServingStatus::Serving);
    let client = HealthClient::new(channel);
    let mut watches = [client.watch(""), client.watch("a.B")];
    for watch in &mut watches {
        assert_eq!(watch.recv().unwrap(), ServingStatus::Serving);
    }
    health.shut_down();
    health.set("a.B", ServingStatus::Serving);
    health.set("a.C", ServingStatus::Serving);
    health.clear("a.B");
    for watch in &mut watches {
        assert_eq!(watch.recv().unwrap(), ServingStatus::NotServing);
        assert_eq!(watch.recv_timeout(Duration::ZERO).unwrap(), None);
    }
    assert_eq!(client.check("a.B").unwrap(), ServingStatus::NotServing);
    assert_eq!(code(client.check("a.C")), Code::NotFound);
}

/// Watchers hold no worker: many more than there are workers, and Check still answers. When they
/// are gone the service knows nothing more of them.
#[test]
fn watchers_hold_no_worker_and_are_forgotten() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let client = HealthClient::new(channel);
    let mut watches: Vec<_> = (0..50).map(|number| client.watch(&number.to_string())).collect();
    for watch in &mut watches {
        assert_eq!(watch.recv().unwrap(), ServingStatus::ServiceUnknown);
    }
    assert_eq!(health.watchers(), 50);
    assert_eq!(client.check("").unwrap(), ServingStatus::Serving);
    drop(watches);
    until("every watcher is forgotten", || health.watchers() == 0);
}

/// A watch that an interceptor makes an error of in the end is forgotten as any other.
#[test]
fn a_watch_that_ends_with_an_error_is_forgotten() {
    let health = HealthService::new();
    let refuse = |context: &mut Context, next: Next<'_>| {
        next.run(context)?;
        Err(Status::permission_denied("after all"))
    };
    let place = InProcess::new();
    let builder = Server::builder().add_service(health.clone()).interceptor(refuse);
    let _server = builder.bind(&place).unwrap().start().unwrap();
    let watch = HealthStub::new(Channel::in_process(&place)).watch(request("")).unwrap();
    let ended = watch.into_iter().find_map(Result::err).unwrap();
    assert_eq!(ended.code(), Code::PermissionDenied);
    until("the watcher is forgotten", || health.watchers() == 0);
}

/// Clients that stall between the head of a Check and its request keep others from no answer.
#[test]
fn checks_without_a_request_hold_up_no_other() {
    let (_server, channel) = serve(&HealthService::new());
    let check = Method::new("/grpc.health.v1.Health/Check", MethodKind::Bidirectional);
    let stalled = || {
        bidirectional::<HealthCheckRequest, HealthCheckResponse, _>(
            &channel,
            &check,
            &Protobuf,
            Request::new(()),
        )
    };
    let stalled: Vec<_> = (0..8).map(|_| stalled().unwrap()).collect();
    let asked = Request::new(request("")).timeout(Duration::from_secs(10));
    let answer = HealthStub::new(channel.clone()).check(asked).unwrap();
    assert_eq!(answer.status, ServingStatus::Serving);
    drop(stalled);
}

/// A server that stops ends the watches of its health at once, whatever grace calls have.
#[test]
fn watches_do_not_keep_a_server_from_stopping() {
    let health = HealthService::new();
    let (server, channel) = serve(&health);
    let mut watch = HealthStub::new(channel).watch(request("")).unwrap();
    assert!(watch.recv().unwrap().is_some());
    thread::scope(|scope| {
        scope.spawn(|| server.stop(Duration::from_secs(3600)));
        assert!(server.wait_for_termination_timeout(PATIENCE));
    });
    assert_eq!(code(watch.recv()), Code::Unavailable);
    assert_eq!(health.watchers(), 0);
}

/// A watcher that does not read keeps nobody waiting: its call ends with RESOURCE_EXHAUSTED, behind
/// all that it was sent.
#[test]
fn a_watcher_that_does_not_read_is_given_up() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let client = HealthClient::new(channel.clone());
    let mut reading = client.watch("");
    assert_eq!(reading.recv().unwrap(), ServingStatus::Serving);
    let slow = HealthStub::new(channel).watch(request("other")).unwrap();
    until("both watch", || health.watchers() == 2);
    for number in 0..1_000_000 {
        let statuses = [ServingStatus::Serving, ServingStatus::NotServing];
        health.set("other", statuses[number % 2]);
        if health.watchers() == 1 {
            break;
        }
    }
    assert_eq!(health.watchers(), 1);
    health.set("", ServingStatus::NotServing);
    assert_eq!(reading.recv().unwrap(), ServingStatus::NotServing);
    let ended = slow.into_iter().find_map(Result::err).unwrap();
    assert_eq!(ended.code(), Code::ResourceExhausted);
}

/// Style 15: the number of watchers and the length of the names that they ask for are bounded.
#[test]
fn watchers_and_their_names_are_bounded() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let stub = HealthStub::new(channel);
    let first = |name: &str| stub.watch(request(name)).unwrap().recv();
    let name = "x".repeat(HEALTH_NAME_MAX);
    assert_eq!(first(&name).unwrap().unwrap().status, ServingStatus::ServiceUnknown);
    assert_eq!(code(first(&(name + "x"))), Code::InvalidArgument);
    until("the first is gone", || health.watchers() == 0);
    while enroll_one(&health).is_ok() {}
    assert_eq!(health.watchers(), crate::limits::HEALTH_WATCHERS_MAX);
    assert_eq!(code(first("a.B")), Code::ResourceExhausted);
}

/// Many threads that set, and watchers that see the last status in the end.
#[test]
fn watchers_see_the_last_status_whoever_sets_it() {
    let health = HealthService::new();
    let (_server, channel) = serve(&health);
    let mut watch = HealthClient::new(channel).watch("a.B");
    assert_eq!(watch.recv().unwrap(), ServingStatus::ServiceUnknown);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    health.set("a.B", ServingStatus::Serving);
                    health.set("a.B", ServingStatus::NotServing);
                }
            });
        }
    });
    health.set("a.B", ServingStatus::Unknown);
    while watch.recv_timeout(PATIENCE).unwrap() != Some(ServingStatus::Unknown) {}
}

/// gRFC A17: a server without the service is as good as healthy; Check still says UNIMPLEMENTED.
#[test]
fn a_server_without_health_counts_as_healthy() {
    let place = InProcess::new();
    let _server = Server::builder().bind(&place).unwrap().start().unwrap();
    let client = HealthClient::new(Channel::in_process(&place));
    assert_eq!(code(client.check("")), Code::Unimplemented);
    client.wait_until_serving("", PATIENCE).unwrap();
    assert_eq!(code(client.watch("").recv()), Code::Unimplemented);
}

/// Waiting ends when the service serves, or with the time and what the service was.
#[test]
fn waiting_ends_when_the_service_serves() {
    let health = Arc::new(HealthService::new());
    let (_server, channel) = serve(&health);
    let client = HealthClient::new(channel);
    let mut watch = client.watch("a.B");
    assert_eq!(watch.recv().unwrap(), ServingStatus::ServiceUnknown);
    let status = client.wait_until_serving("a.B", Duration::from_millis(20)).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().starts_with("service \"a.B\" of in-process was "), "{status:?}");
    let waiting = thread::spawn(move || client.wait_until_serving("a.B", PATIENCE));
    health.set("a.B", ServingStatus::Serving);
    waiting.join().unwrap().unwrap();
}
