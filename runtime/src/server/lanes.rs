//! Lanes: the worker pools of a server, and which methods each of them runs.
//!
//! The invariant: a method belongs to one lane for as long as the server runs, and calls of one
//! lane never wait for a worker of another.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::dispatch::{Call, Handlers};
use crate::grpc::{Metadata, Status};
use crate::limits::{
    HEALTH_WORKERS, HEALTH_WORKERS_MAX, REFLECTION_WORKERS, RETRY_PUSHBACK, WORKERS_DEFAULT,
};
use crate::transport::{FullPool, Plan, Pool, Refusal, Threads, Workers};

/// A worker pool of its own for some methods of a server; given to
/// [`ServerBuilder::lane`](crate::ServerBuilder::lane).
///
/// Calls of its methods never wait for a worker that runs other methods, and take none from them.
/// Methods that no lane names share the workers of
/// [`ServerBuilder::max_workers`](crate::ServerBuilder::max_workers). The services of health
/// checking, reflection and channelz have lanes of their own without being asked, so that a server whose
/// workers are all busy still says that it is alive; a lane that names one of them replaces that.
///
/// # Examples
///
/// ```
/// use rust_grpc::{FullPool, Lane, Server};
///
/// // Two reports at once and no more; greetings do not wait for them.
/// let reports = Lane::new("reports")
///     .serves("shop.Reports")
///     .serves("/shop.Orders/Export")
///     .max_workers(2)
///     .full_pool(FullPool::Reject);
/// let builder = Server::builder().lane(reports);
/// # drop(builder);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a lane does something once it is given to a server's builder"]
pub struct Lane {
    pub(super) name: String,
    pub(super) serves: Vec<String>,
    pub(super) workers: NonZeroUsize,
    pub(super) full: FullPool,
    /// Its calls do not count among those that the server may have at once.
    is_reserved: bool,
}

impl Lane {
    /// A lane whose threads are called `name`, with one worker and the default queue.
    pub fn new(name: impl Into<String>) -> Self {
        let (serves, workers) = (Vec::new(), NonZeroUsize::MIN);
        Self { name: name.into(), serves, workers, full: FullPool::default(), is_reserved: false }
    }

    /// Takes in a service by its full name, `hello.Greeter`, or one method by its path,
    /// `/hello.Greeter/SayHello`.
    ///
    /// A lane that names a method comes before one that names its service.
    pub fn serves(mut self, service_or_path: impl Into<String>) -> Self {
        self.serves.push(service_or_path.into());
        self
    }

    /// Lets at most `workers` methods of the lane run at once; 1 by default, which is the least.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// What becomes of a call that finds all workers of the lane busy.
    pub fn full_pool(mut self, full: FullPool) -> Self {
        self.full = full;
        self
    }

    /// The lane of all methods that no other one names.
    pub(super) fn of_the_rest() -> Self {
        Self::new("grpc-worker").max_workers(WORKERS_DEFAULT.get())
    }

    /// What is served apart from everything else, unless the user has said otherwise.
    pub(super) fn reserved() -> [Self; 2] {
        let reserved = |name, workers| {
            let lane = Self::new(name).max_workers(workers);
            Self { is_reserved: true, ..lane }
        };
        let health = reserved("grpc-health", HEALTH_WORKERS)
            .full_pool(FullPool::Grow { max: HEALTH_WORKERS_MAX });
        let reflection = reserved("grpc-reflection", REFLECTION_WORKERS);
        [
            health.serves("grpc.health.v1.Health"),
            reflection
                .serves("grpc.reflection.v1.ServerReflection")
                .serves("grpc.reflection.v1alpha.ServerReflection")
                .serves("grpc.channelz.v1.Channelz"),
        ]
    }

    fn names(&self, service_or_path: &str) -> bool {
        self.serves.iter().any(|served| served == service_or_path)
    }
}

/// The place in `lanes` of the one that serves the method at `path`; the first one is the rest's.
pub(super) fn lane_of(path: &str, lanes: &[Lane]) -> usize {
    let service = path.get(1..).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let naming = |name: &str| lanes.iter().position(|lane| lane.names(name));
    naming(path).or_else(|| naming(service)).unwrap_or(0)
}

/// The worker pools of a server.
pub(crate) struct Lanes<'s> {
    lanes: Vec<Lane>,
    /// Of each lane.
    workers: Vec<Workers<'s, Call>>,
}

impl<'s> Lanes<'s> {
    /// Pools for `lanes`, whose threads run calls with `handlers`.
    pub(crate) fn new(
        lanes: Vec<Lane>,
        handlers: &Arc<Handlers<'s>>,
        threads: &Threads<'s>,
    ) -> Self {
        let workers = |lane: &Lane| {
            let handlers = handlers.clone();
            let plan = Plan { name: &lane.name, threads: lane.workers, full: lane.full };
            Workers::new(&plan, threads.clone(), move |call, turn| handlers.run(call, turn))
        };
        let workers = lanes.iter().map(workers).collect();
        Self { lanes, workers }
    }

    /// The lane of a method that no service has declared.
    pub(crate) fn lane_of(&self, path: &str) -> usize {
        lane_of(path, &self.lanes)
    }

    /// Has `call` run by a worker of `lane`, or refuses it; never blocks.
    pub(crate) fn run(&self, lane: usize, call: Call) {
        if let Err((call, refusal)) = self.workers[lane].run(call) {
            call.refuse(&match (refusal, self.lanes[lane].full) {
                (Refusal::Full, FullPool::Queue { max, .. }) => {
                    busy(format!("every worker is busy and as many calls wait as may, {max}"))
                }
                (Refusal::Full, _) => busy("every worker is busy"),
                (Refusal::Over, _) => Status::unavailable("the server has stopped"),
            });
        }
    }

    /// Has `call` run by a worker of `lane`, if one is free or can be started; returns it otherwise.
    pub(crate) fn run_if_free(&self, lane: usize, call: Call) -> Option<Call> {
        self.workers[lane].run_if_free(call)
    }

    /// Runs `call` on this thread, if `lane` has room for it; returns it otherwise.
    pub(crate) fn run_here(&self, lane: usize, call: Call) -> Option<Call> {
        self.workers[lane].run_here(call)
    }

    /// Whether the calls of `lane` are let in however many the server has.
    pub(crate) fn is_reserved(&self, lane: usize) -> bool {
        self.lanes[lane].is_reserved
    }

    /// Drops the calls that were over before they found a worker.
    pub(crate) fn drop_those_over(&self) {
        self.workers.iter().for_each(|workers| workers.pool().drop_those_over());
    }

    /// The pools, for whoever ends them.
    pub(crate) fn pools(&self) -> Vec<Arc<Pool<Call>>> {
        self.workers.iter().map(|workers| workers.pool().clone()).collect()
    }
}

/// The status of a call that found no worker in time.
pub(super) fn waited_too_long() -> Status {
    busy("no worker was free for the call within the time it may wait")
}

/// The status of a call that the server has no room for now.
///
/// gRFC A6: the client is told when it may try again, if it tries again at all.
pub(super) fn busy(text: impl Into<String>) -> Status {
    let mut pushback = Metadata::new();
    let ms = RETRY_PUSHBACK.as_millis().to_string();
    pushback.insert("grpc-retry-pushback-ms", ms).expect("the key is allowed, the value digits");
    Status::resource_exhausted(text).with_metadata(pushback)
}
