//! Calls over TLS, by channels and servers as users have them, on loopback.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod hello;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use rust_grpc::tls::{ClientTls, Identity, ServerTls};
use rust_grpc::{
    AccessToken, Channel, ChannelCredentials, Code, Context, ReplySink, Request, RequestStream,
    Server, ServerCredentials, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, names: &[&str], common_name: &str) -> Identity {
        let names: Vec<_> = names.iter().copied().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::from_pem(certificate.pem(), key.serialize_pem()).unwrap()
    }

    fn server(&self) -> ServerTls {
        ServerTls::new(self.issue(&["localhost", "127.0.0.1", "other.test"], "server"))
    }

    fn client(&self) -> ClientTls {
        ClientTls::new().roots_pem(self.0.pem()).unwrap()
    }
}

/// Says what it knows of its caller, and gives back what it gets.
struct Knowing;

impl Greeter for Knowing {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        let peer = context.auth_context();
        let token = context.metadata().get("authorization").unwrap_or("no token");
        let name = match request.name.as_str() {
            "who" => peer.peer_identities().collect::<Vec<_>>().join(","),
            "security" => peer.transport_security_type().to_owned(),
            "token" => token.to_owned(),
            other => other.to_owned(),
        };
        Ok(HelloReply::from(name.as_str()))
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        requests.try_for_each(|request| replies.send(HelloReply::from(request?.name.as_str())))
    }
}

fn serve(credentials: impl Into<ServerCredentials>) -> (Server, String) {
    let server = Server::builder()
        .add_service(GreeterServer::new(Knowing))
        .max_receive_message_size(64 << 20)
        .bind_secure("127.0.0.1:0", credentials)
        .unwrap()
        .start()
        .unwrap();
    let target = server.local_addresses()[0].to_string();
    (server, target)
}

fn stub(target: &str, credentials: impl Into<ChannelCredentials>) -> GreeterStub {
    let builder = Channel::builder(target).credentials(credentials).default_timeout(PATIENCE);
    GreeterStub::new(builder.max_receive_message_size(64 << 20).build().unwrap())
}

fn ask(stub: &GreeterStub, what: &str) -> Result<String, Status> {
    stub.say_hello(HelloRequest::from(what)).map(|reply| reply.message.clone())
}

/// ssl_channel_credentials, ssl_server_credentials: calls travel by TLS, and both sides know it.
#[test]
fn calls_travel_by_tls() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server());
    let channel = Channel::secure(&target, authority.client()).unwrap();
    assert!(channel.auth_context().is_none());
    let stub = GreeterStub::new(channel.clone());
    assert_eq!(ask(&stub, "hello").unwrap(), "hello");
    assert_eq!(ask(&stub, "security").unwrap(), "ssl");
    let server = channel.auth_context().unwrap();
    assert_eq!(server.get("x509_common_name"), Some("server"));
    assert_eq!(server.get_all("peer_dns").collect::<Vec<_>>(), ["localhost", "other.test"]);
}

/// auth_context: a handler knows its caller by the names of the certificate.
#[test]
fn a_handler_knows_its_caller() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server().client_roots_pem(authority.0.pem()).unwrap());
    let named = authority.client().identity(authority.issue(&["alice.test"], "alice"));
    assert_eq!(ask(&stub(&target, named), "who").unwrap(), "alice.test");
    let common = authority.client().identity(authority.issue(&[], "bob"));
    assert_eq!(ask(&stub(&target, common), "who").unwrap(), "bob");
}

/// A client without the certificate that the server requires gets UNAVAILABLE, with the reason.
#[test]
fn a_client_without_a_certificate_learns_why_it_is_refused() {
    let authority = Authority::new();
    let (sender, failures) = channel();
    let tls = authority.server().client_roots_pem(authority.0.pem()).unwrap();
    let tls = tls.on_failed_handshake(move |_, error| {
        let _ = sender.send(error.to_string());
    });
    let (_server, target) = serve(tls);
    let status = ask(&stub(&target, authority.client()), "hello").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("expects a certificate and got none"), "{status}");
    let failure = failures.recv_timeout(PATIENCE).unwrap();
    assert_eq!(failure, "TLS handshake: expected a certificate of the peer, got none");
}

/// A server whose certificate is not trusted gets no call: UNAVAILABLE, with the reason.
#[test]
fn an_untrusted_server_gets_no_call() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_server, target) = serve(other.server());
    let status = ask(&stub(&target, authority.client()), "hello").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("TLS handshake: the peer's certificate"), "{status}");
}

/// A plain client of a TLS port, and a TLS client of a plain port, end with UNAVAILABLE.
#[test]
fn plain_and_tls_do_not_meet() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server());
    let status = ask(&stub(&target, ChannelCredentials::insecure()), "hello").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let (_server, target) = serve(ServerCredentials::insecure());
    let status = ask(&stub(&target, authority.client()), "hello").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

