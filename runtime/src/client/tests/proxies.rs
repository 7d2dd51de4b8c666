//! gRFC A1: proxies that the environment names. tests/http_proxy.rs has what a channel says to them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder};
use crate::grpc::{Code, Status};
use crate::transport::credentials::ChannelCredentials;

/// Builds in an environment whose `https_proxy` is `url`.
fn build(builder: ChannelBuilder, url: &str) -> Result<Channel, Status> {
    builder.build_in(|name| (name == "https_proxy").then(|| url.to_owned()))
}

/// A channel asks the proxy that the environment had for it when it was built, unless it was told
/// otherwise.
#[test]
fn the_proxy_of_the_environment_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let answering = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
        let mut request = [0; 30];
        client.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"CONNECT greeter.invalid:1 HTTP");
    });
    let url = format!("http://{proxy}");
    let channel = build(Channel::builder("greeter.invalid:1"), &url).unwrap();
    let status = Stub(channel).unary(text("a")).unwrap_err();
    let refusal = format!(
        "UNAVAILABLE: connect to greeter.invalid:1: proxy {proxy}: answered CONNECT \
         greeter.invalid:1 with \"HTTP/1.1 403 Forbidden\""
    );
    assert_eq!(status.to_string(), refusal);
    answering.join().unwrap();

    let given = Channel::builder("greeter.invalid:1").http_proxy("http://127.0.0.1:1");
    let status = Stub(build(given, &url).unwrap()).unary(text("a")).unwrap_err();
    assert!(status.message().contains(": proxy 127.0.0.1:1: "), "{status}");
    for direct in [
        Channel::builder("greeter.invalid:1").disable_http_proxy(),
        Channel::builder("greeter.invalid:1").credentials(ChannelCredentials::local()),
    ] {
        let status = Stub(build(direct, &url).unwrap()).unary(text("a")).unwrap_err();
        assert!(status.message().contains("look-up of greeter.invalid"), "{status}");
    }
}

/// What the environment holds and no channel can use is told by those that would.
#[test]
fn a_proxy_of_the_environment_that_cannot_be_is_told() {
    let url = "socks5://proxy:1080";
    let status = build(Channel::builder("greeter.invalid:1"), url).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let start = "HTTP proxy: https_proxy of the environment: the scheme \"socks5\" is not known;";
    assert!(status.message().starts_with(start), "{status}");
    build(Channel::builder("greeter.invalid:1").disable_http_proxy(), url).unwrap();
    build(Channel::builder("localhost:1"), url).unwrap();
    build(Channel::builder("unix:/s"), url).unwrap();
}
