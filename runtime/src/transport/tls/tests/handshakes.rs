//! Who is let in, who is refused, and with which words.

use rcgen::date_time_ymd;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;

/// A client's word on a connection that its handshake has let through: under TLS 1.3 a server's
/// refusal of the client comes after the client's part is over.
fn refusal_behind(near: Outcome) -> String {
    match near {
        Err(error) => error.to_string(),
        Ok(wire) => read(&*wire, &mut [0; 64]).unwrap_err().to_string(),
    }
}

/// Checklist 67, RFC 9113 3.2: who has a certificate of a trusted root for the right name, and
/// speaks h2, is connected; each side knows what the other has shown.
#[test]
fn a_trusted_server_is_connected() {
    let authority = Authority::new("roots");
    let (near, far) = connected(&authority.server(), &authority.client());
    let server = near.auth_context();
    assert_eq!(server.transport_security_type(), "ssl");
    assert_eq!(server.get("security_level"), Some("TSI_PRIVACY_AND_INTEGRITY"));
    assert_eq!(server.peer_identity_key(), Some("x509_subject_alternative_name"));
    assert_eq!(server.peer_identities().collect::<Vec<_>>(), [HOST]);
    let client = far.auth_context();
    assert_eq!(client.transport_security_type(), "ssl");
    assert!(!client.is_peer_authenticated());
}

/// RFC 9525: a certificate for another name is refused, and the words have both names.
#[test]
fn a_wrong_name_is_refused() {
    let authority = Authority::new("roots");
    let server = ServerTls::new(authority.issue(&["a.test", "b.test"]).identity());
    let (near, far) = shake(&server, &authority.client());
    assert_eq!(
        words(near),
        "TLS handshake: the peer's certificate: expected the name server.test, got a.test, b.test"
    );
    assert!(words(far).starts_with("TLS handshake: the peer refused: "));
}

/// grpc.ssl_target_name_override: the name that is set is asked for and expected.
#[test]
fn another_name_may_be_expected() {
    let authority = Authority::new("roots");
    let server = ServerTls::new(authority.issue(&["other.test"]).identity());
    connected(&server, &authority.client().server_name("other.test"));
}

/// Checklist 67: an IP address is verified as an address of the certificate, and never sent as SNI
/// (RFC 6066 3).
#[test]
fn an_address_is_verified_and_not_asked_for() {
    let authority = Authority::new("roots");
    let named = authority.issue(&["a.test"]);
    let addressed = authority.issue(&["127.0.0.1"]);
    // Without SNI the first identity is shown.
    let server = ServerTls::new(addressed.identity()).identity(named.identity());
    let (near, _far) = shake_over(pair(), &server, &authority.client(), "127.0.0.1");
    assert_eq!(near.unwrap().auth_context().get("peer_ip"), Some("127.0.0.1"));
    let (near, _far) = shake_over(pair(), &server, &authority.client(), "127.0.0.2");
    assert!(words(near).contains("expected the name 127.0.0.2, got "));
}

/// RFC 6066 3: of several identities the one is shown that has the name asked for; the first one
/// where none has.
#[test]
fn the_identity_is_chosen_by_sni() {
    let authority = Authority::new("roots");
    let server = ServerTls::new(authority.issue(&["a.test"]).identity())
        .identity(authority.issue(&["b.test", "*.c.test"]).identity());
    let shown = |host: &str| {
        let (near, _far) = shake_over(pair(), &server, &authority.client(), host);
        near.map(|wire| wire.auth_context().peer_identities().next().unwrap().to_owned())
    };
    assert_eq!(shown("a.test").unwrap(), "a.test");
    assert_eq!(shown("b.test").unwrap(), "b.test");
    assert_eq!(shown("x.c.test").unwrap(), "b.test");
    assert!(shown("d.test").unwrap_err().to_string().ends_with("d.test, got a.test"));
}

/// RFC 5280 4.1.2.5: a certificate is refused before and after its time.
#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new("roots");
    let from_to = |from: i32, to: i32| {
        let issued = authority.issue_with(&[HOST], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        words(shake(&ServerTls::new(issued.identity()), &authority.client()).0)
    };
    assert!(from_to(2000, 2001).starts_with("TLS handshake: the peer's certificate expired "));
    assert!(from_to(3000, 3001).starts_with("TLS handshake: the peer's certificate is valid in "));
}