/// Attacks 12 and 38: peers that are slow in their handshake, talk nonsense or leave, disturb
/// nobody; a server stops while some are still at it.
#[test]
fn slow_and_broken_handshakes_disturb_nobody() {
    let authority = Authority::new();
    let (server, target) = serve(authority.server());
    let address = target.strip_prefix("ipv4:").unwrap();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut noisy = TcpStream::connect(address).unwrap();
    noisy.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert, and then the end.
    let _ = noisy.read_to_end(&mut answer);
    drop(TcpStream::connect(address).unwrap());
    assert_eq!(ask(&stub(&target, authority.client()), "hello").unwrap(), "hello");
    server.stop(Duration::ZERO);
    for mut peer in silent {
        // The end, or a reset, and no longer the handshake's time.
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let end = peer.read(&mut [0; 8]);
        assert!(end.is_ok_and(|count| count == 0), "the connection is closed");
    }
}

/// Messages that are larger than every buffer on their way, in both directions at once.
#[test]
fn large_messages_travel_by_tls() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server());
    let stub = stub(&target, authority.client());
    let large = "0123456789".repeat(500_000);
    assert!(ask(&stub, &large).unwrap() == large);
    let (mut sender, mut replies) = stub.chat(()).unwrap().split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..10 {
                sender.send(HelloRequest::from(large.as_str())).unwrap();
            }
            sender.close_send();
        });
        let count = replies.by_ref().map(|reply| reply.unwrap().message.len()).sum::<usize>();
        assert_eq!(count, 50_000_000);
    });
}

/// gRFC A81: a call may name another authority that the certificate has, and no other.
#[test]
fn an_authority_is_verified_against_the_certificate() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server());
    let stub = stub(&target, authority.client());
    let call = |name: &str| stub.say_hello(Request::new(HelloRequest::from("a")).authority(name));
    call("other.test").unwrap();
    call("other.test:443").unwrap();
    let status = call("evil.test").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("expected the name evil.test, got "), "{status}");
}

/// A channel that is closed gives up a connection that its peer does not answer, in the middle of a TLS
/// handshake and without one: who waits for it is told at once, and the socket is closed.
#[test]
fn closing_interrupts_a_handshake_that_callers_wait_for() {
    let hour = Duration::from_secs(3600);
    let credentials: [ChannelCredentials; 2] =
        [Authority::new().client().into(), ChannelCredentials::insecure()];
    for credentials in credentials {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let builder = Channel::builder(&target).credentials(credentials).connect_timeout(hour);
        let channel = builder.build().unwrap();
        let stub = GreeterStub::new(channel.clone());
        thread::scope(|scope| {
            let fails_fast = Request::new(HelloRequest::default());
            let patient = fails_fast.clone().wait_for_ready();
            let callers = [fails_fast, patient]
                .map(|request| scope.spawn(|| stub.say_hello(request).map(drop).unwrap_err()));
            let (mut silent, _) = listener.accept().unwrap();
            silent.set_read_timeout(Some(PATIENCE)).unwrap();
            // The client has begun, and gets no answer.
            silent.read_exact(&mut [0]).unwrap();
            channel.close();
            for caller in callers {
                let status = caller.join().unwrap();
                assert_eq!(status.to_string(), "CANCELLED: the channel is closed");
            }
            silent.read_to_end(&mut Vec::new()).unwrap();
        });
    }
}

/// Call credentials are sent over TLS, and refused without it before anything is sent.
#[test]
fn call_credentials_need_protection() {
    let authority = Authority::new();
    let (_server, target) = serve(authority.server());
    let call = |stub: &GreeterStub| {
        let request = Request::new(HelloRequest::from("token"));
        stub.say_hello(request.call_credentials(AccessToken::new("t"))).map(|it| it.message.clone())
    };
    assert_eq!(call(&stub(&target, authority.client())).unwrap(), "Bearer t");
    let (_server, target) = serve(ServerCredentials::insecure());
    for credentials in [ChannelCredentials::insecure(), ChannelCredentials::local()] {
        // Loopback counts as unprotected for local credentials too.
        let status = call(&stub(&target, credentials)).unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}

/// local_channel_credentials, local_server_credentials: what stays within the machine is known to,
/// and a Unix socket takes call credentials.
#[cfg(unix)]
#[test]
fn local_credentials_stay_within_the_machine() {
    let path = std::env::temp_dir().join(format!("rust-grpc-local-{}", std::process::id()));
    let server = Server::builder()
        .add_service(GreeterServer::new(Knowing))
        .bind_secure(format!("unix:{}", path.display()), ServerCredentials::local())
        .unwrap()
        .bind_secure("127.0.0.1:0", ServerCredentials::local())
        .unwrap()
        .start()
        .unwrap();
    for address in server.local_addresses() {
        let stub = stub(&address.to_string(), ChannelCredentials::local());
        assert_eq!(ask(&stub, "security").unwrap(), "local");
    }
    let stub = stub(&format!("unix:{}", path.display()), ChannelCredentials::local());
    let request = Request::new(HelloRequest::from("token")).call_credentials(AccessToken::new("t"));
    assert_eq!(stub.say_hello(request).unwrap().message, "Bearer t");
}

/// What cannot work is refused when the channel or the server is made.
#[test]
fn impossible_credentials_are_refused_when_made() {
    let authority = Authority::new();
    let (one, two) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::default().signed_by(&one, &authority.0).unwrap();
    let mixed = Identity::from_pem(certificate.pem(), two.serialize_pem()).unwrap();
    let error = Server::builder().bind_secure("127.0.0.1:0", ServerTls::new(mixed.clone()));
    let error = error.map(drop).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let status = Channel::secure("localhost:1", authority.client().identity(mixed)).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "identity: the private key is not the one of the certificate");
}
