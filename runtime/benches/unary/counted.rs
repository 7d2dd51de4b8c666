//! An allocator that counts for each thread, and what the threads of each side have used together.

#![allow(unsafe_code, reason = "only an allocator sees every allocation")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What was used so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
    pub(crate) time_ns: u64,
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            allocations: self.allocations - before.allocations,
            bytes: self.bytes - before.bytes,
            time_ns: self.time_ns - before.time_ns,
        }
    }
}

/// What the client's threads have used, and what the server's.
pub(crate) fn sides() -> [Cost; 2] {
    let mut sides = [Cost::default(); 2];
    for thread in &THREADS[..TAKEN.load(Ordering::Relaxed).min(THREADS.len())] {
        let number = thread.number.load(Ordering::Relaxed);
        let task = format!("/proc/self/task/{number}");
        // A thread that has ended did nothing meanwhile.
        let Ok(name) = fs::read_to_string(format!("{task}/comm")) else { continue };
        let is_client = number == u64::from(std::process::id()) || name.starts_with("grpc-client");
        let side = &mut sides[usize::from(!is_client)];
        side.allocations += thread.allocations.load(Ordering::Relaxed);
        side.bytes += thread.bytes.load(Ordering::Relaxed);
        let times = fs::read_to_string(format!("{task}/schedstat")).unwrap_or_default();
        let time = times.split(' ').next().and_then(|time| time.parse().ok());
        side.time_ns += time.unwrap_or(0u64);
    }
    sides
}

/// The counts of one thread.
struct Thread {
    /// As the system numbers it.
    number: AtomicU64,
    allocations: AtomicU64,
    bytes: AtomicU64,
}

impl Thread {
    const fn new() -> Self {
        let [number, allocations, bytes] = [const { AtomicU64::new(0) }; 3];
        Self { number, allocations, bytes }
    }
}

static THREADS: [Thread; 64] = [const { Thread::new() }; 64];
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The thread's place in `THREADS`.
    static PLACE: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(size: usize) {
    // A thread that is ending counts no more.
    let _ = PLACE.try_with(|place| {
        if place.get() == usize::MAX {
            place.set(TAKEN.fetch_add(1, Ordering::Relaxed));
            if let Some(thread) = THREADS.get(place.get()) {
                let number = rustix::thread::gettid().as_raw_pid();
                thread.number.store(number.unsigned_abs().into(), Ordering::Relaxed);
            }
        }
        if let Some(thread) = THREADS.get(place.get()) {
            thread.allocations.fetch_add(1, Ordering::Relaxed);
            thread.bytes.fetch_add(size as u64, Ordering::Relaxed);
        }
    });
}

// SAFETY: every call goes on to the system's allocator as it came; counting neither allocates nor
// unwinds, since the counters need no initialization and are only added to.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller keeps to the contract of `realloc`, and the pointer is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
