//! Calls through HTTP proxies (gRFC A1), against a small proxy that takes CONNECT, on loopback.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod hello;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{
    Channel, ChannelBuilder, ChannelCredentials, Code, Context, InProcess, LoadBalancing, Request,
    Server, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A name that no resolver knows (RFC 6761 6.4): only the proxy can lead there.
const TARGET: &str = "greeter.invalid:50051";

/// Tells callers who they think they talk to.
struct Host;

impl Greeter for Host {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        let authority = context.authority().to_owned();
        Ok(HelloReply::from(format!("{} at {authority}", request.name).as_str()))
    }
}

/// A server, and its address without a scheme.
fn serve() -> (Server, String) {
    let builder = Server::builder().add_service(GreeterServer::new(Host));
    let server = builder.bind("127.0.0.1:0").unwrap().start().unwrap();
    let address = server.local_addresses()[0].to_string().replace("ipv4:", "");
    (server, address)
}

/// A proxy: where it is, and the requests that have come.
struct Proxy {
    address: String,
    requests: Receiver<String>,
}

impl Proxy {
    /// Reads a request from each connection, and leaves the rest to `play`.
    fn start(play: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, requests) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (tell, play) = (tell.clone(), play.clone());
                thread::spawn(move || {
                    let mut client = client.unwrap();
                    tell.send(read_head(&mut client)).unwrap();
                    play(client);
                });
            }
        });
        Self { address, requests }
    }

    /// Answers every request with `answer` and then passes everything on to `server`.
    fn to(server: &str, answer: &'static str) -> Self {
        let server = server.to_owned();
        Self::start(move |mut client| {
            client.write_all(answer.as_bytes()).unwrap();
            pass_on(&client, &TcpStream::connect(&server).unwrap());
        })
    }

    /// Answers every request with `answer` alone.
    fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut client| {
            let _ = client.write_all(answer);
            let _ = client.shutdown(Shutdown::Write);
            let _ = client.read_to_end(&mut Vec::new());
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request.
    fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}

fn read_head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read_exact(&mut byte).is_err() {
            break;
        }
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// Passes bytes on between the two until one of them has closed.
fn pass_on(client: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| copy(client, server));
        copy(server, client);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn through(proxy: &Proxy) -> ChannelBuilder {
    Channel::builder(TARGET).http_proxy(proxy.url()).default_timeout(PATIENCE)
}

fn greet(builder: ChannelBuilder) -> Result<String, Status> {
    let stub = GreeterStub::new(builder.build().unwrap());
    stub.say_hello(HelloRequest::from("Ada")).map(|reply| reply.message.clone())
}

/// What a call through a proxy that answers `answer` ends with.
fn words(answer: &'static [u8]) -> String {
    let proxy = Proxy::answering(answer);
    let status = greet(through(&proxy)).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let start = format!("connect to {TARGET}: proxy {}: ", proxy.address);
    status.message().strip_prefix(&start).unwrap_or_else(|| panic!("{status}")).to_owned()
}

/// RFC 9110 9.3.6, gRFC A1: the proxy is asked for the name and the port, and looks the name up; the
/// authority is the target's.
#[test]
fn calls_travel_through_a_proxy() {
    let (_server, address) = serve();
    let proxy = Proxy::to(&address, ESTABLISHED);
    assert_eq!(greet(through(&proxy)).unwrap(), format!("Ada at {TARGET}"));
    let request = proxy.request();
    let start = format!("CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\nUser-Agent: ");
    assert!(request.starts_with(&start), "{request}");
    assert!(!request.contains("Proxy-Authorization"), "{request}");
}