/// A certificate of a root that is not trusted is refused.
#[test]
fn an_unknown_authority_is_refused() {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let (near, far) = shake(&unknown.server(), &known.client());
    assert_eq!(
        words(near),
        "TLS handshake: the peer's certificate: expected one that a trusted root has issued, got \
         one of an unknown issuer"
    );
    assert_eq!(
        words(far),
        "TLS handshake: the peer refused: it does not trust the issuer of our certificate \
         (alert UnknownCA)"
    );
}

/// Mutual TLS: the server knows the client by its certificate.
#[test]
fn a_client_is_known_by_its_certificate() {
    let authority = Authority::new("roots");
    let issued = authority.issue_with(&["client.test"], |params| {
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.subject_alt_names.push(rcgen::SanType::URI("spiffe://t/a".try_into().unwrap()));
    });
    let server = authority.server().client_roots_pem(authority.pem()).unwrap();
    let (_near, far) = connected(&server, &authority.client().identity(issued.identity()));
    let client = far.auth_context();
    assert_eq!(client.peer_identities().collect::<Vec<_>>(), ["client.test", "spiffe://t/a"]);
    assert_eq!(client.get("x509_common_name"), Some("alice"));
    assert_eq!(client.get("peer_spiffe_id"), Some("spiffe://t/a"));
    let plain = |pem: &str| pem.replace("\r\n", "\n");
    assert_eq!(client.get("x509_pem_cert").map(plain), Some(plain(&issued.chain)));
}

/// require_client_auth: a client without a certificate is refused, and learns why.
#[test]
fn a_client_without_a_certificate_is_refused() {
    let authority = Authority::new("roots");
    let server = authority.server().client_roots_pem(authority.pem()).unwrap();
    let (near, far) = shake(&server, &authority.client());
    assert_eq!(words(far), "TLS handshake: expected a certificate of the peer, got none");
    assert_eq!(
        refusal_behind(near),
        "TLS: the peer refused: it expects a certificate and got none (alert CertificateRequired)"
    );
}

/// A client's certificate of another root is refused, required or not.
#[test]
fn a_client_of_an_unknown_authority_is_refused() {
    let (authority, unknown) = (Authority::new("roots"), Authority::new("unknown"));
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let server = authority.server().client_roots_pem(authority.pem()).unwrap();
        let client = authority.client().identity(unknown.issue(&["client.test"]).identity());
        let (near, far) = shake(&server.client_certificates(asked), &client);
        assert!(words(far).ends_with("got one of an unknown issuer"));
        assert!(refusal_behind(near).contains("does not trust the issuer of our certificate"));
    }
}

/// Optional certificates: who shows none is served without an identity, who shows one has it.
#[test]
fn a_certificate_may_be_optional() {
    let authority = Authority::new("roots");
    let server = authority.server().client_roots_pem(authority.pem()).unwrap();
    let server = server.client_certificates(ClientCertificates::Optional);
    let (_near, far) = connected(&server, &authority.client());
    assert!(!far.auth_context().is_peer_authenticated());
    let client = authority.client().identity(authority.issue(&["client.test"]).identity());
    let (_near, far) = connected(&server, &client);
    assert_eq!(far.auth_context().peer_identities().collect::<Vec<_>>(), ["client.test"]);
}

/// The configuration of a user, whose settings of ALPN are not ours.
fn foreign_server(authority: &Authority, alpn: &[&[u8]]) -> ServerConfig {
    let issued = authority.issue(&[HOST]);
    let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes());
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = provider_or_default(None).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

