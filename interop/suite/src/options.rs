//! The flags that every language's interop client and server take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};
use rust_grpc::tls::{ClientTls, Identity, ServerTls, TlsError};
use rust_grpc::{Channel, Status};

/// Runs one case of gRPC's interoperability tests; exits with 0 if it passes.
#[derive(Clone, Debug, Parser)]
#[command(rename_all = "snake_case")]
pub struct ClientOptions {
    /// The host to connect to.
    #[arg(long, default_value = "localhost")]
    pub server_host: String,

    /// The port to connect to.
    #[arg(long)]
    pub server_port: u16,

    /// The host to claim to be connecting to, in :authority and for TLS.
    #[arg(long)]
    pub server_host_override: Option<String>,

    /// The case; `list` prints the names of all.
    #[arg(long, default_value = "large_unary")]
    pub test_case: String,

    /// Whether the connection is encrypted.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub use_tls: bool,

    /// Whether to trust the tests' own certificate authority instead of the system's.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub use_test_ca: bool,

    /// The file of the tests' own certificate authority.
    #[arg(long, default_value = "ca.pem")]
    pub test_ca: PathBuf,

    /// Calls of rpc_soak, channel_soak and long_lived_channel.
    #[arg(long, default_value_t = 10)]
    pub soak_iterations: u32,

    /// Calls that may fail or take too long.
    #[arg(long, default_value_t = 0)]
    pub soak_max_failures: u32,

    /// How long one call may take.
    #[arg(long, default_value_t = 1000)]
    pub soak_per_iteration_max_acceptable_latency_ms: u64,

    /// How long all calls may take; the calls times the limit of one if it is not given.
    #[arg(long)]
    pub soak_overall_timeout_seconds: Option<u64>,

    /// The least time from the beginning of a call to that of the next.
    #[arg(long, default_value_t = 0)]
    pub soak_min_time_ms_between_rpcs: u64,

    /// Milliseconds that slow_consumer waits after each message.
    #[arg(long, default_value_t = 20)]
    pub slow_consumer_delay_ms: u64,
}

impl ClientOptions {
    /// A channel to the server.
    ///
    /// # Errors
    ///
    /// What is wrong with the target or with the certificates.
    pub fn channel(&self) -> Result<Channel, Status> {
        let mut builder = Channel::builder(&format!("{}:{}", self.server_host, self.server_port));
        if let Some(authority) = &self.server_host_override {
            builder = builder.authority(authority.clone());
        }
        if self.use_tls {
            let tls = self.tls().map_err(|error| Status::invalid_argument(error.to_string()))?;
            builder = builder.tls(tls);
        }
        builder.build()
    }

    fn tls(&self) -> Result<ClientTls, TlsError> {
        let mut tls = ClientTls::new();
        if self.use_test_ca {
            let words = |error| TlsError::new(format!("{}: {error}", self.test_ca.display()));
            tls = tls.roots_pem(std::fs::read(&self.test_ca).map_err(words)?)?;
        }
        match &self.server_host_override {
            Some(name) => Ok(tls.server_name(name.clone())),
            None => Ok(tls),
        }
    }

    /// How long all calls of a soak test may take.
    pub fn soak_overall_timeout(&self) -> Duration {
        let of_one = Duration::from_millis(self.soak_per_iteration_max_acceptable_latency_ms);
        match self.soak_overall_timeout_seconds {
            Some(seconds) => Duration::from_secs(seconds),
            None => of_one.saturating_mul(self.soak_iterations),
        }
    }
}

/// Serves gRPC's interoperability tests until a signal comes.
#[derive(Clone, Debug, Parser)]
#[command(rename_all = "snake_case")]
pub struct ServerOptions {
    /// The port to listen on; 0 lets the system choose, and prints it.
    #[arg(long)]
    pub port: u16,

    /// Whether connections are encrypted.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub use_tls: bool,

    /// The file of the server's certificate chain.
    #[arg(long, default_value = "server1.pem")]
    pub tls_certificate: PathBuf,

    /// The file of its key.
    #[arg(long, default_value = "server1.key")]
    pub tls_key: PathBuf,

    /// Whether to stop when standard input ends, too: with the program that has started the server.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub stop_with_input: bool,
}

impl ServerOptions {
    /// How connections are encrypted, if they are.
    ///
    /// # Errors
    ///
    /// What is wrong with the certificate or the key.
    pub fn tls(&self) -> Result<Option<ServerTls>, TlsError> {
        let identity =
            self.use_tls.then(|| Identity::from_pem_files(&self.tls_certificate, &self.tls_key));
        Ok(identity.transpose()?.map(ServerTls::new))
    }
}
