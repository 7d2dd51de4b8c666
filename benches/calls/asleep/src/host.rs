//! A server whose methods sleep, and its connections.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proto::asleep::{Req, Resp, Sleepers, SleepersServer, SleepersStub};
use rust_grpc::health::{HealthClient, HealthService};
use rust_grpc::{Channel, Context, FullPool, Pending, Server, Status};

use crate::{CONNECTIONS, SLEEP, WARM_UP_CALLS, WORKERS};

mod proto {
    rust_grpc::include_protos!();
}

/// A server that knows nothing of the methods that sleep; the other ones have been called before.
pub struct Host {
    server: Server,
    asleep: Arc<AtomicUsize>,
    pub connections: Vec<Connection>,
}

impl Host {
    pub fn start(full_pool: FullPool) -> Result<Self, Box<dyn Error>> {
        let asleep = Arc::new(AtomicUsize::new(0));
        let server = Server::builder()
            .max_workers(WORKERS)
            .full_pool(full_pool)
            .add_service(SleepersServer::new(Methods { asleep: asleep.clone() }))
            .add_service(HealthService::new())
            .bind("127.0.0.1:0")?
            .start()?;
        let target = server.local_addresses()[0].to_string();
        let connections =
            (0..CONNECTIONS).map(|_| Connection::warm(&target)).collect::<Result<_, _>>()?;
        Ok(Self { server, asleep, connections })
    }

    /// Begins calls that sleep, each of another method, at once on the first connection.
    pub fn begin(&self, count: usize) -> Result<Begun, Status> {
        let stub = &self.connections[0].stub;
        Ok(Begun(SLEEPERS[..count].iter().map(|sleeper| sleeper(stub)).collect::<Result<_, _>>()?))
    }

    /// # Errors
    ///
    /// If not as many sleep: then a call beside them has waited until they woke, or they did not get as far.
    pub fn expect_asleep(&self, count: usize) -> Result<(), String> {
        match self.asleep.load(Ordering::Relaxed) {
            found if found == count => Ok(()),
            found => Err(format!(
                "expected {count} handlers asleep after the calls beside them, got {found}"
            )),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.server.stop(SLEEP);
    }
}

/// Calls that sleep.
pub struct Begun(Vec<Pending<Resp>>);

impl Begun {
    pub fn wait(self) -> Result<(), Box<dyn Error>> {
        for call in self.0 {
            call.wait()?;
        }
        Ok(())
    }
}

/// A channel, which has one connection.
pub struct Connection {
    stub: SleepersStub,
    health: HealthClient,
}

impl Connection {
    fn warm(target: &str) -> Result<Self, Status> {
        let channel = Channel::insecure(target)?;
        let stub = SleepersStub::new(channel.clone());
        let warm = Self { stub, health: HealthClient::new(channel) };
        for _ in 0..WARM_UP_CALLS {
            warm.brief()?;
            warm.health()?;
        }
        Ok(warm)
    }

    pub fn brief(&self) -> Result<(), Status> {
        self.stub.brief(Req::default()).map(drop)
    }

    pub fn health(&self) -> Result<(), Status> {
        self.health.check("").map(drop)
    }
}

struct Methods {
    asleep: Arc<AtomicUsize>,
}

macro_rules! these_sleep {
    ($($method:ident)*) => {
        $(fn $method(&self, _: Req, _: &mut Context) -> Result<Resp, Status> {
            self.asleep.fetch_add(1, Ordering::Relaxed);
            thread::sleep(SLEEP);
            self.asleep.fetch_sub(1, Ordering::Relaxed);
            Ok(Resp::default())
        })*
    };
}

impl Sleepers for Methods {
    fn brief(&self, _: Req, _: &mut Context) -> Result<Resp, Status> {
        Ok(Resp::default())
    }

    these_sleep!(sleep1 sleep2 sleep3 sleep4 sleep5 sleep6 sleep7 sleep8);
}

type Sleeper = fn(&SleepersStub) -> Result<Pending<Resp>, Status>;

const SLEEPERS: [Sleeper; WORKERS] = [
    |stub| stub.sleep1_pending(Req::default()),
    |stub| stub.sleep2_pending(Req::default()),
    |stub| stub.sleep3_pending(Req::default()),
    |stub| stub.sleep4_pending(Req::default()),
    |stub| stub.sleep5_pending(Req::default()),
    |stub| stub.sleep6_pending(Req::default()),
    |stub| stub.sleep7_pending(Req::default()),
    |stub| stub.sleep8_pending(Req::default()),
];