fn foreign_client(authority: &Authority, alpn: &[&[u8]]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider_or_default(None).unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// RFC 9113 3.2: a server that does not choose h2 by ALPN is refused by the client.
#[test]
fn a_server_without_h2_is_refused() {
    let authority = Authority::new("roots");
    let refusal = |alpn: &[&[u8]]| {
        let config = Arc::new(foreign_server(&authority, alpn));
        let (near, far) = pair();
        let tls = rustls::ServerConnection::new(config).unwrap();
        let serving = thread::spawn(move || {
            handshake::shake_hands(Arc::new(far), tls.into(), now().checked_add(PATIENCE))
        });
        let client = authority.client().for_host(HOST).unwrap();
        let near = client.secure(Box::new(near), now().checked_add(PATIENCE));
        assert!(serving.join().unwrap().is_err());
        words(near)
    };
    let expected = "TLS handshake: the peer does not speak HTTP/2: expected ALPN h2, got none";
    assert_eq!(refusal(&[]), expected);
    let expected = "TLS handshake: the peer refused: it does not speak HTTP/2 (ALPN h2) \
                    (alert NoApplicationProtocol)";
    assert_eq!(refusal(&[b"http/1.1"]), expected);
}

/// RFC 9113 3.2: a client that does not offer h2 by ALPN is refused by the server.
#[test]
fn a_client_without_h2_is_refused() {
    let authority = Authority::new("roots");
    let refusal = |alpn: &[&[u8]]| {
        let config = Arc::new(foreign_client(&authority, alpn));
        let (near, far) = pair();
        let tls = rustls::ClientConnection::new(config, HOST.try_into().unwrap()).unwrap();
        let server = authority.server().handshake().unwrap();
        let serving = thread::spawn(move || server.secure(Arc::new(far)));
        let near = handshake::shake_hands(Arc::new(near), tls.into(), now().checked_add(PATIENCE));
        assert!(near.is_err());
        words(serving.join().unwrap())
    };
    let none = "TLS handshake: the peer does not speak HTTP/2: expected ALPN h2, got none";
    assert_eq!(refusal(&[]), none);
    let other = "TLS handshake: the peer does not speak HTTP/2: expected ALPN h2, got others";
    assert_eq!(refusal(&[b"http/1.1"]), other);
}

/// A user's own configuration of rustls is used, with ALPN set to h2.
#[test]
fn a_configuration_of_rustls_is_taken() {
    let authority = Authority::new("roots");
    let server = ServerTls::from_config(foreign_server(&authority, &[b"http/1.1"]));
    let client = ClientTls::from_config(foreign_client(&authority, &[]));
    connected(&server, &client);
    let error = client.roots_pem(authority.pem()).unwrap_err();
    assert_eq!(error.to_string(), "roots_pem cannot be set: rustls was configured by from_config");
}

/// Both versions of TLS that HTTP/2 allows (RFC 9113 9.2) are spoken.
#[test]
fn tls_1_2_is_spoken() {
    let authority = Authority::new("roots");
    let config = ClientConfig::builder_with_provider(provider_or_default(None).unwrap())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let client = ClientTls::from_config(config.with_root_certificates(roots).with_no_client_auth());
    let (near, far) = connected(&authority.server(), &client);
    write_all(&*near, b"hello");
    let mut buffer = [0; 8];
    assert_eq!(read(&*far, &mut buffer).unwrap(), 5);
}

/// A second connection of a channel resumes the session of the first, and knows the same peer.
#[test]
fn a_session_is_resumed() {
    let authority = Authority::new("roots");
    let server = authority.server().client_roots_pem(authority.pem()).unwrap();
    let server = Arc::new(server.handshake().unwrap());
    let client = authority.client().identity(authority.issue(&["client.test"]).identity());
    let client = client.for_host(HOST).unwrap();
    let connect = || {
        let (near, far) = pair();
        let server = Arc::clone(&server);
        let serving = thread::spawn(move || server.secure(Arc::new(far)).unwrap());
        let near = client.secure(Box::new(near), now().checked_add(PATIENCE)).unwrap();
        let far = serving.join().unwrap();
        // The ticket comes before the first bytes.
        write_all(&*far, b"x");
        assert_eq!(read(&*near, &mut [0; 8]).unwrap(), 1);
        let context = far.auth_context();
        assert_eq!(context.peer_identities().collect::<Vec<_>>(), ["client.test"]);
        context.get("ssl_session_reused").unwrap().to_owned()
    };
    assert_eq!(connect(), "false");
    assert_eq!(connect(), "true");
}

/// Attack 38: a handshake that is cut at any byte, in either direction, ends with an error on both
/// sides, and never with a connection.
#[test]
fn a_handshake_cut_at_any_byte_is_refused() {
    let authority = Authority::new("roots");
    let (server, client) = (authority.server(), authority.client());
    // How long the client's part is, by a whole handshake.
    let (near, far) = pair();
    let up = near.knobs();
    let (near, far) = shake_over((near, far), &server, &client, HOST);
    let whole = usize::try_from(up.passed()).unwrap();
    drop((near, far));
    for length in 0..whole {
        let (near, far) = pair();
        let sent = record_client(&client, near, length);
        let server = server.handshake().unwrap();
        let serving = thread::spawn(move || server.secure(Arc::new(far)));
        sent.join().unwrap();
        let error = words(serving.join().unwrap());
        assert_eq!(error, "TLS handshake: the peer closed the connection before the end");
    }
}

/// Shakes hands over a wire that carries `length` bytes of the client and then ends.
fn record_client(client: &ClientTls, near: MemoryWire, length: usize) -> thread::JoinHandle<()> {
    let client = client.for_host(HOST).unwrap();
    let wire = CutWire { inner: near, left: length.into() };
    thread::spawn(move || {
        // It may be over for the client before the last bytes have gone.
        let _ = client.secure(Box::new(wire), now().checked_add(PATIENCE));
    })
}

/// A wire whose writing ends after so many bytes.
struct CutWire {
    inner: MemoryWire,
    left: std::sync::atomic::AtomicUsize,
}

impl Wire for CutWire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        use std::sync::atomic::Ordering::Relaxed;
        let left = self.left.load(Relaxed);
        if left == 0 {
            self.inner.end_writing();
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = self.inner.write(&bytes[..bytes.len().min(left)])?;
        self.left.store(left - count, Relaxed);
        Ok(count)
    }
    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.inner.wait(interest, timeout)
    }
    fn wake(&self) {
        self.inner.wake();
    }
    fn end_writing(&self) {
        self.inner.end_writing();
    }
    fn shutdown(&self) {
        self.inner.shutdown();
    }
    fn peer(&self) -> &crate::transport::Address {
        self.inner.peer()
    }
    fn local(&self) -> &crate::transport::Address {
        self.inner.local()
    }
}

