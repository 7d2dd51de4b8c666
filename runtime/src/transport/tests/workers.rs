//! The rules of the worker pool, by closures that wait until the test lets them go.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A closure is wanted by nobody but whoever runs it.
impl Job for Box<dyn FnOnce() + Send> {
    fn is_over(&self) -> bool {
        false
    }

    fn overdue(self) {}
}

type Closures = Workers<'static, Box<dyn FnOnce() + Send>>;

fn workers(threads_max: usize, queue_max: usize) -> Closures {
    pool(threads_max, FullPool::Queue { max: queue_max, max_wait: Duration::MAX })
}

fn pool(threads: usize, full: FullPool) -> Closures {
    let plan = Plan { name: "test-worker", threads: NonZeroUsize::new(threads).unwrap(), full };
    Workers::new(&plan, Threads::of_process(), |job: Box<dyn FnOnce() + Send>, _| job())
}

impl Closures {
    fn take(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
        self.run(Box::new(job)).map_err(|(_, refusal)| refusal)
    }
}

/// Occupies a thread until the returned sender is dropped; returns once it runs.
fn occupy(workers: &Closures) -> Sender<()> {
    let (hold, held) = channel::<()>();
    let (started, start) = channel();
    workers
        .take(move || {
            started.send(()).unwrap();
            let _ = held.recv();
        })
        .unwrap();
    start.recv().unwrap();
    hold
}

fn end(workers: &Closures) {
    workers.pool().shut_down();
    assert!(workers.pool().join(None));
}

/// Threads start for jobs alone, and never more of them than allowed.
#[test]
fn threads_start_when_they_are_needed() {
    let workers = workers(2, 8);
    let threads = || lock(&workers.pool.state).threads;
    assert_eq!(threads(), 0);
    let first = occupy(&workers);
    assert_eq!(threads(), 1);
    let second = occupy(&workers);
    assert_eq!(threads(), 2);
    let (done, finished) = channel();
    workers.take(move || done.send(()).unwrap()).unwrap();
    assert_eq!(threads(), 2);
    drop(first);
    finished.recv().unwrap();
    drop(second);
    end(&workers);
    assert_eq!(threads(), 0);
}

/// With every thread busy the queue takes its maximum, and not one job more.
#[test]
fn a_full_queue_refuses() {
    let workers = workers(1, 2);
    let hold = occupy(&workers);
    let (done, finished) = channel();
    for _ in 0..2 {
        let done = done.clone();
        workers.take(move || done.send(()).unwrap()).unwrap();
    }
    assert_eq!(workers.take(|| panic!("was refused")), Err(Refusal::Full));
    drop(hold);
    finished.recv().unwrap();
    finished.recv().unwrap();
    end(&workers);
}

/// A job that no thread is free for, and none can be started for, comes back instead of queueing.
#[test]
fn a_job_is_taken_where_a_thread_is_free() {
    let workers = workers(2, 8);
    let (ran, runs) = channel();
    let take = || {
        let ran = ran.clone();
        workers.run_if_free(Box::new(move || ran.send(()).unwrap())).is_none()
    };
    let first = occupy(&workers);
    assert!(take());
    runs.recv().unwrap();
    let second = occupy(&workers);
    assert!(!take());
    drop((first, second));
    end(&workers);
    assert!(!take());
    assert!(runs.try_recv().is_err(), "a job that came back has run");
}

/// A pool without a queue takes a job for every free thread.
#[test]
fn a_queue_of_none_still_serves_free_threads() {
    let workers = workers(2, 0);
    let holds = [occupy(&workers), occupy(&workers)];
    assert_eq!(workers.take(|| panic!("was refused")), Err(Refusal::Full));
    drop(holds);
    end(&workers);
}

/// A job that panics takes neither its thread nor the pool along.
#[test]
fn a_panic_ends_the_job_alone() {
    let workers = workers(1, 8);
    let dropped: Receiver<()> = {
        let (sender, receiver) = channel();
        workers
            .take(move || {
                let _sender = sender;
                panic!("a job's panic, expected by this test");
            })
            .unwrap();
        receiver
    };
    assert!(dropped.recv().is_err());
    let (done, finished) = channel();
    workers.take(move || done.send(()).unwrap()).unwrap();
    finished.recv().unwrap();
    end(&workers);
}

/// Shutting down drops what waits, refuses what comes, and waits for what runs.
#[test]
fn shutting_down_drops_the_queue_and_refuses_more() {
    let workers = workers(1, 8);
    let hold = occupy(&workers);
    let (sender, dropped) = channel::<()>();
    workers.take(move || drop(sender)).unwrap();
    workers.pool().shut_down();
    assert!(dropped.recv().is_err());
    assert_eq!(workers.take(|| panic!("was refused")), Err(Refusal::Over));
    assert!(!workers.pool().join(Some(now())), "one job still runs");
    drop(hold);
    assert!(workers.pool().join(None));
}

/// Where nothing may wait, a job still waits for a thread whose job has only its last word to say:
/// one for each such thread, and none once it has said it.
#[test]
fn a_thread_that_ends_its_job_is_as_good_as_free() {
    let (hold, held) = channel::<()>();
    let (says, said) = channel();
    let held = Mutex::new(held);
    let plan = Plan { name: "test-worker", threads: NonZeroUsize::MIN, full: FullPool::Reject };
    let work = move |job: Box<dyn FnOnce() + Send>, turn: &Turn<'_>| {
        job();
        turn.end();
        turn.end();
        says.send(()).unwrap();
        let _ = lock(&held).recv();
    };
    let mut workers: Closures = Workers::new(&plan, Threads::of_process(), work);
    // The test takes the time that it takes.
    Arc::get_mut(&mut workers.pool).unwrap().max_wait = None;
    let (done, finished) = channel();
    let (first, second) = (done.clone(), done);
    workers.take(move || first.send(1).unwrap()).unwrap();
    assert_eq!(finished.recv(), Ok(1));
    said.recv().unwrap();
    workers.take(move || second.send(2).unwrap()).unwrap();
    assert_eq!(workers.take(|| panic!("was refused")), Err(Refusal::Full), "one waits already");
    hold.send(()).unwrap();
    assert_eq!(finished.recv(), Ok(2));
    drop(hold);
    said.recv().unwrap();
    end(&workers);
    assert_eq!(workers.pool.ending.load(Ordering::Acquire), 0);
}

/// The same holds of a job that runs on the thread that has brought it.
#[test]
fn a_thread_that_ends_its_own_job_is_as_good_as_free() {
    let (says, said) = channel();
    let (hold, held) = channel::<()>();
    let held = Mutex::new(held);
    let plan = Plan { name: "test-worker", threads: NonZeroUsize::MIN, full: FullPool::Reject };
    let work = move |job: Box<dyn FnOnce() + Send>, turn: &Turn<'_>| {
        turn.end();
        says.send(()).unwrap();
        let _ = lock(&held).recv();
        job();
    };
    let mut workers: Closures = Workers::new(&plan, Threads::of_process(), work);
    Arc::get_mut(&mut workers.pool).unwrap().max_wait = None;
    let (done, finished) = channel();
    std::thread::scope(|scope| {
        let here = scope.spawn(|| assert!(workers.run_here(Box::new(|| ())).is_none()));
        said.recv().unwrap();
        workers.take(move || done.send(()).unwrap()).unwrap();
        assert_eq!(workers.take(|| panic!("was refused")), Err(Refusal::Full));
        drop(hold);
        here.join().unwrap();
        finished.recv().unwrap();
    });
    end(&workers);
    assert_eq!(workers.pool.ending.load(Ordering::Acquire), 0);
}
