//! An allocator that counts what is allocated and not freed.

#![allow(unsafe_code, reason = "only an allocator sees every allocation")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Bytes that the process has allocated and not freed.
pub(crate) fn bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// The same once it has not changed for a while: threads may still let go of something.
pub(crate) fn settled() -> usize {
    let (mut last, mut looks) = (bytes(), 0);
    while looks < LOOKS {
        thread::yield_now();
        let now = bytes();
        looks = if now == last { looks + 1 } else { 0 };
        last = now;
    }
    last
}

const LOOKS: u32 = 1000;

static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes on to the system's allocator as it came; counting neither allocates nor
// unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}