/// Handshakes do not depend on how the network cuts their bytes.
#[test]
fn a_handshake_in_single_bytes_is_the_same() {
    let authority = Authority::new("roots");
    let (near, far) = pair();
    near.knobs().split_reads(1);
    far.knobs().split_reads(1);
    let (near, far) = shake_over((near, far), &authority.server(), &authority.client(), HOST);
    assert!(near.is_ok() && far.is_ok());
}

/// Attack 45: a peer that does not speak TLS at all is refused in words.
#[test]
fn plain_bytes_are_refused() {
    let authority = Authority::new("roots");
    let (near, far) = pair();
    near.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let error = words(authority.server().handshake().unwrap().secure(Arc::new(far)));
    assert!(error.starts_with("TLS handshake: expected TLS, got bytes that are none ("), "{error}");
    drop(near);
}

/// Attacks 12 and 38: a peer that says nothing has its time, and no more.
#[test]
fn a_slow_handshake_ends_with_its_time() {
    let authority = Authority::new("roots");
    let (_near, far) = pair();
    let server = authority.server().handshake_timeout(Duration::from_millis(1));
    let error = server.handshake().unwrap().secure(Arc::new(far)).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "TLS handshake: not over within its time");
    let (near, _far) = pair();
    let client = authority.client().for_host(HOST).unwrap();
    let error = client.secure(Box::new(near), Some(now())).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

/// gRFC A81: a server may be called by each name of its certificate, and by no other.
#[test]
fn other_authorities_are_verified_against_the_certificate() {
    let authority = Authority::new("roots");
    let server = ServerTls::new(authority.issue(&[HOST, "*.other.test"]).identity());
    let (near, _far) = connected(&server, &authority.client());
    assert_eq!(near.verify_host(HOST), Ok(()));
    assert_eq!(near.verify_host("a.other.test"), Ok(()));
    assert_eq!(
        near.verify_host("evil.test").unwrap_err(),
        "the peer's certificate: expected the name evil.test, got server.test, *.other.test"
    );
    assert!(near.verify_host("a b").is_err());
}

/// What cannot work is refused when it is configured.
#[test]
fn unusable_certificates_are_refused_in_words() {
    let authority = Authority::new("roots");
    let (one, two) = (authority.issue(&[HOST]), authority.issue(&[HOST]));
    let mixed = Identity::from_pem(&one.chain, &two.key).unwrap();
    let refusal = |tls: ServerTls| tls.handshake().map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        refusal(ServerTls::new(mixed)),
        "identity: the private key is not the one of the certificate"
    );
    let error = authority.client().for_host("a b").map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("server name \"a b\": expected a DNS name"), "{error}");
    let nothing = ServerTls::from_source(|| Ok(Some(Certificates::new())));
    assert_eq!(refusal(nothing), "expected an identity of the server, got none");
    let never = ServerTls::from_source(|| Ok(None));
    assert_eq!(
        refusal(never),
        "source of certificates: expected certificates at the first call, got none"
    );
}
