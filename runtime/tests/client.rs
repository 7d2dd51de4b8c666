//! The client over real sockets, against the real server: what a scripted peer cannot show.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rust_grpc::generated::service::{self, ServerCall};
use rust_grpc::message::Writer;
use rust_grpc::{
    Channel, Code, Codec, Context, Method, MethodKind, ReplySink, Request, RequestStream, Server,
    Service, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Messages that are text.
struct Text;

impl Codec<String> for Text {
    fn encode(&self, value: &String, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value.as_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, Status> {
        String::from_utf8(bytes.to_vec()).map_err(|_| Status::internal("not UTF-8"))
    }
}

const METHODS: &[Method] = &[
    Method::new("/test.Echo/Unary", MethodKind::Unary),
    Method::new("/test.Echo/List", MethodKind::ServerStreaming),
    Method::new("/test.Echo/Record", MethodKind::ClientStreaming),
    Method::new("/test.Echo/Chat", MethodKind::Bidirectional),
    Method::new("/test.Echo/Forever", MethodKind::ServerStreaming),
];

/// Gives back what it gets.
#[derive(Default)]
struct Echo {
    cancelled: Arc<AtomicUsize>,
}

impl Service for Echo {
    fn name(&self) -> &str {
        "test.Echo"
    }

    fn methods(&self) -> &[Method] {
        METHODS
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        match method {
            0 => call.unary(&Text, |request: String, _: &mut Context| Ok(request)),
            1 => call.server_streaming(&Text, |count: String, replies, _| list(&count, replies)),
            2 => call.client_streaming(&Text, record),
            3 => call.bidirectional(&Text, chat),
            4 => call.server_streaming(&Text, |_: String, replies, context| {
                let result = forever(replies, context);
                self.cancelled.fetch_add(1, Ordering::Release);
                result
            }),
            _ => call.unimplemented(),
        }
    }
}

fn list(count: &str, replies: &mut ReplySink<String>) -> Result<(), Status> {
    let count: u32 = count.parse().map_err(|_| Status::invalid_argument("expected a count"))?;
    (0..count).try_for_each(|number| replies.send(number.to_string()))
}

fn record(requests: &mut RequestStream<String>, _: &mut Context) -> Result<String, Status> {
    let mut bytes = 0;
    for request in requests {
        let request = request?;
        if request == "stop" {
            return Ok(format!("stopped after {bytes}"));
        }
        bytes += request.len();
    }
    Ok(bytes.to_string())
}

fn chat(
    requests: &mut RequestStream<String>,
    replies: &mut ReplySink<String>,
    _: &mut Context,
) -> Result<(), Status> {
    requests.try_for_each(|request| replies.send(request?))
}

fn forever(replies: &mut ReplySink<String>, context: &mut Context) -> Result<(), Status> {
    replies.send("begun".to_owned())?;
    assert!(context.wait_cancelled(PATIENCE));
    Err(Status::cancelled("nobody reads this"))
}

/// A server on a free port, and a channel to it.
fn serve(echo: Echo) -> (Server, Channel) {
    let server = Server::builder().add_service(echo).bind("127.0.0.1:0").unwrap().start().unwrap();
    let channel = channel_to(&server);
    (server, channel)
}

fn channel_to(server: &Server) -> Channel {
    Channel::insecure(&server.local_addresses()[0].to_string()).unwrap()
}

fn unary(channel: &Channel, request: Request<String>) -> Result<String, Status> {
    service::unary(channel, &METHODS[0], &Text, request).map(rust_grpc::Response::into_inner)
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// All four kinds work over one connection, on TCP and on a Unix socket.
#[test]
fn four_kinds_of_calls_over_tcp_and_unix() {
    let path = std::env::temp_dir().join(format!("rust-grpc-client-{}.sock", std::process::id()));
    let unix = format!("unix:{}", path.display());
    let server = Server::builder()
        .add_service(Echo::default())
        .bind("127.0.0.1:0")
        .unwrap()
        .bind(unix.as_str())
        .unwrap()
        .start()
        .unwrap();
    for channel in [channel_to(&server), Channel::insecure(&unix).unwrap()] {
        assert_eq!(unary(&channel, Request::new(text("hello"))).unwrap(), "hello");
        let replies =
            service::server_streaming::<String, String, _>(&channel, &METHODS[1], &Text, text("3"));
        assert_eq!(replies.unwrap().collect::<Result<Vec<_>, _>>().unwrap(), ["0", "1", "2"]);
        let words =
            service::client_streaming::<String, String, _>(&channel, &METHODS[2], &Text, ());
        let reply = words.unwrap().send_all([text("ab"), text("c")]).unwrap().finish().unwrap();
        assert_eq!(*reply, "3");
        let mut chat =
            service::bidirectional::<String, String, _>(&channel, &METHODS[3], &Text, ()).unwrap();
        for word in ["ping", "pong"] {
            chat.send(text(word)).unwrap();
            assert_eq!(chat.recv().unwrap().as_deref(), Some(word));
        }
        chat.close_send();
        assert_eq!(chat.recv().unwrap(), None);
    }
    server.stop(Duration::ZERO);
}

/// A server that replies while requests still come: sending stops, and the reply is there.
#[test]
fn an_early_reply_ends_the_requests() {
    let (server, channel) = serve(Echo::default());
    let words = service::client_streaming::<String, String, _>(&channel, &METHODS[2], &Text, ());
    let requests = [text("ab"), text("stop")].into_iter().chain(std::iter::repeat(text("more")));
    let reply = words.unwrap().send_all(requests).unwrap().finish().unwrap();
    assert_eq!(*reply, "stopped after 2");
    server.stop(Duration::ZERO);
}

/// Large messages pass both ways, one over the limit is refused by whoever receives it.
#[test]
fn large_messages_pass_up_to_the_limit() {
    let (server, channel) = serve(Echo::default());
    let large = "x".repeat(3 << 20);
    assert!(unary(&channel, Request::new(large.clone())).unwrap() == large);
    let status = unary(&channel, Request::new("x".repeat(5 << 20))).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(unary(&channel, Request::new(text("alive"))).unwrap(), "alive");
    server.stop(Duration::ZERO);
}

/// Replies larger than a stream's window arrive while nobody waits for them: a server all of whose
/// workers answer such calls is not held up, and takes the requests that come behind.
#[test]
fn replies_larger_than_the_window_arrive_before_anybody_waits() {
    let server = Server::builder().max_workers(2).add_service(Echo::default());
    let server = server.bind("127.0.0.1:0").unwrap().start().unwrap();
    let channel = channel_to(&server);
    let large = "x".repeat(600 << 10);
    let calls = (0..20).map(|_| {
        let request = Request::new(large.clone()).timeout(PATIENCE);
        service::unary_pending::<String, String, _>(&channel, &METHODS[0], &Text, request).unwrap()
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(*call.wait().unwrap() == large);
    }
    server.stop(Duration::ZERO);
}

/// Sixteen threads share one channel: every reply reaches its caller.
#[test]
fn sixteen_threads_share_one_channel() {
    let (server, channel) = serve(Echo::default());
    thread::scope(|scope| {
        for thread in 0..16 {
            let channel = &channel;
            scope.spawn(move || {
                for call in 0..60 {
                    let message = format!("{thread} {call}");
                    assert_eq!(unary(channel, Request::new(message.clone())).unwrap(), message);
                }
            });
        }
    });
    server.stop(Duration::ZERO);
}

/// Sixteen threads share three connections on which the server allows two calls each: those that queue
/// get a turn, whichever connection has room, and the ones with short deadlines leave no place behind.
#[test]
fn sixteen_threads_queue_for_a_few_streams() {
    let server = Server::builder().max_concurrent_streams(2).add_service(Echo::default());
    let server = server.bind("127.0.0.1:0").unwrap().start().unwrap();
    let address = server.local_addresses()[0].to_string();
    let channel = Channel::builder(&address).connections(3).build().unwrap();
    thread::scope(|scope| {
        for thread in 0..16 {
            let channel = &channel;
            scope.spawn(move || {
                for call in 0..60 {
                    let message = format!("{thread} {call}");
                    let timeout = match call % 6 {
                        5 => Duration::from_micros(200),
                        _ => PATIENCE,
                    };
                    match unary(channel, Request::new(message.clone()).timeout(timeout)) {
                        Ok(reply) => assert_eq!(reply, message),
                        Err(status) => {
                            assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
                            assert!(timeout < PATIENCE, "{status}");
                        }
                    }
                }
            });
        }
    });
    assert!((2..=3).contains(&format!("{channel:?}").matches("Link(").count()), "{channel:?}");
    server.stop(Duration::ZERO);
}

/// A long stream of replies arrives whole and in order.
#[test]
fn a_long_stream_arrives_in_order() {
    let (server, channel) = serve(Echo::default());
    let replies =
        service::server_streaming::<String, String, _>(&channel, &METHODS[1], &Text, text("20000"));
    for (number, reply) in replies.unwrap().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
    server.stop(Duration::ZERO);
}

/// A deadline and a dropped stream both reach the handler as a cancellation.
#[test]
fn deadlines_and_drops_cancel_the_handler() {
    let echo = Echo::default();
    let cancelled = echo.cancelled.clone();
    let (server, channel) = serve(echo);
    let begin = |request: Request<String>| {
        let mut replies =
            service::server_streaming::<String, String, _>(&channel, &METHODS[4], &Text, request)
                .unwrap();
        assert_eq!(replies.recv().unwrap().as_deref(), Some("begun"));
        replies
    };
    let wait_for = |count| {
        let start = Instant::now();
        while cancelled.load(Ordering::Acquire) < count {
            assert!(start.elapsed() < PATIENCE, "the handler was not cancelled");
            thread::yield_now();
        }
    };
    drop(begin(Request::new(text(""))));
    wait_for(1);
    let mut replies = begin(Request::new(text("")).timeout(Duration::from_millis(200)));
    assert_eq!(replies.recv().unwrap_err().code(), Code::DeadlineExceeded);
    wait_for(2);
    let replies = begin(Request::new(text("")));
    replies.canceller().cancel();
    wait_for(3);
    server.stop(Duration::ZERO);
}

/// A server that stops is UNAVAILABLE in words; the channel finds the next one on its port.
#[test]
fn a_channel_finds_a_server_that_came_back() {
    let (server, _) = serve(Echo::default());
    let address = server.local_addresses()[0].to_string();
    let tick = Duration::from_millis(1);
    let channel = Channel::builder(&address).reconnect_backoff(tick, tick).build().unwrap();
    assert_eq!(unary(&channel, Request::new(text("a"))).unwrap(), "a");
    server.stop(Duration::ZERO);
    server.wait_for_termination();
    drop(server);
    let start = Instant::now();
    let status = loop {
        // A call may still find the old connection about to close.
        let status = unary(&channel, Request::new(text("b"))).unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        if status.message().contains("refused") {
            break status;
        }
        assert!(start.elapsed() < PATIENCE, "{status}");
    };
    let place = address.strip_prefix("ipv4:").unwrap();
    assert_eq!(status.message(), format!("connect to {place}: connection refused"));

    let server =
        Server::builder().add_service(Echo::default()).bind(place).unwrap().start().unwrap();
    let request = Request::new(text("c")).wait_for_ready().timeout(PATIENCE);
    assert_eq!(unary(&channel, request).unwrap(), "c");
    server.stop(Duration::ZERO);
}
