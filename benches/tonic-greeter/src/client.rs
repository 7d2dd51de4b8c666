//! The greeter's client with tonic: `greeter-client [TARGET [NAME...]]`.

use std::time::Duration;

use hello::HelloRequest;
use hello::greeter_client::GreeterClient;
use tonic::Request;

mod hello {
    tonic::include_proto!("hello");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_else(|| "localhost:50051".to_owned());
    let mut greeter = GreeterClient::connect(format!("http://{target}")).await?;
    for name in arguments {
        let mut request = Request::new(HelloRequest { name });
        request.set_timeout(Duration::from_secs(5));
        println!("{}", greeter.say_hello(request).await?.into_inner().message);
    }
    Ok(())
}
