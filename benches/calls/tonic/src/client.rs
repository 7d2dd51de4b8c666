//! `tonic-client PORT current|multi WORKLOAD`: see `measure::Workload` for the workloads.

use std::error::Error;
use std::time::{Duration, Instant};

use common::perf::bench_client::BenchClient;
use common::perf::{Req, StreamReq};
use measure::{Report, Started, WARM_UP, Workload, check};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

type Client = BenchClient<Channel>;
type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let runtime = common::runtime(&words.next().ok_or("expected current or multi")?)?;
    let workload = Workload::from_words(words).map_err(|error| error.to_string())?;
    runtime.block_on(run(port, workload))
}

async fn run(port: String, workload: Workload) -> Result<(), AnyError> {
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.connect().await?;
    let mut client = BenchClient::new(channel)
        .max_decoding_message_size(measure::MESSAGE_SIZE_MAX)
        .max_encoding_message_size(measure::MESSAGE_SIZE_MAX);
    match workload {
        Workload::Once { size } => {
            let payload = client.unary(request(size)).await?.into_inner().payload;
            check(payload.len(), size);
        }
        Workload::Unary { callers, size, time } => {
            let warm_up = phase(&client, callers, size, time.mul_f64(WARM_UP)).await?.len();
            let started = Started::now();
            let latencies = phase(&client, callers, size, time).await?;
            started.calls(warm_up, latencies, size).print();
        }
        Workload::Stream { count, size } => {
            let started = Started::now();
            let asked = StreamReq { count, size: size as u32 };
            let mut replies = client.server_stream(asked).await?.into_inner();
            let mut left = count;
            while let Some(reply) = replies.message().await? {
                check(reply.payload.len(), size);
                left -= 1;
            }
            assert_eq!(left, 0, "replies are missing");
            started.stream(count, size).print();
        }
        Workload::Bidi { size, time } => exchange(client, size, time).await?.print(),
    }
    Ok(())
}

async fn phase(
    client: &Client,
    callers: usize,
    size: usize,
    time: Duration,
) -> Result<Vec<u64>, AnyError> {
    if callers == 1 {
        return Ok(repeat(client.clone(), size, time).await?);
    }
    let tasks: Vec<_> =
        (0..callers).map(|_| tokio::spawn(repeat(client.clone(), size, time))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(latencies)
}

/// tonic's client takes a message by value: the payload is copied for each call.
async fn repeat(mut client: Client, size: usize, time: Duration) -> Result<Vec<u64>, Status> {
    let request = request(size);
    let mut latencies = Vec::new();
    let mut begun = Instant::now();
    let until = begun + time;
    loop {
        let reply = client.unary(request.clone()).await?.into_inner();
        check(reply.payload.len(), size);
        let now = Instant::now();
        latencies.push((now - begun).as_nanos() as u64);
        if now >= until {
            return Ok(latencies);
        }
        begun = now;
    }
}

async fn exchange(mut client: Client, size: usize, time: Duration) -> Result<Report, AnyError> {
    let (sender, receiver) = mpsc::channel(4);
    let request = request(size);
    sender.send(request.clone()).await?;
    let mut replies = client.bidi(ReceiverStream::new(receiver)).await?.into_inner();
    replies.message().await?;
    let (mut report, mut warm_up) = (None, 0);
    for time in [time.mul_f64(WARM_UP), time] {
        let started = Started::now();
        let mut latencies = Vec::new();
        let mut begun = Instant::now();
        let until = begun + time;
        while begun < until {
            sender.send(request.clone()).await?;
            let reply = replies.message().await?.ok_or("the stream has ended")?;
            check(reply.payload.len(), size);
            let now = Instant::now();
            latencies.push((now - begun).as_nanos() as u64);
            begun = now;
        }
        let count = latencies.len();
        report = Some(started.calls(warm_up, latencies, size));
        warm_up = count;
    }
    Ok(report.expect("two phases have run"))
}

fn request(size: usize) -> Req {
    Req { payload: vec![b'x'; size] }
}
