//! The worker pool: a bounded number of threads that run user code, and what happens to a job that
//! finds them all busy.
//!
//! Threads start when they are first needed, one for a job that finds no idle thread. A job's panic
//! ends the job, never its thread. Jobs are values: a pool holds nothing that its threads borrow,
//! so its end can be asked for from outside the scope in which they run.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::active::restore_thread_name;
use super::plan::{FullPool, Plan, Refusal};
use super::threads::{Threads, contained};
use super::timer::Timer;
use super::{lock, now, wait_until};
use crate::limits::{WORKER_ENDING_WAIT_MAX, WORKER_IDLE_MAX};

/// Work for one thread, once.
pub(crate) trait Job: Send + 'static {
    /// Whether nobody waits for it any more, so that it need not run.
    fn is_over(&self) -> bool;

    /// It waited for a worker for as long as it may, and will not run. Must not block.
    fn overdue(self);
}

/// A pool of threads, as those hold it who give it jobs. Dropping it shuts the pool down and does
/// not wait.
pub(crate) struct Workers<'s, J: Job> {
    pool: Arc<Pool<J>>,
    threads: Threads<'s>,
    work: Arc<Work<'s, J>>,
}

type Work<'s, J> = dyn Fn(J, &Turn<'_>) + Send + Sync + 's;

/// The time during which a thread runs one job.
pub(crate) struct Turn<'a> {
    /// Of the pool, if jobs wait for those that end alone.
    ending: Option<&'a AtomicUsize>,
    is_ending: Cell<bool>,
}

/// A pool of threads, without what they borrow.
pub(crate) struct Pool<J> {
    name: String,
    /// Threads that stay when they have nothing to do.
    threads_kept: usize,
    threads_max: usize,
    queue_max: usize,
    /// Threads that run a job which has said that it is about to end.
    ending: AtomicUsize,
    /// How long a job may wait.
    max_wait: Option<Duration>,
    state: Mutex<State<J>>,
    /// There is a job, or the end.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
}

struct State<J> {
    queue: VecDeque<Waiting<J>>,
    threads: usize,
    /// Threads that run a job.
    busy: usize,
    /// Jobs that run elsewhere, by [`Workers::run_here`], and count as if a thread ran them.
    here: usize,
    /// How many jobs may run at once.
    running_max: usize,
    over: bool,
    /// The timer will have the jobs looked at that have waited too long.
    has_alarm: bool,
    /// Jobs to be refused before the queue is searched again for some that are over.
    refusals_before_search: usize,
}

/// A job in the queue, and until when it may wait there if it found no free thread.
struct Waiting<J> {
    job: J,
    until: Option<Instant>,
}

