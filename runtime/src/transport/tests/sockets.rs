//! Links over real sockets of this machine, and listeners.

use std::io;
use std::net::{TcpListener, TcpStream};

use super::*;
use crate::transport::Address;
use crate::transport::{Dial, Listener, Listening, Target, connect};

/// A server that answers every request at once, and where it is.
fn serve(place: &str) -> (Listening, String) {
    let listener = Listener::bind(&Target::parse_listening(place).unwrap()).unwrap();
    let address = listener.local().to_string();
    let listening = listener.start("test-accept", &Threads::of_process(), |wire| {
        Link::server(wire, &accepting(Config::default()), |accepted| answer(&accepted.stream))
            .unwrap();
    });
    (listening.unwrap(), address)
}

/// Makes a call to `target`.
fn call(target: &str) {
    let wire = connect(&Target::parse(target).unwrap(), &dial(soon())).unwrap();
    let link = Link::client(wire, Config::default(), "test-client").unwrap();
    let stream = open(&link, &framed(100), true, None).unwrap();
    assert!(matches!(receive(&stream), Incoming::Head { .. }));
    assert_eq!(receive(&stream), Incoming::Trailers(trailers()));
    link.close();
    assert!(link.wait_closed(soon()));
}

fn dial(until: Option<Instant>) -> Dial {
    Dial { until, ..Dial::default() }
}

/// A folder of its own for a test's sockets.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("rust-grpc-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Calls travel over TCP, to the port that the system chose.
#[test]
fn calls_travel_over_tcp() {
    let (_listening, target) = serve("127.0.0.1:0");
    assert!(target.starts_with("ipv4:127.0.0.1:"));
    call(&target);
    call(&target);
}

/// A name stands for its addresses, for listening and for connecting.
#[test]
fn calls_travel_to_a_name() {
    let (listening, address) = serve("localhost:0");
    let port = address.rsplit(':').next().unwrap();
    call(&format!("localhost:{port}"));
    drop(listening);
}

/// The unspecified address takes connections of both families, as far as the system has them.
#[test]
fn the_unspecified_address_takes_ipv4() {
    let (listening, address) = serve("[::]:0");
    let port = address.rsplit(':').next().unwrap();
    call(&format!("127.0.0.1:{port}"));
    drop(listening);
}

/// Calls travel over Unix sockets; the path is removed with the listener.
#[cfg(unix)]
#[test]
fn calls_travel_over_unix_sockets() {
    let folder = folder("path");
    let path = folder.join("s");
    let (listening, target) = serve(&format!("unix:{}", path.display()));
    call(&target);
    drop(listening);
    assert!(!path.exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// A socket that a dead server left behind is replaced; one in use, or any other file, is not.
#[cfg(unix)]
#[test]
fn only_an_abandoned_socket_is_replaced() {
    let folder = folder("stale");
    let path = folder.join("s");
    let place = format!("unix:{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (_listening, target) = serve(&place);
    let in_use = Listener::bind(&Target::parse(&target).unwrap()).err().unwrap();
    assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
    assert!(in_use.to_string().starts_with(&format!("cannot listen at {place}: ")), "{in_use}");
    call(&target);
    let file = folder.join("file");
    std::fs::write(&file, "precious").unwrap();
    let place = format!("unix:{}", file.display());
    assert!(Listener::bind(&Target::parse_listening(&place).unwrap()).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Linux's abstract namespace needs no path.
#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
#[test]
fn calls_travel_over_abstract_sockets() {
    let (_listening, target) =
        serve(&format!("unix-abstract:rust-grpc-test-{}", std::process::id()));
    call(&target);
}

/// Of several addresses the first that answers is taken; if none does, the error names the last.
#[test]
fn connecting_tries_every_address() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let (listening, address) = serve("127.0.0.1:0");
    let open = address.strip_prefix("ipv4:").unwrap();
    call(&format!("ipv4:{closed},{open}"));
    drop(listening);
    let error =
        connect(&Target::parse(&format!("ipv4:{closed}")).unwrap(), &dial(soon())).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().starts_with(&format!("{closed}: ")), "{error}");
}

/// A deadline that has passed is not connected to at all.
#[test]
fn connecting_ends_with_its_deadline() {
    let (listening, target) = serve("127.0.0.1:0");
    let error = connect(&Target::parse(&target).unwrap(), &dial(Some(now()))).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(listening);
}

/// A missing Unix socket is named.
#[cfg(unix)]
#[test]
fn a_missing_socket_is_named() {
    let folder = folder("missing");
    let place = format!("unix:{}", folder.join("s").display());
    let error = connect(&Target::parse(&place).unwrap(), &dial(soon())).err().unwrap();
    assert!(error.to_string().starts_with(&format!("{place}: ")), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Dropping a listener ends its thread and frees its port; a wake is enough, nobody need connect.
#[test]
fn a_dropped_listener_frees_its_port() {
    let (listening, address) = serve("127.0.0.1:0");
    let address = address.strip_prefix("ipv4:").unwrap();
    TcpStream::connect(address).unwrap();
    drop(listening);
    let again = TcpListener::bind(address);
    assert!(again.is_ok(), "{again:?}");
}

/// A large message fills the socket's buffers and still arrives.
#[test]
fn a_full_socket_is_waited_for() {
    let listener = Listener::bind(&Target::parse_listening("127.0.0.1:0").unwrap()).unwrap();
    let target = Target::parse(&listener.local().to_string()).unwrap();
    let config = Config {
        initial_window_size: 64 << 20,
        connection_window_size: 64 << 20,
        ..Config::default()
    };
    let (sender, requests) = channel();
    let accepting = Accepting { receive_limit: 32 << 20, ..accepting(config.clone()) };
    let _listening = listener.start("test-accept", &Threads::of_process(), move |wire| {
        let sender = sender.clone();
        Link::server(wire, &accepting, move |accepted| {
            sender.send(accepted).unwrap();
        })
        .unwrap();
    });
    let link =
        Link::client(connect(&target, &dial(soon())).unwrap(), config, "test-client").unwrap();
    let stream = open(&link, &[], false, None).unwrap();
    let server = requests.recv_timeout(PATIENCE).unwrap().stream;
    stream.send_message(&framed(20 << 20), true, soon()).unwrap();
    assert!(receive(&server) == message(20 << 20));
    assert_eq!(receive(&server), Incoming::End);
    link.close();
    assert!(link.wait_closed(soon()));
}

/// Of a list of addresses the first that answers is taken, though others refuse.
#[test]
fn a_list_leads_to_an_address_that_answers() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_listening, target) = serve("127.0.0.1:0");
    let address = target.strip_prefix("ipv4:").unwrap();
    call(&format!("ipv4:{refusing},{address},{refusing}"));
}

/// An address that takes connections and says nothing is not the first one for ever.
#[test]
fn each_failure_makes_another_address_the_first() {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let target = addresses.map(|address| address.to_string()).join(",");
    let target = Target::parse(&format!("ipv4:{target}")).unwrap();
    for failures in 0..7 {
        let wire = connect(&target, &Dial { until: soon(), failures, ..Dial::default() }).unwrap();
        assert_eq!(*wire.peer(), Address::Tcp(addresses[failures % 3]));
    }
}
