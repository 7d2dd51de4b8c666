//! The worker pool: at most a fixed number of threads that run user code, and a bounded queue.
//!
//! Threads start when they are first needed, one for a job that finds no idle thread. A job's panic
//! ends the job, never its thread.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{lock, spawn};

/// Work for one thread, once.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A pool of threads. Dropping it shuts it down and does not wait.
pub(crate) struct Workers {
    pool: Arc<Pool>,
}

/// The job was not taken: as many wait as may, or the pool was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

struct Pool {
    name: String,
    threads_max: usize,
    queue_max: usize,
    state: Mutex<State>,
    /// There is a job, or the end.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Threads that run a job.
    busy: usize,
    over: bool,
}

impl Workers {
    /// A pool of up to `threads_max` threads called `name`, before which up to `queue_max` jobs
    /// wait. No thread runs yet.
    pub(crate) fn new(name: &str, threads_max: NonZeroUsize, queue_max: usize) -> Self {
        let pool = Pool {
            name: name.to_owned(),
            threads_max: threads_max.get(),
            queue_max,
            state: Mutex::default(),
            work: Condvar::new(),
            ended: Condvar::new(),
        };
        Self { pool: Arc::new(pool) }
    }

    /// Has `job` run by a thread of the pool; never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`] if all threads are busy and the queue is full, if no thread can be started at all,
    /// or after [`Workers::shut_down`]. The job is dropped then.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Full> {
        let mut state = lock(&self.pool.state);
        let free = self.pool.threads_max - state.busy;
        if state.over || state.queue.len() >= free + self.pool.queue_max {
            return Err(Full);
        }
        if state.threads - state.busy <= state.queue.len()
            && state.threads < self.pool.threads_max
            && !self.start_thread(&mut state)
            && state.threads == 0
        {
            return Err(Full);
        }
        state.queue.push_back(Box::new(job));
        drop(state);
        self.pool.work.notify_one();
        Ok(())
    }

    /// Takes no more jobs and drops those that wait; the jobs that run go on.
    pub(crate) fn shut_down(&self) {
        let dropped = {
            let mut state = lock(&self.pool.state);
            state.over = true;
            std::mem::take(&mut state.queue)
        };
        self.pool.work.notify_all();
        drop(dropped);
    }

    /// Waits until every thread has ended, after [`Workers::shut_down`]; says whether they have.
    #[cfg(test)]
    pub(crate) fn join(&self, until: Option<std::time::Instant>) -> bool {
        let state = lock(&self.pool.state);
        super::wait_until(&self.pool.ended, state, until, |state| state.threads == 0).1
    }

    /// Whether the thread could be started; it counts from now on.
    fn start_thread(&self, state: &mut State) -> bool {
        let pool = Arc::clone(&self.pool);
        let started = spawn(&self.pool.name, move || pool.work()).is_ok();
        state.threads += usize::from(started);
        started
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Pool {
    /// What every thread runs.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            let Some(job) = state.queue.pop_front() else {
                if state.over {
                    break;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.busy += 1;
            drop(state);
            // The panic hook has reported it; whoever queued the job sees it dropped.
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = lock(&self.state);
            state.busy -= 1;
        }
        state.threads -= 1;
        self.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    fn workers(threads_max: usize, queue_max: usize) -> Workers {
        Workers::new("test-worker", NonZeroUsize::new(threads_max).unwrap(), queue_max)
    }

    /// Occupies a thread until the returned sender is dropped; returns once it runs.
    fn occupy(workers: &Workers) -> Sender<()> {
        let (hold, held) = channel::<()>();
        let (started, start) = channel();
        workers
            .run(move || {
                started.send(()).unwrap();
                let _ = held.recv();
            })
            .unwrap();
        start.recv().unwrap();
        hold
    }

    fn end(workers: &Workers) {
        workers.shut_down();
        assert!(workers.join(None));
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
        workers.run(move || done.send(()).unwrap()).unwrap();
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
            workers.run(move || done.send(()).unwrap()).unwrap();
        }
        assert_eq!(workers.run(|| panic!("was refused")), Err(Full));
        drop(hold);
        finished.recv().unwrap();
        finished.recv().unwrap();
        end(&workers);
    }

    /// A pool without a queue takes a job for every free thread.
    #[test]
    fn a_queue_of_none_still_serves_free_threads() {
        let workers = workers(2, 0);
        let holds = [occupy(&workers), occupy(&workers)];
        assert_eq!(workers.run(|| panic!("was refused")), Err(Full));
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
                .run(move || {
                    let _sender = sender;
                    panic!("a job's panic, expected by this test");
                })
                .unwrap();
            receiver
        };
        assert!(dropped.recv().is_err());
        let (done, finished) = channel();
        workers.run(move || done.send(()).unwrap()).unwrap();
        finished.recv().unwrap();
        end(&workers);
    }

    /// Shutting down drops what waits, refuses what comes, and waits for what runs.
    #[test]
    fn shutting_down_drops_the_queue_and_refuses_more() {
        let workers = workers(1, 8);
        let hold = occupy(&workers);
        let (sender, dropped) = channel::<()>();
        workers.run(move || drop(sender)).unwrap();
        workers.shut_down();
        assert!(dropped.recv().is_err());
        assert_eq!(workers.run(|| panic!("was refused")), Err(Full));
        assert!(!workers.join(Some(crate::transport::now())), "one job still runs");
        drop(hold);
        assert!(workers.join(None));
    }
}
