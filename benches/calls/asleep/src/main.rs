//! `bench-asleep`: how long calls take while handlers sleep, as one line of JSON.
//!
//! One process has a server that runs eight calls at once, and its clients on four connections of loopback TCP. Beside seven
//! calls that sleep, others are answered: on the connection that has begun the sleepers, and on the others; they share one
//! worker, so that the policy is the default one, by which they wait for each other. Beside eight, calls are rejected, and
//! health replies. Each is done twice with a server: at first it does not know the sleepers, then it knows that they take
//! long. They are begun at once on one connection.

mod host;

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use host::{Connection, Host};
use rust_grpc::{Code, FullPool, Status};

/// Servers that are started for each of the two numbers of sleepers.
const ROUNDS: usize = 3;
/// As many calls as a server takes at once, each of another method.
const WORKERS: usize = 8;
/// Longer than all that is measured beside a sleeper.
const SLEEP: Duration = Duration::from_millis(300);
const CONNECTIONS: usize = 4;
/// How long calls of one kind are made, and how long each connection waits between two of them.
const CALLING: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(1);
const WARM_UP_CALLS: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let mut found = Found::default();
    for _ in 0..ROUNDS {
        let host = Host::start(FullPool::default())?;
        found.beside_all_but_one(&host)?;
        found.beside_all_but_one(&host)?;
        let host = Host::start(FullPool::Reject)?;
        found.beside_all(&host)?;
        found.beside_all(&host)?;
    }
    found.print();
    Ok(())
}

/// How long each call has taken, by what it was; and how late pauses have ended, which tells what else the machine did.
#[derive(Default)]
struct Found {
    same: Vec<Duration>,
    other: Vec<Duration>,
    refused: Vec<Duration>,
    health: Vec<Duration>,
    late: Vec<Duration>,
}

impl Found {
    /// Calls while all workers but one sleep; the first ones come right behind the sleepers.
    fn beside_all_but_one(&mut self, host: &Host) -> Result<(), Box<dyn Error>> {
        let sleepers = host.begin(WORKERS - 1)?;
        let mut taken = self.at_once(&host.connections, Connection::brief)?;
        self.same.append(&mut taken.remove(0));
        self.other.extend(taken.into_iter().flatten());
        host.expect_asleep(WORKERS - 1)?;
        sleepers.wait()
    }

    /// The same while all workers sleep. Calls are refused once they do, and health always replies.
    fn beside_all(&mut self, host: &Host) -> Result<(), Box<dyn Error>> {
        let sleepers = host.begin(WORKERS)?;
        let health = self.at_once(&host.connections, Connection::health)?;
        self.health.extend(health.into_iter().flatten());
        host.expect_asleep(WORKERS)?;
        let refused = self.at_once(&host.connections, |connection| match connection.brief() {
            Err(status) if status.code() == Code::ResourceExhausted => Ok(()),
            Err(status) => Err(status),
            Ok(()) => Err(Status::internal("expected a refusal, got a reply")),
        })?;
        self.refused.extend(refused.into_iter().flatten());
        host.expect_asleep(WORKERS)?;
        sleepers.wait()
    }

    /// Makes calls one after the other on all connections at once for a while, and returns how long those of each have
    /// taken.
    fn at_once(
        &mut self,
        connections: &[Connection],
        call: impl Fn(&Connection) -> Result<(), Status> + Sync,
    ) -> Result<Vec<Vec<Duration>>, Status> {
        let (end, call) = (Instant::now() + CALLING, &call);
        let found: Vec<Calls> = thread::scope(|scope| {
            let begin = |connection| scope.spawn(move || Calls::until(end, || call(connection)));
            let threads: Vec<_> = connections.iter().map(begin).collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("no call panics"));
            joined.collect::<Result<_, _>>()
        })?;
        let mut taken = Vec::new();
        for calls in found {
            taken.push(calls.taken);
            self.late.extend(calls.late);
        }
        Ok(taken)
    }

    /// Prints `workers`, `sleep_ms`, and of `same`, `other`, `refused`, `health` and `late` the longest (`same_ms`) and
    /// the median (`same_p50_ms`).
    fn print(&mut self) {
        let kinds = [
            ("same", &mut self.same),
            ("other", &mut self.other),
            ("refused", &mut self.refused),
            ("health", &mut self.health),
            ("late", &mut self.late),
        ];
        let figures = kinds.map(|(name, taken)| {
            taken.sort_unstable();
            let [median, longest] =
                [taken.len() / 2, taken.len() - 1].map(|place| taken[place].as_secs_f64() * 1e3);
            format!(r#""{name}_ms":{longest:.3},"{name}_p50_ms":{median:.3}"#)
        });
        let (sleep, figures) = (SLEEP.as_millis(), figures.join(","));
        println!(r#"{{"workers":{WORKERS},"sleep_ms":{sleep},{figures}}}"#);
    }
}

/// Calls one after the other, and how late after each of them the pause of its caller has ended.
#[derive(Default)]
struct Calls {
    taken: Vec<Duration>,
    late: Vec<Duration>,
}

impl Calls {
    /// At least one call.
    fn until(end: Instant, call: impl Fn() -> Result<(), Status>) -> Result<Self, Status> {
        let mut calls = Self::default();
        loop {
            let begun = Instant::now();
            call()?;
            calls.taken.push(begun.elapsed());
            let ended = Instant::now();
            if ended >= end {
                return Ok(calls);
            }
            thread::sleep(PAUSE);
            calls.late.push(ended.elapsed().saturating_sub(PAUSE));
        }
    }
}
