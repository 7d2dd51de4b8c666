//! Where the threads of a server are started: in the process, or in a scope of its user.
//!
//! The invariant: a thread's panic ends that thread alone, also in a scope, where it would end the
//! scope otherwise.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, Scope};

use super::builder;

/// Starts threads that may borrow for `'s`. Clones start them in the same place.
#[derive(Clone)]
pub(crate) struct Threads<'s>(Arc<Start<'s>>);

type Start<'s> = dyn Fn(Builder, Body<'s>) -> io::Result<()> + Send + Sync + 's;
type Body<'s> = Box<dyn FnOnce() + Send + 's>;

impl Threads<'static> {
    /// Threads that run as long as they like.
    pub(crate) fn of_process() -> Self {
        Self(Arc::new(|builder, body| builder.spawn(body).map(drop)))
    }
}

impl<'scope> Threads<'scope> {
    /// Threads that `scope` waits for.
    pub(crate) fn of_scope(scope: &'scope Scope<'scope, '_>) -> Self {
        Self(Arc::new(move |builder, body| builder.spawn_scoped(scope, body).map(drop)))
    }
}

impl<'s> Threads<'s> {
    /// Starts a thread called `name`.
    ///
    /// # Errors
    ///
    /// If the system does not let it start.
    pub(crate) fn spawn(&self, name: &str, run: impl FnOnce() + Send + 's) -> io::Result<()> {
        #[cfg(feature = "testing")]
        let run = super::clock::inherited(run);
        self.spawn_boxed(name, Box::new(run))
    }

    /// Compiled once for all that is run.
    fn spawn_boxed(&self, name: &str, run: Body<'s>) -> io::Result<()> {
        let body = move || {
            contained(run);
        };
        (self.0)(builder(name), Box::new(body))
    }
}

/// Runs code that may be anybody's. A panic of it, which the panic hook has reported, ends here, and so
/// does one of what it had panicked with, when that is dropped.
pub(crate) fn contained(run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        drop_contained(panic);
    }
}

#[cold]
fn drop_contained(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // It could go on for ever.
        std::mem::forget(another);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A panic ends where it is contained, also one of what the first was about.
    #[test]
    fn a_panic_of_a_panic_ends_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("expected by this test");
            }
        }
        contained(|| std::panic::panic_any(Bomb));
    }

    /// A scope waits for the threads that were started in it, and a panic in one does not end it.
    #[test]
    fn a_scope_waits_for_its_threads() {
        let ran = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let threads = Threads::of_scope(scope);
            threads.spawn("test", || ran.store(true, Ordering::Release)).unwrap();
            threads.spawn("test", || panic!("expected by this test")).unwrap();
        });
        assert!(ran.load(Ordering::Acquire));
    }
}
