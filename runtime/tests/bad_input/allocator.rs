//! An allocator that counts what each thread holds.

#![allow(unsafe_code, reason = "only an allocator sees every allocation")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(size: isize) {
    // A thread that is ending counts no more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + size);
        PEAK.with(|peak| peak.set(peak.get().max(held.get())));
        TOTAL.with(|total| total.set(total.get().wrapping_add(size.max(0).cast_unsigned())));
    });
}

// SAFETY: every call goes on to the system's allocator as it came; counting neither allocates nor
// unwinds, since the counters need no initialization and are only added to.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps to the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both at once, because that is what moving takes.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps to the contract of `realloc`, and the pointer is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `work` gives, and the most bytes that it held at once beyond what was held before.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = work();
    (
        result,
        usize::try_from(PEAK.get() - before).expect("a peak is no less than what it began with"),
    )
}

/// What `work` gives, the most bytes that it held at once, and those that it holds in the end.
pub(crate) fn memory_of<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = HELD.get();
    let (result, peak) = peak_of(work);
    (result, peak, usize::try_from(HELD.get() - before).unwrap_or(0))
}

/// What `work` gives, and how many bytes it allocated in all: a measure of its time that is the same
/// in every run.
pub(crate) fn total_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = TOTAL.get();
    let result = work();
    (result, TOTAL.get().wrapping_sub(before))
}

/// The allocator counts what is allocated, moved and given back.
#[test]
fn the_allocator_counts() {
    let (bytes, peak) = peak_of(|| vec![1_u8; 1000]);
    assert!((1000..2000).contains(&peak), "{peak}");
    let (bytes, peak) = peak_of(|| {
        let mut bytes = bytes;
        bytes.reserve_exact(9000);
        bytes
    });
    assert!((10_000..12_000).contains(&peak), "{peak}");
    let (_, peak) = peak_of(|| {
        drop(bytes);
        (0..10).for_each(|_| drop(std::hint::black_box(vec![1_u8; 5000])));
    });
    assert!(peak < 1000, "{peak}");
    let (_, total) = total_of(|| (0..10).for_each(|_| drop(std::hint::black_box(vec![1_u8; 500]))));
    assert!((5000..6000).contains(&total), "{total}");
}
