//! Certificates that change while connections are made.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

use super::*;
use crate::transport::lock;

/// A source that a test fills.
#[derive(Clone, Default)]
struct Filled {
    next: Arc<Mutex<Option<Result<Certificates, TlsError>>>>,
    rejected: Arc<Mutex<Vec<String>>>,
}

impl Filled {
    fn give(&self, next: Result<Certificates, TlsError>) {
        *lock(&self.next) = Some(next);
    }
}

impl CertificateSource for Filled {
    fn fetch(&self) -> Result<Option<Certificates>, TlsError> {
        lock(&self.next).take().transpose()
    }
    fn rejected(&self, error: &TlsError) {
        lock(&self.rejected).push(error.to_string());
    }
}

/// Shakes hands once; gives the name that the server shows.
fn shown(server: &ServerHandshake, client: &ClientHandshake) -> io::Result<String> {
    thread::scope(|scope| {
        let (near, far) = pair();
        let serving = scope.spawn(move || server.secure(Arc::new(far)));
        let near = client.secure(Box::new(near), now().checked_add(PATIENCE))?;
        serving.join().unwrap()?;
        Ok(near.auth_context().get("x509_common_name").unwrap_or_default().to_owned())
    })
}

fn called(authority: &Authority, name: &str) -> Issued {
    authority.issue_with(&[HOST], |params| {
        params.distinguished_name.push(DnType::CommonName, name);
    })
}

/// dynamic_ssl_server_credentials: the source is asked at each handshake; what it gives is used
/// from then on, and where it has nothing new, or nothing usable, what was there stays.
#[test]
fn a_source_is_asked_at_each_handshake() {
    let authority = Authority::new("roots");
    let give = |name: &str| Ok(Certificates::new().identity(called(&authority, name).identity()));
    let source = Filled::default();
    source.give(give("first"));
    let server = ServerTls::from_source(source.clone()).handshake().unwrap();
    let client = authority.client().for_host(HOST).unwrap();
    let shown = || shown(&server, &client).unwrap();
    assert_eq!((shown(), shown()), ("first".into(), "first".into()));
    source.give(give("second"));
    assert_eq!((shown(), shown()), ("second".into(), "second".into()));
    source.give(Err(TlsError::new("no certificates today")));
    assert_eq!(shown(), "second");
    let (one, two) = (called(&authority, "one"), called(&authority, "two"));
    let mixed = Identity::from_pem(one.chain, two.key).unwrap();
    source.give(Ok(Certificates::new().identity(mixed)));
    assert_eq!((shown(), shown()), ("second".into(), "second".into()));
    source.give(give("third"));
    assert_eq!(shown(), "third");
    let expected =
        ["no certificates today", "identity: the private key is not the one of the certificate"];
    assert_eq!(*lock(&source.rejected), expected);
}

/// Two listeners, or a listener bound anew, share what one source has given.
#[test]
fn clones_share_a_source() {
    let authority = Authority::new("roots");
    let source = Filled::default();
    let give = |name: &str| Ok(Certificates::new().identity(called(&authority, name).identity()));
    source.give(give("first"));
    let tls = ServerTls::from_source(source.clone());
    let (one, two) = (tls.handshake().unwrap(), tls.handshake().unwrap());
    let client = authority.client().for_host(HOST).unwrap();
    source.give(give("second"));
    assert_eq!(shown(&one, &client).unwrap(), "second");
    assert_eq!(shown(&two, &client).unwrap(), "second");
}

/// The roots of a client change without a new channel: the next connection is verified by them.
#[test]
fn the_roots_of_a_client_are_reloaded() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let roots = |authority: &Authority| Certificates::new().roots_pem(authority.pem());
    let source = Filled::default();
    source.give(roots(&old));
    let client = ClientTls::from_source(source.clone()).for_host(HOST).unwrap();
    let server = new.server().handshake().unwrap();
    assert!(shown(&server, &client).is_err());
    source.give(roots(&new));
    assert!(shown(&server, &client).is_ok());
}

