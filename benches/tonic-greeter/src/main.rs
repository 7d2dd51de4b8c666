//! The greeter with tonic: a server and one call of it.

use greeter::greeter_client::GreeterClient;
use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{HelloReply, HelloRequest};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

mod greeter {
    tonic::include_proto!("greeter");
}

struct MyGreeter;

#[tonic::async_trait]
impl Greeter for MyGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        Ok(Response::new(HelloReply { message: format!("Hello, {name}") }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = incoming.local_addr()?;
    tokio::spawn(Server::builder().add_service(GreeterServer::new(MyGreeter)).serve_with_incoming(incoming));
    let mut client = GreeterClient::connect(format!("http://{address}")).await?;
    let reply = client.say_hello(HelloRequest { name: "Alice".into() }).await?;
    println!("{}", reply.into_inner().message);
    Ok(())
}