impl<'s, J: Job> Workers<'s, J> {
    /// A pool whose threads are started by `threads` and run `work` on each job. No thread runs yet.
    pub(crate) fn new(
        plan: &Plan<'_>,
        threads: Threads<'s>,
        work: impl Fn(J, &Turn<'_>) + Send + Sync + 's,
    ) -> Self {
        let threads_kept = plan.threads.get();
        let (threads_max, queue_max, max_wait) = match plan.full {
            FullPool::Queue { max, max_wait } => (threads_kept, max, Some(max_wait)),
            FullPool::Reject => (threads_kept, 0, Some(WORKER_ENDING_WAIT_MAX)),
            FullPool::Grow { max } => (threads_kept.max(max), 0, Some(WORKER_ENDING_WAIT_MAX)),
        };
        let pool = Pool {
            name: plan.name.to_owned(),
            threads_kept,
            threads_max,
            queue_max,
            ending: AtomicUsize::new(0),
            max_wait,
            state: Mutex::new(State::new(threads_max)),
            work: Condvar::new(),
            ended: Condvar::new(),
        };
        Self { pool: Arc::new(pool), threads, work: Arc::new(work) }
    }

    /// Has `job` run by a thread of the pool; never blocks.
    ///
    /// # Errors
    ///
    /// The job, and why it will not run.
    pub(crate) fn run(&self, job: J) -> Result<(), (J, Refusal)> {
        let pool = &self.pool;
        // Dropped behind the lock.
        let mut _dropped = Vec::new();
        let mut state = lock(&pool.state);
        if state.over {
            return Err((job, Refusal::Over));
        }
        let mut until = None;
        if !state.has_free_thread() && !self.start_thread(&mut state) {
            let waiting_max = pool.queue_max + pool.ending.load(Ordering::Acquire);
            if state.waiting() >= waiting_max {
                _dropped = state.take_those_over();
            }
            if state.threads + state.here == 0 || state.waiting() >= waiting_max {
                return Err((job, Refusal::Full));
            }
            until = pool.max_wait.and_then(|max_wait| now().checked_add(max_wait));
        }
        state.queue.push_back(Waiting { job, until });
        let alarm = until.filter(|_| !state.has_alarm);
        state.has_alarm |= alarm.is_some();
        drop(state);
        pool.work.notify_one();
        if let Some(at) = alarm {
            pool.set_alarm(at);
        }
        Ok(())
    }

    /// Has `job` run by a thread of the pool, if one is free or can be started; returns it otherwise.
    pub(crate) fn run_if_free(&self, job: J) -> Option<J> {
        let pool = &self.pool;
        let mut state = lock(&pool.state);
        if state.over || !(state.has_free_thread() || self.start_thread(&mut state)) {
            return Some(job);
        }
        state.queue.push_back(Waiting { job, until: None });
        drop(state);
        pool.work.notify_one();
        None
    }

    /// Runs `job` on this thread, if the pool has room for it and nothing waits; returns it otherwise.
    pub(crate) fn run_here(&self, job: J) -> Option<J> {
        let pool = &self.pool;
        let mut state = lock(&pool.state);
        let has_room = state.busy + state.here < pool.threads_kept;
        if state.over || !has_room || !state.queue.is_empty() {
            return Some(job);
        }
        state.here += 1;
        drop(state);
        let turn = pool.turn();
        // As for the threads of the pool.
        contained(|| (self.work)(job, &turn));
        let mut state = lock(&pool.state);
        state.here -= 1;
        drop(turn);
        if !state.queue.is_empty() {
            if state.threads == state.busy {
                self.start_thread(&mut state);
            }
            drop(state);
            pool.work.notify_one();
        }
        None
    }

    /// The pool, for those who end it or look at it.
    pub(crate) fn pool(&self) -> &Arc<Pool<J>> {
        &self.pool
    }

    /// Whether a thread could be started that is free for the next job.
    fn start_thread(&self, state: &mut State<J>) -> bool {
        if state.threads + state.here >= self.pool.threads_max {
            return false;
        }
        let (pool, work) = (Arc::clone(&self.pool), Arc::clone(&self.work));
        let started = self.threads.spawn(&self.pool.name, move || pool.work(&*work)).is_ok();
        state.threads += usize::from(started);
        started
    }
}

impl<J: Job> Drop for Workers<'_, J> {
    fn drop(&mut self) {
        self.pool.shut_down();
    }
}

impl<J: Job> Pool<J> {
    /// Takes no more jobs and drops those that wait; the jobs that run go on.
    pub(crate) fn shut_down(&self) {
        let dropped = {
            let mut state = lock(&self.state);
            state.over = true;
            std::mem::take(&mut state.queue)
        };
        self.work.notify_all();
        drop(dropped);
    }

    /// Drops the jobs that nobody waits for any more.
    pub(crate) fn drop_those_over(&self) {
        let dropped = lock(&self.state).take_those_over();
        drop(dropped);
    }

    /// Waits until every thread has ended, after [`Pool::shut_down`]; says whether they have.
    #[cfg(test)]
    pub(crate) fn join(&self, until: Option<Instant>) -> bool {
        wait_until(&self.ended, lock(&self.state), until, |state| state.threads == 0).1
    }

    /// What every thread runs.
    fn work(&self, work: &Work<'_, J>) {
        let mut state = lock(&self.state);
        loop {
            let Some(Waiting { job, .. }) = state.take_next() else {
                if state.over {
                    break;
                }
                restore_thread_name(&self.name);
                let is_surplus;
                (state, is_surplus) = self.wait_for_work(state);
                if is_surplus {
                    break;
                }
                continue;
            };
            state.busy += 1;
            drop(state);
            let turn = self.turn();
            // Whoever queued the job sees it dropped.
            contained(|| work(job, &turn));
            state = lock(&self.state);
            state.busy -= 1;
            drop(turn);
        }
        state.threads -= 1;
        self.ended.notify_all();
    }

