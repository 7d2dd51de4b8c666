//! Every case against our own server, within this process; `make interop` has the other pairs.

use std::time::Duration;

use clap::Parser;
use rust_grpc::Server;
use rust_grpc_interop_suite::cases;
use rust_grpc_interop_suite::options::ClientOptions;
use rust_grpc_interop_suite::proto::grpc::testing::TestServiceServer;
use rust_grpc_interop_suite::service::InteropService;

/// interop-test-descriptions: every case passes against our own server.
#[test]
fn every_case_passes_against_our_server() {
    let server = Server::builder()
        .max_workers(16)
        .add_service(TestServiceServer::new(InteropService))
        .bind("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap();
    let address = server.local_addresses()[0].to_string();
    let (_, port) = address.rsplit_once(':').unwrap();
    for (case, _) in cases::CASES {
        let flags = [
            "client",
            "--server_host=127.0.0.1",
            &format!("--server_port={port}"),
            &format!("--test_case={case}"),
            "--soak_iterations=3",
            // A loaded machine is slow, and none of this is about speed.
            "--soak_per_iteration_max_acceptable_latency_ms=60000",
            "--slow_consumer_delay_ms=1",
        ];
        let options = ClientOptions::try_parse_from(flags).unwrap();
        cases::run(&options).unwrap_or_else(|error| panic!("{case}: {error}"));
    }
    server.stop(Duration::from_secs(1));
}
