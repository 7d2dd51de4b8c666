//! `interop-server ADDRESS`: serves `interop.Interop`, prints where, and stops when standard input ends.

use std::io::Read;
use std::time::Duration;

use rust_grpc::channelz::{Channelz, ChannelzService};
use rust_grpc::health::{HealthService, ServingStatus};
use rust_grpc::{Channel, Server};
use rust_grpc_interop::proto::interop::{EchoRequest, InteropServer, InteropStub};
use rust_grpc_interop::server::InteropService;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: interop-server ADDRESS")?;
    let health = HealthService::new();
    health.set("interop.Interop", ServingStatus::Serving);
    let channelz = Channelz::new();
    let server = Server::builder()
        .max_workers(32)
        .channelz(&channelz)
        .add_service(InteropServer::new(InteropService::new(health.clone())))
        .add_service(health)
        .add_service(ChannelzService::new(&channelz))
        .enable_reflection()
        .bind(&address)?
        .start()?;
    // A channel to be told of, which has made one call.
    let target = server.local_addresses()[0].to_string();
    let channel = Channel::builder(&target).channelz(&channelz).build()?;
    InteropStub::new(channel.clone()).echo(EchoRequest::default())?;
    println!("{target}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop(Duration::from_secs(1));
    Ok(())
}