/// Certificates of a folder that a test writes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("rust-grpc-tls-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file whose last change was `age` ago, so that no clock is too coarse.
    fn write(&self, name: &str, text: &str, age: Duration) {
        fs::write(self.path(name), text).unwrap();
        let file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30) - age).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Files are read again when they have changed, by the time of their last change; a pair that does
/// not fit together yet, or a file that is missing, changes nothing.
#[test]
fn changed_files_are_read_again() {
    let authority = Authority::new("roots");
    let folder = Folder::new("reload");
    let write = |issued: &Issued, age: u64| {
        folder.write("chain.pem", &issued.chain, Duration::from_secs(age));
        folder.write("key.pem", &issued.key, Duration::from_secs(age));
    };
    write(&called(&authority, "first"), 9);
    let files = CertificateFiles::new(folder.path("chain.pem"), folder.path("key.pem"));
    let server = ServerTls::from_source(files.clone()).handshake().unwrap();
    let client = authority.client().for_host(HOST).unwrap();
    let shown = || shown(&server, &client).unwrap();
    assert_eq!(shown(), "first");
    let second = called(&authority, "second");
    folder.write("chain.pem", &second.chain, Duration::from_secs(8));
    assert_eq!(shown(), "first");
    let error = files.last_error().unwrap().to_string();
    assert!(error.ends_with("the private key is not the one of the certificate"), "{error}");
    assert!(error.contains("chain.pem with "), "{error}");
    folder.write("key.pem", &second.key, Duration::from_secs(8));
    assert_eq!(shown(), "second");
    assert_eq!(files.last_error(), None);
    fs::remove_file(folder.path("key.pem")).unwrap();
    assert_eq!(shown(), "second");
    assert!(files.last_error().unwrap().to_string().contains("key.pem: "));
    write(&called(&authority, "third"), 7);
    assert_eq!(shown(), "third");
    assert_eq!(files.last_error(), None);
}

/// One description of files serves a server and its own clients: each reads them for itself.
#[test]
fn clones_of_files_read_for_themselves() {
    let authority = Authority::new("roots");
    let folder = Folder::new("clones");
    let write = |issued: &Issued, age: u64| {
        folder.write("chain.pem", &issued.chain, Duration::from_secs(age));
        folder.write("key.pem", &issued.key, Duration::from_secs(age));
    };
    write(&called(&authority, "first"), 9);
    let files = CertificateFiles::new(folder.path("chain.pem"), folder.path("key.pem"));
    let one = ServerTls::from_source(files.clone()).handshake().unwrap();
    let two = ServerTls::from_source(files.clone()).handshake().unwrap();
    let client = authority.client().for_host(HOST).unwrap();
    let shown = || [&one, &two].map(|server| shown(server, &client).unwrap());
    assert_eq!(shown(), ["first", "first"]);
    write(&called(&authority, "second"), 8);
    assert_eq!(shown(), ["second", "second"]);
}

/// A file that could not be read for a moment is no error any more once it can be read again.
#[test]
fn files_that_are_back_are_no_error() {
    let authority = Authority::new("roots");
    let folder = Folder::new("back");
    let issued = called(&authority, "first");
    let write = || {
        folder.write("chain.pem", &issued.chain, Duration::from_secs(9));
        folder.write("key.pem", &issued.key, Duration::from_secs(9));
    };
    write();
    let files = CertificateFiles::new(folder.path("chain.pem"), folder.path("key.pem"));
    let server = ServerTls::from_source(files.clone()).handshake().unwrap();
    let client = authority.client().for_host(HOST).unwrap();
    fs::remove_file(folder.path("key.pem")).unwrap();
    assert_eq!(shown(&server, &client).unwrap(), "first");
    assert!(files.last_error().is_some());
    write();
    assert_eq!(shown(&server, &client).unwrap(), "first");
    assert_eq!(files.last_error(), None);
}
