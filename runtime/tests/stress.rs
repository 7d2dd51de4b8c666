//! Random deadlines and cancellations, by seed, against a real server over TCP: every call ends once,
//! with what it asked for or for a reason, and nothing is left of any of them.
//!
//! `STRESS_CALLS` says how many calls (`make stress`: a million), `STRESS_SEED` which ones.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;

use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{
    Canceller, Channel, Code, Context, ReplySink, Request, RequestStream, Server, Status,
};

const CALLERS: usize = 8;
const CALLS: usize = 4_000;
const WORKERS: usize = 4;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Counts the methods that begin and end.
#[derive(Clone, Default)]
struct Host {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Opens when as many methods run at once as may.
    all: Option<Arc<Barrier>>,
}

struct Running<'a>(&'a Host);

impl Host {
    fn begin(&self) -> Running<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// "slow" waits for a while; every reply repeats the name.
impl Greeter for Host {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        let _running = self.begin();
        match (request.name.as_str(), &self.all) {
            ("slow", _) => {
                let _cancelled = context.wait_cancelled(Duration::from_micros(1500));
            }
            ("all", Some(all)) => {
                all.wait();
            }
            _ => {}
        }
        Ok(request.name.as_str().into())
    }

    fn list(
        &self,
        request: HelloRequest,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        let _running = self.begin();
        (0..MESSAGES).try_for_each(|_| replies.send(HelloReply::from(request.name.as_str())))
    }

    fn record(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        _: &mut Context,
    ) -> Result<HelloReply, Status> {
        let _running = self.begin();
        let count = requests.try_fold(0, |count, request| request.map(|_| count + 1))?;
        Ok(count.to_string().as_str().into())
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        let _running = self.begin();
        requests.try_for_each(|request| replies.send(HelloReply::from(request?.name.as_str())))
    }
}

const MESSAGES: usize = 5;

/// How calls have ended.
#[derive(Clone, Copy, Default, Debug)]
struct Ends {
    whole: usize,
    cancelled: usize,
    late: usize,
}

impl AddAssign for Ends {
    fn add_assign(&mut self, other: Self) {
        self.whole += other.whole;
        self.cancelled += other.cancelled;
        self.late += other.late;
    }
}

/// Makes calls one after the other.
struct Caller<'a> {
    stub: &'a GreeterStub,
    random: Random,
    cancel: SyncSender<Canceller>,
}

impl Caller<'_> {
    fn run(&mut self, calls: usize) -> Ends {
        let mut ends = Ends::default();
        for _ in 0..calls {
            let has_deadline = self.random.below(3) == 0;
            let is_cancelled = self.random.below(3) == 0;
            let timeout = match has_deadline {
                true => Duration::from_micros(self.random.below(3000)),
                false => PATIENCE,
            };
            let cancel = is_cancelled.then(|| self.cancel.clone());
            match self.call(timeout, cancel.as_ref()).map_err(|status| (status.code(), status)) {
                Ok(()) => ends.whole += 1,
                Err((Code::Cancelled, _)) if is_cancelled => ends.cancelled += 1,
                Err((Code::DeadlineExceeded, _)) if has_deadline => ends.late += 1,
                Err((_, status)) => panic!("no call ends like this: {status}"),
            }
        }
        ends
    }

    /// One call of some kind, with all that it is to bring.
    fn call(
        &mut self,
        timeout: Duration,
        cancel: Option<&SyncSender<Canceller>>,
    ) -> Result<(), Status> {
        let name = self.random.below(1000).to_string();
        let request = |name: &str| Request::new(HelloRequest::from(name)).timeout(timeout);
        let tell = |canceller| {
            if let Some(cancel) = cancel {
                cancel.send(canceller).unwrap();
            }
        };
        match self.random.below(5) {
            kind @ 0..=1 => {
                let name = if kind == 0 { "slow" } else { &name };
                let pending = self.stub.say_hello_pending(request(name))?;
                tell(pending.canceller());
                assert_eq!(pending.wait()?.into_inner().message, name);
            }
            2 if cancel.is_none() => {
                assert_eq!(self.stub.say_hello(request(&name))?.into_inner().message, name);
            }
            2 | 3 => {
                let mut replies = self.stub.list(request(&name))?;
                tell(replies.canceller());
                let mut count = 0;
                while let Some(reply) = replies.recv()? {
                    assert_eq!(reply.message, name);
                    count += 1;
                }
                assert_eq!(count, MESSAGES);
            }
            _ => {
                let mut chat = self.stub.chat(Request::new(()).timeout(timeout))?;
                tell(chat.canceller());
                for _ in 0..self.random.below(MESSAGES as u64) {
                    chat.send(HelloRequest::from(name.as_str()))?;
                    let reply = chat.recv()?.expect("the chat goes on");
                    assert_eq!(reply.message, name);
                }
                chat.close_send();
                assert!(chat.recv()?.is_none());
            }
        }
        Ok(())
    }
}