/// gRFC A1: an address that is given as such goes through a proxy that was given too, in brackets if
/// it is one of IPv6; of several the next one is tried when the proxy refuses one.
#[test]
fn addresses_travel_through_a_proxy() {
    let (_server, address) = serve();
    let proxy = Proxy::to(&address, ESTABLISHED);
    for (target, asked) in
        [("ipv4:192.0.2.1:1", "192.0.2.1:1"), ("[2001:db8::1]", "[2001:db8::1]:443")]
    {
        greet(Channel::builder(target).http_proxy(proxy.url())).unwrap();
        assert!(proxy.request().starts_with(&format!("CONNECT {asked} HTTP/1.1\r\n")));
    }
    let refusing = Proxy::answering(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
    let builder = Channel::builder("ipv4:192.0.2.1:1,192.0.2.2:1").http_proxy(refusing.url());
    let status = greet(builder).unwrap_err();
    assert!(status.message().contains("answered CONNECT 192.0.2.2:1 with"), "{status}");
    assert!(refusing.request().starts_with("CONNECT 192.0.2.1:1 "));
    assert!(refusing.request().starts_with("CONNECT 192.0.2.2:1 "));
}

/// A proxy looks names up itself, so that a name is one place, whatever chooses among places;
/// addresses are taken in turn through it.
#[test]
fn a_balanced_channel_leaves_names_to_the_proxy() {
    let (_server, address) = serve();
    let proxy = Proxy::to(&address, ESTABLISHED);
    let turns = |builder: ChannelBuilder| builder.load_balancing(LoadBalancing::RoundRobin);
    assert_eq!(greet(turns(through(&proxy))).unwrap(), format!("Ada at {TARGET}"));
    assert!(proxy.request().starts_with(&format!("CONNECT {TARGET} HTTP/1.1\r\n")));
    let builder = Channel::builder("ipv4:192.0.2.1:1,192.0.2.2:1").http_proxy(proxy.url());
    let stub = GreeterStub::new(turns(builder).build().unwrap());
    stub.say_hello(HelloRequest::from("Ada")).unwrap();
    let mut asked = [proxy.request(), proxy.request()].map(|request| request[..19].to_owned());
    asked.sort();
    assert_eq!(asked, ["CONNECT 192.0.2.1:1", "CONNECT 192.0.2.2:1"]);
}

/// RFC 7617 2: user and password travel as Basic credentials.
#[test]
fn credentials_of_the_url_are_sent_to_the_proxy() {
    let (_server, address) = serve();
    let proxy = Proxy::to(&address, ESTABLISHED);
    let url = format!("http://Aladdin:open%20sesame@{}", proxy.address);
    greet(Channel::builder(TARGET).http_proxy(url)).unwrap();
    let request = proxy.request();
    let line = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
    assert!(request.contains(line), "{request}");
}

/// RFC 9110 9.3.6 and 15.2: any 2xx opens the tunnel, whatever fields it has, and answers of 1xx may
/// come before it; RFC 9112 2.2: lines may end with LF alone.
#[test]
fn every_answer_of_2xx_opens_the_tunnel() {
    let (_server, address) = serve();
    for answer in [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 299\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n",
    ] {
        greet(through(&Proxy::to(&address, answer))).unwrap();
    }
}

/// What comes behind the head, in the same packet too, belongs to the connection; a head that comes
/// byte by byte is a head.
#[test]
fn the_tunnel_begins_behind_the_head() {
    let (_server, address) = serve();
    // A server whose SETTINGS come with the proxy's answer: they make the channel ready.
    let at_once = Proxy::start(move |mut client| {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        client.write_all(&[ESTABLISHED.as_bytes(), &settings].concat()).unwrap();
        let _ = client.read_to_end(&mut Vec::new());
    });
    through(&at_once).build().unwrap().wait_until_ready(PATIENCE).unwrap();
    let byte_by_byte = Proxy::start(move |mut client| {
        client.set_nodelay(true).unwrap();
        for byte in ESTABLISHED.bytes() {
            client.write_all(&[byte]).unwrap();
        }
        pass_on(&client, &TcpStream::connect(&address).unwrap());
    });
    greet(through(&byte_by_byte)).unwrap();
}

/// RFC 9110 9.3.6: an answer other than 2xx is no tunnel. Words name the proxy, the target and what
/// the proxy said.
#[test]
fn a_refusal_is_told_in_the_proxys_words() {
    let answered = |with: &str| format!("answered CONNECT {TARGET} with \"{with}\"");
    assert_eq!(
        words(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\nno"),
        answered("HTTP/1.1 407 Proxy Authentication Required")
    );
    assert_eq!(words(b"HTTP/1.1 302 Found\r\n\r\n"), answered("HTTP/1.1 302 Found"));
    assert_eq!(
        words(b"HTTP/1.1 199\r\n\r\nHTTP/1.1 199\r\n\r\nHTTP/1.1 503\n\n"),
        answered("HTTP/1.1 503")
    );
    assert_eq!(words(b"HTTP/1.1 500 \xff\x1b\r\n\r\n"), answered("HTTP/1.1 500 \\xff\\x1b"));
}

/// An answer that is none of HTTP/1 ends the attempt at once, and so does the end of the connection.
#[test]
fn an_answer_that_is_no_answer_is_refused() {
    let got = |what: &str| format!("expected an answer of HTTP/1.1 to CONNECT, got \"{what}\"");
    assert_eq!(words(b"SSH-2.0-OpenSSH_9.9\r\n"), got("SSH-2.0-OpenSSH_9.9"));
    assert_eq!(words(b"\x15\x03\x01\x00\x02\x02\x0a"), got("\\x15\\x03\\x01\\x00\\x02\\x02"));
    assert_eq!(words(b"HTTP/2.0 200 OK\r\n\r\n"), got("HTTP/2.0 200 OK"));
    for line in
        ["HTTP/1.1 20 OK", "HTTP/1.1 2000", "HTTP/1.1  200", "HTTP/1.1200 OK", "HTTP/1.1 2x0"]
    {
        let answer = format!("{line}\r\n\r\n").leak().as_bytes();
        assert_eq!(words(answer), got(line));
    }
    let cut = "closed the connection before its answer to CONNECT was complete";
    assert_eq!(words(b""), cut);
    assert_eq!(words(b"HTTP/1.1 200 OK\r\nA: b\r\n"), cut);
    assert_eq!(words(b"HTTP/1.1 100 Continue\r\n\r\n"), cut);
}

/// A proxy that never ends its answer, in one head or in many, is left after 16 KiB.
#[test]
fn an_endless_answer_is_refused() {
    let endless: [(&str, &str); 2] =
        [("HTTP/1.1 200 OK\r\n", "A: b\r\n"), ("", "HTTP/1.1 100 Continue\r\n\r\n")];
    for (start, part) in endless {
        let proxy = Proxy::start(move |mut client| {
            client.write_all(start.as_bytes()).unwrap();
            while client.write_all(part.as_bytes()).is_ok() {}
        });
        let status = greet(through(&proxy)).unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let end = "expected an answer of at most 16384 bytes, got more";
        assert!(status.message().ends_with(end), "{status}");
    }
}

/// A head of exactly the limit is taken.
#[test]
fn the_largest_answer_is_taken() {
    let (_server, address) = serve();
    let start = "HTTP/1.1 200 OK\r\nA: ";
    let head = |size: usize| format!("{start}{:a<1$}\r\n\r\n", "", size - start.len() - 4);
    let answer: &str = head(16 << 10).leak();
    assert_eq!(answer.len(), 16 << 10);
    greet(through(&Proxy::to(&address, answer))).unwrap();
    let answer: &str = head((16 << 10) + 1).leak();
    greet(through(&Proxy::answering(answer.as_bytes()))).unwrap_err();
}

/// A proxy that takes connections and says nothing is given up in time, in words.
#[test]
fn a_silent_proxy_is_given_up() {
    let proxy = Proxy::start(|mut client| drop(client.read_to_end(&mut Vec::new())));
    let short = Duration::from_millis(100);
    let builder = through(&proxy).connect_timeout(short).reconnect_backoff(short, short);
    let status = greet(builder).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    // Where the machine is busy, the time may be over before the proxy was asked.
    assert!(status.message().ends_with("within the deadline"), "{status}");
}

/// A channel that is closed ends the attempt that waits for a proxy: its callers are told, and the
/// connection to the proxy is closed.
#[test]
fn closing_interrupts_the_wait_for_a_proxy() {
    let (tell, closed) = channel();
    let proxy = Proxy::start(move |mut client| {
        tell.send(client.read_to_end(&mut Vec::new()).unwrap()).unwrap();
    });
    let builder = through(&proxy).connect_timeout(Duration::from_secs(3600));
    let channel = builder.build().unwrap();
    let stub = GreeterStub::new(channel.clone());
    thread::scope(|scope| {
        let fails_fast = Request::new(HelloRequest::default());
        let patient = fails_fast.clone().wait_for_ready();
        let callers = [fails_fast, patient]
            .map(|request| scope.spawn(|| stub.say_hello(request).map(drop).unwrap_err()));
        proxy.request();
        channel.close();
        for caller in callers {
            assert_eq!(caller.join().unwrap().to_string(), "CANCELLED: the channel is closed");
        }
    });
    assert_eq!(closed.recv_timeout(PATIENCE), Ok(0));
}

/// A proxy that cannot be reached is named, and so is its address.
#[test]
fn an_unreachable_proxy_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let status = greet(Channel::builder(TARGET).http_proxy(address.to_string())).unwrap_err();
    let expected =
        format!("UNAVAILABLE: connect to {TARGET}: proxy {address}: {address}: connection refused");
    assert_eq!(status.to_string(), expected);
}

/// A channel that was told to goes to its target itself.
#[test]
fn a_channel_may_go_without_a_proxy() {
    let (_server, address) = serve();
    let proxy = Proxy::answering(b"HTTP/1.1 500\r\n\r\n");
    let builder = Channel::builder(&address).http_proxy(proxy.url()).disable_http_proxy();
    assert_eq!(greet(builder).unwrap(), format!("Ada at {address}"));
}

/// What cannot work is refused when the channel is built, and credentials are shown nowhere.
#[test]
fn impossible_proxies_are_refused_when_built() {
    let refusal = |builder: ChannelBuilder| {
        assert!(!format!("{builder:?}").contains("secret"));
        let status = builder.build().unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        status.message().to_owned()
    };
    assert_eq!(
        refusal(Channel::builder(TARGET).http_proxy("https://ada:secret@proxy:1")),
        "HTTP proxy: the scheme \"https\" is not known; expected http://host:port or \
         http://user:password@host:port"
    );
    let good = "http://ada:secret@proxy:1";
    let local = Channel::builder(TARGET).http_proxy(good).credentials(ChannelCredentials::local());
    assert!(refusal(local).contains("local credentials"));
    let alone = "HTTP proxy: expected none for what is reached without a network";
    assert_eq!(refusal(Channel::builder("unix:/s").http_proxy(good)), alone);
    let place = InProcess::new();
    assert_eq!(refusal(Channel::in_process_builder(&place).http_proxy(good)), alone);
    let channel = Channel::builder(TARGET).http_proxy(good).build().unwrap();
    assert!(!format!("{channel:?}").contains("secret"));
}

/// gRFC A1: TLS is between the channel and the server, whose certificate bears the target's name.
#[cfg(feature = "tls")]
#[test]
fn tls_travels_through_a_proxy() {
    use rust_grpc::tls::{ClientTls, Identity, ServerTls};

    let made = rcgen::generate_simple_self_signed(["greeter.invalid".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let identity = Identity::from_pem(&pem, made.signing_key.serialize_pem()).unwrap();
    let builder = Server::builder().add_service(GreeterServer::new(Host));
    let bound = builder.bind_secure("127.0.0.1:0", ServerTls::new(identity)).unwrap();
    let server = bound.start().unwrap();
    let address = server.local_addresses()[0].to_string().replace("ipv4:", "");
    let proxy = Proxy::to(&address, ESTABLISHED);
    let tls = ClientTls::new().roots_pem(&pem).unwrap();
    assert_eq!(greet(through(&proxy).tls(tls.clone())).unwrap(), format!("Ada at {TARGET}"));
    let other = Channel::builder("other.invalid:1").http_proxy(proxy.url()).tls(tls);
    let status = greet(other).unwrap_err();
    assert!(status.message().contains("TLS handshake: the peer's certificate"), "{status}");
}