    fn turn(&self) -> Turn<'_> {
        let ending = (self.queue_max == 0).then_some(&self.ending);
        Turn { ending, is_ending: Cell::new(false) }
    }

    /// Waits for a job or the end; says whether this thread has waited for so long that it is one
    /// too many.
    fn wait_for_work<'a>(
        &'a self,
        state: MutexGuard<'a, State<J>>,
    ) -> (MutexGuard<'a, State<J>>, bool) {
        if state.threads <= self.threads_kept {
            return (self.work.wait(state).unwrap_or_else(PoisonError::into_inner), false);
        }
        let until = now().checked_add(WORKER_IDLE_MAX);
        let is_due = |state: &State<J>| {
            let may_run = state.busy + state.here < state.running_max;
            (may_run && !state.queue.is_empty()) || state.over
        };
        let (state, is_due) = wait_until(&self.work, state, until, is_due);
        let is_surplus = !is_due && state.threads > self.threads_kept;
        (state, is_surplus)
    }

    /// Has the jobs looked at that may not wait beyond `at`.
    fn set_alarm(self: &Arc<Self>, at: Instant) {
        let pool = Arc::downgrade(self);
        let look = move || pool.upgrade().into_iter().for_each(|pool| pool.end_overdue());
        if Timer::shared().run_at(at, look).is_err() {
            // Without a thread for the timer jobs wait for as long as their deadlines let them.
            lock(&self.state).has_alarm = false;
        }
    }

    /// Takes the jobs out that have waited for too long.
    fn end_overdue(self: &Arc<Self>) {
        let time = now();
        let mut state = lock(&self.state);
        let is_overdue = |waiting: &Waiting<J>| waiting.until.is_some_and(|until| until <= time);
        let overdue = state.take(is_overdue);
        let next = state.queue.iter().find_map(|waiting| waiting.until);
        state.has_alarm = next.is_some();
        drop(state);
        overdue.into_iter().for_each(J::overdue);
        if let Some(next) = next {
            self.set_alarm(next);
        }
    }
}

impl Turn<'_> {
    /// The job has only its last word to say: whoever hears that may come with another one, which
    /// then waits for this thread though nothing else may wait.
    pub(crate) fn end(&self) {
        if let Some(ending) = self.ending
            && !self.is_ending.replace(true)
        {
            ending.fetch_add(1, Ordering::Release);
        }
    }
}

/// Dropped under the pool's lock, so that nobody waits for a thread that has gone on.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(ending) = self.ending
            && self.is_ending.get()
        {
            ending.fetch_sub(1, Ordering::Release);
        }
    }
}

impl<J: Job> State<J> {
    /// Whether a thread has nothing to do, and will have nothing when all that waits is taken.
    fn has_free_thread(&self) -> bool {
        self.free_threads() > self.queue.len()
    }

    /// Jobs for which there is no thread.
    fn waiting(&self) -> usize {
        self.queue.len().saturating_sub(self.free_threads())
    }

    /// Threads that could take a job now.
    fn free_threads(&self) -> usize {
        self.threads.min(self.running_max.saturating_sub(self.here)).saturating_sub(self.busy)
    }

    /// The next job, if one may run.
    fn take_next(&mut self) -> Option<Waiting<J>> {
        if self.busy + self.here < self.running_max { self.queue.pop_front() } else { None }
    }

    /// Takes the jobs out that nobody waits for any more. Looks at each job only once for several
    /// refusals, so that a flood of calls does not make the queue the work.
    fn take_those_over(&mut self) -> Vec<J> {
        if self.refusals_before_search > 0 {
            self.refusals_before_search -= 1;
            return Vec::new();
        }
        let over = self.take(|waiting| waiting.job.is_over());
        if over.is_empty() {
            self.refusals_before_search = self.queue.len() / JOBS_SEARCHED_PER_REFUSAL;
        }
        over
    }

    fn take(&mut self, is_wanted: impl Fn(&Waiting<J>) -> bool) -> Vec<J> {
        let mut taken = Vec::new();
        for waiting in std::mem::take(&mut self.queue) {
            match is_wanted(&waiting) {
                true => taken.push(waiting.job),
                false => self.queue.push_back(waiting),
            }
        }
        taken
    }
}

impl<J> State<J> {
    fn new(running_max: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            threads: 0,
            busy: 0,
            here: 0,
            running_max,
            over: false,
            has_alarm: false,
            refusals_before_search: 0,
        }
    }
}

/// How many waiting jobs each refused one pays the look at.
const JOBS_SEARCHED_PER_REFUSAL: usize = 16;

#[cfg(test)]
#[path = "tests/workers.rs"]
mod tests;