/// Cancels calls at random moments.
fn cancel_all(calls: &Receiver<Canceller>, mut random: Random) {
    for canceller in calls {
        for _ in 0..random.below(2000) {
            std::hint::spin_loop();
        }
        canceller.cancel();
    }
}

/// xorshift64: the same numbers every time.
struct Random(u64);

impl Random {
    fn of(seed: u64, number: u64) -> Self {
        Self((seed << 8 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn counted() -> (usize, usize) {
    let entries = |folder| std::fs::read_dir(format!("/proc/self/{folder}")).unwrap().count();
    (entries("task"), entries("fd"))
}

fn eventually(what: &str, is_over: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_over() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// Makes `calls` calls to a server of their own.
fn run(seed: u64, calls: usize) -> Ends {
    let host = Host { all: Some(Arc::new(Barrier::new(WORKERS))), ..Host::default() };
    let builder =
        Server::builder().max_workers(WORKERS).add_service(GreeterServer::new(host.clone()));
    let server = builder.bind("127.0.0.1:0").unwrap().start().unwrap();
    let target = server.local_addresses()[0].to_string();
    let stubs = [(); 2].map(|()| GreeterStub::new(Channel::insecure(&target).unwrap()));
    let mut ends = Ends::default();
    thread::scope(|scope| {
        let (cancel, cancelled) = sync_channel(CALLERS);
        scope.spawn(move || cancel_all(&cancelled, Random::of(seed, 255)));
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| {
                let (stub, random) = (&stubs[number % 2], Random::of(seed, number as u64));
                let mut caller = Caller { stub, random, cancel: cancel.clone() };
                scope.spawn(move || caller.run(calls / CALLERS))
            })
            .collect();
        drop(cancel);
        callers.into_iter().for_each(|caller| ends += caller.join().unwrap());
    });
    eventually("the server has calls left", || server.active_calls().is_empty());
    // Every place in the pool is free again: as many methods as may run meet each other.
    thread::scope(|scope| {
        for number in 0..WORKERS {
            let request = Request::new(HelloRequest::from("all")).timeout(PATIENCE);
            let stub = &stubs[number % 2];
            scope.spawn(move || stub.say_hello(request).unwrap());
        }
    });
    drop(stubs);
    server.stop(Duration::from_secs(5));
    let (begun, ended) = (host.begun.load(Ordering::Relaxed), host.ended.load(Ordering::Relaxed));
    assert_eq!(begun, ended, "methods begun and ended");
    ends
}

/// Whenever a call is cancelled or late, it ends once, and no thread, stream, descriptor or place in the
/// pool is left of it.
#[test]
fn every_call_ends_once_whenever_it_is_cancelled_or_late() {
    let calls = usize::try_from(setting("STRESS_CALLS", CALLS as u64)).unwrap();
    let seed = setting("STRESS_SEED", 1);
    // What lives as long as the process is there before anything is counted.
    run(seed, 20 * CALLERS);
    let before = counted();
    let ends = run(seed, calls);
    println!("{calls} calls of seed {seed}: {ends:?}");
    assert_eq!(ends.whole + ends.cancelled + ends.late, calls / CALLERS * CALLERS);
    assert!(ends.whole > calls / 10 && ends.cancelled > 0 && ends.late > 0, "{ends:?}");
    eventually("threads or descriptors are left", || {
        let now = counted();
        now.0 <= before.0 && now.1 <= before.1
    });
}
