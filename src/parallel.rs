//! The same work on many things: on as many threads as there are processors, with results in the
//! order of the things, so that what comes out never depends on the machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// What `of` makes of each of `things`, in their order.
///
/// # Panics
///
/// If `of` does.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    map_on(processors.min(things.len()), things, &of)
}

/// [`map`] on at most `threads` threads, this one among them.
fn map_on<T: Sync, R: Send>(
    threads: usize,
    things: &[T],
    of: &(impl Fn(&T) -> R + Sync),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(place) else { return made };
            made.push((place, of(thing)));
        }
    };
    let mut made = thread::scope(|scope| {
        // Where the system gives no more threads, those that there are do all of the work.
        let spawn = |_| Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).map_while(spawn).collect();
        let mut made = work();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(place, _)| *place);
    made.into_iter().map(|(_, made)| made).collect()
}

/// That of a main thread: types may be nested as deep in every file.
const STACK_SIZE: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every thing is worked on once, and the order is theirs, however many threads there are.
    #[test]
    fn results_keep_the_order() {
        for count in [0, 1, 2, 7, 1000] {
            let things: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(map(&things, |thing| thing * 2), doubled);
            for threads in [1, 2, 16] {
                assert_eq!(map_on(threads, &things, &|thing| thing * 2), doubled);
            }
        }
    }

    /// A panic on any of the threads is one of the caller's.
    #[test]
    #[should_panic(expected = "thing 3")]
    fn a_panic_comes_through() {
        map_on(4, &[1, 2, 3], &|thing| assert!(*thing != 3, "thing {thing}"));
    }
}
