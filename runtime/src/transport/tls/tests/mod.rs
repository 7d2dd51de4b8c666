//! What the tests of TLS share: an authority that issues certificates, and two ends of a wire that
//! shake hands.

mod handshakes;
mod reload;
mod wires;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, KeyPair};

use super::*;
use crate::transport::memory::{MemoryWire, pair};
use crate::transport::wire::Interest;
use crate::transport::{Wire, now};

/// Longer than anything here takes; never waited for when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name of the server in all tests.
const HOST: &str = "server.test";

/// Who issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in PEM.
struct Issued {
    chain: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `names`, of both purposes.
    fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| ())
    }

    fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<_> = names.iter().copied().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// A server of this authority that is called [`HOST`].
    fn server(&self) -> ServerTls {
        ServerTls::new(self.issue(&[HOST]).identity())
    }

    /// A client that trusts this authority alone.
    fn client(&self) -> ClientTls {
        ClientTls::new().roots_pem(self.pem()).unwrap()
    }
}

impl Issued {
    fn identity(&self) -> Identity {
        Identity::from_pem(&self.chain, &self.key).unwrap()
    }
}

type Outcome = io::Result<Box<dyn Wire>>;

/// A handshake in memory, as both sides see it.
fn shake(server: &ServerTls, client: &ClientTls) -> (Outcome, Outcome) {
    shake_over(pair(), server, client, HOST)
}

/// A handshake over `wires`, the client's first, of a client that calls `host`.
fn shake_over(
    wires: (MemoryWire, MemoryWire),
    server: &ServerTls,
    client: &ClientTls,
    host: &str,
) -> (Outcome, Outcome) {
    let (near, far) = wires;
    let server = server.handshake().unwrap();
    let client = client.for_host(host).unwrap();
    let serving = thread::spawn(move || server.secure(Arc::new(far)));
    let near = client.secure(Box::new(near), now().checked_add(PATIENCE));
    (near, serving.join().unwrap())
}

/// Two ends of an encrypted wire, the client's first.
fn connected(server: &ServerTls, client: &ClientTls) -> (Box<dyn Wire>, Box<dyn Wire>) {
    let (near, far) = shake(server, client);
    (near.unwrap(), far.unwrap())
}

/// Reads until something comes, or the error.
fn read(wire: &dyn Wire, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match wire.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
        let found = wire.wait(Interest::READ, Some(PATIENCE)).unwrap();
        // A wake, or something that was no plaintext, is an early return.
        let _ = found;
    }
}

/// Writes all of `bytes`, waiting for the peer to read.
fn write_all(wire: &dyn Wire, mut bytes: &[u8]) {
    const WRITE: Interest = Interest { read: false, write: true };
    while !bytes.is_empty() {
        match wire.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wire.wait(WRITE, Some(PATIENCE)).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn words(outcome: Outcome) -> String {
    match outcome {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.to_string(),
    }
}
